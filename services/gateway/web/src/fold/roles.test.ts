import { describe, expect, test } from "vitest";
import type { AnyItem, RunState } from "../schema/types";
import { golden } from "../time/logs";
import { Fold } from "./fold";
import { rolesOf } from "./roles";

const run = (id: string, agent: string, seq: number): RunState => ({ id, agent, seq });
const agent = (inRun: string, ns: string, seq: number): AnyItem => ({
  ...{ type: "agent", id: `${inRun}/${ns}`, run: inRun, ns, seq, started: seq },
  name: ns.slice(ns.lastIndexOf("/") + 1).split(":")[0] ?? "",
});
const roles = (runs: RunState[], items: AnyItem[]) => rolesOf(new Fold({ conversation: "c", runs, items }));
const labels = (...namespaces: string[]) =>
  [
    ...roles(
      [run("r", "team", 1)],
      namespaces.map((ns, at) => agent("r", ns, at + 2)),
    ).values(),
  ].map(({ label }) => label);

describe("the hues of agents", () => {
  test("differ in one conversation, as they are given in order of first appearance", () => {
    const found = roles(
      [run("r", "team", 1), run("s", "tour", 4)],
      [
        agent("r", "main/research:1", 2),
        agent("r", "main/research:1/reader:1", 3),
        agent("s", "main/research:1", 5),
        agent("s", "main/guide:1", 6),
      ],
    );
    expect(Object.fromEntries([...found.values()].map(({ name, hue }) => [name, hue]))).toEqual({
      ...{ team: 0, research: 1, reader: 2, tour: 3, guide: 4 },
    });
  });

  test("stay when a run that was waiting gets agents later than the one before it", () => {
    const runs = [run("r", "team", 1), run("s", "tour", 2)];
    const before = roles(runs, [agent("r", "main/a:1", 3)]);
    const after = roles(runs, [agent("r", "main/a:1", 3), agent("r", "main/b:1", 5), agent("s", "main/c:1", 4)]);
    for (const [key, { hue }] of before) expect(after.get(key)?.hue).toBe(hue);
    expect(after.get("s/main/c:1")?.hue).toBeLessThan(after.get("r/main/b:1")?.hue ?? 0);
  });

  test("are the same at every moment of a log", () => {
    const frames = golden("team");
    const fold = new Fold({ conversation: "golden" });
    const seen = new Map<string, number>();
    for (const frame of frames) {
      fold.apply(frame);
      for (const [key, { hue }] of rolesOf(fold)) {
        expect(seen.get(key) ?? hue).toBe(hue);
        seen.set(key, hue);
      }
    }
    expect(new Set(seen.values()).size).toBe(5);
  });
});

describe("the label of an agent", () => {
  test("is its name", () => {
    expect(labels("main/a:1", "main/b:1")).toEqual(["team", "a", "b"]);
  });

  test("has the number of the call where one of that name is called again", () => {
    expect(labels("main/a:1", "main/b:1", "main/a:2")).toEqual(["team", "a #1", "b", "a #2"]);
    expect(labels("main/a:1", "main/a:1/a:2")).toEqual(["team", "a #1", "a #2"]);
  });

  test("has the numbers of those above it where its own is not enough", () => {
    expect(labels("main/a:1/r:1", "main/a:2/r:1", "main/a:2/r:2")).toEqual(["team", "r #1.1", "r #2.1", "r #2.2"]);
  });
});
