import { expect, test } from "vitest";
import { hrefOf, parseRoute } from "./route";

test.each(["#c=hello", "#c=hello&at=18e9f03a94e3b832-7.2"])("%s is read as it was written", (hash) => {
  expect(hrefOf(parseRoute(hash))).toBe(hash);
});

test.each(["", "#", "#c=", "#c=a%20b", "#c=../x", "#at=18e9-1", `#c=${"x".repeat(65)}`])("%s opens nothing", (hash) => {
  expect(parseRoute(hash)).toEqual({ conversation: "", at: "" });
});

test("a moment that cannot be one shows the present", () => {
  expect(parseRoute("#c=hello&at=<b>")).toEqual({ conversation: "hello", at: "" });
});
