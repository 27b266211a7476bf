import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Block, Layout, type Placed, type Row } from "./blocks";
import { layoutRun, runs } from "./simulated";

const RUN = { id: "run", status: "running" };

/** Each block of `rows` with the key of the block that it stands in, "" for the page, in the order of the page. */
function placed(rows: readonly Row[]): { block: Block; parent: string }[] {
  const walk = (block: Block, parent: string): { block: Block; parent: string }[] => [
    { block, parent },
    ...(block.kind === "item" ? [] : block.blocks.flatMap((one) => walk(one, block.key))),
  ];
  return rows.flatMap((row) => (row.kind === "block" ? walk(row.block, "") : []));
}

/** The page as a tree to be read: `agent#part{…}` is a panel, `tool(…)` what stands under a tool call. */
function drawn(rows: readonly Row[]): string {
  const draw = (block: Block): string => {
    if (block.kind === "item") return block.id;
    const inner = block.blocks.map(draw).join(" ");
    if (block.kind === "tool") return inner ? `${block.id}(${inner})` : block.id;
    return `${block.ns.split("/").at(-1)}${block.part > 1 ? `#${block.part}` : ""}{${inner}}`;
  };
  return rows.map((row) => (row.kind === "block" ? draw(row.block) : `[${row.kind}]`)).join(" ");
}

function item(type: string, id: string, ns: string, started: number, ended: number, cause?: string): Placed {
  return { type, id, ns, started, ended, cause: cause ? { kind: "tool", id: cause } : null };
}

const agent = (ns: string, started: number, cause?: string) => item("agent", `run/${ns}`, ns, started, 99, cause);

describe("the places of blocks", () => {
  test("what the main agent says has no container", () => {
    const items = [item("message", "u", "main", 1, 1), agent("main", 2), item("message", "m", "main", 3, 4)];
    expect(drawn(layoutRun(RUN, items))).toBe("u m [run]");
  });

  test("a panel stands under the tool call that spawned its agent", () => {
    const items = [item("tool", "t", "main", 1, 0), item("step", "s", "main", 2, 2), agent("main/a:1", 3, "t")];
    expect(drawn(layoutRun(RUN, items))).toBe("t(a:1{}) s [run]");
  });

  test("a panel without a known tool call stands in its parent's container where its agent started", () => {
    const items = [agent("main/a:1", 1, "gone"), item("step", "s", "main/a:1", 2, 2), agent("main/a:1/b:1", 3)];
    expect(drawn(layoutRun(RUN, items))).toBe("a:1{s b:1{}} [run]");
  });

  test("a panel that stands before its tool call, which a second attempt made again, is put under it", () => {
    const items = [agent("main/a:1", 1, "t"), item("message", "a1", "main/a:1", 2, 3), item("step", "s", "main", 3, 4)];
    expect(drawn(layoutRun(RUN, items))).toBe("a:1{a1} s [run]");
    items.push(item("tool", "t", "main", 5, 0), item("message", "a2", "main/a:1", 6, 7));
    expect(drawn(layoutRun(RUN, items))).toBe("s t(a:1{a1 a2}) [run]");
    items.push(item("message", "m", "main", 8, 9), item("message", "a3", "main/a:1", 10, 11));
    expect(drawn(layoutRun(RUN, items))).toBe("s t(a:1{a1 a2}) m a:1#2{a3} [run]");
  });

  test("agents that work at the same time keep a panel each", () => {
    const items = [
      agent("main/a:1", 1),
      agent("main/b:1", 1),
      item("message", "m1", "main/a:1", 2, 9),
      item("message", "m2", "main/b:1", 3, 9),
      item("step", "s", "main/a:1", 4, 5),
    ];
    expect(drawn(layoutRun(RUN, items))).toBe("a:1{m1 s} b:1{m2} [run]");
  });

  test("thinking aloud is speaking", () => {
    const items = [
      agent("main/a:1", 1),
      item("step", "s", "main/a:1", 1, 2),
      item("reasoning", "r", "main", 3, 4),
      item("message", "a", "main/a:1", 5, 6),
    ];
    expect(drawn(layoutRun(RUN, items))).toBe("a:1{s} r a:1#2{a} [run]");
  });

  test("what comes after the container spoke, while all in the panel had ended, stands in a part of its own", () => {
    const items = [
      agent("main/a:1", 1),
      item("message", "a1", "main/a:1", 2, 4),
      item("message", "m", "main", 4, 5),
      item("message", "a2", "main/a:1", 6, 7),
    ];
    const rows = layoutRun(RUN, items);
    expect(drawn(rows)).toBe("a:1{a1} m a:1#2{a2} [run]");
    const [first, second] = placed(rows).flatMap(({ block }) => (block.kind === "panel" ? [block] : []));
    expect(first).toMatchObject({ key: "run/main/a:1", earlier: "", later: "run/main/a:1#2" });
    expect(second).toMatchObject({ key: "run/main/a:1#2", agent: "run/main/a:1", earlier: "run/main/a:1", later: "" });
  });

  test("a panel goes on while something in it, however deep, was not at its end when the container spoke", () => {
    const items = [
      agent("main/a:1", 1),
      agent("main/a:1/b:1", 1),
      item("tool", "t", "main/a:1/b:1", 2, 5),
      item("message", "m", "main", 4, 5),
      item("message", "a", "main/a:1", 6, 7),
    ];
    expect(drawn(layoutRun(RUN, items))).toBe("a:1{b:1{t} a} m [run]");
  });

  test("a panel goes on after tool calls and steps of its container, and if nothing was in it yet", () => {
    const items = [
      agent("main/a:1", 1),
      item("message", "m", "main", 2, 3),
      item("message", "a1", "main/a:1", 3, 4),
      item("tool", "t", "main", 5, 6),
      item("message", "a2", "main/a:1", 7, 8),
    ];
    expect(drawn(layoutRun(RUN, items))).toBe("a:1{a1 a2} m t [run]");
  });

  test("an artifact keeps no panel going, as a later version may open it again at any time", () => {
    const items = [
      agent("main/a:1", 1),
      item("message", "a1", "main/a:1", 2, 3),
      item("artifact", "f", "main/a:1", 3, 0),
      item("message", "m", "main", 4, 5),
      item("message", "a2", "main/a:1", 6, 7),
    ];
    expect(drawn(layoutRun(RUN, items))).toBe("a:1{a1 f} m a:1#2{a2} [run]");
  });

  test("when a container goes on in a further part, so do the panels in it", () => {
    const items = [
      agent("main/a:1", 1),
      agent("main/a:1/b:1", 1),
      item("message", "b1", "main/a:1/b:1", 2, 3),
      item("message", "m", "main", 4, 5),
      item("message", "b2", "main/a:1/b:1", 6, 7),
    ];
    expect(drawn(layoutRun(RUN, items))).toBe("a:1{b:1{b1}} m a:1#2{b:1#2{b2}} [run]");
  });

  test("a namespace whose agent was never announced has a panel all the same", () => {
    expect(drawn(layoutRun(RUN, [item("message", "m", "main/a:1/b:2", 1, 2)]))).toBe("a:1{b:2{m}} [run]");
  });

  test.each([
    ["queued", "[run]"],
    ["running", "[run]"],
    ["completed", "[summary]"],
    ["failed", "[run] [summary]"],
    ["cancelled", "[run] [summary]"],
  ])("a run that is %s ends in %s", (status, rows) => {
    expect(drawn(layoutRun({ id: "run", status }, []))).toBe(rows);
  });
});

