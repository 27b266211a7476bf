const UNDRAWN_MS = 250; // after so long a turn comes without a frame, as in a page that nobody sees
const HELD_BACK_MS = 1000; // where not even that comes: browsers let timers of a hidden page ring once a minute

/**
 * Pace: takes turns, at most one per animation frame, as long as there is something to do. `turn` returns whether there is
 * more.
 */
export class Pace {
  readonly #turn: () => boolean;
  #cancel: (() => void) | null = null;
  #last = Number.NEGATIVE_INFINITY;

  constructor(turn: () => boolean) {
    this.#turn = turn;
  }

  /** There is something to do. */
  ask(): void {
    if (!this.#cancel) this.#cancel = onNextFrame(this.#take);
    else if (globalThis.document?.hidden && performance.now() - this.#last > HELD_BACK_MS) this.#take();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  readonly #take = () => {
    this.stop();
    this.#last = performance.now();
    if (this.#turn()) this.ask();
  };
}

/** Browsers draw no frames of a page that nobody sees, nor promise any: then a timer rings. Returns what cancels both. */
function onNextFrame(call: () => void): () => void {
  const frame = globalThis.requestAnimationFrame?.(call);
  const timer = setTimeout(call, UNDRAWN_MS);
  return () => {
    if (frame !== undefined) cancelAnimationFrame(frame);
    clearTimeout(timer);
  };
}
