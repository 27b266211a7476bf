/** Checkpoints: states of a conversation along its recording, so that any moment is a few hundred events away. */
import { Fold, type Item } from "../fold/fold";
import type { Transcript } from "../schema/types";

/** Events between two checkpoints, until there are too many of them. */
export const CHECKPOINT_EVENTS = 500;

/** Then every second one is dropped and they stand twice as far apart. Each costs about 8 bytes per item. */
export const CHECKPOINTS_MAX = 256;

/** `transcript` shares the items that did not change with the checkpoint before it. */
interface Checkpoint {
  position: number;
  transcript: Transcript;
}

/** Takes `fold`, which it has to itself, from event `from` to event `to` of the recording. */
type Advance = (fold: Fold, from: number, to: number) => void;

export class Checkpoints {
  readonly #advance: Advance;
  readonly #fold: Fold;
  readonly #copies = new Map<string, Item>();
  #held: Checkpoint[];
  #position: number;
  #spacing = CHECKPOINT_EVENTS;

  constructor(base: Transcript, start: number, advance: Advance) {
    this.#advance = advance;
    this.#fold = new Fold(base);
    this.#held = [{ position: start, transcript: base }];
    this.#position = start;
    for (const [id, item] of this.#fold.items) this.#copies.set(id, copy(item));
  }

  /** How far apart they stand: going on by so many events is as good as beginning at one. */
  get spacing(): number {
    return this.#spacing;
  }

  /** The position of the last one. */
  get prepared(): number {
    return this.#position;
  }

  /** Read on to make the checkpoints up to `position`. */
  prepare(position: number): void {
    while (this.#position + this.#spacing <= position) {
      const next = this.#position + this.#spacing;
      this.#advance(this.#fold, this.#position, next);
      this.#position = next;
      this.#take();
    }
  }

  /** A fold of its own for the caller, at the last checkpoint up to `position`. */
  restore(position: number): { fold: Fold; position: number } {
    this.prepare(position);
    const found = this.#held.findLast((one) => one.position <= position) ?? (this.#held[0] as Checkpoint);
    return { fold: new Fold(found.transcript), position: found.position };
  }

  #take(): void {
    const { items, runs, changed } = this.#fold;
    for (const id of changed) {
      const item = items.get(id);
      if (item) this.#copies.set(id, copy(item));
      else this.#copies.delete(id);
    }
    changed.clear();
    this.#fold.changedRuns.clear();
    const transcript: Transcript = {
      conversation: this.#fold.conversation,
      title: this.#fold.title,
      created: this.#fold.created,
      input_last: this.#fold.inputLast,
      runs: Array.from(runs.values(), (run) => ({ ...run, usage: [...run.usage], counts: { ...run.counts } })),
      items: Array.from(items.keys(), (id) => this.#copies.get(id) as Item),
    };
    this.#held.push({ position: this.#position, transcript });
    if (this.#held.length > CHECKPOINTS_MAX) {
      this.#held = this.#held.filter((_, index) => index % 2 === 0);
      this.#spacing *= 2;
    }
  }
}

/** The fold changes its items in place. */
function copy(item: Item): Item {
  return item.type === "artifact"
    ? { ...item, versions: item.versions.map((version) => ({ ...version })) }
    : { ...item };
}
