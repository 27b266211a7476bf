import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Delivery } from "../client/watch";
import { collectGarbage } from "../gc";
import type { Frame } from "../schema/types";
import { Backlog, type Next } from "./backlog";

const frame: fc.Arbitrary<Frame> = fc
  .record({ n: fc.nat(), events: fc.array(fc.constant({ type: "log", id: "l", level: "info", text: "." } as const)) })
  .map(({ n, events }) => ({ run: "r", n, ts: 0, events }));
const delivery: fc.Arbitrary<Delivery> = fc.oneof(
  fc.array(frame, { minLength: 1, maxLength: 4 }).map((frames) => ({ kind: "frames" as const, frames, cursor: "a-1" })),
  fc.constantFrom<Delivery>({ kind: "joining" }, { kind: "lagging" }, { kind: "caught_up", cursor: "a-1" }),
);

/** What is to be taken of a delivery, one after the other. */
function singly(one: Delivery): Next[] {
  if (one.kind !== "frames") return [one];
  return one.frames.map((frame) => ({ kind: "frame", frame, cursor: one.cursor }));
}

describe("a backlog", () => {
  it("gives frame by frame what was put in, however putting and taking take turns", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(delivery, fc.nat({ max: 6 }))), (turns) => {
        const backlog = new Backlog();
        const expected = turns.flatMap(([one]) => singly(one));
        const taken: (Next | undefined)[] = [];
        for (const [one, takes] of turns) {
          backlog.push(one);
          for (let turn = 0; turn < takes && !backlog.empty; turn += 1) taken.push(backlog.take());
        }
        while (!backlog.empty) taken.push(backlog.take());
        expect(taken).toEqual(expected);
        expect(backlog.take()).toBeUndefined();
        expect(backlog.events).toBe(0);
        expect(backlog.rejoins).toBe(false);
      }),
    );
  });

  it("counts the events that wait", () => {
    const backlog = new Backlog();
    const events = [{ type: "log", id: "l", level: "info", text: "." } as const];
    const frames = [1, 2, 3].map((n) => ({ run: "r", n, ts: 0, events }));
    backlog.push({ kind: "frames", frames, cursor: "a-3" });
    expect(backlog.events).toBe(3);
    backlog.take();
    expect(backlog.events).toBe(2);
    backlog.clear();
    expect(backlog.events).toBe(0);
    expect(backlog.empty).toBe(true);
  });

  it("knows a new subscription as soon as it comes, and the present until there is another", () => {
    const backlog = new Backlog();
    backlog.push({ kind: "joining" });
    expect([backlog.rejoins, backlog.complete]).toEqual([true, false]);
    backlog.push({ kind: "caught_up", cursor: "a-1" });
    expect([backlog.rejoins, backlog.complete]).toEqual([true, true]);
    backlog.take();
    backlog.take();
    expect([backlog.rejoins, backlog.complete]).toEqual([false, true]);
    backlog.push({ kind: "joining" });
    expect([backlog.rejoins, backlog.complete]).toEqual([true, false]);
  });

  it("lets go of what was taken, also when something is always waiting, and keeps the order", async () => {
    const backlog = new Backlog();
    const taken: WeakRef<object>[] = [];
    const numbers: number[] = [];
    const push = (n: number) =>
      backlog.push({ kind: "frames", frames: [{ run: "r", n, ts: 0, events: [] }], cursor: "a-1" });
    push(0);
    for (let n = 1; n <= 1000; n += 1) {
      push(n);
      const next = backlog.take();
      if (next?.kind !== "frame") throw new Error("a frame waits");
      numbers.push(next.frame.n);
      taken.push(new WeakRef(next.frame));
    }
    await new Promise((done) => setTimeout(done)); // what a turn has looked at is kept until its end
    collectGarbage();
    expect(numbers).toEqual(Array.from({ length: 1000 }, (_, n) => n));
    expect(taken.filter((one) => one.deref()).length).toBeLessThan(100);
  });
});
