import { describe, expect, test } from "vitest";
import { FRAME_BUDGET_MS, type Growing, LOADED_PAUSE_MS, PAUSE_PER_COST, Pacer, UNSEEN_PAUSE_MS } from "./pace";

const FRAME_MS = 1000 / 60;

/** A page whose clock goes on by a frame at a time, and by `cost` ms for each drawing. */
class Page {
  now = 0;
  drawn: string[] = [];
  #frames: (() => void)[] = [];
  readonly pacer = new Pacer(
    () => this.now,
    (frame) => this.#frames.push(frame),
  );

  text(name: string, { cost = 0.1, visible = true } = {}): Growing {
    const draw = () => {
      this.now += cost;
      this.drawn.push(name);
    };
    return { visible, draw };
  }

  get asleep(): boolean {
    return this.#frames.length === 0;
  }

  frame(): void {
    const start = this.now;
    const [...frames] = this.#frames.splice(0);
    for (const frame of frames) frame();
    this.now = Math.max(this.now, start + FRAME_MS);
  }

  /** All of `texts` grow all the time, for a second. */
  second(texts: Growing[]): void {
    for (const end = this.now + 1000; this.now < end; this.frame()) for (const text of texts) this.pacer.touch(text);
  }

  timesDrawn(name: string): number {
    return this.drawn.filter((one) => one === name).length;
  }
}

describe("a growing text", () => {
  test("is drawn in every frame while it grows alone", () => {
    const page = new Page();
    page.second([page.text("a")]);
    expect(page.timesDrawn("a")).toBeGreaterThanOrEqual(59);
  });

  test("is drawn once for all that came between two frames", () => {
    const page = new Page();
    const text = page.text("a");
    page.pacer.touch(text);
    page.pacer.touch(text);
    page.frame();
    expect(page.drawn).toEqual(["a"]);
  });

  test("among many is drawn about eight times a second", () => {
    const page = new Page();
    page.second(Array.from({ length: 20 }, (_, at) => page.text(`${at}`)));
    expect(page.timesDrawn("0")).toBeGreaterThanOrEqual(6);
    expect(page.timesDrawn("0")).toBeLessThanOrEqual(1 + 1000 / LOADED_PAUSE_MS);
  });

  test("that is off the screen is drawn once a second, and after those that are seen", () => {
    const page = new Page();
    const texts = [page.text("unseen", { visible: false }), page.text("seen")];
    page.second(texts);
    expect(page.timesDrawn("unseen")).toBe(Math.ceil(1000 / UNSEEN_PAUSE_MS));
    expect(page.drawn[0]).toBe("seen");
  });

  test("that takes long to parse takes at most a ninth of the time", () => {
    const page = new Page();
    page.second([page.text("slow", { cost: 40 })]);
    expect(page.timesDrawn("slow") * 40).toBeLessThanOrEqual(1040 / (1 + PAUSE_PER_COST) + 40);
    expect(page.timesDrawn("slow")).toBeGreaterThan(1);
  });

  test("that nobody shows any more is not drawn", () => {
    const page = new Page();
    const text = page.text("a");
    page.pacer.touch(text);
    page.pacer.forget(text);
    page.frame();
    expect(page.drawn).toEqual([]);
  });
});

describe("all growing texts together", () => {
  test("are drawn within the budget of a frame, but for the last that begins in it", () => {
    const page = new Page();
    const texts = Array.from({ length: 20 }, (_, at) => page.text(`${at}`, { cost: 1 }));
    for (const text of texts) page.pacer.touch(text);
    page.frame();
    expect(page.drawn.length).toBe(Math.ceil(FRAME_BUDGET_MS));
  });

  test("have their turns one after the other", () => {
    const page = new Page();
    const texts = Array.from({ length: 20 }, (_, at) => page.text(`${at}`, { cost: 2 }));
    page.second(texts);
    const times = texts.map((_, at) => page.timesDrawn(`${at}`));
    expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(1);
    expect(Math.min(...times)).toBeGreaterThan(0);
  });

  test("ask for no frame once all are drawn", () => {
    const page = new Page();
    page.pacer.touch(page.text("a"));
    page.frame();
    expect(page.drawn).toEqual(["a"]);
    expect(page.asleep).toBe(true);
  });
});
