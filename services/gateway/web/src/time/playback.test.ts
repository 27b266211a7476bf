import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Fold } from "../fold/fold";
import type { Frame } from "../schema/types";
import { EPOCH, GOLDEN, golden, long, recorded } from "./logs";
import { parseMoment } from "./moment";
import { happening, momentAt, Playback, part, positionAt, positionOf, timeAt } from "./playback";

const eventsOf = (frames: readonly Frame[]) => frames.reduce((sum, frame) => sum + frame.events.length, 0);

/** The fold of the first `position` events, read one by one from the beginning. */
function prefix(frames: readonly Frame[], position: number) {
  const fold = new Fold({ conversation: "golden" });
  let at = 0;
  for (const frame of frames) {
    for (let index = 0; index < frame.events.length && at < position; index += 1, at += 1) {
      fold.apply(part(frame, index, index + 1));
    }
  }
  return fold.snapshot();
}

describe.each(GOLDEN)("of the golden log %s", (name) => {
  const frames = golden(name);
  const total = eventsOf(frames);

  test("the fold at every position is that of the log up to there", () => {
    const playback = new Playback(recorded(frames));
    for (let position = 0; position <= total; position += 1) {
      expect(playback.seek(position).snapshot()).toEqual(prefix(frames, position));
    }
  });

  test("any order of seeks leads to the same fold", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: total }), { minLength: 1, maxLength: 12 }), (positions) => {
        const playback = new Playback(recorded(frames));
        for (const position of positions) playback.seek(position);
        expect(playback.seek(playback.position).snapshot()).toEqual(prefix(frames, positions.at(-1) ?? 0));
      }),
      { numRuns: 60 },
    );
  });

  test("a moment leads back to the position that it was made at", () => {
    const recorder = recorded(frames);
    for (let position = 0; position <= total; position += 1) {
      expect(positionOf(recorder, momentAt(recorder, position))).toBe(position);
    }
  });

  test("a step changes the position by one event, and by none at the ends", () => {
    const playback = new Playback(recorded(frames));
    playback.step(-1);
    expect(playback.position).toBe(0);
    playback.step(1);
    expect(playback.position).toBe(1);
    playback.seek(total + 9);
    playback.step(1);
    expect(playback.position).toBe(total);
  });
});

test("the fold is read on where that is near, and another object after a jump", () => {
  const playback = new Playback(recorded(long(3000)));
  const fold = playback.seek(100);
  expect(playback.seek(400)).toBe(fold);
  expect(playback.seek(2000)).not.toBe(fold);
  expect(playback.seek(100)).not.toBe(fold);
});

test("a fold that was handed out and read on does not change what is found later at its checkpoint", () => {
  const frames = long(2000);
  const playback = new Playback(recorded(frames));
  playback.seek(1500); // at a checkpoint, in the middle of a message
  playback.seek(1650);
  playback.seek(frames.length * 3); // and the checkpoints go on from there
  expect(playback.seek(1500).snapshot()).toEqual(prefix(frames, 1500));
});

test("what comes while one looks at the past can be sought afterwards", () => {
  const frames = golden("team");
  const recorder = recorded(frames.slice(0, 5));
  const playback = new Playback(recorder);
  const before = playback.seek(Number.POSITIVE_INFINITY).snapshot();
  for (const frame of frames.slice(5)) recorder.add(frame, `${EPOCH}-${frame.seq}`);
  expect(playback.seek(playback.position).snapshot()).toEqual(before);
  expect(playback.seek(recorder.end).snapshot()).toEqual(prefix(frames, eventsOf(frames)));
});

test("with the oldest frames dropped, every position that is left has the fold of the whole log up to there", () => {
  const frames = long(3000);
  const recorder = recorded(frames, { bytesMax: 60_000 });
  const playback = new Playback(recorder);
  expect(recorder.start).toBeGreaterThan(500);
  for (const position of [recorder.end, recorder.start, recorder.start + 7]) {
    expect(playback.seek(position).snapshot()).toEqual(prefix(frames, position));
  }
  expect(playback.seek(0).snapshot()).toEqual(prefix(frames, recorder.start));
});

