/** Progress: how far a catch-up has come, in events: of those that came since this page was last level. Pure. */

export interface Reached {
  /** Events taken in since it began. */
  received: number;
  /** Of how many; null if nobody knows. */
  total: number | null;
}

export class Progress {
  #from = 0;
  #to = 0;

  /** It begins, with so many events of the conversation folded. */
  begin(folded: number): void {
    this.#from = folded;
    this.#to = 0;
  }

  /** The conversation is said to have so many; 0 if that was not said. */
  aim(events: number): void {
    this.#to = events;
  }

  /** With so many folded; `waiting` events have come and are not, and `complete` if nothing is to come but what is new. */
  reached(folded: number, waiting: number, complete: boolean): Reached {
    const received = Math.max(0, folded - this.#from); // the conversation may be another one than was folded before
    const known = Math.max(this.#to - this.#from, received + waiting);
    return { received, total: this.#to > 0 || complete ? known : null };
  }
}
