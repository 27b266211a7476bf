/**
 * Recorder: what the page has seen of a conversation's log, frame by frame, for the timeline and the developer view.
 *
 * It is fed by whoever holds the conversation: `base` with every snapshot, `add` with every frame after it. Where the page
 * joined by a snapshot, `load` fetches what was before by a second subscription, when somebody wants to see it.
 */
import type { AnyServerMessage, Frame, Transcript } from "../schema/types";
import { lastUpTo } from "./axis";
import { parseMoment } from "./moment";
import { type Recorded, Tape } from "./tape";

export type { Recorded } from "./tape";

/** Of the frames' JSON: some ten minutes of twenty agents at work. Beyond, the oldest frames are dropped. */
export const RECORDED_BYTES_MAX = 64 * 1024 * 1024;

/** The same while nobody looks at it: the log has the rest, and a page that only shows a run does not grow with its events. */
export const UNWATCHED_BYTES_MAX = 2 * 1024 * 1024;

/**
 * Opens a second subscription of the conversation on the same socket, `mode=replay` from the first event on, and hands on its
 * messages as they come. It is continued over every cut. Returns what ends it.
 */
export type OpenReplay = (on: (message: AnyServerMessage) => void) => () => void;

/** How far back the recording goes. */
export type Reach =
  | { kind: "whole" } // to the first event
  | { kind: "joined" } // to the snapshot that the page began with; `load` fetches the rest
  | { kind: "loading"; events: number }
  | { kind: "expired" } // what is before has left the log
  | { kind: "failed"; message: string } // it could not be loaded
  | { kind: "dropped"; events: number }; // the oldest events went to keep the memory bounded

interface Options {
  bytesMax?: number;
  now?: () => number;
  present?: (() => Transcript) | null;
}

export class Recorder {
  readonly conversation: string;
  readonly #bytesMax: number;
  readonly #now: () => number;
  readonly #present: (() => Transcript) | null;
  readonly #watchers = new Set<symbol>();
  readonly #listeners = new Set<() => void>();
  #tape: Tape;
  #reach: Reach = { kind: "whole" };
  #epoch = "";
  #generation = 0;
  #version = 0;
  #loading: { tape: Tape; close: () => void } | null = null;

  /**
   * `now` in ms since the epoch. `present` gives the conversation after the last frame that was added: from there the
   * recording begins anew when it is large and nobody looks at it. Without it nothing is forgotten.
   */
  constructor(conversation: string, { bytesMax = RECORDED_BYTES_MAX, now = Date.now, present = null }: Options = {}) {
    this.conversation = conversation;
    this.#bytesMax = bytesMax;
    this.#now = now;
    this.#present = present;
    this.#tape = this.#empty();
  }

  /** In the order of the log, without a hole. The list grows in place. */
  get frames(): readonly Recorded[] {
    return this.#tape.frames;
  }

  /** Those after the frame `seq`. */
  framesAfter(seq: number): readonly Recorded[] {
    return this.frames.slice(lastUpTo(this.frames, (one) => one.seq <= seq) + 1);
  }

  /** Number of the first event that is held, and of the one that comes next. Numbers stay while `generation` does. */
  get start(): number {
    return this.#tape.start;
  }

  get end(): number {
    return this.#tape.end;
  }

  /** Of the JSON of the frames that are held. */
  get bytes(): number {
    return this.#tape.bytes;
  }

  /** The conversation before the first frame that is held. To be read, not changed. */
  before(): Transcript {
    return this.#tape.before();
  }

  get complete(): boolean {
    return this.reach.kind === "whole";
  }

  get reach(): Reach {
    return this.#tape.start ? { kind: "dropped", events: this.#tape.start } : this.#reach;
  }

  /** Identity of the log; "" before anything came. */
  get epoch(): string {
    return this.#epoch;
  }

  /** seq of the frame before the first that is held. */
  get from(): number {
    return this.#tape.from;
  }

  /** seq of the last frame. */
  get last(): number {
    return this.#tape.last;
  }

  /** Grows when the recording begins anew or history is put before it: event numbers of before mean nothing then. */
  get generation(): number {
    return this.#generation;
  }

  /** Grows with every change. */
  get version(): number {
    return this.#version;
  }

