/**
 * Requests: what a person asks of a conversation, each kept and said again until the gateway has acknowledged or refused it.
 * Saying one twice changes nothing, for each has an id (docs/protocol.md). Pure: times in ms are given, never read.
 */
import type { Ack, Cancel, ErrorBody, ErrorMessage, Resolve, Send } from "../schema/types";
import { backoff } from "./comeback";

export type Request = Send | Cancel | Resolve;

export type Outcome = { ref: string; ack: Ack } | { ref: string; error: ErrorBody };

/** Without an answer for so long, over all connections, a person is told; the request may have been done all the same. */
export const DEADLINE_MS = 60_000;
const ANSWER_MS_MAX = 10_000; // without an answer on this connection it is said again
const REFUSALS_MAX = 6; // of what may succeed later

interface Pending {
  request: Request;
  by: number;
  again: number; // when to say it again; Infinity while there is no connection
  refusals: number;
}

/** What an answer to it refers to. */
export function refOf(request: Request): string {
  if (request.op === "send") return request.id;
  return request.op === "cancel" ? request.run : request.interrupt;
}

export class Requests {
  readonly #pending = new Map<string, Pending>();

  /** When `tick` wants to be called, in ms; null: not at all. */
  get due(): number | null {
    let due = Number.POSITIVE_INFINITY;
    for (const { by, again } of this.#pending.values()) due = Math.min(due, by, again);
    return due === Number.POSITIVE_INFINITY ? null : due;
  }

  has(ref: string): boolean {
    return this.#pending.has(ref);
  }

  /** Say it at the next `tick` while `open`, else when there is a connection. */
  add(request: Request, open: boolean, now: number): void {
    const again = open ? now : Number.POSITIVE_INFINITY;
    this.#pending.set(refOf(request), { request, by: now + DEADLINE_MS, again, refusals: 0 });
  }

  opened(now: number): void {
    for (const pending of this.#pending.values()) pending.again = now;
  }

  lost(): void {
    for (const pending of this.#pending.values()) pending.again = Number.POSITIVE_INFINITY;
  }

  /** null if nobody waits for it. */
  acknowledged(ack: Ack): Outcome | null {
    return this.#pending.delete(ack.ref) ? { ref: ack.ref, ack } : null;
  }

  /** null if nobody waits for it, or if it will be said again. */
  refused(error: ErrorMessage, now: number, random: () => number): Outcome | null {
    const pending = this.#pending.get(error.ref ?? "");
    if (!pending) return null;
    pending.refusals += 1;
    if (error.retryable && pending.refusals < REFUSALS_MAX) {
      pending.again = now + backoff(pending.refusals, random);
      return null;
    }
    return this.#fail(pending, error);
  }

  /** What is to be said now, and whose time is over. */
  tick(now: number): { say: Request[]; outcomes: Outcome[] } {
    const say: Request[] = [];
    const outcomes: Outcome[] = [];
    for (const pending of this.#pending.values()) {
      if (now >= pending.by) outcomes.push(this.#fail(pending, UNANSWERED));
      else if (now >= pending.again) {
        pending.again = now + ANSWER_MS_MAX;
        say.push(pending.request);
      }
    }
    return { say, outcomes };
  }

  /** Nothing will be said any more. */
  failAll(error: ErrorBody): Outcome[] {
    return [...this.#pending.values()].map((pending) => this.#fail(pending, error));
  }

  #fail({ request }: Pending, { code, message, retryable = false }: ErrorBody): Outcome {
    const ref = refOf(request);
    this.#pending.delete(ref);
    return { ref, error: { code, message, retryable, ref } };
  }
}

const UNANSWERED: ErrorBody = {
  code: "unanswered",
  message: `No gateway has answered within ${DEADLINE_MS / 1000} seconds. It may have been done all the same; trying again does no harm.`,
  retryable: true,
};