/** The page of the run in a golden log. */
function golden(name: string): string {
  const transcript = new URL(`../../../../../tests/golden/${name}.transcript.json`, import.meta.url);
  const { runs: all, items } = JSON.parse(readFileSync(transcript, "utf8"));
  const filled = items.map((one: Partial<Placed>) => ({ ns: "main", started: 0, ended: 0, ...one }));
  return drawn(layoutRun(all[0], filled));
}

test("the golden log of the team is laid out as its agents worked", () => {
  expect(golden("team")).toBe(
    "m_1sxmgfsb6ja1 p2-1 r2-1 m2-1 " +
      "analysis:1{s2-1 t2-1 s2-2 t2-2 r2-4 m2-4} " +
      "research:1{s2-3 t2-3 q2-1 q2-2 q2-3 s2-4 reader:1{t2-4 r2-2 m2-2} r2-3 m2-3} " +
      "visualisation:1{t2-5 r2-5 m2-5 a2-1 a2-2 a2-3 t2-6} " +
      "r2-6 m2-6 [summary]",
  );
});

test("the golden log of agents that tool calls started is laid out under these calls", () => {
  expect(golden("nesting")).toMatch(
    /^m_\w+ keeper:1{m2-1} t2-1\(scout:1{m2-2 guide:1{t2-2\(porter:1{m2-3}\)}}\) t2-3\(porter:1{m2-4}\) m2-5 keeper:1#2{m2-6} \[summary\]$/,
  );
});

