import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fold, type Item } from "../fold/fold";
import { rolesOf } from "../fold/roles";
import type { Row } from "../layout/blocks";
import { layoutRun } from "../layout/simulated";
import type { Frame } from "../schema/types";
import { GOLDEN, golden } from "../time/logs";
import { View } from "./view";

const logs = GOLDEN.map(golden);
const log = fc.constantFrom(...logs);
const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 20 });

function folded(frames: readonly Frame[]): Fold {
  const fold = new Fold({ conversation: "golden" });
  for (const frame of frames) fold.apply(frame);
  return fold;
}

/** The frames in parts, as animation frames cut them. */
function parts(frames: readonly Frame[], lengths: readonly number[]): Frame[][] {
  const cut: Frame[][] = [];
  for (let at = 0, turn = 0; at < frames.length; turn += 1) {
    const length = lengths[turn % lengths.length] as number;
    cut.push(frames.slice(at, at + length));
    at += length;
  }
  return cut;
}

/** Everything that a view shows, as deep copies. */
function shown(view: View) {
  const items = [...view.fold.items.keys()].map((id) => view.item(id));
  const runs = [...view.fold.runs.keys()].map((id) => ({ ...view.run(id), last: 0, end_seq: 0 })); // which nobody draws
  return structuredClone({ items, runs, rows: view.rows(), head: view.head() });
}

describe("a view", () => {
  it("shows after every publish what a new view of the same fold would show", () => {
    fc.assert(
      fc.property(log, sizes, (frames, lengths) => {
        const view = new View(new Fold({ conversation: "golden" }));
        let count = 0;
        for (const part of parts(frames, lengths)) {
          for (const frame of part) view.fold.apply(frame);
          count += part.length;
          view.publish();
          const fresh = new View(folded(frames.slice(0, count)));
          expect(shown(view)).toEqual(shown(fresh));
          expect(view.rows()).toEqual(rowsOf(fresh.fold));
          expect(view.roles()).toEqual(rolesOf(fresh.fold));
        }
      }),
      { numRuns: 25 },
    );
  });

  it("keeps what it has handed out as it was", () => {
    for (const frames of logs) {
      const view = new View(new Fold({ conversation: "golden" }));
      for (const frame of frames) {
        const before = [...view.fold.items.keys()].map((id) => view.item(id));
        const copies = structuredClone(before);
        view.fold.apply(frame);
        view.publish();
        expect(before).toEqual(copies);
      }
    }
  });

  it("gives another object, and tells, exactly where something differs", () => {
    fc.assert(
      fc.property(log, sizes, (frames, lengths) => {
        const view = new View(new Fold({ conversation: "golden" }));
        const told = new Set<string>();
        const listening = new Set<string>();
        const listen = (id: string) => {
          if (!listening.has(id)) view.subscribe(`item:${id}`, () => told.add(id));
          listening.add(id);
        };
        for (const part of parts(frames, lengths)) {
          const before = new Map([...view.fold.items.keys()].map((id) => [id, view.item(id)]));
          const copies = structuredClone(before);
          for (const id of before.keys()) listen(id);
          for (const frame of part) view.fold.apply(frame);
          told.clear();
          view.publish();
          for (const [id, copy] of copies) {
            const same = JSON.stringify(view.item(id)) === JSON.stringify(copy);
            expect(view.item(id) === before.get(id)).toBe(same);
            expect(told.has(id)).toBe(!same);
          }
        }
      }),
      { numRuns: 25 },
    );
  });

  it("keeps its rows while only texts grow, and tells of them once per publish", () => {
    const frames = golden("team");
    const view = new View(new Fold({ conversation: "golden" }));
    let rowsTold = 0;
    let anyTold = 0;
    view.subscribe("rows", () => (rowsTold += 1));
    view.subscribe("any", () => (anyTold += 1));
    for (const frame of frames) {
      const before = view.rows();
      const told = rowsTold;
      const any = anyTold;
      view.fold.apply(frame);
      view.publish();
      if (frame.events.every((event) => event.type === "message.delta")) {
        expect(view.rows()).toBe(before);
        expect(rowsTold).toBe(told);
      }
      expect(rowsTold - told).toBe(view.rows() === before ? 0 : 1);
      expect(anyTold - any).toBeLessThanOrEqual(1);
    }
    expect(rowsTold).toBeGreaterThan(0);
  });

  it("tells nobody when nothing happened, or nobody listens any more", () => {
    const view = new View(folded(golden("team")));
    let told = 0;
    const leave = view.subscribe("any", () => (told += 1));
    view.publish();
    view.replace(folded(golden("team")));
    expect(told).toBe(0);
    view.fold.apply(renamed(view.fold));
    view.publish();
    expect(told).toBe(1);
    leave();
    view.fold.apply(renamed(view.fold));
    view.publish();
    expect(told).toBe(1);
  });

  it("tells who waits for an item that it comes", () => {
    const frames = golden("team");
    const view = new View(new Fold({ conversation: "golden" }));
    let came: Item | undefined;
    const id = [...folded(frames).items.keys()].at(-1) as string;
    view.subscribe(`item:${id}`, () => {
      came ??= view.item(id);
    });
    expect(view.item(id)).toBeUndefined();
    for (const frame of frames) {
      view.fold.apply(frame);
      view.publish();
    }
    expect(came?.id).toBe(id);
  });

  it("says which runs are active", () => {
    const frames = golden("team");
    const started = frames.findIndex((frame) => frame.events.some((event) => event.type === "run.started"));
    const view = new View(folded(frames.slice(0, started + 1)));
    expect(view.head().active).toHaveLength(1);
    for (const frame of frames.slice(started + 1)) view.fold.apply(frame);
    view.publish();
    expect(view.head().active).toEqual([]);
    expect(view.head().runs).not.toEqual([]);
  });
});

