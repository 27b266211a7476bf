/** Axis: time as it is played and drawn. Where nothing happened for long, it is cut short. */

import type { Transcript } from "../schema/types";

/** Longer pauses are played and drawn as this long. */
export const GAP_MS_MAX = 2000;

/** A pause that was cut short: `from` and `to` in ms since the epoch, `at` where it begins on the axis. */
export interface Gap {
  from: number;
  to: number;
  at: number;
}

export class Axis {
  readonly gaps: Gap[] = [];
  #first = 0;
  #last = 0;

  /** Length in ms. */
  get length(): number {
    return this.at(this.#last);
  }

  /** Something happens at `ts`. Times come in order; an earlier one changes nothing. */
  add(ts: number): void {
    if (this.#last && ts - this.#last > GAP_MS_MAX) {
      this.gaps.push({ from: this.#last, to: ts, at: this.at(this.#last) });
    }
    this.cover(ts);
  }

  /** Something goes on until `ts`, from where the axis ends. */
  cover(ts: number): void {
    this.#first ||= ts;
    this.#last = Math.max(this.#last, ts);
  }

  /** Where a time lies on the axis, in ms from its beginning; times outside lie at its ends. */
  at(ts: number): number {
    const inside = Math.min(Math.max(ts, this.#first), this.#last);
    const gap = this.gaps[lastUpTo(this.gaps, (gap) => gap.from <= inside)];
    if (!gap) return inside - this.#first;
    if (inside < gap.to) return gap.at + (GAP_MS_MAX * (inside - gap.from)) / (gap.to - gap.from);
    return gap.at + GAP_MS_MAX + inside - gap.to;
  }

  /** The pause in which a place of the axis lies. */
  gapAt(at: number): Gap | undefined {
    const gap = this.gaps[lastUpTo(this.gaps, (gap) => gap.at < at)];
    return gap && at < gap.at + GAP_MS_MAX ? gap : undefined;
  }

  /** The time, in ms since the epoch, at a place of the axis. */
  ts(at: number): number {
    const gap = this.gaps[lastUpTo(this.gaps, (gap) => gap.at <= at)];
    if (!gap) return this.#first + at;
    if (at < gap.at + GAP_MS_MAX) return gap.from + ((at - gap.at) / GAP_MS_MAX) * (gap.to - gap.from);
    return gap.to + at - gap.at - GAP_MS_MAX;
  }
}

/** An axis over what is known of a conversation that was not recorded: something goes on while an item is open. */
export function axisOf({ items = [] }: Transcript): Axis {
  const known = items.flatMap(({ started = 0, ended = 0 }) => (started ? [{ started, ended }] : []));
  const axis = new Axis();
  for (const { started, ended } of known.sort((one, other) => one.started - other.started)) {
    axis.add(started);
    axis.cover(ended);
  }
  return axis;
}

/** Index of the last of `sorted` for which `holds`, which holds for a beginning of it; -1 if it holds for none. */
export function lastUpTo<T>(sorted: readonly T[], holds: (one: T) => boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(sorted[middle] as T)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
