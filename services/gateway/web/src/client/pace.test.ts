import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Pace } from "./pace";

/** The browser's frames: each call draws one. */
let draw = () => {};

beforeEach(() => {
  vi.useFakeTimers();
  let waiting = new Map<number, () => void>();
  let last = 0;
  vi.stubGlobal("requestAnimationFrame", (call: () => void) => {
    last += 1;
    waiting.set(last, call);
    return last;
  });
  vi.stubGlobal("cancelAnimationFrame", (id: number) => waiting.delete(id));
  draw = () => {
    const calls = [...waiting.values()];
    waiting = new Map();
    for (const call of calls) call();
  };
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** A pace with so many turns' work whenever it is asked. */
function paced(work = 1) {
  const counted = { turns: 0, left: 0, ask: () => {}, stop: () => {} };
  const pace = new Pace(() => {
    counted.turns += 1;
    counted.left -= 1;
    return counted.left > 0;
  });
  counted.ask = () => {
    counted.left = work;
    pace.ask();
  };
  counted.stop = () => pace.stop();
  return counted;
}

describe("a pace", () => {
  it("takes one turn in a frame, however often it is asked", () => {
    const pace = paced();
    for (let asked = 0; asked < 100; asked += 1) pace.ask();
    expect(pace.turns).toBe(0);
    draw();
    expect(pace.turns).toBe(1);
    draw();
    expect(pace.turns).toBe(1);
  });

  it("takes a turn in every frame until nothing is left", () => {
    const pace = paced(3);
    pace.ask();
    for (let frame = 0; frame < 10; frame += 1) draw();
    expect(pace.turns).toBe(3);
  });

  it("takes a turn after a quarter of a second where no frame is drawn, and only one for both", () => {
    const pace = paced();
    pace.ask();
    vi.advanceTimersByTime(249);
    expect(pace.turns).toBe(0);
    vi.advanceTimersByTime(1);
    expect(pace.turns).toBe(1);
    draw();
    vi.advanceTimersByTime(1000);
    expect(pace.turns).toBe(1);
  });

  it("goes on with what comes where a browser holds the timers of a hidden page back", () => {
    vi.stubGlobal("document", { hidden: true });
    const pace = paced();
    pace.ask();
    vi.advanceTimersByTime(250);
    vi.spyOn(performance, "now").mockReturnValue(performance.now() + 5000); // and no timer rings
    pace.ask();
    expect(pace.turns).toBe(1);
    pace.ask();
    expect(pace.turns).toBe(2);
  });

  it("takes no turn after it was stopped", () => {
    const pace = paced();
    pace.ask();
    pace.stop();
    draw();
    vi.advanceTimersByTime(1000);
    expect(pace.turns).toBe(0);
  });
});
