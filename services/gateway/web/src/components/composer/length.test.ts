import { expect, test } from "vitest";
import { lengthSaid } from "./length";

test("the length of a common message is nobody's concern", () => {
  expect(lengthSaid("x".repeat(179_999))).toBeNull();
});

test("a message as long as may be is said to be just that", () => {
  expect(lengthSaid("x".repeat(200_000))).toEqual({ chars: 200_000, over: false });
});

test("one character more is too many", () => {
  expect(lengthSaid("x".repeat(200_001))).toEqual({ chars: 200_001, over: true });
});

test("a character outside of the basic plane counts once, as the gateway counts it", () => {
  expect(lengthSaid("🌊".repeat(190_000))).toEqual({ chars: 190_000, over: false });
});
