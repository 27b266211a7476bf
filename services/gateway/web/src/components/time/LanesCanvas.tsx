import { type PointerEvent, useEffect, useRef } from "react";
import { colourOf } from "../chronology/agents";
import { useTheme } from "../shell/theme";
import { type Box, boxAt, labelIn, type Pause, pointedAt, ROW } from "./drawing";
import styles from "./lanes.module.css";

interface Props {
  boxes: readonly Box[];
  pauses: readonly Pause[];
  width: number;
  height: number;
  /** Lines in full colour, without words. */
  thin?: boolean;
}

const OPACITY = { run: 1, agent: 0.16, tool: 0.95, message: 0.6, reasoning: 0.3, artifact: 0.45 } as const;

/** The lanes of a conversation with more spans than a document should have elements. They say what they are as those do. */
export function LanesCanvas({ boxes, pauses, width, height, thin = false }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme(({ choice }) => choice);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours are those of the theme
  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context) return;
    const scale = devicePixelRatio || 1;
    element.width = width * scale;
    element.height = height * scale;
    context.scale(scale, scale);
    const colour = coloursOf(element);
    context.fillStyle = colour("var(--surface-hover)");
    for (const { x, width } of pauses) context.fillRect(x, 0, width, height);
    context.font = `11px ${colour("var(--font)")}`;
    for (const box of boxes) draw(context, box, colour, thin);
  }, [boxes, pauses, width, height, theme, thin]);
  const point = ({ currentTarget, nativeEvent: { offsetX, offsetY } }: PointerEvent<HTMLCanvasElement>) => {
    const box = boxAt(boxes, offsetX, offsetY);
    currentTarget.title = box && !thin ? pointedAt(box.span) : "";
  };
  return (
    <canvas
      ref={canvas}
      className={styles.lanes}
      style={{ width, height }}
      role="img"
      aria-label="Agents over time"
      onPointerMove={point}
    />
  );
}

/** The value of a custom property, by its use in CSS. */
type Colour = (use: string) => string;

function coloursOf(element: Element): Colour {
  const style = getComputedStyle(element);
  const known = new Map<string, string>();
  return (use) => {
    const value = known.get(use) ?? style.getPropertyValue(use.slice("var(".length, -1)).trim();
    known.set(use, value);
    return value;
  };
}

function draw(
  context: CanvasRenderingContext2D,
  { x, y, width, height, span }: Box,
  colour: Colour,
  thin: boolean,
): void {
  const own = colour(span.kind === "run" ? "var(--border)" : colourOf(span.hue));
  const labelled = span.kind === "run" || span.kind === "agent";
  const inset = labelled ? 0 : 2;
  context.globalAlpha = thin ? 1 : OPACITY[span.kind];
  context.fillStyle = span.failed ? colour("var(--error)") : own;
  context.fillRect(x, y + inset, width, height - 2 * inset);
  context.globalAlpha = 1;
  if (thin || !labelled) return;
  context.fillStyle = colour("var(--text)");
  context.fillText(labelIn(span.label, width), x + 5, y + ROW - 5);
}