  /** Returns what ends the subscription. Listeners are called for every frame: they only note that something changed. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A snapshot came: what follows continues `transcript`, the conversation at `cursor`. The recorder takes it over. */
  base(transcript: Transcript, cursor: string): void {
    const at = parseMoment(cursor);
    if (!at) throw new Error(`${cursor} is not a cursor`);
    if (at.epoch === this.#epoch && at.seq <= this.last) return; // nothing was missed
    this.#epoch = at.epoch;
    this.#begin(transcript, at.seq);
  }

  /** Somebody looks at it: everything is held, up to the limit, until all have called what they were given. */
  keep(): () => void {
    const watcher = Symbol();
    this.#watchers.add(watcher);
    return () => {
      if (!this.#watchers.delete(watcher) || this.#watchers.size) return;
      if (this.#loading) this.#loaded({ kind: "joined" }); // nobody waits for it any more
      if (this.#heavy) this.#forget();
    };
  }

  /** Whether more is held than is worth it while nobody looks. */
  get #heavy(): boolean {
    return !this.#watchers.size && this.bytes > UNWATCHED_BYTES_MAX;
  }

  /** Begin anew, as if the page had joined just now. */
  #forget(): void {
    if (this.#present) this.#begin(this.#present(), this.last);
  }

  #begin(transcript: Transcript, seq: number): void {
    this.#stopLoading();
    const blank = !transcript.items?.length && !transcript.runs?.length && !transcript.input_last;
    this.#tape = new Tape(transcript, seq, this.#bytesMax);
    this.#reach = { kind: blank ? "whole" : "joined" };
    this.#generation += 1;
    this.#changed();
  }

  /**
   * The frame that comes next, with the cursor just after it, or of the message that brought it. One that was there already
   * is passed over. `bytes`: of its JSON; measured if it is not given.
   */
  add(frame: Frame, cursor: string, bytes?: number): void {
    const epoch = parseMoment(cursor)?.epoch ?? "";
    const seq = frame.seq ?? 0;
    if (seq <= this.last || !frame.events.length) return;
    this.#epoch ||= epoch;
    this.#tape.add(frame, `${epoch}-${seq}`, this.#now(), bytes);
    if (this.#heavy) this.#forget();
    this.#changed();
  }

  /** Fetch what was before the page joined, and keep it. Fetches nothing unless `reach` is `joined` or `failed`. */
  load(open: OpenReplay): void {
    if (this.#reach.kind !== "joined" && this.#reach.kind !== "failed") return;
    const tape = this.#empty();
    const epoch = this.#epoch;
    let caughtUp = false;
    const message = (message: AnyServerMessage) => {
      if (this.#loading?.tape !== tape) return;
      if (message.op === "gap" || message.op === "snapshot") return this.#loaded({ kind: "expired" });
      if (message.op === "error") return this.#loaded({ kind: "failed", message: message.message });
      if (message.op === "events") for (const frame of message.frames) this.#addHistory(tape, frame);
      if (message.op === "caught_up") caughtUp = true;
      const cursor = "cursor" in message ? parseMoment(message.cursor ?? "") : null;
      if (cursor && cursor.epoch !== epoch) this.#loaded({ kind: "expired" });
      else if (caughtUp && cursor && cursor.seq >= this.from) this.#join(tape);
      else this.#changed();
    };
    this.#loading = { tape, close: () => {} };
    this.#reach = { kind: "loading", events: 0 };
    this.#changed();
    const close = open(message);
    if (this.#loading?.tape === tape) this.#loading.close = close;
    else close(); // it was over at once
  }

  /** End what is under way. */
  close(): void {
    this.#stopLoading();
    this.#listeners.clear();
  }

  #addHistory(tape: Tape, frame: Frame): void {
    const seq = frame.seq ?? 0;
    if (seq <= tape.last || !frame.events.length) return;
    tape.add(frame, `${this.#epoch}-${seq}`, 0);
    this.#reach = { kind: "loading", events: tape.end };
  }

  /** Put the history before what has been recorded since. */
  #join(history: Tape): void {
    for (const recorded of this.#tape.frames) {
      if (recorded.seq > history.last) history.add(recorded.frame, recorded.cursor, recorded.arrived, recorded.bytes);
    }
    this.#tape = history;
    this.#generation += 1;
    this.#loaded({ kind: "whole" });
  }

  #loaded(reach: Reach): void {
    this.#stopLoading();
    this.#reach = reach;
    this.#changed();
  }

  #stopLoading(): void {
    this.#loading?.close();
    this.#loading = null;
  }

  #empty(): Tape {
    return new Tape({ conversation: this.conversation }, 0, this.#bytesMax);
  }

  #changed(): void {
    this.#version += 1;
    for (const listener of this.#listeners) listener();
  }
}
