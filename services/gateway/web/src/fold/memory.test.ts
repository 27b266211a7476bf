import { expect, test } from "vitest";
import { heapUsed } from "../gc";
import type { AnyEvent } from "../schema/types";
import { Fold } from "./fold";

const PIECES = 100_000;
const CHARS = 20; // of a piece: longer than what an engine keeps only once anyway

/** A run that says so many messages of equal length in pieces; the last one goes on. */
function spoken(messages: number): Fold {
  const fold = new Fold({ conversation: "c" });
  const each = PIECES / messages;
  let n = 1;
  const say = (event: AnyEvent) => {
    fold.apply({ run: "r", n, ts: n, seq: n, events: [event] });
    n += 1;
  };
  for (let message = 1; message <= messages; message += 1) {
    const id = `m${message}`;
    say({ type: "message.started", id });
    for (let piece = 0; piece < each; piece += 1)
      say({ type: "message.delta", id, at: piece * CHARS, text: String(n).padStart(CHARS, ".") });
    if (message < messages) say({ type: "message.ended", id });
  }
  return fold;
}

test.each([1, 2000])("text that came in pieces, in %i messages, takes the memory of its characters", (messages) => {
  const before = heapUsed();
  const fold = spoken(messages);
  const taken = heapUsed() - before;
  expect(fold.items.size).toBe(messages);
  expect(taken).toBeLessThan(2 * PIECES * CHARS);
});
