/** What readers of the fold rely on beside its transcript; the transcript itself is held to schemas/fold.py by fold.golden.test.ts. */

import { beforeEach, expect, test } from "vitest";
import type { AnyEvent, Frame, Transcript } from "../schema/types";
import { Fold, FoldError } from "./fold";

let fold: Fold;
let next: number;

beforeEach(() => {
  fold = new Fold({ conversation: "c" });
  next = 1;
});

/** The next frame of the run `r`. */
function frame(...events: AnyEvent[]): Frame {
  const n = next;
  next += events.length;
  return { run: "r", n, ts: 1000 + n, seq: n, events };
}

/** What changed since the last look. */
function changes() {
  const seen = { items: [...fold.changed], runs: [...fold.changedRuns], structure: fold.structure };
  fold.changed.clear();
  fold.changedRuns.clear();
  return seen;
}

function delta(at: number, text: string, id = "m"): AnyEvent {
  return { type: "message.delta", id, at, text };
}

test("a delta changes its item, no run and no structure", () => {
  fold.apply(frame({ type: "run.started", agent: "a" }, { type: "message.started", id: "m" }));
  const { structure } = changes();
  fold.apply(frame(delta(0, "Hel"), delta(3, "lo")));
  expect(changes()).toEqual({ items: ["m"], runs: [], structure });
  expect(fold.items.get("m")).toMatchObject({ content: "Hello", status: "open" });
});

test("opening and closing an item change the structure", () => {
  fold.apply(frame({ type: "message.started", id: "m" }));
  const opened = changes();
  fold.apply(frame({ type: "message.ended", id: "m" }));
  const closed = changes();
  expect([opened.items, closed.items]).toEqual([["m"], ["m"]]);
  expect(closed.structure).toBeGreaterThan(opened.structure);
});

test("an artifact of a message names the message as changed, and its second version changes the structure", () => {
  const created = { type: "artifact.created", id: "a", kind: "k", name: "n", media_type: "t", message: "m" } as const;
  fold.apply(frame({ type: "message.started", id: "m" }));
  changes();
  fold.apply(frame(created));
  expect(changes().items.toSorted()).toEqual(["a", "m"]);
  fold.apply(frame({ type: "artifact.final", id: "a", version: 1, digest: "", size: 0 }));
  const { structure } = changes();
  fold.apply(frame({ ...created, version: 2 }));
  expect(changes().items).toEqual(["a"]);
  expect(fold.structure).toBeGreaterThan(structure);
});

test.each([
  [{}, "deltas"],
  [{ content: "whole" }, "whole"],
  [{ content: "" }, ""],
  [{ ref: "o" }, null],
  [{ ref: "o", content: "whole" }, null],
])("the content of a version whose end has %j is %j", (end, content) => {
  fold.apply(
    frame(
      { type: "artifact.created", id: "a", kind: "k", name: "n", media_type: "t" },
      { type: "artifact.delta", id: "a", at: 0, text: "deltas" },
      { type: "artifact.final", id: "a", version: 1, digest: "d", size: 6, ...end },
    ),
  );
  expect(fold.items.get("a")).toMatchObject({ versions: [{ status: "final", content, digest: "d", size: 6 }] });
});

test("a run that is being cancelled stays so until it ends", () => {
  fold.apply(frame({ type: "run.started", agent: "a" }));
  fold.apply({ run: "r", lane: "in", n: 1, ts: 1, events: [{ type: "run.cancelling" }] });
  fold.apply(frame({ type: "run.started", agent: "a" }, { type: "run.waiting", interrupts: [] }));
  expect(fold.runs.get("r")?.status).toBe("cancelling");
  fold.apply(frame({ type: "run.cancelled" }));
  fold.apply({ run: "r", lane: "in", n: 2, ts: 1, events: [{ type: "run.cancelling" }] });
  expect(fold.runs.get("r")?.status).toBe("cancelled");
});

