import { describe, expect, it } from "vitest";
import { type LinkStatus, type Standing, statusOf } from "./status";

const LIVE: Standing = {
  link: { kind: "open" },
  watch: "level",
  reached: () => ({ received: 0, total: null }),
  behind: false,
  recovered: null,
  runs: 1,
  active: 1,
};
const waiting = { kind: "waiting", at: 99, attempt: 3 } as const;
const closed = { kind: "closed", error: { code: "connection_refused", message: "go away" } } as const;
const barred = { kind: "closed", error: { code: "unauthenticated", message: "sign in" } } as const;
const unknown = { code: "unknown_conversation", message: "there is none" };

const cases: [string, Partial<Standing>, LinkStatus][] = [
  ["live while a run is active", {}, { kind: "live" }],
  ["live in a conversation in which nothing has been said", { runs: 0, active: 0 }, { kind: "live" }],
  ["ended when every run is over", { active: 0 }, { kind: "ended" }],
  ["connecting for the first time", { link: { kind: "connecting" }, watch: "joining" }, { kind: "connecting" }],
  ["reconnecting without a connection", { link: waiting }, { kind: "reconnecting", at: 99, attempt: 3 }],
  [
    "reconnecting even if all runs were over and it has just recovered",
    { link: waiting, active: 0, recovered: "lost" },
    { kind: "reconnecting", at: 99, attempt: 3 },
  ],
  ["signed out when who looks is not let in any more", { link: barred }, { kind: "signed_out", message: "sign in" }],
  ["offline when the connection is closed for good", { link: closed }, { kind: "offline", message: "go away" }],
  [
    "catching up after it has joined, as far as it is",
    { watch: "joining", reached: () => ({ received: 5, total: 7 }) },
    { kind: "catching_up", received: 5, total: 7 },
  ],
  [
    "catching up while more comes than can be folded",
    { behind: true, reached: () => ({ received: 5, total: 905 }) },
    { kind: "catching_up", received: 5, total: 905 },
  ],
  ["lagging when the gateway says so", { watch: "lagging" }, { kind: "lagging" }],
  ["recovered for a while", { recovered: "retention", active: 0 }, { kind: "recovered", reason: "retention" }],
  ["missing when there is no such conversation", { watch: unknown }, { kind: "missing", ...unknown }],
  [
    "missing when it was deleted, with or without a connection",
    { watch: { code: "conversation_deleted", message: "gone" }, link: waiting },
    { kind: "missing", code: "conversation_deleted", message: "gone" },
  ],
  [
    "offline when the gateway refuses it for another reason",
    { watch: { code: "inconsistent", message: "does not fit" } },
    { kind: "offline", message: "does not fit" },
  ],
];

describe("the status is", () => {
  it.each(cases)("%s", (_, standing, status) => {
    expect(statusOf({ ...LIVE, ...standing })).toEqual(status);
  });
});
