import fc from "fast-check";
import { expect, test } from "vitest";
import { entriesOf, preview } from "./json";
import { SHARE_DEFAULT, SHARE_MAX, SHARE_MIN, shareAfter } from "./Separator";
import { chunks } from "./source";
import { neighbour } from "./Tabs";

test("arrows go round the tabs, Home and End to their ends, other keys nowhere", () => {
  expect(["ArrowRight", "ArrowLeft", "Home", "End", "a"].map((key) => neighbour(2, 3, key))).toEqual([
    0,
    1,
    0,
    2,
    null,
  ]);
  expect(neighbour(0, 3, "ArrowLeft")).toBe(2);
  expect(neighbour(0, 0, "End")).toBeNull();
});

test("the edge of the pane moves with the arrows, left to widen it, and stays within its bounds", () => {
  expect(shareAfter(50, "ArrowLeft")).toBe(52);
  expect(shareAfter(50, "ArrowRight")).toBe(48);
  expect(shareAfter(SHARE_MAX, "ArrowLeft")).toBe(SHARE_MAX);
  expect(["Home", "End", "Enter", "Tab"].map((key) => shareAfter(50, key))).toEqual([
    SHARE_MIN,
    SHARE_MAX,
    SHARE_DEFAULT,
    null,
  ]);
});

test("a text in chunks has all its lines, and a line break at its end begins none", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.string().map((line) => line.replaceAll("\n", "")),
        { minLength: 1, maxLength: 900 },
      ),
      (lines) => {
        expect(chunks(`${lines.join("\n")}\n`).flat()).toEqual(lines);
      },
    ),
  );
  expect(chunks("a\nb").flat()).toEqual(["a", "b"]);
});

test("a branch that is folded says what is in it", () => {
  expect(preview([1, 2, 3])).toBe("[3]");
  expect(preview({ a: 1, b: 2, c: 3, d: 4, e: 5 })).toBe("{a, b, c, d, …}");
  expect(entriesOf(["x"])).toEqual([["0", "x"]]);
});