test("what the run itself shows names the run as changed", () => {
  fold.apply(frame({ type: "run.started", agent: "a" }));
  expect(changes().runs).toEqual(["r"]);
  fold.apply(frame({ type: "usage.updated", usage: { model: "m", input: 3 } }));
  expect(changes().runs).toEqual(["r"]);
  fold.apply(frame({ type: "run.failed", code: "c", message: "m" }));
  expect(changes().runs).toEqual(["r"]);
});

test("usage is added to the first entry of its model, and to no other", () => {
  fold.apply(
    frame(
      {
        type: "run.cancelled",
        usage: [
          { model: "m", input: 1 },
          { model: "m", input: 2 },
        ],
      },
      { type: "usage.updated", usage: { model: "m", input: 10, output: 5 } },
      { type: "usage.updated", usage: { model: "n", input: 7 } },
    ),
  );
  expect(fold.runs.get("r")?.usage.map(({ model, input, output }) => [model, input, output])).toEqual([
    ["m", 11, 5],
    ["m", 2, 0],
    ["n", 7, 0],
  ]);
});

test("a takeover names what it dropped, and changes the structure", () => {
  fold.apply(frame({ type: "run.started", agent: "a" }, { type: "message.started", id: "m" }));
  const { structure } = changes();
  fold.apply({ ...frame({ type: "run.started", agent: "a" }), attempt: 2 });
  expect(fold.items.has("m")).toBe(false);
  expect(changes()).toMatchObject({ items: ["m"], runs: ["r"] });
  expect(fold.structure).toBeGreaterThan(structure);
});

test("a text that a takeover dropped takes no more deltas", () => {
  fold.apply(frame({ type: "run.started", agent: "a" }, { type: "message.started", id: "m" }));
  fold.apply({ ...frame({ type: "run.started", agent: "a" }), attempt: 2 });
  expect(() => fold.apply({ ...frame(delta(0, "late")), attempt: 2 })).toThrow(FoldError);
});

test("an artifact that a takeover drops is taken from its message, which is named as changed", () => {
  fold.apply(
    frame(
      { type: "run.started", agent: "a" },
      { type: "message.started", id: "m" },
      { type: "artifact.created", id: "kept", kind: "k", name: "n", media_type: "t", message: "m" },
      { type: "artifact.final", id: "kept", version: 1, digest: "", size: 0 },
      { type: "artifact.created", id: "torn", kind: "k", name: "n", media_type: "t", message: "m" },
      { type: "message.ended", id: "m" },
    ),
  );
  expect(fold.items.get("m")).toMatchObject({ artifacts: ["kept", "torn"] });
  changes();
  fold.apply({ ...frame({ type: "run.started", agent: "a" }), attempt: 2 });
  expect(fold.items.get("m")).toMatchObject({ artifacts: ["kept"] });
  expect(changes().items.toSorted()).toEqual(["m", "torn"]);
});

test("an item that was made in a frame's own namespace and time has them", () => {
  fold.apply({ ...frame({ type: "step.started", id: "s", name: "think", ns: "main/a:1", dt: 5 }), ns: "main/b:1" });
  expect(fold.items.get("s")).toMatchObject({ ns: "main/a:1", started: 1006, seq: 1, run: "r" });
});

test("ids and types that objects have by themselves are ids and types like any other", () => {
  for (const id of ["__proto__", "constructor", "toString"]) {
    fold.apply(frame({ type: "message.started", id }, delta(0, "x", id), { type: id } as unknown as AnyEvent));
  }
  expect([...fold.items.keys()]).toEqual(["__proto__", "constructor", "toString"]);
  expect(({} as { content?: string }).content).toBeUndefined();
});

