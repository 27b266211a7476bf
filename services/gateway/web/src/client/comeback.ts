/** When to come back after a connection has ended, by what its close code asks for (docs/protocol.md). Pure. */

import { CLOSED_COME_BACK, CLOSED_COME_BACK_LATER, CLOSED_FOR_GOOD } from "../schema/constants";

/** After `pause` ms; or never, and why. */
export type Comeback = { pause: number } | { never: string };

const AT_ONCE_MS_MAX = 250; // "at once" for thousands of viewers of one gateway is not the same moment
const LATER_MS = { min: 5_000, max: 10_000 };
const BACKOFF_MS = { min: 250, max: 10_000 };
const TOO_LARGE = 1009; // a message of ours over the limit: it would be sent again

/** How a connection ended. `after` is the pause in ms that a `reconnect` asked for before, null without one. */
export interface Ending {
  code: number;
  reason: string;
  after: number | null;
}

/**
 * `failures` counts the connections before this one that did not last; what asks to come back at once and ends at once is
 * one of them the second time. `random` gives numbers from 0 to 1.
 */
export function comeback({ code, reason, after }: Ending, failures: number, random: () => number): Comeback {
  if (within(CLOSED_FOR_GOOD, code) || code === TOO_LARGE)
    return { never: reason || `the gateway closed the connection for good (${code})` };
  if (after !== null) return { pause: after + random() * AT_ONCE_MS_MAX };
  if (within(CLOSED_COME_BACK, code) && failures === 0) return { pause: random() * AT_ONCE_MS_MAX };
  if (within(CLOSED_COME_BACK_LATER, code)) return { pause: between(LATER_MS.min, LATER_MS.max, random) };
  return { pause: backoff(failures, random) };
}

/** Exponential with full jitter, in ms: anything from 250 to a bound that doubles with every failure, up to 10 s. */
export function backoff(failures: number, random: () => number): number {
  const bound = Math.min(BACKOFF_MS.max, BACKOFF_MS.min * 2 ** (failures + 1));
  return between(BACKOFF_MS.min, bound, random);
}

function between(min: number, max: number, random: () => number): number {
  return min + random() * (max - min);
}

function within([first, last]: readonly [number, number], code: number): boolean {
  return code >= first && code <= last;
}