describe("in every run", () => {
  const every = (check: (moments: Placed[][]) => void) => fc.assert(fc.property(runs, check), { numRuns: 300 });
  const last = (moments: Placed[][]) => moments.at(-1) ?? [];

  test("each item stands in one place, and each agent below the main one has a panel", () =>
    every((moments) => {
      const blocks = placed(layoutRun(RUN, last(moments))).map(({ block }) => block);
      const items = blocks.flatMap((block) => (block.kind === "panel" ? [] : [block.id]));
      const panels = blocks.flatMap((block) => (block.kind === "panel" && block.part === 1 ? [block.agent] : []));
      const ids = (agents: boolean) =>
        last(moments).flatMap((one) => ((one.type === "agent") === agents ? [one.id] : []));
      expect(items.toSorted()).toEqual(ids(false).toSorted());
      expect(panels.toSorted()).toEqual(ids(true).toSorted());
      expect(new Set(blocks.map(({ key }) => key)).size).toBe(blocks.length);
    }));

  test("an item stands in a panel of its namespace, and what one container says stands in the order of the log", () =>
    every((moments) => {
      const order = new Map(last(moments).map((one, at) => [one.id, { ...one, at }]));
      const rows = placed(layoutRun(RUN, last(moments)));
      const namespaces = new Map(rows.flatMap(({ block }) => (block.kind === "panel" ? [[block.key, block.ns]] : [])));
      const before = new Map<string, number>();
      for (const { block, parent } of rows) {
        const one = block.kind === "panel" ? undefined : order.get(block.id);
        if (!one) continue;
        expect(namespaces.get(parent) ?? "main").toBe(one.ns);
        expect(one.at).toBeGreaterThan(before.get(parent) ?? -1);
        before.set(parent, one.at);
      }
    }));

  test("the parts of an agent's work follow one another on the page, each linked to the one before", () =>
    every((moments) => {
      const parts = new Map<string, string>();
      for (const { block } of placed(layoutRun(RUN, last(moments)))) {
        if (block.kind !== "panel") continue;
        expect(block.earlier).toBe(parts.get(block.ns) ?? "");
        parts.set(block.ns, block.key);
      }
    }));

  test("what has been laid out stays where it is as the run goes on", () =>
    every((moments) => {
      let before = new Map<string, string>();
      for (const items of moments) {
        const now = new Map(placed(layoutRun(RUN, items)).map(({ block, parent }) => [block.key, parent]));
        for (const [key, parent] of before) expect(now.get(key)).toBe(parent);
        before = now;
      }
    }));

  test("blocks that did not change keep their identity, and memory changes nothing of the page", () =>
    every((moments) => {
      let rows: readonly Row[] = [];
      for (const items of moments) {
        const fresh = layoutRun(RUN, items);
        const kept = layoutRun(RUN, items, rows);
        expect(kept).toEqual(fresh);
        const before = new Map(placed(rows).map(({ block }) => [block.key, block]));
        for (const { block } of placed(kept)) {
          const known = before.get(block.key);
          if (known && JSON.stringify(known) === JSON.stringify(block)) expect(block).toBe(known);
        }
        if (JSON.stringify(rows) === JSON.stringify(kept)) expect(kept).toBe(rows);
        rows = kept;
      }
    }));

  test("a layout that goes on is the one of all items at once, whichever moments it has seen, and however clocks differ", () =>
    fc.assert(
      fc.property(runs, fc.array(fc.nat(3)), fc.array(fc.nat(12)), (exact, skips, early) => {
        const moments = exact.map((items) => items.map((one, at) => endedEarlier(one, early[at % early.length] ?? 0)));
        let layout = new Layout("run");
        let known: readonly Placed[] = [];
        let rows: readonly Row[] = [];
        for (let at = 0; at < moments.length; at += 1 + (skips[at % skips.length] ?? 0)) {
          const items = moments[at] ?? [];
          const changed = items.filter((one, index) => JSON.stringify(one) !== JSON.stringify(known[index]));
          if (!layout.update(changed)) {
            layout = new Layout("run", rows);
            layout.update(items);
          }
          const after = layout.rows("running");
          expect(after).toEqual(layoutRun(RUN, items));
          expect(after).toEqual(layoutRun(RUN, items, rows));
          expect(keptOf(rows, after)).toBe(keptOf(rows, layoutRun(RUN, items, rows)));
          known = items;
          rows = after;
        }
      }),
      { numRuns: 300 },
    ));
});

test("an agent that goes on under another call is laid out anew", () => {
  const layout = new Layout("run");
  const items = [item("tool", "t1", "main", 1, 2), item("tool", "t2", "main", 1, 0), agent("main/a:1", 1, "t1")];
  expect(layout.update(items)).toBe(true);
  expect(layout.update([agent("main/a:1", 1, "t1")])).toBe(true);
  expect(layout.update([agent("main/a:1", 1, "t2")])).toBe(false);
});

/** By the clock of another host. */
function endedEarlier(item: Placed, ms: number): Placed {
  return item.ended ? { ...item, ended: Math.max(item.started, item.ended - ms) } : item;
}

/** How many rows and blocks of `after` are the very ones of `before`. */
function keptOf(before: readonly Row[], after: readonly Row[]): number {
  const known = new Set<unknown>([...before, ...placed(before).map(({ block }) => block)]);
  return [...after, ...placed(after).map(({ block }) => block)].filter((one) => known.has(one)).length;
}
