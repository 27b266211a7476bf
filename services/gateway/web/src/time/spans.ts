/** Spans: when runs, agents and tools were at work, when texts and artifacts were written, and in which row each is drawn. Pure. */
import type { Item, Run } from "../fold/fold";
import { type Roles, rolesOf } from "../fold/roles";

export type SpanKind = "run" | "agent" | "tool" | "message" | "reasoning" | "artifact";

/**
 * `start` and `end` in ms since the epoch; one that is `open` goes on and ends now. `hue` is that of its agent.
 * It takes `rows` rows from `row` on: an agent's contain those of what it did itself. Of two others in one row the first has
 * ended before the second begins, so what overlaps in time stands in different rows.
 */
export interface Span {
  key: string;
  kind: SpanKind;
  run: string;
  ns: string;
  hue: number;
  label: string;
  start: number;
  end: number;
  open: boolean;
  failed: boolean;
  row: number;
  rows: number;
}

export interface Lanes {
  spans: readonly Span[];
  rows: number;
}

interface Source {
  readonly items: ReadonlyMap<string, Item>;
  readonly runs: ReadonlyMap<string, Run>;
}

/** What one agent did in one run: its own span and those of its tools, texts and artifacts. */
interface Band {
  agent: Span;
  parent: string;
  work: Span[];
}

interface Bands {
  readonly of: Map<string, Band>;
  readonly roles: Roles;
}

const FAILED: ReadonlySet<string> = new Set(["failed", "interrupted", "cancelled"]);

/** `now` in ms since the epoch. `roles` are those of the source, for who has them already. */
export function spans(source: Source, now: number, roles = rolesOf(source)): Lanes {
  const { items, runs } = source;
  const bands: Bands = { of: new Map(), roles };
  for (const item of items.values()) collect(bands, runs.get(item.run), item, now);
  const placed: Span[] = [];
  const ends: number[] = []; // of the last span in each row
  const ofRuns = Array.from(runs.values()).flatMap((run, index) => runSpan(run, index + 1, now));
  for (const span of byStart(ofRuns)) {
    lead(bands.of.get(`${span.run}/main`)?.agent, span);
    placed.push(span);
    span.row = settle(ends, 0, span);
  }
  const top = ends.length;
  for (const band of byStart(bands.of.values(), (band) => band.agent)) {
    const { agent, work, parent } = band;
    for (const span of work) span.end = Math.max(span.start, Math.min(span.end, agent.end));
    const rows: number[] = [];
    for (const span of byStart(work)) span.row = settle(rows, 0, span);
    agent.rows = 1 + rows.length;
    const above = bands.of.get(parent)?.agent;
    agent.row = settle(ends, above?.rows ? above.row + above.rows : top, agent);
    for (const span of work) span.row += agent.row + 1;
    placed.push(agent, ...work);
  }
  return { spans: placed, rows: ends.length };
}

/** Where the first row is from `from` on that has room for the span, below it as well for as many rows as it takes. */
function settle(ends: number[], from: number, span: Span): number {
  let row = from;
  for (let at = row; at < row + span.rows; at += 1) if ((ends[at] ?? 0) > span.start) row = at + 1;
  const end = Math.max(span.end, span.start + 1); // one without duration takes its place as well
  while (ends.length < row) ends.push(0);
  for (let at = row; at < row + span.rows; at += 1) ends[at] = end;
  return row;
}

function collect(bands: Bands, run: Run | undefined, item: Item, now: number): void {
  if (!run || !item.started || (item.type === "message" && item.role === "user")) return;
  if (item.type === "agent") widen(bandOf(bands, run, item.ns, item.started), item, now);
  if (!isWork(item)) return;
  const band = bandOf(bands, run, item.ns, item.started);
  const { start, end, open, failed } = when(item, now);
  const { hue } = band.agent;
  band.work.push({
    key: item.id,
    kind: item.type,
    run: run.id,
    ns: item.ns,
    hue,
    label: labelOf(item),
    start,
    end,
    open,
    failed,
    row: 0,
    rows: 1,
  });
  if (item.type === "artifact" && item.versions.length > 1) return; // a later version may be another agent's
  widen(band, item, now);
}

type Work = Extract<Item, { type: "tool" | "message" | "reasoning" | "artifact" }>;

function isWork(item: Item): item is Work {
  return item.type === "tool" || item.type === "message" || item.type === "reasoning" || item.type === "artifact";
}

function labelOf(item: Work): string {
  if (item.type === "tool") return item.title || item.name;
  if (item.type !== "artifact") return item.type;
  return item.versions.length > 1 ? `${item.name} (${item.versions.length} versions)` : item.name;
}

function bandOf({ of, roles }: Bands, run: Run, ns: string, start: number): Band {
  const key = `${run.id}/${ns}`;
  const known = of.get(key);
  if (known) return known;
  const { label = "", hue = 0 } = roles.get(key) ?? {};
  const times = { start, end: start, open: false, failed: false, row: 0, rows: 0 };
  const agent: Span = { key, kind: "agent", run: run.id, ns, hue, label, ...times };
  const band = { agent, parent: `${run.id}/${ns.slice(0, ns.lastIndexOf("/"))}`, work: [] };
  of.set(key, band);
  return band;
}

/** An agent was at work at least as long as what it did. */
function widen({ agent }: Band, item: Item, now: number): void {
  const { start, end, open, failed } = when(item, now);
  agent.start = Math.min(agent.start, start);
  agent.end = Math.max(agent.end, end);
  agent.open ||= open;
  if (item.type === "agent") agent.failed = failed;
}

function when({ started, ended, status }: Item, now: number): Pick<Span, "start" | "end" | "open" | "failed"> {
  const open = status === "open";
  return { start: started, end: Math.max(started, open ? now : ended), open, failed: FAILED.has(status) };
}

/** Who leads a run is at work as long as it lasts. */
function lead(main: Span | undefined, run: Span): void {
  if (!main) return;
  main.start = Math.min(main.start, run.start);
  main.end = Math.max(main.end, run.end);
  main.open = run.open;
}

function runSpan(run: Run, number: number, now: number): Span[] {
  const start = run.started || run.queued;
  if (!start) return [];
  const open = !run.ended;
  const { id } = run;
  const times = { start, end: Math.max(start, open ? now : run.ended), open, failed: FAILED.has(run.status) };
  return [{ key: id, kind: "run", run: id, ns: "main", hue: 0, label: `Run ${number}`, ...times, row: 0, rows: 1 }];
}

function byStart(spans: Iterable<Span>): Span[];
function byStart<T>(some: Iterable<T>, span: (one: T) => Span): T[];
function byStart<T>(some: Iterable<T>, span: (one: T) => Span = (one) => one as Span): T[] {
  return Array.from(some).sort((one, other) => span(one).start - span(other).start);
}
