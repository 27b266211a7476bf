import fc from "fast-check";
import { expect, test } from "vitest";
import { Axis, axisOf, GAP_MS_MAX, lastUpTo } from "./axis";

function over(times: readonly number[]): Axis {
  const axis = new Axis();
  for (const ts of times) axis.add(ts);
  return axis;
}

test("a pause over the limit is cut to it and said, a shorter one is kept", () => {
  const axis = over([10_000, 11_500, 60_000, 60_100]);
  expect(axis.length).toBe(1500 + GAP_MS_MAX + 100);
  expect(axis.gaps).toEqual([{ from: 11_500, to: 60_000, at: 1500 }]);
  expect(axis.at(60_100)).toBe(3600);
});

test("what goes on without an event is no pause", () => {
  const axis = over([10_000]);
  axis.cover(30_000);
  axis.add(30_500);
  expect(axis.length).toBe(20_500);
  expect(axis.gaps).toEqual([]);
});

test("places and times lead to each other and stay in order", () => {
  const pauses = fc.array(fc.integer({ min: 0, max: 9000 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(pauses, fc.float({ min: 0, max: 1, noNaN: true }), (some, share) => {
      let ts = 1_000_000;
      const axis = over(some.map((pause) => (ts += pause)));
      const at = share * axis.length;
      expect(axis.at(axis.ts(at))).toBeCloseTo(at, 3);
      expect(axis.ts(at)).toBeLessThanOrEqual(ts);
      for (const gap of axis.gaps) expect(axis.at(gap.to) - axis.at(gap.from)).toBeCloseTo(GAP_MS_MAX, 6);
    }),
  );
});

test("times outside lie at the ends", () => {
  const axis = over([1000, 2000]);
  expect([axis.at(0), axis.at(9999)]).toEqual([0, 1000]);
});

test("the last that holds is found at any place", () => {
  for (let limit = -1; limit < 6; limit += 1)
    expect(lastUpTo([0, 1, 2, 3, 4], (one) => one <= limit)).toBe(Math.min(limit, 4));
});

test("what was not recorded takes as long as something was open, and not the pauses between", () => {
  const item = (id: string, started: number, ended: number) => ({
    type: "step" as const,
    id,
    run: "r",
    name: "",
    started,
    ended,
  });
  const axis = axisOf({
    conversation: "c",
    items: [item("b", 60_000, 61_000), item("a", 1000, 11_000), item("c", 5000, 0)],
  });
  expect(axis.length).toBe(10_000 + GAP_MS_MAX + 1000);
});

test("the pause that lies at a place is found", () => {
  const axis = over([1000, 1500, 90_000, 91_000]);
  expect([499, 500, 501, 2499, 2500].map((at) => axis.gapAt(at)?.from)).toEqual([
    undefined,
    undefined,
    1500,
    1500,
    undefined,
  ]);
});
