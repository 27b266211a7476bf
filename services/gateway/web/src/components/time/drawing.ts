/** Where the spans of a timeline are drawn. Pure. */
import type { Axis, Gap } from "../../time/axis";
import type { Lanes, Span } from "../../time/spans";
import { duration } from "../chronology/format";

/** In px. */
export const ROW = 15;

/** What is narrower could not be seen. In px. */
const WIDTH_MIN = 2;

/** A part of the axis, in ms on it, and how many px show it. */
export interface Window {
  from: number;
  to: number;
  width: number;
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
  span: Span;
}

export interface Pause {
  x: number;
  width: number;
  gap: Gap;
}

export function xOf(at: number, { from, to, width }: Window): number {
  return to > from ? ((at - from) / (to - from)) * width : 0;
}

export function atOf(x: number, { from, to, width }: Window): number {
  return width ? from + (x / width) * (to - from) : from;
}

/** Those that lie in the window, in px. */
export function boxes({ spans }: Lanes, axis: Axis, window: Window): Box[] {
  const found: Box[] = [];
  for (const span of spans) {
    const left = Math.max(0, xOf(axis.at(span.start), window));
    const right = Math.min(window.width, xOf(axis.at(span.end), window));
    if (right < 0 || left > window.width) continue;
    const width = Math.max(WIDTH_MIN, right - left);
    const x = Math.min(left, window.width - width);
    found.push({ x, y: span.row * ROW, width, height: span.rows * ROW - 2, span });
  }
  return found;
}

export function pauses({ gaps, length }: Axis, window: Window, gapMs: number): Pause[] {
  return gaps
    .filter((gap) => gap.at < Math.min(window.to, length) && gap.at + gapMs > window.from)
    .map((gap) => ({ gap, x: xOf(gap.at, window), width: xOf(gap.at + gapMs, window) - xOf(gap.at, window) }));
}

/** What of them is seen at a place: of two on each other the one that was drawn later. */
export function boxAt(boxes: readonly Box[], x: number, y: number): Box | undefined {
  return boxes.findLast((box) => x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height);
}

/** What a span is, to whoever points at it. */
export function pointedAt(span: Span): string {
  return `${span.kind} ${span.label}${span.failed ? ", not completed" : ""}: ${lasting(span)}`;
}

/** How long a span was, or is so far. */
export function lasting({ start, end, open }: Span): string {
  return `${duration(end - start)}${open ? " so far" : ""}`;
}

/** So much of a label as has room in `width` px, in the type of the timeline. */
export function labelIn(label: string, width: number): string {
  const room = Math.floor((width - 8) / 6.2);
  if (room < 3) return "";
  return label.length <= room ? label : `${label.slice(0, room - 1)}…`;
}

/** In ms. */
const STEPS = [
  100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000,
];

/** Between two marks there are at least so many px. */
const STEP_PX_MIN = 72;

/** The round places of the axis in the window, in ms. */
export function marks({ from, to, width }: Window): number[] {
  if (to <= from || !width) return [];
  const least = (STEP_PX_MIN * (to - from)) / width;
  const step = STEPS.find((one) => one >= least) ?? Math.ceil(least / 3_600_000) * 3_600_000;
  const first = Math.ceil(Math.max(from, 0) / step);
  const last = Math.floor((to - least / 2) / step); // the last has room for its words
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * step);
}

/** The agents alone, each a thin line in `height` px. */
export function strip(lanes: Lanes, axis: Axis, window: Window, height: number): Box[] {
  const agents = boxes(lanes, axis, window).filter(({ span }) => span.kind === "agent");
  const rows = [...new Set(agents.map(({ span }) => span.row))].sort((one, other) => one - other);
  const step = height / Math.max(rows.length, 3);
  return agents.map((box) => ({
    ...box,
    y: rows.indexOf(box.span.row) * step,
    height: Math.max(1, step - 1),
  }));
}
