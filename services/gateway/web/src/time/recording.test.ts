import { expect, test } from "vitest";
import type { AnyServerMessage, Frame } from "../schema/types";
import { EPOCH, golden, recorded } from "./logs";
import { type OpenReplay, Recorder, UNWATCHED_BYTES_MAX } from "./recording";

const frames = golden("team");
const total = frames.reduce((sum, frame) => sum + frame.events.length, 0);
const cursor = (frame: Frame | undefined) => `${EPOCH}-${frame?.seq ?? 0}`;
const events = (some: readonly Frame[]): AnyServerMessage => ({
  ...{ op: "events", sub: "h", prev: "", cursor: cursor(some.at(-1)) },
  frames: [...some],
});
const caughtUp = (frame: Frame | undefined): AnyServerMessage => ({ op: "caught_up", sub: "h", cursor: cursor(frame) });

/** A recorder whose page joined by a snapshot after the first five frames, and the replays that it asks for. */
function joined() {
  const present = () => ({ conversation: "golden", input_last: 7 });
  const recorder = new Recorder("golden", { now: () => 77, present });
  recorder.base({ conversation: "golden", input_last: 3 }, cursor(frames[4]));
  const asked: { say: (message: AnyServerMessage) => void; ended: boolean }[] = [];
  const open: OpenReplay = (say) => {
    const one = { say, ended: false };
    asked.push(one);
    return () => {
      one.ended = true;
    };
  };
  return { recorder, open, asked };
}

test("what was recorded from the first event on is whole", () => {
  const recorder = recorded(frames);
  expect(recorder.complete).toBe(true);
  expect(recorder.end).toBe(total);
  expect(recorder.frames.map(({ frame }) => frame)).toEqual(frames);
  expect(recorder.frames.map((one) => one.cursor)).toEqual(frames.map(cursor));
});

test("a frame that comes again is passed over", () => {
  const recorder = recorded([...frames, ...frames.slice(3)]);
  expect(recorder.end).toBe(total);
});

test("the size of a frame is that of its JSON in UTF-8", () => {
  const frame: Frame = {
    run: "r",
    n: 1,
    ts: 1,
    seq: 1,
    events: [{ type: "log", id: "l", level: "info", text: "é–🌊" }],
  };
  const recorder = recorded([frame]);
  expect(recorder.bytes).toBe(Buffer.byteLength(JSON.stringify(frame)));
});

test("a snapshot of an empty conversation is its beginning", () => {
  const recorder = new Recorder("golden");
  recorder.base({ conversation: "golden" }, `${EPOCH}-0`);
  expect(recorder.complete).toBe(true);
});

test("a snapshot behind which nothing was missed changes nothing", () => {
  const recorder = recorded(frames);
  recorder.base({ conversation: "golden", input_last: 3 }, cursor(frames.at(-1)));
  expect(recorder.end).toBe(total);
  expect(recorder.complete).toBe(true);
});

test.each([`${EPOCH}-999`, "ff-3"])("after a snapshot at %s, beyond a gap, the recording begins anew", (at) => {
  const recorder = recorded(frames);
  const { generation } = recorder;
  recorder.base({ conversation: "golden", input_last: 9 }, at);
  expect(recorder.end).toBe(0);
  expect(recorder.reach).toEqual({ kind: "joined" });
  expect(recorder.before().input_last).toBe(9);
  expect(recorder.generation).toBeGreaterThan(generation);
});

test("history that is loaded stands before what came since, without a hole or a repeat", () => {
  const { recorder, open, asked } = joined();
  recorder.add(frames[5] as Frame, cursor(frames[5]));
  recorder.load(open);
  asked[0]?.say({ op: "subscribed", sub: "h", conversation: "golden", mode: "replay", cursor: `${EPOCH}-0` });
  asked[0]?.say(events(frames.slice(0, 3)));
  expect(recorder.reach).toEqual({ kind: "loading", events: 10 });
  recorder.add(frames[6] as Frame, cursor(frames[6]));
  recorder.add(frames[7] as Frame, cursor(frames[7]));
  asked[0]?.say(events(frames.slice(3, 7)));
  asked[0]?.say(caughtUp(frames[6]));
  expect(recorder.complete).toBe(true);
  expect(asked[0]?.ended).toBe(true);
  for (const frame of frames.slice(8)) recorder.add(frame, cursor(frame));
  expect(recorder.frames.map(({ frame }) => frame)).toEqual(frames);
  expect(recorder.before()).toEqual({ conversation: "golden" });
  expect(recorder.end).toBe(total);
});

