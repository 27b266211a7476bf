import { useEffect, useMemo, useRef, useState } from "react";
import { nameIn } from "../../fold/roles";
import { GAP_MS_MAX } from "../../time/axis";
import { happening } from "../../time/playback";
import { number } from "../chronology/format";
import { Controls } from "./Controls";
import { atOf, boxes, marks, pauses, ROW, type Window, xOf } from "./drawing";
import { Handle } from "./Handle";
import { elapsed } from "./instant";
import { LanesCanvas } from "./LanesCanvas";
import { LanesSvg } from "./LanesSvg";
import { useStanding } from "./PastProvider";
import type { Past } from "./past";
import { ReachNote } from "./ReachNote";
import styles from "./time.module.css";
import { useDrag } from "./useDrag";
import { useLanes } from "./useLanes";
import { useWidth } from "./useWidth";
import { linesOf } from "./words";

/** More elements than this make a document slow: then the lanes are one picture. */
const SVG_SPANS_MAX = 2000;

const REFRESH_MS = 250;

/** Between two turns of reading ahead, for the page to draw. */
const READ_AHEAD_MS = 50;

/** Room beside a run that is zoomed to, as a share of it. */
const MARGIN = 0.02;

export default function Timeline({ past }: { past: Past }) {
  const { recorder } = past.conversation;
  const track = useRef<HTMLDivElement>(null);
  const width = useWidth(track);
  const [zoom, setZoom] = useState("");
  const { lanes, axis, length } = useLanes(past, REFRESH_MS);
  useStanding(past);
  useReadAhead(past, recorder.generation);
  const window = useMemo((): Window => {
    const run = lanes.spans.find(({ kind, key }) => kind === "run" && key === zoom);
    if (!run) return { from: 0, to: length, width };
    const [from, to] = [axis.at(run.start), axis.at(run.end)];
    const margin = MARGIN * (to - from);
    return { from: from - margin, to: to + margin, width };
  }, [lanes, axis, length, width, zoom]);
  const drag = useDrag((x) => past.seekTo(atOf(x, window)));
  const { position } = past;
  const place = position > recorder.start ? axis.at(past.time) : 0;
  const x = Math.min(Math.max(xOf(place, window), 0), width);
  const seen = xOf(place, window) === x;
  const last = happening(recorder, position - 1);
  const text = `event ${number(position)} of ${number(recorder.end)}, ${elapsed(place)}${last ? `, ${nameIn(last.ns)}` : ""}`;
  return (
    <div className={styles.timeline}>
      <Controls past={past} text={text} zoom={zoom} onZoom={setZoom} from={atOf(0, window)} />
      <div className={styles.stage}>
        <div className={styles.rail} {...drag}>
          {marks(window).map((at) => (
            <span key={at} className={styles.mark} style={{ left: xOf(at, window) }} aria-hidden="true">
              {elapsed(at)}
            </span>
          ))}
          <Handle past={past} x={x} text={text} />
        </div>
        <div className={styles.lanes}>
          <div ref={track} className={styles.track} {...drag}>
            {width > 0 && <Drawing lanes={lanes} axis={axis} window={window} />}
          </div>
        </div>
        <Words lanes={lanes} axis={axis} zoom={zoom} />
        {seen && <div className={styles.line} style={{ left: x }} />}
      </div>
      <ReachNote past={past} />
    </div>
  );
}

/** Read the recording while nothing else is to be done. What comes later is little. */
function useReadAhead(past: Past, generation: number): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: another generation is another recording
  useEffect(() => {
    const turn = () => {
      if (past.prepare()) timer = setTimeout(turn, READ_AHEAD_MS);
    };
    let timer = setTimeout(turn, READ_AHEAD_MS);
    return () => clearTimeout(timer);
  }, [past, generation]);
}

/** What the picture shows, for who does not see it. */
function Words({ lanes, axis, zoom }: Pick<ReturnType<typeof useLanes>, "lanes" | "axis"> & { zoom: string }) {
  const lines = useMemo(
    () => linesOf(zoom ? lanes.spans.filter(({ run }) => run === zoom) : lanes.spans, axis),
    [lanes, axis, zoom],
  );
  return (
    <ul className="visually-hidden" aria-label="Who worked when">
      {lines.map(({ key, text }) => (
        <li key={key}>{text}</li>
      ))}
    </ul>
  );
}

function Drawing({ lanes, axis, window }: Pick<ReturnType<typeof useLanes>, "lanes" | "axis"> & { window: Window }) {
  const drawn = useMemo(() => boxes(lanes, axis, window), [lanes, axis, window]);
  const cut = useMemo(() => (lanes.rows ? pauses(axis, window, GAP_MS_MAX) : []), [lanes, axis, window]);
  const Lanes = drawn.length > SVG_SPANS_MAX ? LanesCanvas : LanesSvg;
  return <Lanes boxes={drawn} pauses={cut} width={window.width} height={Math.max(lanes.rows, 1) * ROW} />;
}
