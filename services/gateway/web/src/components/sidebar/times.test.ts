import { expect, test } from "vitest";
import { ageOf, agoOf } from "./times";

const NOW = new Date(2026, 10, 21, 13, 30).getTime();
const at = (day: number, hour: number, minute = 0) => new Date(2026, 10, day, hour, minute).getTime();

test.each([
  [at(21, 0), "Today"],
  [at(20, 23, 59), "Yesterday"],
  [at(19, 12), "This week"],
  [at(14, 12), "Earlier"],
])("%i belongs to %s", (then, age) => {
  expect(ageOf(then, NOW)).toBe(age);
});

test.each([
  [at(21, 13, 30), "now"],
  [at(21, 13, 31), "now"], // a clock that is ahead
  [at(21, 13, 5), "25 min"],
  [at(21, 10), "3 h"],
  [at(20, 20), "17 h"],
])("%i is %s ago", (then, ago) => {
  expect(agoOf(then, NOW)).toBe(ago);
});

test("what is older than a week has a date, with the year if it is another one", () => {
  expect(agoOf(at(2, 12), NOW)).toMatch(/2/);
  expect(agoOf(new Date(2024, 4, 3).getTime(), NOW)).toMatch(/2024/);
});
