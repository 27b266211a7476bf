/** The golden logs hold the two implementations of the fold together: tests/golden/ at the root of the repository. */

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { AnyEvent, Frame, TextDelta, Transcript } from "../schema/types";
import { fill } from "./filled";
import { Fold } from "./fold";

const FOLDER = new URL("../../../../../tests/golden/", import.meta.url);

function read(name: string): string {
  return readFileSync(new URL(name, FOLDER), "utf8");
}

const logs = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".log.jsonl"))
  .map((name) => ({
    name: name.replace(".log.jsonl", ""),
    frames: read(name)
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Frame),
    transcript: fill("Transcript", JSON.parse(read(name.replace(".log.jsonl", ".transcript.json"))) as Transcript),
  }));

function fresh(): Fold {
  return new Fold({ conversation: "golden" });
}

function folded(frames: readonly Frame[]) {
  const fold = fresh();
  for (const frame of frames) expect(fold.apply(frame)).toBe(true);
  return fold.snapshot();
}

/** What must not depend on how events were merged: everything but their numbers. */
function withoutNumbers(transcript: ReturnType<typeof folded>) {
  return { ...transcript, runs: transcript.runs.map((run) => ({ ...run, last: 0 })) };
}

function isDelta(event: AnyEvent): event is TextDelta {
  return event.type.endsWith(".delta") && event.type !== "state.delta";
}

/** One event for every character of a delta. */
function characters(event: AnyEvent): AnyEvent[] {
  return isDelta(event) ? Array.from(event.text, (text, index) => ({ ...event, at: event.at + index, text })) : [event];
}

/** The log with its events cut anew by `cut`, and numbered anew. */
function renumbered(frames: readonly Frame[], cut: (events: AnyEvent[]) => AnyEvent[]): Frame[] {
  const last = new Map<string, number>();
  return frames.map((frame) => {
    const lane = frame.lane ?? frame.run;
    const events = cut(frame.events);
    const n = (last.get(lane) ?? 0) + 1;
    last.set(lane, n + events.length - 1);
    return { ...frame, n, events };
  });
}

test("there are golden logs", () => {
  expect(logs.map(({ name }) => name)).toEqual(expect.arrayContaining(["every_event", "taken_over", "team"]));
});

test.each(logs)("$name folds to its recorded transcript", ({ frames, transcript }) => {
  expect(folded(frames)).toEqual(transcript);
});

test.each(logs)("$name with one event for each character folds to the same", ({ frames, transcript }) => {
  const split = renumbered(frames, (events) => events.flatMap(characters));
  expect(split.flatMap(({ events }) => events).length).toBeGreaterThan(frames.flatMap(({ events }) => events).length);
  expect(withoutNumbers(folded(split))).toEqual(withoutNumbers(transcript));
});

test.each(logs)("$name as one frame for each event folds to the same", ({ frames, transcript }) => {
  const single = frames.flatMap((frame) =>
    frame.events.map((event, index) => ({ ...frame, n: frame.n + index, events: [event] })),
  );
  expect(folded(single)).toEqual(transcript);
});

test.each(logs)("$name with frames that come again folds to the same", ({ frames, transcript }) => {
  const fold = fresh();
  frames.forEach((frame, index) => {
    expect(fold.apply(frame)).toBe(true);
    for (const seen of frames.slice(Math.max(0, index - 3), index + 1)) expect(fold.apply(seen)).toBe(false);
  });
  expect(fold.snapshot()).toEqual(transcript);
});

test.each(logs)("$name continued from its snapshot after any frame folds to the same", ({ frames, transcript }) => {
  for (let cut = 0; cut <= frames.length; cut += 1) {
    const before = folded(frames.slice(0, cut));
    const fold = new Fold(JSON.parse(JSON.stringify(before)) as Transcript);
    for (const frame of frames.slice(cut)) fold.apply(frame);
    expect(fold.snapshot()).toEqual(transcript);
  }
});

test.each(logs)("$name is not changed by the fold that reads it", ({ frames }) => {
  const before = JSON.stringify(frames);
  folded(frames);
  expect(JSON.stringify(frames)).toBe(before);
});

/** Each thing's encoding by its id. */
function encoded(things: ReadonlyMap<string, object>): Map<string, string> {
  return new Map(Array.from(things, ([id, thing]) => [id, JSON.stringify(thing)]));
}

function differing(before: Map<string, string>, after: Map<string, string>): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((id) => before.get(id) !== after.get(id));
}

test.each(logs)("$name names whatever a frame changed", ({ frames }) => {
  const fold = fresh();
  let [items, runs, shape] = [encoded(fold.items), encoded(fold.runs), "[]"];
  for (const frame of frames) {
    const structure = fold.structure;
    fold.changed.clear();
    fold.changedRuns.clear();
    fold.apply(frame);

    const itemsNow = encoded(fold.items);
    const runsNow = encoded(new Map(Array.from(fold.runs, ([id, run]) => [id, { ...run, last: 0, end_seq: 0 }])));
    const shapeNow = JSON.stringify(Array.from(fold.items.values(), ({ id, status }) => [id, status]));
    expect([...fold.changed]).toEqual(expect.arrayContaining(differing(items, itemsNow)));
    expect([...fold.changedRuns]).toEqual(expect.arrayContaining(differing(runs, runsNow)));
    if (shapeNow !== shape) expect(fold.structure).toBeGreaterThan(structure);
    if (frame.events.every(isDelta)) expect(fold.structure).toBe(structure);
    [items, runs, shape] = [itemsNow, runsNow, shapeNow];
  }
});
