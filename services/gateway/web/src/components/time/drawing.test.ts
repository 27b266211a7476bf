import fc from "fast-check";
import { expect, test } from "vitest";
import { Axis } from "../../time/axis";
import type { Span } from "../../time/spans";
import { atOf, boxAt, boxes, labelIn, marks, pointedAt, ROW, strip, xOf } from "./drawing";

const axis = new Axis();
for (let ts = 1000; ts <= 11_000; ts += 1000) axis.add(ts);
const span = (key: string, start: number, end: number, row: number, kind: Span["kind"] = "agent"): Span => ({
  ...{ key, kind, run: "r", ns: "main", hue: 0, label: "a", open: false, failed: false },
  ...{ start, end, row, rows: 1 },
});
const all = { from: 0, to: 10_000, width: 100 };

test("a span is drawn from its start to its end, in its row", () => {
  const [box] = boxes({ spans: [span("a", 2000, 6000, 3)], rows: 4 }, axis, all);
  expect(box).toMatchObject({ x: 10, width: 40, y: 3 * ROW });
});

test("what lies outside the window is not drawn, and what reaches into it is cut", () => {
  const some = [span("before", 1000, 2000, 0), span("into", 1000, 5000, 1), span("after", 10_000, 11_000, 0)];
  const drawn = boxes({ spans: some, rows: 2 }, axis, { from: 2000, to: 6000, width: 100 });
  expect(drawn.map(({ span, x, width }) => [span.key, x, width])).toEqual([["into", 0, 50]]);
});

test("a span without duration can be seen, also at the end", () => {
  const [box] = boxes({ spans: [span("a", 11_000, 11_000, 0)], rows: 1 }, axis, all);
  expect(box).toMatchObject({ x: 98, width: 2 });
});

test("places and pixels lead to each other", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100 }), (x) => {
      expect(xOf(atOf(x, all), all)).toBeCloseTo(x, 6);
    }),
  );
});

test("marks stand at round places with room between them", () => {
  expect(marks({ from: 0, to: 10_000, width: 800 })).toEqual([0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000]);
  const far = marks({ from: 0, to: 90_000_000, width: 400 });
  expect(far.length).toBeGreaterThan(1);
  expect(far.length).toBeLessThanOrEqual(5);
  expect(marks({ from: 0, to: 0, width: 400 })).toEqual([]);
});

test("the strip has the agents alone, each row a line in its height", () => {
  const some = [
    span("run", 1000, 11_000, 0, "run"),
    span("a", 1000, 9000, 1),
    span("t", 1000, 2000, 2, "tool"),
    span("b", 2000, 3000, 7),
  ];
  const drawn = strip({ spans: some, rows: 8 }, axis, all, 16);
  expect(drawn.map(({ span }) => span.key)).toEqual(["a", "b"]);
  expect(drawn[1]?.y).toBeGreaterThan(drawn[0]?.y ?? 0);
  for (const { y, height } of drawn) expect(y + height).toBeLessThanOrEqual(16);
});

test("a label is cut to its room, and left out where there is none", () => {
  expect([labelIn("research", 200), labelIn("research", 40), labelIn("research", 20)]).toEqual([
    "research",
    "rese…",
    "",
  ]);
});

test("what is pointed at is the part that is seen there, and is said with its time", () => {
  const some = [span("agent", 1000, 9000, 0), span("tool", 2000, 4000, 0, "tool")];
  const drawn = boxes({ spans: some, rows: 1 }, axis, all);
  expect([15, 60, 99].map((x) => boxAt(drawn, x, 3)?.span.key)).toEqual(["tool", "agent", undefined]);
  expect(pointedAt({ ...span("t", 2000, 4000, 0, "tool"), label: "search" })).toBe("tool search: 2.0 s");
});
