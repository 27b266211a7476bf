import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { World } from "./simulated";

type Happening = (world: World) => void;

const upTo3 = fc.integer({ min: 0, max: 3 });
const codes = fc.constantFrom(1000, 1006, 1012, 4000, 4001, 4002, 4100);

/** One of `values` happens to the world, `weight` times as often as what has the weight 1. */
function happens<T>(weight: number, values: fc.Arbitrary<T>, happen: (world: World, value: T) => void) {
  return {
    weight,
    arbitrary: values.map(
      (value): Happening =>
        (world) =>
          happen(world, value),
    ),
  };
}

const happening = fc.oneof(
  happens(6, upTo3, (world, hole) => world.append(hole)),
  happens(10, fc.tuple(upTo3, upTo3), (world, [count, again]) => world.exchange(1 + count, again)),
  happens(6, fc.constant(null), (world) => world.open()),
  happens(8, fc.constant(null), (world) => world.hear()),
  happens(8, fc.tuple(upTo3, upTo3), (world, [count, again]) => world.speak(1 + count, again)),
  happens(10, fc.constant(null), (world) => world.arrive()),
  happens(3, codes, (world, code) => world.cut(code)),
  happens(1, fc.constant(null), (world) => world.silence()),
  happens(3, fc.integer({ min: 1, max: 30_000 }), (world, ms) => world.pass(ms)),
  happens(1, fc.constant(null), (world) => world.do(world.link.wake(world.now))),
  happens(1, fc.constant(null), (world) => world.say(() => ({ op: "reconnect", after_ms: 500 }))),
  happens(1, fc.constant(null), (world) => world.say((sub) => ({ op: "lagging", sub, cursor: "" }))),
);

/** A line that was not silent for ever, whatever else happened to it. */
function settled(happenings: readonly Happening[], mode?: "auto" | "replay"): World {
  const world = new World({ mode });
  for (const happen of happenings) happen(world);
  world.say((sub) => ({ op: "caught_up", sub, cursor: "" })); // ends a `lagging` that the test said
  world.settle();
  return world;
}

describe("whatever happens to connections, the one who watches", () => {
  it("sees every frame once and in order, and is level in the end", () => {
    fc.assert(
      fc.property(
        fc.array(happening, { maxLength: 120 }),
        fc.constantFrom("auto" as const, "replay" as const),
        (all, mode) => {
          const world = settled(all, mode); // `World.see` throws at the first frame that is not the next one
          expect(world.seen).toBe(world.end);
          expect(world.level).toBe(true);
          expect(world.link.state.kind).toBe("open");
        },
      ),
      { numRuns: 500 },
    );
  });

  it("sees what a replay holds without a snapshot ever standing in for it", () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 80 }), (all) => {
        const world = settled(all, "replay");
        const frames = world.deliveries.flatMap((one) => (one.kind === "frames" ? one.frames : []));
        expect(frames).toEqual(world.log);
      }),
      { numRuns: 200 },
    );
  });
});

describe("what a person asks", () => {
  it("is asked until it is answered, and answered once", () => {
    const asking = fc
      .constantFrom("a", "b", "c")
      .map(
        (id) => (world: World) =>
          world.do(world.link.request({ op: "send", conversation: "c", id, text: "." }, world.now)),
      );
    fc.assert(
      fc.property(fc.array(fc.oneof(happening, asking), { maxLength: 100 }), (all) => {
        const world = settled(all);
        const refs = world.outcomes.map((outcome) => outcome.ref);
        for (const outcome of world.outcomes) if ("ack" in outcome) expect(world.asked).toContain(outcome.ref);
        expect(new Set(world.asked).size).toBeLessThanOrEqual(new Set(refs).size);
      }),
      { numRuns: 300 },
    );
  });
});