test("a replay of a gateway that is behind the page is read on until it has reached what the page has", () => {
  const { recorder, open, asked } = joined();
  recorder.load(open);
  asked[0]?.say(events(frames.slice(0, 3)));
  asked[0]?.say(caughtUp(frames[2]));
  expect(recorder.complete).toBe(false);
  asked[0]?.say(events(frames.slice(3, 5)));
  expect(recorder.complete).toBe(true);
});

test("history that has left the log is said to be gone, and is not asked for again", () => {
  const { recorder, open, asked } = joined();
  recorder.load(open);
  asked[0]?.say({ op: "gap", sub: "h", after: "", to: cursor(frames[4]), reason: "retention" });
  recorder.load(open);
  expect(recorder.reach).toEqual({ kind: "expired" });
  expect(asked).toHaveLength(1);
  expect(asked[0]?.ended).toBe(true);
});

test("history that could not be loaded is asked for again on demand", () => {
  const { recorder, open, asked } = joined();
  recorder.load(open);
  asked[0]?.say({ op: "error", code: "unavailable", message: "the log could not be read", ref: "h" });
  expect(recorder.reach).toEqual({ kind: "failed", message: "the log could not be read" });
  recorder.load(open);
  expect(asked).toHaveLength(2);
});

test("above the bound the oldest frames go, and how many events went is said", () => {
  const bytesMax = 6000;
  const recorder = recorded(frames, { bytesMax });
  expect(recorder.bytes).toBeLessThanOrEqual(bytesMax);
  expect(recorder.end).toBe(total);
  expect(recorder.start).toBe(total - recorder.frames.reduce((sum, one) => sum + one.events, 0));
  expect(recorder.reach).toEqual({ kind: "dropped", events: recorder.start });
  expect(recorder.complete).toBe(false);
});

test("listeners hear of every change until they end", () => {
  const recorder = recorded([]);
  let heard = 0;
  const end = recorder.subscribe(() => {
    heard += 1;
  });
  recorder.add(frames[0] as Frame, cursor(frames[0]));
  end();
  recorder.add(frames[1] as Frame, cursor(frames[1]));
  expect(heard).toBe(1);
});

test("what nobody looks at is forgotten beyond a size, goes on from the present, and is fetched when it is looked at", () => {
  const { recorder, open, asked } = joined();
  recorder.add(frames[5] as Frame, cursor(frames[5]), UNWATCHED_BYTES_MAX + 1);
  expect([recorder.frames.length, recorder.from, recorder.before().input_last]).toEqual([0, frames[5]?.seq, 7]);
  expect(recorder.reach).toEqual({ kind: "joined" });

  for (const frame of frames.slice(6)) recorder.add(frame, cursor(frame));
  recorder.load(open);
  asked[0]?.say(events(frames.slice(0, 7)));
  asked[0]?.say(caughtUp(frames[6]));
  expect(recorder.complete).toBe(true);
  expect(recorder.frames.map(({ seq }) => seq)).toEqual(frames.map((frame) => frame.seq));
});

test("what somebody looks at is not forgotten before the last one has gone", () => {
  const { recorder } = joined();
  const [one, other] = [recorder.keep(), recorder.keep()];
  recorder.add(frames[5] as Frame, cursor(frames[5]), UNWATCHED_BYTES_MAX + 1);
  one();
  one();
  expect(recorder.frames).toHaveLength(1);
  other();
  expect([recorder.frames.length, recorder.from]).toEqual([0, frames[5]?.seq]);
});

test("a little is kept when nobody looks any more", () => {
  const { recorder } = joined();
  const { generation } = recorder;
  recorder.add(frames[5] as Frame, cursor(frames[5]));
  recorder.keep()();
  expect([recorder.frames.length, recorder.generation]).toEqual([1, generation]);
});

test("a history that nobody waits for any more is given up, and fetched when somebody does", () => {
  const { recorder, open, asked } = joined();
  const leave = recorder.keep();
  recorder.load(open);
  asked[0]?.say(events(frames.slice(0, 3)));
  leave();
  expect([asked[0]?.ended, recorder.reach]).toEqual([true, { kind: "joined" }]);
  recorder.load(open);
  expect(asked).toHaveLength(2);
});
