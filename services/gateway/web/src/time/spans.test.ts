import fc from "fast-check";
import { expect, test } from "vitest";
import { Fold } from "../fold/fold";
import type { AnyItem, RunState } from "../schema/types";
import { golden } from "./logs";
import { type Span, spans } from "./spans";

function lanes(items: AnyItem[], now = 9000, run: Partial<RunState> = {}) {
  const runs: RunState[] = [{ id: "r", agent: "team", started: 1000, ended: 5000, status: "completed", ...run }];
  return spans(new Fold({ conversation: "c", runs, items }), now);
}

const agent = (ns: string, started: number, ended: number): AnyItem => ({
  ...{ type: "agent", id: `r/${ns}`, run: "r", ns, name: ns.split("/").at(-1)?.split(":")[0] ?? "", started, ended },
  status: ended ? "done" : "open",
});
const tool = (id: string, ns: string, started: number, ended: number): AnyItem => ({
  ...{ type: "tool", id, run: "r", ns, name: "search", started, ended },
  status: ended ? "done" : "open",
});
const overlap = (one: Span, other: Span) => one.start < other.end && other.start < one.end;
const share = (one: Span, other: Span) => one.row < other.row + other.rows && other.row < one.row + one.rows;
const find = (some: readonly Span[], key: string) => some.find((span) => span.key === key) as Span;

test("what is open ends now", () => {
  const { spans: found } = lanes([agent("main", 1000, 0), tool("t", "main", 2000, 0)], 7000, {
    ended: 0,
    status: "running",
  });
  expect(found.map(({ kind, end, open }) => ({ kind, end, open }))).toEqual([
    { kind: "run", end: 7000, open: true },
    { kind: "agent", end: 7000, open: true },
    { kind: "tool", end: 7000, open: true },
  ]);
});

test("agents at work at the same time stand in rows of their own, under the one that called them", () => {
  const { spans: found } = lanes([
    agent("main", 1000, 5000),
    agent("main/a:1", 2000, 4000),
    agent("main/b:1", 2500, 3500),
  ]);
  const rows = ["r/main", "r/main/a:1", "r/main/b:1"].map((key) => find(found, key).row);
  expect(rows).toEqual([1, 2, 3]);
});

test("an agent that begins when another has ended takes its row", () => {
  const { spans: found } = lanes([
    agent("main", 1000, 5000),
    agent("main/a:1", 2000, 3000),
    agent("main/b:1", 3000, 3500),
  ]);
  expect(find(found, "r/main/b:1").row).toBe(find(found, "r/main/a:1").row);
});

test("tools at the same time make the rows of their agent", () => {
  const { spans: found } = lanes([
    agent("main", 1000, 5000),
    tool("t1", "main", 1000, 3000),
    tool("t2", "main", 2000, 3000),
  ]);
  expect(find(found, "r/main").rows).toBe(3);
  expect([find(found, "t1").row, find(found, "t2").row]).toEqual([2, 3]);
});

test("an agent that the transcript does not name is called by its namespace and lasts as long as its work", () => {
  const { spans: found } = lanes([tool("t1", "main/reader:2", 2000, 3000)]);
  expect(find(found, "r/main/reader:2")).toMatchObject({ label: "reader", start: 2000, end: 3000 });
});

test("who leads a run is at work as long as the run lasts", () => {
  const { spans: found } = lanes([tool("t1", "main", 2000, 3000)]);
  expect(find(found, "r/main")).toMatchObject({ label: "team", start: 1000, end: 5000 });
});

test("questions of people and what has no time are not drawn", () => {
  const user: AnyItem = { type: "message", id: "u", run: "r", role: "user", started: 900, ended: 900, status: "done" };
  expect(lanes([user, { ...tool("t", "main", 0, 0), status: "done" }]).spans.map(({ kind }) => kind)).toEqual(["run"]);
});

test("of the golden team, the one that leads has its own lane and each agent it calls one below", () => {
  const fold = new Fold({ conversation: "c" });
  for (const frame of golden("team")) fold.apply(frame);
  const found = spans(fold, 0).spans.filter(({ kind }) => kind === "agent");
  const main = found.find(({ ns }) => ns === "main") as Span;
  expect(found).toHaveLength(5);
  for (const span of found) if (span !== main) expect(span.row).toBeGreaterThanOrEqual(main.row + main.rows);
});

test("no two spans in one row overlap in time, but for an agent and its own work", () => {
  const names = fc.constantFrom("main", "main/a:1", "main/b:1", "main/a:1/c:1", "main/a:2");
  const work = fc.tuple(names, fc.integer({ min: 1000, max: 5000 }), fc.integer({ min: 0, max: 2000 }));
  fc.assert(
    fc.property(fc.array(work, { maxLength: 30 }), (some) => {
      const items = some.map(([ns, start, length], at) => tool(`t${at}`, ns, start, start + length));
      const { spans: found, rows } = lanes(items);
      for (const [at, one] of found.entries()) {
        expect(one.row + one.rows).toBeLessThanOrEqual(rows);
        for (const other of found.slice(at + 1)) {
          const own = one.kind === "agent" && other.kind !== "agent" && one.ns === other.ns;
          if (!own && overlap(one, other)) expect(share(one, other)).toBe(false);
        }
      }
    }),
  );
});

test("each lane has the hue of its agent, and the number of the call where a name is called twice", () => {
  const { spans: found } = lanes([
    agent("main", 1000, 5000),
    agent("main/a:1", 2000, 3000),
    agent("main/a:2", 3000, 3500),
  ]);
  const said = found.filter(({ kind }) => kind === "agent").map(({ label, hue }) => [label, hue]);
  expect(said).toEqual([
    ["team", 0],
    ["a #1", 1],
    ["a #2", 1],
  ]);
});

const artifact = (id: string, ns: string, started: number, ended: number, versions = 1): AnyItem => ({
  ...{
    type: "artifact",
    id,
    run: "r",
    ns,
    kind: "file",
    name: "report.md",
    media_type: "text/markdown",
    started,
    ended,
  },
  versions: Array.from({ length: versions }, (_, at) => ({
    version: at + 1,
    status: ended ? "final" : "intermediate",
  })),
  status: ended ? "done" : "open",
});

test("an agent is at work while it writes an artifact, which has a span of its own", () => {
  const { spans: found } = lanes([artifact("a", "main/writer:1", 2000, 4500)]);
  expect(find(found, "a")).toMatchObject({ kind: "artifact", label: "report.md", start: 2000, end: 4500 });
  expect(find(found, "r/main/writer:1")).toMatchObject({ start: 2000, end: 4500 });
});

test("a later version of an artifact, which another may have written, keeps nobody at work", () => {
  const { spans: found } = lanes([agent("main/writer:1", 2000, 2500), artifact("a", "main/writer:1", 2200, 4500, 2)]);
  expect(find(found, "r/main/writer:1")).toMatchObject({ start: 2000, end: 2500 });
  expect(find(found, "a")).toMatchObject({ label: "report.md (2 versions)", end: 2500 });
});