describe("the connection", () => {
  const live = () => {
    const world = new World();
    world.settle();
    expect(world.connects).toBe(1);
    return world;
  };
  /** How many ms until the next connection is tried. */
  const comesBack = (world: World, within: number) => {
    const from = world.now;
    const connects = world.connects;
    while (world.connects === connects && world.now - from < within) world.pass(50);
    return world.connects === connects ? null : world.now - from;
  };

  it("that has died without a word is noticed within 30 s", () => {
    const world = live();
    world.append(0);
    world.exchange();
    world.silence();
    expect(comesBack(world, 60_000)).toBeLessThan(30_000);
  });

  it("that has died is noticed within 4 s of a person looking at the page", () => {
    const world = live();
    world.silence();
    world.do(world.link.wake(world.now));
    expect(comesBack(world, 60_000)).toBeLessThan(4_000);
  });

  it("that says nothing because nothing happens is kept", () => {
    const world = live();
    for (let turn = 0; turn < 10; turn += 1) world.settle();
    expect(world.connects).toBe(1);
  });

  it("whose timers a browser held back for a minute is asked first, and kept", () => {
    const world = live();
    world.pass(60_000);
    expect(world.line?.up).toEqual([{ op: "ping" }]);
    world.hear();
    world.arrive();
    world.pass(60_000);
    expect(world.connects).toBe(1);
  });

  it("that does not open within 10 s is given up", () => {
    const world = new World();
    expect(comesBack(world, 9_000)).toBeNull();
    expect(comesBack(world, 3_000)).not.toBeNull();
  });

  it("comes back at once, later or never, as the close code asks", () => {
    for (const [code, least, most] of [
      [4000, 0, 300],
      [4099, 0, 300],
      [4100, 5_000, 10_100],
      [1006, 250, 600],
    ] as const) {
      const world = live();
      world.cut(code);
      const pause = comesBack(world, 60_000);
      expect(pause).toBeGreaterThanOrEqual(least);
      expect(pause).toBeLessThanOrEqual(most);
    }
    for (const code of [4400, 4499, 1009]) {
      const world = live();
      world.cut(code);
      expect(comesBack(world, 600_000)).toBeNull();
      expect(world.link.state.kind).toBe("closed");
    }
  });

  it("comes back after the time that the gateway asks for", () => {
    const world = live();
    world.say(() => ({ op: "reconnect", after_ms: 3_000 }));
    world.arrive();
    const pause = comesBack(world, 60_000);
    expect(pause).toBeGreaterThanOrEqual(3_000);
    expect(pause).toBeLessThan(3_400);
  });

  it("that ends at once, time after time, is tried less and less, but at least every 10 s", () => {
    const world = live();
    const pauses = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(() => {
      world.cut(4001);
      const pause = comesBack(world, 60_000) ?? 0;
      world.open();
      return pause;
    });
    expect(pauses[0]).toBeLessThan(300);
    expect(pauses[4]).toBeGreaterThan(2_000);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(10_000);
  });

  it("that ends after it has held for long is not one of many that did not", () => {
    const world = live();
    for (let turn = 0; turn < 8; turn += 1) {
      world.cut(1006);
      comesBack(world, 20_000);
    }
    world.settle();
    world.cut(4000);
    expect(comesBack(world, 60_000)).toBeLessThan(300);
  });

  it("is not mistaken for an earlier one, whose last words come late", () => {
    const world = live();
    const earlier = world.line?.socket ?? 0;
    world.silence();
    world.do(world.link.wake(world.now));
    comesBack(world, 60_000);
    world.open();
    const before = world.deliveries.length;
    const snapshot = { op: "snapshot", sub: "s:1", cursor: "e1-99", transcript: { conversation: "c" } } as const;
    world.do(world.link.received(earlier, snapshot, world.now));
    world.do(world.link.closed(earlier, 1006, "", world.now));
    expect(world.deliveries).toHaveLength(before);
    expect(world.link.state.kind).toBe("open");
  });

  it("is tried at once when the network comes back", () => {
    const world = live();
    for (let turn = 0; turn < 8; turn += 1) {
      world.cut(1006);
      comesBack(world, 20_000);
    }
    world.cut(1006);
    world.do(world.link.wake(world.now));
    expect(world.line).not.toBeNull();
  });

  it("is not tried again for somebody who is not let in, and is not ended by who was asked too late", () => {
    const error = { code: "unauthenticated", message: "sign in" };
    const world = live();
    expect(world.link.barred(error)).toEqual([]);
    world.cut(1006);
    world.do(world.link.barred(error));
    expect(world.link.state).toEqual({ kind: "closed", error });
    expect(comesBack(world, 600_000)).toBeNull();
    world.do(world.link.connect(world.now));
    world.settle();
    expect(world.link.state.kind).toBe("open");
  });

  it("that was closed for good is there again when somebody asks for it", () => {
    const world = live();
    world.cut(4400);
    world.append(0);
    world.do(world.link.connect(world.now));
    world.settle();
    expect(world.seen).toBe(world.end);
  });
});
