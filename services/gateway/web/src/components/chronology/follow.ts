/**
 * What a list that grows does to the place of its reader. At the end it follows; elsewhere what is being read stays where
 * it is, whatever changes its height above. The browser's own anchoring is off (`overflow-anchor: none`), as it gives up
 * whenever the list is positioned anew.
 */

/** So near the end, in px, that the reader means the end. */
export const END_PX = 40;
/** So long after a wheel, a key, a finger or a pointer, in ms, what scrolls the list is the reader. */
const READER_MS = 1_000;
/** Below the upper edge of the list, in px, where what is being read is looked for. */
const READING_PX = 12;

interface Anchor {
  element: Element;
  place: number; // how far down in the list, in px
}

export class Follow {
  readonly #list: HTMLElement;
  readonly #tell: (following: boolean) => void;
  #following = true;
  #anchor: Anchor | null = null;
  #top = 0; // where the list was scrolled to last, by anybody
  #readerUntil = 0; // ms, of `now`
  readonly #now: () => number;

  /** `tell` hears when the reader lets go of the end, and when the end is reached again. `now` in ms. */
  constructor(list: HTMLElement, tell: (following: boolean) => void, now = () => performance.now()) {
    this.#list = list;
    this.#tell = tell;
    this.#now = now;
  }

  get following(): boolean {
    return this.#following;
  }

  /** Go to the end, and stay there. */
  toEnd(): void {
    this.#set(true);
    this.resized();
  }

  /** The reader goes somewhere else in the list. */
  letGo(): void {
    this.#set(false);
  }

  /** The reader does what may scroll the list; `held`: and goes on doing it until told otherwise. */
  touched(held = false): void {
    this.#readerUntil = held ? Number.POSITIVE_INFINITY : this.#now() + READER_MS;
  }

  /** The list was scrolled. */
  scrolled(): void {
    const { scrollTop } = this.#list;
    const up = this.#top - scrollTop;
    if (Math.abs(up) < 1) return; // that was us
    if (this.#following && up > 0 && this.#distance() > 1 && !this.#byReader(up)) {
      this.resized();
      return;
    }
    this.#steady(); // what is in the list may have changed since it was last laid out
    this.#top = this.#list.scrollTop;
    if (up > 0 && this.#distance() > 1) this.#set(false);
    else if (this.#distance() <= END_PX) this.#set(true);
    this.#anchor = this.#following ? null : this.#find();
  }

  /**
   * Whether it was the reader who scrolled up by so many px. Else the list shrank, the browser went no further than there was,
   * and before anybody looked the list grew again. Who finds a word in the page touches nothing in it, but goes far.
   */
  #byReader(up: number): boolean {
    return this.#now() < this.#readerUntil || up > this.#list.clientHeight / 2;
  }

  /** What is in the list has another height: before it is painted, go to where the reader was. */
  resized(): void {
    if (this.#following) {
      this.#scrollTo(this.#list.scrollHeight - this.#list.clientHeight);
      return;
    }
    this.#steady();
    if (!this.#anchor?.element.isConnected) this.#anchor = this.#find();
  }

  /** Scroll by as much as what is being read has moved in the list. */
  #steady(): void {
    if (!this.#anchor?.element.isConnected) return;
    const moved = this.#placeOf(this.#anchor.element) - this.#anchor.place;
    if (Math.abs(moved) < 1) return;
    const before = this.#list.scrollTop;
    this.#list.scrollTop = before + moved;
    this.#top += this.#list.scrollTop - before;
    this.#anchor.place += moved;
  }

  #set(following: boolean): void {
    if (following === this.#following) return;
    this.#following = following;
    this.#anchor = following ? null : this.#find();
    this.#tell(following);
  }

  #scrollTo(top: number): void {
    this.#list.scrollTop = top;
    this.#top = this.#list.scrollTop;
  }

  #distance(): number {
    const { scrollHeight, scrollTop, clientHeight } = this.#list;
    return scrollHeight - scrollTop - clientHeight;
  }

  /** How far down in the list an element is, in px, wherever it is scrolled to. */
  #placeOf(element: Element): number {
    return element.getBoundingClientRect().top - this.#list.getBoundingClientRect().top + this.#list.scrollTop;
  }

  /** What is being read: the first part of the conversation, of those with no parts in them, that ends below the upper edge. */
  #find(): Anchor | null {
    const { left, top, width } = this.#list.getBoundingClientRect();
    const row = document.elementFromPoint(left + width / 2, top + READING_PX)?.closest("[data-row]");
    const parts = [...(row ?? this.#list).querySelectorAll("[data-item]")].filter(
      (part) => !part.querySelector("[data-item]"),
    );
    const element = parts.find((part) => part.getBoundingClientRect().bottom > top + READING_PX) ?? row;
    return element && this.#list.contains(element) ? { element, place: this.#placeOf(element) } : null;
  }
}
