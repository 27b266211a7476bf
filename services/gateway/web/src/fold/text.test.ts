import { expect, test } from "vitest";
import { characters, titleFrom } from "./text";

test.each([
  ["", 0],
  ["abc", 3],
  ["é", 1],
  ["🌊", 1],
  ["a🌊b", 3],
  ["👩‍👩‍👧", 5],
  ["\ud83c", 1], // half a pair counts as one, as in Python
  ["\udf0a", 1],
  ["\udf0a\ud83c", 2],
  ["\ud83c\ud83c\udf0a", 2],
  ["\ud83c\udf0a\udf0a", 2],
])("%j has %i characters", (text, count) => {
  expect(characters(text)).toBe(count);
});

test("a title is the first line of the text, without the white space around it", () => {
  expect(titleFrom(" \n\t Rivers \r\nand more")).toBe("Rivers");
});

test("a title of 80 characters is kept and one of 81 is cut to 80 with an ellipsis", () => {
  expect(titleFrom("🌊".repeat(80))).toBe("🌊".repeat(80));
  expect(titleFrom("🌊".repeat(81))).toBe(`${"🌊".repeat(79)}…`);
});

test("white space is what Python takes for it: no byte order mark, but the separators of ASCII", () => {
  expect(titleFrom("\ufeffa\ufeff")).toBe("\ufeffa\ufeff");
  expect(titleFrom("\x1c\x85a\x1f")).toBe("a");
});

test("a long text of white space has an empty title at once", () => {
  const started = performance.now();
  expect(titleFrom(`${" ".repeat(200_000)}\u200b${" ".repeat(200_000)}`)).toBe("\u200b");
  expect(performance.now() - started).toBeLessThan(1000);
});
