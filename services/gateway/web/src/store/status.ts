/** What the badge says of the connection to a conversation: always true, and a function of what is known. Pure. */
import { UNAUTHENTICATED } from "../client/errors";
import type { LinkState } from "../client/link";
import type { GapReason } from "../client/watch";
import type { Reached } from "./progress";

export type { GapReason } from "../client/watch";

/** Times are in ms since the epoch. */
export type LinkStatus =
  | { kind: "connecting" }
  | ({ kind: "catching_up" } & Reached)
  | { kind: "live" }
  | { kind: "ended" } // live, and every run is over
  | { kind: "lagging" } // this page reads more slowly than events come; nothing is lost
  | { kind: "reconnecting"; at: number; attempt: number } // `at`: of the next try
  | { kind: "recovered"; reason: GapReason } // not every event was seen, but what is shown is whole: a snapshot came
  | { kind: "offline"; message: string } // and will not come back by itself
  | { kind: "signed_out"; message: string } // who looks has to sign in before anything more comes
  | { kind: "missing"; code: string; message: string };

/** What the status follows from. */
export interface Standing {
  link: LinkState;
  watch: "joining" | "level" | "lagging" | { code: string; message: string }; // the last: it was refused
  reached: () => Reached; // by the catch-up, while there is one
  behind: boolean; // what waits is more than a moment's work
  recovered: GapReason | null; // a moment ago
  runs: number;
  active: number; // runs that are not over
}

/** What a gateway says of a conversation that is not there. */
const MISSING: ReadonlySet<string> = new Set(["unknown_conversation", "conversation_deleted"]);

export function statusOf(standing: Standing): LinkStatus {
  const { link, watch, reached, recovered, runs, active } = standing;
  if (typeof watch === "object") return refusal(watch);
  if (link.kind === "closed") {
    const { code, message } = link.error;
    return { kind: code === UNAUTHENTICATED ? "signed_out" : "offline", message };
  }
  if (link.kind === "connecting") return { kind: "connecting" };
  if (link.kind === "waiting") return { kind: "reconnecting", at: link.at, attempt: link.attempt };
  if (watch === "lagging") return { kind: "lagging" };
  if (watch === "joining" || standing.behind) return { kind: "catching_up", ...reached() };
  if (recovered) return { kind: "recovered", reason: recovered };
  return { kind: runs > 0 && active === 0 ? "ended" : "live" };
}

function refusal({ code, message }: { code: string; message: string }): LinkStatus {
  return MISSING.has(code) ? { kind: "missing", code, message } : { kind: "offline", message };
}