describe("another fold in a view", () => {
  it("changes the identity of nothing that is equal in both", () => {
    for (const frames of logs) {
      const view = new View(folded(frames));
      const before = [...view.fold.items.keys()].map((id) => view.item(id));
      const rows = view.rows();
      const head = view.head();
      view.replace(new Fold(folded(frames).snapshot()));
      expect([...view.fold.items.keys()].map((id) => view.item(id)).every((item, at) => item === before[at])).toBe(
        true,
      );
      expect(view.rows()).toBe(rows);
      expect(view.head()).toBe(head);
    }
  });

  it("is shown whole, however far the one before it was", () => {
    fc.assert(
      fc.property(log, fc.nat(), fc.nat(), (frames, from, to) => {
        const view = new View(folded(frames.slice(0, from % frames.length)));
        shown(view); // so that it has handed everything out
        const after = folded(frames.slice(0, to % frames.length));
        view.replace(after);
        expect(shown(view)).toEqual(shown(new View(after)));
      }),
      { numRuns: 100 },
    );
  });

  it("tells those who showed what is gone", () => {
    const view = new View(folded(golden("team")));
    const id = [...view.fold.items.keys()][0] as string;
    expect(view.item(id)).toBeDefined();
    let gone = false;
    view.subscribe(`item:${id}`, () => {
      gone = view.item(id) === undefined;
    });
    view.replace(new Fold({ conversation: "golden" }));
    expect(gone).toBe(true);
    expect(view.rows()).toEqual([]);
  });
});

function rowsOf(fold: Fold): Row[] {
  const items = [...fold.items.values()];
  return [...fold.runs.values()].flatMap((run) =>
    layoutRun(
      run,
      items.filter((item) => item.run === run.id),
    ),
  );
}

let names = 0;

function renamed(fold: Fold): Frame {
  names += 1;
  const events = [{ type: "conversation.renamed", title: `Rivers ${names}` } as const];
  return { run: "", lane: "in", n: fold.inputLast + 1, ts: 1, seq: 9_000_000 + names, events };
}
