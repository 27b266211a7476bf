import { expect, test } from "vitest";
import { sentence } from "./sentence";

test.each([
  ["there is no conversation 'x'", "There is no conversation 'x'."],
  ["Is it running?", "Is it running?"],
  [" too many … ", "Too many …"],
  ["", ""],
])("%s becomes %s", (words, said) => {
  expect(sentence(words)).toBe(said);
});
