import { expect, test } from "vitest";
import { Fold } from "../../fold/fold";
import { Axis } from "../../time/axis";
import { golden } from "../../time/logs";
import { type Span, spans } from "../../time/spans";
import { linesOf } from "./words";

const axis = new Axis();
for (let ts = 1000; ts <= 11_000; ts += 500) axis.add(ts);

const span = (ns: string, label: string, start: number, end: number, kind: Span["kind"] = "agent"): Span => ({
  ...{ key: kind === "agent" ? `r/${ns}` : `${kind} ${start}`, kind, run: "r", ns, hue: 0, label, start, end },
  ...{ open: false, failed: false, row: 0, rows: 1 },
});
const run = { ...span("main", "Run 1", 1000, 11_000, "run"), key: "r" };
const said = (...some: Span[]) => linesOf([run, ...some], axis).map(({ text }) => text);

test("a run and its agents are told with their times and with who overlapped whom", () => {
  const lines = said(
    span("main", "team", 1000, 11_000),
    span("main/a:1", "analysis", 2000, 5000),
    span("main/b:1", "research", 4000, 7000),
    span("main/c:1", "writer", 7000, 9000),
  );
  expect(lines).toEqual([
    "Run 1: from 0.0 s, for 10.0 s",
    "team: from 0.0 s, for 10.0 s",
    "analysis: from 1.0 s, for 3.0 s, at the same time as research",
    "research: from 3.0 s, for 3.0 s, at the same time as analysis",
    "writer: from 6.0 s, for 2.0 s",
  ]);
});

test("what an agent did is counted, by kind", () => {
  const work = [2000, 2100].map((at) => span("main/a:1", "search", at, at + 50, "tool"));
  const lines = said(span("main/a:1", "a", 2000, 5000), ...work, span("main/a:1", "x.csv", 3000, 4000, "artifact"));
  expect(lines[1]).toBe("a: from 1.0 s, for 3.0 s; 2 tool calls, 1 artifact");
});

test("what goes on and what did not complete is said to", () => {
  const lines = said(
    { ...span("main", "a", 1000, 3000), open: true },
    { ...span("main/b:1", "b", 1000, 2000), failed: true },
  );
  expect(lines.slice(1)).toEqual(["a: from 0.0 s, for 2.0 s so far", "b: from 0.0 s, for 1.0 s, not completed"]);
});

test("of many at the same time some are named and the others counted", () => {
  const many = Array.from({ length: 8 }, (_, at) => span(`main/a:${at}`, `a${at}`, 2000, 3000));
  expect(said(...many)[1]).toBe("a0: from 1.0 s, for 1.0 s, at the same time as a1, a2, a3, a4, a5 and 2 more");
});

test("every agent of the golden team is told once", () => {
  const fold = new Fold({ conversation: "c" });
  for (const frame of golden("team")) fold.apply(frame);
  const { spans: found } = spans(fold, 0);
  const lines = linesOf(found, new Axis());
  expect(lines).toHaveLength(found.filter(({ kind }) => kind === "agent" || kind === "run").length);
});