test("arguments with the key __proto__ come out as they went in", () => {
  const args = JSON.parse('{"__proto__":{"polluted":true}}') as Record<string, unknown>;
  fold.apply(frame({ type: "tool.started", id: "t", name: "n" }, { type: "tool.args", id: "t", args }));
  expect(JSON.stringify(fold.snapshot().items[0])).toContain('"args":{"__proto__":{"polluted":true}}');
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test("a delta that ends in half a surrogate pair is counted with the half as one character", () => {
  fold.apply(frame({ type: "message.started", id: "m" }, delta(0, "\ud83c"), delta(1, "\udf0a"), delta(2, "!")));
  expect(fold.items.get("m")).toMatchObject({ content: "🌊!" });
});

test.each([
  ["a gap", [{ run: "r", n: 2, ts: 1, events: [] }]],
  [
    "a frame that overlaps",
    [
      { run: "r", n: 1, ts: 1, events: [], count: 3 },
      { run: "r", n: 3, ts: 1, events: [], count: 2 },
    ],
  ],
  ["a delta for what is not open", [{ run: "r", n: 1, ts: 1, events: [delta(0, "x")] }]],
  [
    "a delta in a wrong place",
    [{ run: "r", n: 1, ts: 1, events: [{ type: "message.started", id: "m" }, delta(1, "x")] }],
  ],
  [
    "an id that comes twice",
    [
      {
        run: "r",
        n: 1,
        ts: 1,
        events: [
          { type: "step.started", id: "s", name: "" },
          { type: "message.started", id: "s" },
        ],
      },
    ],
  ],
  [
    "an end of another type",
    [
      {
        run: "r",
        n: 1,
        ts: 1,
        events: [
          { type: "step.started", id: "s", name: "" },
          { type: "message.ended", id: "s" },
        ],
      },
    ],
  ],
] as [string, Frame[]][])("%s is an error and never a guess", (_, frames) => {
  expect(() => {
    for (const one of frames) fold.apply(one);
  }).toThrow(FoldError);
});

test("a gap is reported with its lane and its numbers", () => {
  const gap = { n: 3, ts: 1, events: [] };
  expect(() => fold.apply({ ...gap, run: "r", lane: "in" })).toThrow("lane in: events 1 to 2 are missing");
  expect(() => fold.apply({ ...gap, run: "r" })).toThrow("lane r: events 1 to 2 are missing");
});

test("a reader that is not dense passes over gaps and what it never saw opened", () => {
  fold = new Fold({ conversation: "c" }, { dense: false });
  expect(fold.apply({ run: "r", n: 9, ts: 1, events: [delta(4, "x"), { type: "tool.result", id: "t" }] })).toBe(true);
  expect(fold.snapshot()).toMatchObject({ items: [], runs: [{ id: "r", last: 10 }] });
});

test("a snapshot stays as it was when the fold goes on, and the transcript it began with too", () => {
  const start: Transcript = {
    conversation: "c",
    runs: [{ id: "r", agent: "a", last: 1, attempt: 1 }],
    items: [
      {
        type: "artifact",
        id: "a",
        run: "r",
        kind: "k",
        name: "n",
        media_type: "t",
        versions: [{ version: 1, content: "x" }],
      },
    ],
  };
  const given = JSON.stringify(start);
  fold = new Fold(start);
  const before = fold.snapshot();
  const text = JSON.stringify(before);
  next = 2;
  fold.apply(frame({ type: "artifact.delta", id: "a", at: 1, text: "y" }, { type: "run.completed" }));
  expect(fold.items.get("a")).toMatchObject({ status: "interrupted", versions: [{ content: "xy" }] });
  expect([JSON.stringify(before), JSON.stringify(start)]).toEqual([text, given]);
});

test("a delta costs the same however long the text is", () => {
  const piece = "seventeen letters";
  const started = performance.now();
  fold.apply(frame({ type: "message.started", id: "m" }));
  for (let index = 0; index < 200_000; index += 1) fold.apply(frame(delta(index * piece.length, piece)));
  expect(performance.now() - started).toBeLessThan(4000); // ms; if each copied the text so far it would be 340 GB
  expect(fold.items.get("m")).toMatchObject({ content: piece.repeat(200_000) });
});
