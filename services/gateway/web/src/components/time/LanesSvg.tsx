import { memo } from "react";
import { GAP_MS_MAX } from "../../time/axis";
import { colourOf } from "../chronology/agents";
import { duration } from "../chronology/format";
import { type Box, labelIn, type Pause, pointedAt, ROW } from "./drawing";
import styles from "./lanes.module.css";

interface Props {
  boxes: readonly Box[];
  pauses: readonly Pause[];
  width: number;
  height: number;
}

/** The lanes as a picture whose parts say what they are when they are pointed at. */
export const LanesSvg = memo(function LanesSvg({ boxes, pauses, width, height }: Props) {
  return (
    <svg className={styles.lanes} width={width} height={height} role="img" aria-label="Agents over time">
      {pauses.map(({ gap, x, width }) => (
        <rect key={gap.at} className={styles.pause} x={x} y={0} width={width} height={height}>
          <title>{`${duration(gap.to - gap.from)} without an event, played in ${duration(GAP_MS_MAX)}`}</title>
        </rect>
      ))}
      {boxes.map((box) => (
        <Lane key={`${box.span.kind} ${box.span.key}`} {...box} />
      ))}
    </svg>
  );
});

const Lane = memo(function Lane({ x, y, width, height, span }: Box) {
  const label = span.kind === "agent" || span.kind === "run" ? labelIn(span.label, width) : "";
  const inset = span.kind === "agent" || span.kind === "run" ? 0 : 2;
  return (
    <g className={styles[span.kind]} data-failed={span.failed || undefined} data-open={span.open || undefined}>
      <rect
        x={x}
        y={y + inset}
        width={width}
        height={height - 2 * inset}
        rx={span.kind === "agent" ? 4 : 2}
        style={span.kind === "run" ? undefined : { color: colourOf(span.hue) }}
      >
        <title>{pointedAt(span)}</title>
      </rect>
      {label && (
        <text x={x + 5} y={y + ROW - 5}>
          {label}
        </text>
      )}
    </g>
  );
});
