import { describe, expect, it } from "vitest";
import { World } from "./simulated";

describe("a request", () => {
  const ask = (world: World, id = "m") =>
    world.do(world.link.request({ op: "send", conversation: "c", id, text: "." }, world.now));
  const refuse = (world: World, retryable: boolean) => {
    world.line?.up.shift();
    world.say(() => ({ op: "error", code: "queue_full", message: "16 wait", retryable, ref: "m" }));
    world.arrive();
  };
  const live = () => {
    const world = new World();
    world.settle();
    return world;
  };

  it("whose answer a cut took away is said again under its id, and answered once", () => {
    const world = live();
    ask(world);
    world.hear();
    world.cut(1006);
    world.settle();
    expect(world.asked).toEqual(["m", "m"]);
    expect(world.outcomes).toHaveLength(1);
  });

  it("that waits for its answer is not said twice because somebody asks twice", () => {
    const world = live();
    ask(world);
    ask(world);
    world.settle();
    expect(world.asked).toEqual(["m"]);
  });

  it("is not said while there is no connection", () => {
    const world = live();
    ask(world);
    world.cut(1006);
    for (let turn = 0; turn < 30; turn += 1) world.pass(500); // the world throws at what is said to nobody
    expect(world.outcomes).toEqual([]);
  });

  it("that the gateway does not answer is said again on the same connection", () => {
    const world = live();
    ask(world);
    world.line?.up.shift();
    world.settle();
    expect(world.asked).toEqual(["m"]);
    expect(world.connects).toBe(1);
  });

  it("that is refused for good is not said again", () => {
    const world = live();
    ask(world);
    refuse(world, false);
    expect(world.outcomes).toMatchObject([{ ref: "m", error: { code: "queue_full" } }]);
    world.settle();
    expect(world.asked).toEqual([]);
  });

  it("that is refused for now is said again, six times at most", () => {
    const world = live();
    ask(world);
    for (let turn = 0; turn < 5; turn += 1) {
      refuse(world, true);
      expect(world.outcomes).toEqual([]);
      world.pass(10_000);
    }
    refuse(world, true);
    expect(world.outcomes).toMatchObject([{ ref: "m", error: { code: "queue_full", retryable: true } }]);
  });

  it("that no gateway answers for a minute is given back, as one that may have been done", () => {
    const world = live();
    world.cut(1006);
    ask(world);
    for (let second = 0; second < 59; second += 1) world.pass(1000);
    expect(world.outcomes).toEqual([]);
    world.pass(1000);
    expect(world.outcomes).toMatchObject([{ ref: "m", error: { code: "unanswered", retryable: true } }]);
  });

  it("is given back at once where the connection is closed for good", () => {
    const world = live();
    ask(world);
    world.cut(4400);
    ask(world, "n");
    expect(world.outcomes.map((outcome) => outcome.ref)).toEqual(["m", "n"]);
  });
});