test("frames that are dropped under a playback do not change what it finds", () => {
  const frames = long(6000);
  const recorder = recorded(frames.slice(0, 500), { bytesMax: 120_000 });
  const playback = new Playback(recorder);
  playback.seek(1200);
  for (const frame of frames.slice(500)) recorder.add(frame, `${EPOCH}-${frame.seq}`);
  expect(recorder.start).toBeGreaterThan(1200);
  for (const position of [recorder.start + 1, recorder.end, recorder.start]) {
    expect(playback.seek(position).snapshot()).toEqual(prefix(frames, position));
  }
});

test("a frame of merged deltas, cut anywhere, folds to the same and stands for the same numbers", () => {
  const merged: Frame = {
    ...{ run: "r1", n: 3, ts: 5, seq: 9, count: 7 },
    events: [
      { type: "message.delta", id: "m", at: 0, text: "abc" },
      { type: "reasoning.delta", id: "r", at: 0, text: "de" },
      { type: "message.ended", id: "m" },
    ],
  };
  const before: Frame = {
    run: "r1",
    n: 1,
    ts: 5,
    seq: 8,
    events: [
      { type: "message.started", id: "m" },
      { type: "reasoning.started", id: "r" },
    ],
  };
  const folded = (frames: Frame[]) => {
    const fold = new Fold({ conversation: "c" });
    for (const frame of frames) fold.apply(frame);
    return fold.snapshot();
  };
  for (const cut of [1, 2]) {
    expect(folded([before, part(merged, 0, cut), part(merged, cut, 3)])).toEqual(folded([before, merged]));
  }
});

test("a moment of another log, before or beyond the recording has no position", () => {
  const recorder = recorded(golden("team"));
  const of = (text: string) => positionOf(recorder, parseMoment(text) ?? { epoch: "", seq: 0, events: 0 });
  expect(of(`${EPOCH}-1`)).toBe(3);
  expect(of(`${EPOCH}-1.1`)).toBe(4);
  expect(of("ff-1")).toBeNull();
  expect(of(`${EPOCH}-999`)).toBeNull();
  const joined = recorded([]);
  joined.base({ conversation: "golden", input_last: 3 }, `${EPOCH}-40`);
  expect(positionOf(joined, { epoch: EPOCH, seq: 39, events: 0 })).toBeNull();
  expect(positionOf(joined, { epoch: EPOCH, seq: 40, events: 0 })).toBe(0);
});

test("times never go back along the recording, and lead back to the last position at them", () => {
  const recorder = recorded([
    {
      run: "r",
      n: 1,
      ts: 100,
      seq: 1,
      events: [
        { type: "run.started", agent: "a" },
        { type: "log", id: "l1", level: "info", text: "", dt: 50 },
      ],
    },
    { run: "r", n: 3, ts: 90, seq: 2, events: [{ type: "log", id: "l2", level: "info", text: "" }] },
    { run: "r", n: 4, ts: 300, seq: 3, events: [{ type: "log", id: "l3", level: "info", text: "" }] },
  ]);
  expect([1, 2, 3, 4].map((position) => timeAt(recorder, position))).toEqual([100, 150, 150, 300]);
  expect([99, 100, 149, 150, 299, 300, 999].map((ts) => positionAt(recorder, ts))).toEqual([0, 1, 1, 3, 3, 4, 4]);
});

test("the event at a position has its lane's number, its namespace and its time", () => {
  const frames = golden("team");
  const recorder = recorded(frames);
  const found = happening(recorder, 4);
  expect(found?.event.type).toBe("plan.updated");
  expect(found).toMatchObject({ number: 2, ns: "main", ts: frames[2]?.ts, index: 0 });
  expect(happening(recorder, recorder.end)).toBeUndefined();
});

test("reading ahead comes to an end, also where checkpoints stand far apart", () => {
  const playback = new Playback(recorded(long(150_000)));
  let turns = 0;
  while (playback.prepare(100) && turns < 10_000) turns += 1;
  expect(turns).toBeGreaterThan(200); // more than there are checkpoints: some have been dropped
  expect(turns).toBeLessThan(1000);
});

test("a seek in 100,000 events takes less than 20 ms", () => {
  const recorder = recorded(long(100_000));
  const playback = new Playback(recorder);
  while (playback.prepare(10_000));
  const positions = [99_000, 50_499, 12, 75_998, 49_999, 99_999, 25_777, 501, 88_888];
  const took = positions.map((position) => {
    const begun = performance.now();
    playback.seek(position);
    return performance.now() - begun;
  });
  took.sort((one, other) => one - other);
  expect(took[Math.floor(took.length / 2)]).toBeLessThan(20); // the median: another process may take the core once
});
