/** Characters of Markdown that may be parsed in one frame as they come onto the page: about 20 ms of parsing. */
export const MOUNT_CHARS = 12_000;
const FRAME_MS = 16;

/** How much of what comes onto the page is parsed at once: all of it, until a frame has had its share. */
export class Allowance {
  readonly #clock: () => number;
  #since = Number.NEGATIVE_INFINITY;
  #taken = 0;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Whether a text of `chars` characters fits; the first of a frame always does. */
  takes(chars: number): boolean {
    const now = this.#clock();
    if (now - this.#since > FRAME_MS) [this.#since, this.#taken] = [now, 0];
    const fits = this.#taken === 0 || this.#taken + chars <= MOUNT_CHARS;
    if (fits) this.#taken += chars;
    return fits;
  }
}
