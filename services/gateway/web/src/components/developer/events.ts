/** The events of a recording as the developer view lists them. Pure. */
import type { AnyEvent } from "../../schema/types";
import { lastUpTo } from "../../time/axis";
import { type Happening, happeningIn } from "../../time/playback";
import type { Recorded, Recorder } from "../../time/recording";
import { bytesOf } from "../../time/tape";

/** `ns` is a subtree, `type` a part of the type's name; empty: all. */
export interface Filter {
  ns: string;
  type: string;
}

export interface Totals {
  events: number;
  frames: number;
  bytes: number;
  rate: number; // events in a second
}

/** The time over which the rate is taken, in ms. */
const RATE_MS = 5000;

/** The numbers of the events that a filter lets pass. It reads on where it has stopped. */
export class Matches {
  readonly #filter: Filter;
  readonly #numbers: number[] = [];
  #seq = -1;

  constructor(filter: Filter) {
    this.#filter = filter;
  }

  /** Of the events that the recording holds now, in order. The list changes in place. */
  upTo(recorder: Recorder): readonly number[] {
    this.#numbers.splice(0, lastUpTo(this.#numbers, (number) => number < recorder.start) + 1);
    for (const recorded of recorder.framesAfter(this.#seq)) {
      this.#seq = recorded.seq;
      const { frame } = recorded;
      for (const [index, event] of frame.events.entries()) {
        if (passes(this.#filter, event.ns || frame.ns || "main", event.type)) this.#numbers.push(recorded.at + index);
      }
    }
    return this.#numbers;
  }
}

export function passes({ ns, type }: Filter, itsNs: string, itsType: string): boolean {
  return (!ns || itsNs === ns || itsNs.startsWith(`${ns}/`)) && itsType.includes(type);
}

/** `now` in ms since the epoch. What was loaded later does not count for the rate. */
export function totals({ frames, start, end, bytes }: Recorder, now: number): Totals {
  let recent = 0;
  for (let index = frames.length - 1; index >= 0; index -= 1) {
    const recorded = frames[index] as Recorded;
    if (recorded.arrived < now - RATE_MS) break;
    recent += recorded.events;
  }
  return { events: end - start, frames: frames.length, bytes, rate: recent / (RATE_MS / 1000) };
}

/** An event with all that its frame says of it, to be read and kept by itself. */
export function whole({ event, frame, number, ns, ts }: Happening): object {
  const { run, lane, attempt = 1, seq } = frame;
  return { seq, run, lane: lane ?? run, attempt, n: number, ts, ns, event };
}

export function jsonLines(recorder: Recorder, filter: Filter): string {
  const lines: string[] = [];
  for (const recorded of recorder.frames) {
    const { frame } = recorded;
    for (let index = 0; index < recorded.events; index += 1) {
      const one = happeningIn(recorded, frame, index);
      if (one && passes(filter, one.ns, one.event.type)) lines.push(JSON.stringify(whole(one)));
    }
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** The command that shows the log from the event's frame on; it goes on live. */
export function curl(recorder: Recorder, { recorded }: Happening, origin: string): string {
  const before = recorder.frames[recorder.frames.indexOf(recorded) - 1]?.seq ?? recorder.from;
  const path = `/v1/conversations/${recorder.conversation}/events`;
  return `curl -N '${origin}${path}?mode=replay&after=${recorder.epoch}-${before}'`;
}

/** Of its JSON, in UTF-8. */
export function eventBytes(event: AnyEvent): number {
  return bytesOf(JSON.stringify(event));
}
