import { expect, test } from "vitest";
import { momentText, parseMoment } from "./moment";

test.each(["18e9f03a94e3b832-7", "18e9f03a94e3b832-0", "ab-12.3"])(
  "%s is a moment and is written as it was read",
  (text) => {
    const moment = parseMoment(text);
    expect(moment && momentText(moment)).toBe(text);
  },
);

test.each(["", "ab", "ab-", "xyz-1", "ab-1.", "ab-1.2.3", "ab-1 ", "ab--1", "<b>-1"])("'%s' is none", (text) => {
  expect(parseMoment(text)).toBeNull();
});
