/**
 * Playback: the conversation as it was at any moment of its recording.
 *
 * A position is the number of events that have happened, from `start` to `end` of the recording; one inside a frame takes
 * the frame in as two. The fold at a position equals that of the log up to there, whichever way one went.
 */
import type { Fold } from "../fold/fold";
import type { AnyEvent, Frame } from "../schema/types";
import { lastUpTo } from "./axis";
import { Checkpoints } from "./checkpoints";
import type { Moment } from "./moment";
import type { Recorded, Recorder } from "./recording";

/** One event with all that its frame says of it. `number` is its number on its lane, `ts` in ms since the epoch. */
export interface Happening {
  event: AnyEvent;
  frame: Frame;
  recorded: Recorded;
  index: number; // in its frame
  number: number;
  ns: string;
  ts: number;
}

export class Playback {
  readonly #recorder: Recorder;
  #generation = -1;
  #checkpoints!: Checkpoints;
  #fold!: Fold;
  #position = 0;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
    this.#renew();
  }

  get position(): number {
    return this.#position;
  }

  /**
   * The fold at `position`, or at the nearest there is. It is the same object as before where that is only read on, and
   * another after a jump.
   */
  seek(position: number): Fold {
    if (this.#generation !== this.#recorder.generation) this.#renew();
    const { start, end } = this.#recorder;
    const to = Math.min(Math.max(position, start), end);
    if (to < this.#position || to - this.#position > this.#checkpoints.spacing || this.#position < start) {
      const from = this.#restore(to);
      this.#fold = from.fold;
      this.#position = from.position;
    }
    this.#advance(this.#fold, this.#position, to);
    this.#position = to;
    return this.#fold;
  }

  step(by: number): Fold {
    return this.seek(this.#position + by);
  }

  /** Read so many events ahead, for seeking to be quick there. Returns whether there is more to read. */
  prepare(events: number): boolean {
    if (this.#generation !== this.#recorder.generation) this.#renew();
    const { prepared, spacing } = this.#checkpoints;
    const to = prepared + Math.max(events, spacing); // less would lead to no checkpoint
    this.#checkpoints.prepare(Math.min(to, this.#recorder.end));
    return to < this.#recorder.end;
  }

  #restore(position: number): { fold: Fold; position: number } {
    const from = this.#checkpoints.restore(position);
    if (from.position >= this.#recorder.start) return from;
    this.#renew(); // what lay between has been dropped from the recording
    return this.#checkpoints.restore(position);
  }

  #renew(): void {
    const { start, generation } = this.#recorder;
    this.#checkpoints = new Checkpoints(this.#recorder.before(), start, (fold, from, to) =>
      this.#advance(fold, from, to),
    );
    const begin = this.#checkpoints.restore(start);
    this.#generation = generation;
    this.#fold = begin.fold;
    this.#position = begin.position;
  }

  #advance(fold: Fold, from: number, to: number): void {
    const { frames } = this.#recorder;
    for (let index = indexOf(frames, from); index < frames.length; index += 1) {
      const recorded = frames[index] as Recorded;
      if (recorded.at >= to) return;
      fold.apply(part(recorded.frame, Math.max(0, from - recorded.at), Math.min(recorded.events, to - recorded.at)));
    }
  }
}

/** Events `from` to `to` of a frame as a frame. One that merged deltas keeps standing for all their numbers. */
export function part(frame: Frame, from: number, to: number): Frame {
  if (from === 0 && to === frame.events.length) return frame;
  const { count, ...rest } = frame;
  const piece: Frame = { ...rest, n: frame.n + from, events: frame.events.slice(from, to) };
  if (count && to === frame.events.length) piece.count = count - from;
  return piece;
}

/** The event that leads from `position` to the next one; undefined outside the recording. */
export function happening({ frames }: Recorder, position: number): Happening | undefined {
  const recorded = frames[indexOf(frames, position)];
  return recorded && position >= recorded.at
    ? happeningIn(recorded, recorded.frame, position - recorded.at)
    : undefined;
}

/** Event `index` of a frame; `frame` is what `recorded` holds. */
export function happeningIn(recorded: Recorded, frame: Frame, index: number): Happening | undefined {
  const event = frame.events[index];
  if (!event) return undefined;
  const ns = event.ns || frame.ns || "main";
  return { event, frame, recorded, index, number: frame.n + index, ns, ts: frame.ts + (event.dt ?? 0) };
}

/** When the last event before `position` happened, in ms since the epoch. */
export function timeAt(recorder: Recorder, position: number): number {
  const { frames } = recorder;
  const recorded = frames[indexOf(frames, Math.max(position - 1, recorder.start))];
  if (!recorded) return 0;
  if (position >= recorded.at + recorded.events) return recorded.to;
  const ts = happening(recorder, position - 1)?.ts ?? recorded.from;
  return Math.min(Math.max(ts, recorded.from), recorded.to);
}

/** The last position at which nothing later than `ts` has happened. */
export function positionAt(recorder: Recorder, ts: number): number {
  const { frames, start } = recorder;
  const recorded = frames[lastUpTo(frames, ({ from }) => from <= ts)];
  if (!recorded) return start;
  if (recorded.to <= ts) return recorded.at + recorded.events;
  const { frame } = recorded;
  const later = frame.events.findIndex((event) => frame.ts + (event.dt ?? 0) > ts);
  return recorded.at + Math.max(later, 0);
}

export function momentAt({ frames, epoch, from, start }: Recorder, position: number): Moment {
  const before = frames[indexOf(frames, position) - 1];
  if (!before) return { epoch, seq: from, events: position - start };
  return { epoch, seq: before.seq, events: position - before.at - before.events };
}

/** Where a moment lies; null if the recording does not hold it. */
export function positionOf({ frames, epoch, from, last, start, end }: Recorder, moment: Moment): number | null {
  if (moment.epoch !== epoch || moment.seq < from || moment.seq > last) return null;
  const before = frames[lastUpTo(frames, (one) => one.seq <= moment.seq)];
  return Math.min((before ? before.at + before.events : start) + moment.events, end);
}

/** Index of the frame with the event after `position`; as many as there are frames if none has it. */
function indexOf(frames: readonly Recorded[], position: number): number {
  return lastUpTo(frames, (one) => one.at + one.events <= position) + 1;
}
