/**
 * When growing texts are parsed: a few per animation frame, in turn, within a budget of time for all of them, so that the
 * page stays smooth whatever the rate of what comes. Pure: clock and frames are given.
 */

/** What parsing may take of one animation frame (16.7 ms at 60 Hz): the rest is for what comes in, layout and paint. */
export const FRAME_BUDGET_MS = 2.5;
/** Up to so many texts at a time are drawn in every frame. */
export const FEW = 2;
/** The pause between two drawings of one text where more grow: 8 times a second reads as well as 60. */
export const LOADED_PAUSE_MS = 125;
/** The pause for a text that is off the screen: only its height is of interest. */
export const UNSEEN_PAUSE_MS = 1000;
/** A text that takes long to parse pauses for so many times that, so that it takes at most a ninth of the time by itself. */
export const PAUSE_PER_COST = 8;

/** A text that somebody draws as it grows. `draw` does so at once; it must not throw. */
export interface Growing {
  visible: boolean;
  draw(): void;
}

interface Turn {
  text: Growing;
  cost: number; // of its last drawing, in ms
  drawn: number; // when, in ms of the clock
}

export class Pacer {
  readonly #waiting = new Map<Growing, Turn>(); // in the order of their turns
  readonly #known = new WeakMap<Growing, Turn>();
  readonly #clock: () => number;
  readonly #nextFrame: (callback: () => void) => void;
  #asked = false;

  constructor(clock: () => number, nextFrame: (callback: () => void) => void) {
    this.#clock = clock;
    this.#nextFrame = nextFrame;
  }

  /** `text` has something to draw, as soon as it is its turn. */
  touch(text: Growing): void {
    if (this.#waiting.has(text)) return;
    const turn = this.#known.get(text) ?? { text, cost: 0, drawn: Number.NEGATIVE_INFINITY };
    this.#known.set(text, turn);
    this.#waiting.set(text, turn);
    this.#ask();
  }

  /** `text` is not on the page any more. */
  forget(text: Growing): void {
    this.#waiting.delete(text);
  }

  #ask(): void {
    if (this.#asked || !this.#waiting.size) return;
    this.#asked = true;
    this.#nextFrame(() => {
      this.#asked = false;
      this.#frame();
      this.#ask();
    });
  }

  #frame(): void {
    const start = this.#clock();
    const loaded = this.#waiting.size > FEW;
    const turns = [...this.#waiting.values()].filter((turn) => start >= turn.drawn + pauseOf(turn, loaded));
    turns.sort((one, other) => Number(other.text.visible) - Number(one.text.visible));
    for (const turn of turns) {
      const before = this.#clock();
      if (before - start >= FRAME_BUDGET_MS) return;
      this.#waiting.delete(turn.text);
      turn.text.draw();
      turn.drawn = this.#clock();
      turn.cost = turn.drawn - before;
    }
  }
}

function pauseOf({ text, cost }: Turn, loaded: boolean): number {
  const pause = text.visible ? (loaded ? LOADED_PAUSE_MS : 0) : UNSEEN_PAUSE_MS;
  return Math.max(pause, cost * PAUSE_PER_COST);
}
