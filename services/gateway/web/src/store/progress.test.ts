import { expect, test } from "vitest";
import { Progress } from "./progress";

test("one who comes is told how much there is to take in before any of it has come", () => {
  const progress = new Progress();
  progress.begin(0);
  expect(progress.reached(0, 0, false)).toEqual({ received: 0, total: null });
  progress.aim(800);
  expect(progress.reached(0, 0, false)).toEqual({ received: 0, total: 800 });
  expect(progress.reached(300, 20, false)).toEqual({ received: 300, total: 800 });
});

test("who comes back counts from what it has, not from the beginning", () => {
  const progress = new Progress();
  progress.begin(120_000);
  progress.aim(120_500);
  expect(progress.reached(120_100, 0, false)).toEqual({ received: 100, total: 500 });
});

test("what happens meanwhile is added to what there is to take in", () => {
  const progress = new Progress();
  progress.begin(0);
  progress.aim(10);
  expect(progress.reached(8, 5, true)).toEqual({ received: 8, total: 13 });
});

test("of a gateway that does not say how much there is, it is known when all has come", () => {
  const progress = new Progress();
  progress.begin(5);
  expect(progress.reached(7, 3, false)).toEqual({ received: 2, total: null });
  expect(progress.reached(7, 3, true)).toEqual({ received: 2, total: 5 });
});

test("a conversation that has become shorter has nothing to count", () => {
  const progress = new Progress();
  progress.begin(100);
  progress.aim(40);
  expect(progress.reached(40, 0, false)).toEqual({ received: 0, total: 0 });
});
