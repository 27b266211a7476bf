import { expect, test } from "vitest";
import type { LinkStatus } from "../../store/status";
import { wordsOf } from "./badge";

const NOW = 1_000_000;

test.each<[LinkStatus, string]>([
  [{ kind: "connecting" }, "Connecting"],
  [{ kind: "live" }, "Live"],
  [{ kind: "ended" }, "Ended"],
  [{ kind: "lagging" }, "Lagging"],
  [{ kind: "catching_up", received: 0, total: null }, "Catching up"],
  [{ kind: "catching_up", received: 120, total: null }, "Catching up (120)"],
  [{ kind: "catching_up", received: 1200, total: 34_000 }, "Catching up (1,200 of 34,000)"],
  [{ kind: "reconnecting", at: NOW + 2100, attempt: 3 }, "Reconnecting in 3 s"],
  [{ kind: "reconnecting", at: NOW - 1, attempt: 3 }, "Reconnecting"],
  [{ kind: "recovered", reason: "retention" }, "Recovered from snapshot"],
  [{ kind: "offline", message: "refused" }, "Offline"],
  [{ kind: "signed_out", message: "sign in" }, "Signed out"],
  [{ kind: "missing", code: "unknown_conversation", message: "there is none" }, "Not found"],
])("%o is said as %s", (status, text) => {
  expect(wordsOf(status, NOW).text).toBe(text);
});

test("a screen reader is not told of every second and every figure", () => {
  expect(wordsOf({ kind: "reconnecting", at: NOW + 9000, attempt: 1 }, NOW).said).toBe("Reconnecting");
  expect(wordsOf({ kind: "catching_up", received: 7, total: 9 }, NOW).said).toBe("Catching up");
});

test("what the gateway said of a connection that will not come back is passed on", () => {
  expect(wordsOf({ kind: "offline", message: "too many mistakes" }, NOW).why).toBe("too many mistakes");
});
