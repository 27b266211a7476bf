/**
 * What a list that grows does to the place of its reader. At the end it follows; elsewhere what is being read stays where
 * it is, whatever changes its height above. The browser's own anchoring is off (`overflow-anchor: none`), as it gives up
 * whenever the list is positioned anew.
 */

/** So near the end, in px, that the reader means the end. */
export const END_PX = 40;
/** Below the upper edge of the list, in px, where what is being read is looked for. */
const READING_PX = 12;

interface Anchor {
  element: Element;
  top: number; // below the upper edge of the list, in px
}

export class Follow {
  readonly #list: HTMLElement;
  readonly #tell: (following: boolean) => void;
  #following = true;
  #anchor: Anchor | null = null;
  #top = 0; // where the list was scrolled to last, by anybody

  /** `tell` hears when the reader lets go of the end, and when the end is reached again. */
  constructor(list: HTMLElement, tell: (following: boolean) => void) {
    this.#list = list;
    this.#tell = tell;
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

  /** The list was scrolled. */
  scrolled(): void {
    const { scrollTop } = this.#list;
    if (Math.abs(scrollTop - this.#top) < 1) return; // that was us
    if (scrollTop < this.#top && this.#distance() > 1) this.#set(false);
    else if (this.#distance() <= END_PX) this.#set(true);
    this.#top = scrollTop;
    this.#anchor = this.#following ? null : this.#find();
  }

  /** What is in the list has another height: before it is painted, go to where the reader was. */
  resized(): void {
    if (this.#following) {
      this.#scrollTo(this.#list.scrollHeight - this.#list.clientHeight);
      return;
    }
    if (this.#anchor?.element.isConnected) {
      const moved = this.#below(this.#anchor.element) - this.#anchor.top;
      if (Math.abs(moved) >= 1) this.#scrollTo(this.#list.scrollTop + moved);
    }
    if (!this.#anchor?.element.isConnected) this.#anchor = this.#find();
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

  #below(element: Element): number {
    return element.getBoundingClientRect().top - this.#list.getBoundingClientRect().top;
  }

  /** The innermost part of the conversation at the upper edge of the list. */
  #find(): Anchor | null {
    const { left, top, width } = this.#list.getBoundingClientRect();
    const at = document.elementFromPoint(left + width / 2, top + READING_PX);
    const element = at?.closest("[data-item], [data-row]") ?? this.#firstRow();
    return element && this.#list.contains(element) ? { element, top: this.#below(element) } : null;
  }

  /** Where nothing stands at the edge itself: the first row that ends below it. */
  #firstRow(): Element | null {
    const edge = this.#list.getBoundingClientRect().top;
    return (
      [...this.#list.querySelectorAll("[data-row]")].find((row) => row.getBoundingClientRect().bottom > edge) ?? null
    );
  }
}
