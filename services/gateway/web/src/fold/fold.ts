/**
 * The fold: what a conversation is, from its frames. The second implementation of schemas/fold.py, held to it by the golden
 * logs and by a property test that runs both.
 *
 * It gives the same transcript for any merging of adjacent deltas, for repeated frames (dropped by `n`), and for stale
 * attempts (a frame of a lower attempt than its run's is ignored; the first frame of attempt k+1 drops what attempt k left
 * open and keeps what it finished). Whatever does not fit is a FoldError, never a guess: the fold is not to be used after it.
 */

import { IN_LANE } from "../schema/constants";
import { DEFAULTS } from "../schema/defaults";
import type { AnyEvent, Frame, TextDelta, Transcript } from "../schema/types";
import { FoldError } from "./errors";
import { type Filled, fillEvent, type Item, type Run } from "./filled";
import { Ledger } from "./ledger";
import { MEANING } from "./meanings";

export { FoldError } from "./errors";
export type { Filled, Item, ItemOf, Run } from "./filled";

/** A frame with the defaults of its own fields; its events are as they came. */
type Head = Omit<Filled<Frame>, "events" | "v"> & Pick<Frame, "events">;

const ABSENT = DEFAULTS.Frame();

/** Field by field, since a spread of two objects costs more than the rest of the fold. */
function headOf(frame: Frame): Head {
  const { run, n, ts, events } = frame;
  const {
    ns = ABSENT.ns,
    attempt = ABSENT.attempt,
    lane = ABSENT.lane,
    seq = ABSENT.seq,
    count = ABSENT.count,
  } = frame;
  return { run, n, ts, events, ns, attempt, lane, seq, count };
}

export class Fold {
  readonly #ledger: Ledger;

  /**
   * Continue from a copy of `transcript`.
   *
   * `dense: false` is for a reader that knows it does not see every event: it chose a namespace, or the head of the log has
   * expired. Then gaps in `n` and events about things never opened are passed over.
   */
  constructor(transcript: Transcript, { dense = true }: { dense?: boolean } = {}) {
    this.#ledger = new Ledger(transcript, dense);
  }

  get conversation(): string {
    return this.#ledger.conversation;
  }

  get title(): string {
    return this.#ledger.title;
  }

  /** In ms since the epoch; 0 if it is not in what was read. */
  get created(): number {
    return this.#ledger.created;
  }

  /** The number of the last event on the `in` lane. */
  get inputLast(): number {
    return this.#ledger.inputLast;
  }

  /** How many events there have been: the last numbers of all lanes together. */
  get events(): number {
    let events = this.inputLast;
    for (const { last } of this.runs.values()) events += last;
    return events;
  }

  /** By id, in the order of the log. The fold changes the objects in place: whoever keeps or shows one copies it. */
  get items(): ReadonlyMap<string, Item> {
    return this.#ledger.items;
  }

  /** By id, in the order of their messages; changed in place as the items are. */
  get runs(): ReadonlyMap<string, Run> {
    return this.#ledger.runs;
  }

  /** Ids of the items that changed or were dropped since a caller last cleared it. */
  get changed(): Set<string> {
    return this.#ledger.changed;
  }

  /** Ids of the runs that changed since a caller last cleared it: in more than `last` and `end_seq`, which every frame moves. */
  get changedRuns(): Set<string> {
    return this.#ledger.changedRuns;
  }

  /** Grows whenever an item is added, dropped, closed or opened again; not for what is written into one. */
  get structure(): number {
    return this.#ledger.structure;
  }

  /** The transcript as it stands: an own copy. Arguments, results and states in it are shared, since nothing changes them. */
  snapshot(): Filled<Transcript> {
    return this.#ledger.snapshot();
  }

  /**
   * Take one frame in; false if it was a repeat or of a stale attempt and changed nothing.
   *
   * Throws FoldError: the frame does not continue its lane, or an event does not fit what is there.
   */
  apply(frame: Frame): boolean {
    const head = headOf(frame);
    return head.lane === IN_LANE ? this.#applyInput(head) : this.#applyRun(head);
  }

  #applyInput(frame: Head): boolean {
    if (!this.#continues(frame, this.#ledger.inputLast)) return false;
    this.#applyEvents(frame);
    this.#ledger.inputLast = lastOf(frame);
    return true;
  }

  #applyRun(frame: Head): boolean {
    const run = this.#ledger.run(frame.run, frame.seq);
    if (frame.attempt < run.attempt || !this.#continues(frame, run.last)) return false;
    if (frame.attempt > run.attempt) {
      if (run.attempt > 0) this.#ledger.dropUnfinished(run);
      run.attempt = frame.attempt;
      this.#ledger.changedRuns.add(run.id);
    }
    this.#applyEvents(frame);
    run.last = lastOf(frame);
    run.end_seq = frame.seq;
    return true;
  }

  #continues(frame: Head, last: number): boolean {
    if (frame.n === last + 1) return true;
    if (lastOf(frame) <= last) return false;
    const lane = `lane ${frame.lane || frame.run}`;
    if (frame.n <= last)
      throw new FoldError(`${lane}: frame ${frame.n}..${lastOf(frame)} overlaps what ends at ${last}`);
    if (this.#ledger.dense) throw new FoldError(`${lane}: events ${last + 1} to ${frame.n - 1} are missing`);
    return true;
  }

  #applyEvents(frame: Head): void {
    for (const event of frame.events) {
      if (isDelta(event)) {
        this.#ledger.append(event); // nine of ten events
        continue;
      }
      const meaning = MEANING.get(event.type);
      if (meaning === undefined) continue; // of a type that is newer than this page
      const whole = fillEvent(event);
      const { run, seq, ns, ts } = frame;
      meaning(this.#ledger, whole, { run, seq, ns: whole.ns || ns, at: ts + whole.dt });
    }
  }
}

function lastOf(frame: Head): number {
  return frame.n + (frame.count || frame.events.length) - 1;
}

const DELTAS: ReadonlySet<string> = new Set<TextDelta["type"]>([
  "message.delta",
  "reasoning.delta",
  "tool.args.delta",
  "artifact.delta",
]);

function isDelta(event: AnyEvent): event is TextDelta {
  return DELTAS.has(event.type);
}
