/** Tape: the frames of a conversation as they came, without a hole, from some moment on; bounded in bytes. */
import { Fold } from "../fold/fold";
import type { Frame, Transcript } from "../schema/types";

/**
 * One frame. It is kept as its JSON, which takes a third of the memory of the objects; `frame` reads it anew each time.
 *
 * `at` is the number of events before it. Times are in ms since the epoch and never go back along the tape, whatever the
 * writers' clocks did: `from` of its first event, `to` of its last; `arrived` is when it came (0: loaded later).
 */
export class Recorded {
  readonly seq: number;
  readonly cursor: string;
  readonly at: number;
  readonly events: number;
  readonly bytes: number;
  readonly from: number;
  readonly to: number;
  readonly arrived: number;
  readonly json: string;

  constructor(frame: Frame, cursor: string, before: { at: number; ts: number }, arrived: number, bytes?: number) {
    this.json = JSON.stringify(frame);
    this.seq = frame.seq ?? 0;
    this.cursor = cursor;
    this.at = before.at;
    this.events = frame.events.length;
    this.bytes = bytes ?? bytesOf(this.json);
    this.from = Math.max(before.ts, frame.ts + (frame.events[0]?.dt ?? 0));
    this.to = frame.events.reduce((latest, event) => Math.max(latest, frame.ts + (event.dt ?? 0)), this.from);
    this.arrived = arrived;
  }

  get frame(): Frame {
    return JSON.parse(this.json);
  }
}

/** Above the limit so much of it is dropped at once: dropping moves all that stays. */
const DROPPED_SHARE = 1 / 8;

export class Tape {
  readonly #bytesMax: number;
  #frames: Recorded[] = [];
  #base: Transcript;
  #dropped: Fold | null = null;
  #from: number;
  #start = 0;
  #bytes = 0;

  /** `base` is the conversation just after the frame `from`. */
  constructor(base: Transcript, from: number, bytesMax: number) {
    this.#base = base;
    this.#from = from;
    this.#bytesMax = bytesMax;
  }

  /** seq of the frame before the first that is held; 0: there is none. */
  get from(): number {
    return this.#from;
  }

  /** seq of the last frame. */
  get last(): number {
    return this.#frames.at(-1)?.seq ?? this.#from;
  }

  get frames(): readonly Recorded[] {
    return this.#frames;
  }

  /** Number of the first event that is held: so many have been dropped. */
  get start(): number {
    return this.#start;
  }

  /** Number of the event that comes next. */
  get end(): number {
    const last = this.#frames.at(-1);
    return last ? last.at + last.events : this.#start;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The conversation before the first frame that is held. To be read, not changed. */
  before(): Transcript {
    return this.#dropped ? this.#dropped.snapshot() : this.#base;
  }

  /** `frame` continues the tape. */
  add(frame: Frame, cursor: string, arrived: number, bytes?: number): void {
    const before = { at: this.end, ts: this.#frames.at(-1)?.to ?? 0 };
    const recorded = new Recorded(frame, cursor, before, arrived, bytes);
    this.#frames.push(recorded);
    this.#bytes += recorded.bytes;
    if (this.#bytes > this.#bytesMax) this.#drop();
  }

  #drop(): void {
    this.#dropped ??= new Fold(this.#base);
    let count = 0;
    for (const recorded of this.#frames) {
      if (this.#bytes <= this.#bytesMax * (1 - DROPPED_SHARE)) break;
      this.#dropped.apply(recorded.frame);
      this.#bytes -= recorded.bytes;
      this.#start += recorded.events;
      this.#from = recorded.seq;
      count += 1;
    }
    this.#frames.splice(0, count);
  }
}

/** Bytes in UTF-8. */
export function bytesOf(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1; // a surrogate is half of four bytes
  }
  return bytes;
}
