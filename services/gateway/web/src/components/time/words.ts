/** The lanes in words: what the picture shows, for who does not see it. Pure. */
import type { Axis } from "../../time/axis";
import type { Span, SpanKind } from "../../time/spans";
import { counted } from "../chronology/format";
import { lasting } from "./drawing";
import { elapsed } from "./instant";

/** Of the newest: more than anybody listens to. */
const AGENTS_MAX = 100;

/** Named of those that were at work at the same time as an agent; the others are counted. */
const NAMES_MAX = 5;

/** What of an agent's work is counted, and how it is called. */
const COUNTED: readonly [SpanKind, string][] = [
  ["tool", "tool call"],
  ["message", "message"],
  ["artifact", "artifact"],
];

export interface Line {
  key: string;
  text: string;
}

/** Each run, and after it its agents with whom they overlapped and what they did. */
export function linesOf(spans: readonly Span[], axis: Axis): Line[] {
  const agents = spans.filter(({ kind }) => kind === "agent").slice(-AGENTS_MAX);
  const done = new Map<string, number>(); // by agent and kind
  for (const { run, ns, kind } of spans) done.set(`${run}/${ns} ${kind}`, (done.get(`${run}/${ns} ${kind}`) ?? 0) + 1);
  return spans
    .filter(({ kind }) => kind === "run")
    .flatMap((run) => [
      { key: run.key, text: when(run, axis) },
      ...agents
        .filter((agent) => agent.run === run.run)
        .map((agent) => ({ key: agent.key, text: when(agent, axis) + besides(agent, agents) + counts(agent, done) })),
    ]);
}

function when(span: Span, axis: Axis): string {
  const failed = span.failed ? ", not completed" : "";
  return `${span.label}: from ${elapsed(axis.at(span.start))}, for ${lasting(span)}${failed}`;
}

function besides(agent: Span, agents: readonly Span[]): string {
  const others = agents.filter((other) => other.run === agent.run && !related(agent, other) && overlap(agent, other));
  return others.length ? `, at the same time as ${names(others.map(({ label }) => label))}` : "";
}

function counts(agent: Span, done: ReadonlyMap<string, number>): string {
  const said = COUNTED.flatMap(([kind, name]) => {
    const count = done.get(`${agent.key} ${kind}`);
    return count ? [counted(count, name)] : [];
  });
  return said.length ? `; ${said.join(", ")}` : "";
}

/** One works within the other, or they are the same. */
function related({ ns: one }: Span, { ns: other }: Span): boolean {
  return `${one}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${one}/`);
}

function overlap(one: Span, other: Span): boolean {
  return one.start < other.end && other.start < one.end;
}

function names(all: readonly string[]): string {
  const more = all.length - NAMES_MAX;
  const said = [...all.slice(0, NAMES_MAX), ...(more > 0 ? [`${more} more`] : [])];
  const last = said.pop();
  return said.length ? `${said.join(", ")} and ${last}` : `${last}`;
}
