/**
 * Watch: one subscription to one conversation, over any number of connections. Pure: it is told what came, and gives what
 * to say and what to deliver. What it delivers is the log without a hole and without a repeat, or a snapshot in its place.
 */
import type {
  AnyClientMessage,
  CaughtUp,
  ErrorMessage,
  Events,
  Frame,
  Gap,
  Lagging,
  Snapshot,
  Subscribe,
  Subscribed,
  Transcript,
} from "../schema/types";
import { backoff } from "./comeback";
import { later, parseCursor, reaches } from "./cursor";

export type GapReason = Gap["reason"];

/** `after` is a cursor from an earlier visit, to be used with the same `namespaces` and `granularity`. */
export type WatchOptions = Omit<Subscribe, "op" | "sub" | "mode"> & { mode?: "auto" | "replay" };

/** What the one who watches is given, in this order: joining, joined, [gap], [snapshot or frames]…, caught_up, frames… */
export type Delivery =
  | { kind: "joining" } // a subscription begins, or begins again
  | { kind: "joined"; events: number } // so many has the conversation had by now; 0 if that is not said
  | { kind: "gap"; reason: GapReason } // a snapshot follows, and not every event was seen
  | { kind: "snapshot"; transcript: Transcript; cursor: string } // in place of all that came before
  | { kind: "frames"; frames: readonly Frame[]; cursor: string }
  | { kind: "caught_up"; cursor: string } // what follows is live
  | { kind: "lagging" }
  | { kind: "refused"; code: string; message: string }; // nothing follows

export interface Step {
  say: AnyClientMessage[];
  deliver: Delivery[];
}

export type Followed = Subscribed | Snapshot | Events | CaughtUp | Gap | Lagging;

/** New subscriptions in a row because something did not fit: so many from the cursor, then so many from a snapshot. */
export const RESYNCS_MAX = 3;
const ROW_MS = 30_000; // what fitted for as long ends the row
const JOIN_MS_MAX = 15_000; // without an answer a subscription is asked for again
const INCONSISTENT = "What the gateway sends does not fit together; this is a bug of one of the two.";
const NOTHING: Step = { say: [], deliver: [] };

export class Watch {
  /** Everything up to here was delivered. */
  cursor: string;
  readonly #options: WatchOptions;
  readonly #newName: () => string;
  readonly #random: () => number;
  #sub = ""; // the subscription's name on this connection, empty while there is none
  #due: number | null = null; // when to subscribe again, in ms
  #snapshotDue = false; // what was delivered does not fit: nothing continues it
  #snapshotComes = false; // the gateway has said so
  #refused = false;
  #refusals = 0;
  #resyncs = { replay: 0, snapshot: 0, at: Number.NEGATIVE_INFINITY };

  /** `newName` gives a name that this connection has not used, so that what still comes for an old one is told apart. */
  constructor(options: WatchOptions, newName: () => string, random: () => number) {
    this.#options = options;
    this.#newName = newName;
    this.#random = random;
    this.cursor = options.after ?? "";
  }

  get sub(): string {
    return this.#sub;
  }

  /** When `tick` wants to be called, in ms; null: not at all. */
  get due(): number | null {
    return this.#due;
  }

  /** A connection is open, or a refused watch is to be tried once more. */
  subscribe(now: number): Step {
    this.#refused = this.#snapshotComes = false;
    this.#sub = this.#newName();
    this.#due = now + JOIN_MS_MAX;
    const { mode = "auto", ...options } = this.#options;
    const from = this.#snapshotDue ? { mode: "snapshot" as const } : { mode, after: this.cursor };
    return { say: [{ op: "subscribe", ...options, ...from, sub: this.#sub }], deliver: [{ kind: "joining" }] };
  }

  lost(): void {
    this.#sub = "";
    this.#due = null;
  }

  tick(now: number): Step {
    if (this.#due === null || now < this.#due) return NOTHING;
    return this.#again(now);
  }

  /** What was delivered does not fit together: begin again with a snapshot. */
  resync(now: number): Step {
    return this.#resync("snapshot", now);
  }

  receive(message: Followed, now: number): Step {
    switch (message.op) {
      case "subscribed":
        this.#due = null;
        this.#snapshotComes = message.mode === "snapshot";
        if (message.mode === "replay") this.cursor ||= message.cursor;
        return delivered({ kind: "joined", events: message.events ?? 0 });
      case "snapshot":
        this.cursor = message.cursor;
        this.#snapshotDue = this.#snapshotComes = false;
        return delivered({ kind: "snapshot", transcript: message.transcript, cursor: message.cursor });
      case "events":
        return this.#events(message, now);
      case "caught_up":
        if (this.#snapshotComes) return this.#resync("snapshot", now);
        this.cursor = later(this.cursor, message.cursor);
        this.#refusals = 0;
        return delivered({ kind: "caught_up", cursor: this.cursor });
      case "gap":
        this.#snapshotComes = true;
        return delivered({ kind: "gap", reason: message.reason });
      case "lagging":
        return delivered({ kind: "lagging" });
    }
  }

  /** The gateway has ended the subscription. */
  refused(error: ErrorMessage, now: number): Step {
    this.#sub = "";
    if (error.code === "cursor_from_future" || error.code === "invalid_cursor") return this.#resync("snapshot", now);
    if (error.retryable) {
      this.#refusals += 1;
      return this.#at(now + backoff(this.#refusals, this.#random));
    }
    return this.#end(error.code, error.message);
  }

  #events({ prev, cursor, frames }: Events, now: number): Step {
    if (this.#snapshotComes) return this.#resync("snapshot", now);
    if (!reaches(prev, this.cursor)) return this.#resync("replay", now);
    const seen = parseCursor(this.cursor)?.seq ?? 0;
    const fresh = frames.filter((frame) => (frame.seq ?? 0) > seen);
    this.cursor = later(this.cursor, cursor);
    return fresh.length ? delivered({ kind: "frames", frames: fresh, cursor: this.cursor }) : NOTHING;
  }

  #resync(from: "replay" | "snapshot", now: number): Step {
    if (this.#refused) return NOTHING;
    const row = this.#resyncs;
    if (now - row.at > ROW_MS) row.replay = row.snapshot = 0;
    row.at = now;
    const mode = from === "replay" && row.replay < RESYNCS_MAX ? "replay" : "snapshot";
    if (row[mode] >= RESYNCS_MAX) return this.#end("inconsistent", INCONSISTENT);
    row[mode] += 1;
    if (mode === "replay") return this.#again(now);
    this.#snapshotDue = true;
    const { say, deliver } = this.#sub ? this.#again(now) : this.#at(now);
    return { say, deliver: [...deliver, { kind: "gap", reason: "lost" }] };
  }

  #again(now: number): Step {
    const say = this.#leave();
    const next = this.subscribe(now);
    return { say: [...say, ...next.say], deliver: next.deliver };
  }

  /** Subscribe then, if there is a connection; a new connection does it anyway. */
  #at(time: number): Step {
    this.#due = time;
    return NOTHING;
  }

  #end(code: string, message: string): Step {
    const say = this.#leave();
    this.lost();
    this.#refused = true;
    return { say, deliver: [{ kind: "refused", code, message }] };
  }

  #leave(): AnyClientMessage[] {
    return this.#sub ? [{ op: "unsubscribe", sub: this.#sub }] : [];
  }
}

function delivered(delivery: Delivery): Step {
  return { say: [], deliver: [delivery] };
}
