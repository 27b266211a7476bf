// @vitest-environment happy-dom
import { beforeEach, describe, expect, test } from "vitest";
import { END_PX, Follow } from "./follow";

/** A list 100 px high whose items are laid out one under the other: what a browser does, in numbers. */
class List {
  readonly element = document.createElement("div");
  heights: number[];
  #scrollTop = 0;

  constructor(heights: number[]) {
    this.heights = heights;
    const { element } = this;
    const number = (name: string, get: () => number) =>
      Object.defineProperty(element, name, { get, configurable: true });
    number("clientHeight", () => 100);
    number("scrollHeight", () => this.#before(this.heights.length));
    Object.defineProperty(element, "scrollTop", {
      get: () => this.#scrollTop,
      set: (top: number) => {
        this.#scrollTop = Math.max(0, Math.min(top, element.scrollHeight - 100));
      },
    });
    element.getBoundingClientRect = () => ({ top: 0, left: 0, width: 100, bottom: 100 }) as DOMRect;
    for (const [at] of heights.entries()) this.#add(at);
    document.elementFromPoint = (_, y) => this.#at(y);
  }

  #add(at: number): void {
    const item = document.createElement("div");
    item.dataset.row = "block";
    item.innerHTML = `<div data-item="${at}"></div>`;
    const top = () => this.#before(at) - this.#scrollTop;
    item.getBoundingClientRect = () => ({ top: top(), bottom: top() + (this.heights[at] ?? 0) }) as DOMRect;
    if (item.firstElementChild) item.firstElementChild.getBoundingClientRect = item.getBoundingClientRect;
    this.element.append(item);
  }

  #before(at: number): number {
    return this.heights.slice(0, at).reduce((sum, height) => sum + height, 0);
  }

  #at(y: number): Element | null {
    const index = this.heights.findIndex((_, at) => this.#before(at + 1) - this.#scrollTop > y);
    return this.element.children[index] ?? null;
  }
}

let list: List;
let told: boolean[];
let follow: Follow;
let now: number;

/** The browser scrolls, for whatever reason. */
function move(top: number): void {
  list.element.scrollTop = top;
  follow.scrolled();
}

/** The reader scrolls. */
function scroll(top: number): void {
  follow.touched();
  move(top);
}

beforeEach(() => {
  now = 0;
  list = new List([50, 50, 50, 50, 50, 50]);
  document.body.replaceChildren(list.element);
  told = [];
  follow = new Follow(
    list.element,
    (following) => told.push(following),
    () => now,
  );
  follow.toEnd();
});

describe("at the end", () => {
  test("the list follows what grows there", () => {
    expect(list.element.scrollTop).toBe(200);
    list.heights[5] = 90;
    follow.resized();
    expect(list.element.scrollTop).toBe(240);
    expect(told).toEqual([]);
  });

  test("it lets go when the reader scrolls up, however little", () => {
    scroll(195);
    list.heights[5] = 90;
    follow.resized();
    expect(list.element.scrollTop).toBe(195);
    expect(told).toEqual([false]);
  });

  test("what shrinks there does not count as scrolling up", () => {
    list.heights[5] = 20;
    move(170); // the browser goes no further than there is
    expect(told).toEqual([]);
  });

  test("what shrinks and has grown again when the browser says that it scrolled does not either", () => {
    move(170);
    expect(told).toEqual([]);
    expect(list.element.scrollTop).toBe(200);
  });

  test("a reader who has touched nothing for a while scrolls no more", () => {
    follow.touched();
    now = 1_000;
    move(170);
    expect(told).toEqual([]);
  });

  test("a pointer that is held down scrolls for as long as it is", () => {
    follow.touched(true);
    now = 60_000;
    move(195);
    expect(told).toEqual([false]);
  });

  test("who goes far has been sent there, as by finding a word in the page", () => {
    move(149);
    expect(told).toEqual([false]);
  });
});

describe("elsewhere", () => {
  beforeEach(() => scroll(60));

  test("what is being read stays where it is when something above it grows or shrinks", () => {
    list.heights[0] = 80;
    follow.resized();
    expect(list.element.scrollTop).toBe(90);
    list.heights[0] = 30;
    follow.resized();
    expect(list.element.scrollTop).toBe(40);
  });

  test("what grows above it in the moment in which the reader scrolls is made up for, and nothing else", () => {
    list.heights[0] = 80;
    scroll(50); // 10 px up, of what is 30 px further down by now
    expect(list.element.scrollTop).toBe(80);
    follow.resized();
    expect(list.element.scrollTop).toBe(80);
  });

  test("what grows below it moves nothing", () => {
    list.heights[4] = 500;
    follow.resized();
    expect(list.element.scrollTop).toBe(60);
  });

  test("the end is followed again once the reader is near it", () => {
    scroll(200 - END_PX - 1);
    expect(told).toEqual([false]);
    scroll(200 - END_PX);
    expect(told).toEqual([false, true]);
  });

  test("the reader who asks for the end is taken there", () => {
    follow.toEnd();
    expect(list.element.scrollTop).toBe(200);
    expect(told).toEqual([false, true]);
  });
});
