import { describe, expect, it } from "vitest";
import { World } from "./simulated";

describe("a hole in what the gateway sends", () => {
  /** The gateway sends two more messages, of which the first gets lost. */
  const lose = (world: World) => {
    for (let turn = 0; turn < 20; turn += 1) world.exchange();
    world.append(0);
    world.speak(1);
    world.lose();
    world.append(0);
    world.speak(1);
    world.arrive();
  };
  const kinds = (world: World) => world.deliveries.map((one) => one.kind);

  it("is filled from the cursor, without a gap", () => {
    const world = new World();
    lose(world);
    world.settle();
    expect(world.seen).toBe(world.end);
    expect(kinds(world).filter((kind) => kind === "snapshot")).toHaveLength(1);
    expect(kinds(world)).not.toContain("gap");
  });

  it("is a gap with a snapshot after the third in a row, and the end after the sixth", () => {
    const world = new World();
    const gaps = [1, 2, 3, 4, 5, 6].map(() => {
      lose(world);
      return kinds(world).filter((kind) => kind === "gap").length;
    });
    expect(gaps).toEqual([0, 0, 0, 1, 2, 3]);
    expect(world.refused).toBeNull();
    lose(world);
    expect(world.refused).toBe("inconsistent");
  });

  it("begins a new row after thirty seconds", () => {
    const world = new World();
    for (let turn = 0; turn < 9; turn += 1) {
      lose(world);
      world.settle();
    }
    expect(world.refused).toBeNull();
    expect(kinds(world)).not.toContain("gap");
  });

  it("is a lost snapshot, which is asked for again", () => {
    const world = new World();
    world.append(0);
    world.open();
    world.hear();
    world.arrive();
    world.lose();
    world.settle();
    expect(kinds(world)).toContain("snapshot");
    expect(world.level).toBe(true);
  });
});

describe("what was delivered and does not fit", () => {
  it("is replaced by a snapshot, also if the connection goes before it comes", () => {
    const world = new World({ mode: "replay" });
    world.append(0);
    world.settle();
    world.do(world.link.resync(world.watch, world.now));
    world.cut(1006);
    world.settle();
    expect(world.deliveries.at(-1)?.kind).toBe("caught_up");
    expect(world.deliveries.at(-2)?.kind).toBe("snapshot");
    expect(world.deliveries).toContainEqual({ kind: "gap", reason: "lost" });
  });

  it("is replaced when there is a connection again, if there is none", () => {
    const world = new World();
    world.append(0);
    world.settle();
    world.cut(1006);
    world.do(world.link.resync(world.watch, world.now));
    world.settle();
    expect(world.deliveries.filter((one) => one.kind === "snapshot")).toHaveLength(2);
    expect(world.level).toBe(true);
  });
});

describe("a subscription", () => {
  const follow = () => {
    const world = new World();
    world.settle();
    return world;
  };
  const error = (code: string, retryable: boolean) => (sub: string) =>
    ({ op: "error", code, message: "no", retryable, ref: sub }) as const;

  it("is told how many events there are to have, each time it begins", () => {
    const world = follow();
    world.append(0);
    world.append(0);
    world.settle();
    world.cut(1006);
    world.settle();
    const joined = world.deliveries.filter((one) => one.kind === "joined");
    expect(joined.map(({ events }) => events)).toEqual([0, 2]);
  });

  it("that is refused for now is asked for again", () => {
    const world = follow();
    world.say(error("broker_unavailable", true));
    world.arrive();
    world.pass(0);
    expect(world.line?.up).toEqual([]);
    world.append(0);
    world.settle();
    expect(world.seen).toBe(world.end);
    expect(world.refused).toBeNull();
  });

  it("that is refused for good ends, until somebody tries it again", () => {
    const world = follow();
    world.say(error("unknown_conversation", false));
    world.settle();
    expect(world.refused).toBe("unknown_conversation");
    const before = world.deliveries.length;
    world.settle();
    expect(world.deliveries).toHaveLength(before);
    world.do(world.link.rewatch(world.watch, world.now));
    world.settle();
    expect(world.level).toBe(true);
  });

  it("whose cursor the log does not reach any more begins again with a snapshot, and says so", () => {
    const world = follow();
    world.say(error("cursor_from_future", false));
    world.settle();
    expect(world.deliveries).toContainEqual({ kind: "gap", reason: "lost" });
    expect(world.deliveries.filter((one) => one.kind === "snapshot")).toHaveLength(2);
  });

  it("that brings only what was there already changes nothing", () => {
    const world = follow();
    world.append(0);
    world.append(0);
    world.settle();
    const [first] = world.log;
    world.say((sub) => ({ op: "events", sub, prev: "e1-0", cursor: "e1-1", frames: first ? [first] : [] }));
    world.arrive();
    world.append(0);
    world.settle();
    expect(world.seen).toBe(3);
    expect(world.deliveries.filter((one) => one.kind === "joining")).toHaveLength(1);
  });

  it("is ended when nobody watches any more, and only on the connection that has it", () => {
    const world = follow();
    world.do(world.link.unwatch(world.watch));
    expect(world.line?.up).toEqual([{ op: "unsubscribe", sub: "s:1" }]);
    const other = follow();
    other.cut(1006);
    expect(other.link.unwatch(other.watch)).toEqual([]);
  });

  it("that nobody answers is asked for again under another name", () => {
    const world = new World();
    world.open();
    world.line?.up.shift();
    world.pass(14_000);
    expect(world.line?.up).toEqual([]);
    world.pass(1000);
    expect(world.line?.up).toMatchObject([
      { op: "unsubscribe", sub: "s:1" },
      { op: "subscribe", sub: "s:2" },
    ]);
  });
});
