import { describe, expect, test } from "vitest";
import { Fold } from "../../fold/fold";
import { collectGarbage } from "../../gc";
import type { AnyServerMessage, Frame } from "../../schema/types";
import { View } from "../../store/view";
import { EPOCH, golden, recorded } from "../../time/logs";
import { Recorder, UNWATCHED_BYTES_MAX } from "../../time/recording";
import { Past, type Timed } from "./past";

const frames = golden("team");
const total = frames.reduce((sum, frame) => sum + frame.events.length, 0);
const cursor = (frame: Frame | undefined) => `${EPOCH}-${frame?.seq ?? 0}`;

function timed(recorder: Recorder) {
  const asked: ((message: AnyServerMessage) => void)[] = [];
  const conversation: Timed = {
    id: "golden",
    live: new View(new Fold({ conversation: "golden" })),
    recorder,
    openReplay: (on) => {
      asked.push(on);
      return () => {};
    },
  };
  return { past: new Past(conversation), asked };
}

function joined(at: Frame | undefined) {
  const recorder = new Recorder("golden");
  recorder.base({ conversation: "golden", input_last: 3 }, cursor(at));
  return recorder;
}

const replay = (some: readonly Frame[]): AnyServerMessage[] => [
  { op: "events", sub: "", prev: "", cursor: cursor(some.at(-1)), frames: [...some] },
  { op: "caught_up", sub: "", cursor: cursor(some.at(-1)) },
];

test("the present is shown until one goes somewhere, and again when one comes back", () => {
  const { past } = timed(recorded(frames));
  expect(past.view()).toBeNull();
  past.seek(10);
  expect(past.view()?.fold.items.size).toBeGreaterThan(0);
  past.toLive();
  expect(past.view()).toBeNull();
  expect(past.position).toBe(total);
});

test("the view stays the same object while one moves, so that what did not change is not drawn again", () => {
  const { past } = timed(recorded(frames));
  past.seek(40);
  const view = past.view();
  past.step(1);
  past.seek(3);
  expect(past.view()).toBe(view);
  expect(view?.fold.runs.get(frames[0]?.run ?? "")?.status).toBe("queued");
});

test("a step back from the present shows all but the last event", () => {
  const { past } = timed(recorded(frames));
  past.step(-1);
  expect(past.standing()).toMatchObject({ mode: "past", position: total - 1 });
});

test("playing goes on by the time of the events, times the speed, and stops at the end", () => {
  const made = (at: number): Frame => ({
    ...{ run: "r", n: at, ts: 1000 * at, seq: at },
    events: [{ type: "log", id: `l${at}`, level: "info", text: "" }],
  });
  const { past } = timed(recorded([1, 2, 3, 4, 5].map(made)));
  past.seek(1);
  past.advance(999);
  expect(past.position).toBe(1);
  past.advance(1);
  expect(past.position).toBe(2);
  past.setSpeed(2);
  past.advance(1000);
  expect(past.position).toBe(4);
  past.advance(60_000);
  expect(past.standing()).toMatchObject({ mode: "past", position: 5, playing: false });
});

test("a long pause takes two seconds, and it is said how long it was", () => {
  const event = (at: number) => ({ type: "log" as const, id: `l${at}`, level: "info" as const, text: "" });
  const { past } = timed(
    recorded([
      { run: "r", n: 1, ts: 1000, seq: 1, events: [event(1)] },
      { run: "r", n: 2, ts: 61_000, seq: 2, events: [event(2)] },
    ]),
  );
  past.seek(1);
  past.advance(1000);
  expect(past.standing()).toMatchObject({ position: 1, skipping: 60_000 });
  past.advance(1000);
  expect(past.standing()).toMatchObject({ position: 2, skipping: 0 });
});

test("a link to a recorded moment is followed at once", () => {
  const { past } = timed(recorded(frames));
  past.open(`${cursor(frames[1])}.1`);
  expect(past.standing()).toMatchObject({ mode: "past", position: 5 });
  expect(past.moment).toBe(`${cursor(frames[1])}.1`);
});

test("a link to a moment before the page joined loads the log first", () => {
  const { past, asked } = timed(joined(frames[6]));
  past.open(cursor(frames[2]));
  expect(past.standing().mode).toBe("opening");
  for (const message of replay(frames.slice(0, 7))) asked[0]?.(message);
  expect(past.standing()).toMatchObject({ mode: "past", position: 10 });
});

test("a link that is opened before anything came waits for it", () => {
  const recorder = new Recorder("golden");
  const { past, asked } = timed(recorder);
  past.open(cursor(frames[2]));
  expect(past.standing().mode).toBe("opening");
  recorder.base({ conversation: "golden", input_last: 3 }, cursor(frames[6]));
  for (const message of replay(frames.slice(0, 7))) asked[0]?.(message);
  expect(past.standing()).toMatchObject({ mode: "past", position: 10 });
});

test.each([
  ["ff-3", "another log"],
  [`${EPOCH}-999`, "has not happened"],
  ["nonsense", "does not say a moment"],
])("a link to %s shows the present and says why", (text, why) => {
  const { past } = timed(recorded(frames));
  past.open(text);
  expect(past.standing().mode).toBe("live");
  expect(past.standing().notice).toContain(why);
});

test("a link to a moment that has left the log shows the present and says why", () => {
  const { past, asked } = timed(joined(frames[6]));
  past.open(cursor(frames[2]));
  asked[0]?.({ op: "gap", sub: "", after: "", to: cursor(frames[6]), reason: "retention" });
  expect(past.standing()).toMatchObject({ mode: "live", notice: expect.stringContaining("has left the log") });
});

test("a history that is loaded while one looks at the past leaves one at the same moment", () => {
  const recorder = joined(undefined);
  const { past, asked } = timed(recorder);
  recorder.base({ conversation: "golden" }, cursor(frames[1]));
  recorder.base({ conversation: "golden", input_last: 3 }, cursor(frames[4]));
  past.seek(recorder.end);
  past.load();
  for (const message of replay(frames.slice(0, 7))) asked[0]?.(message);
  expect(past.moment).toBe(cursor(frames[4]));
  expect(past.position).toBe(frames.slice(0, 5).reduce((sum, frame) => sum + frame.events.length, 0));
});

test("a recording that begins anew under what one looks at leads back to the present and says so", () => {
  const recorder = recorded(frames);
  const { past } = timed(recorder);
  past.seek(5);
  recorder.base({ conversation: "golden", input_last: 9 }, "ff-1");
  expect(past.standing()).toMatchObject({
    mode: "live",
    notice: expect.stringContaining("no longer in the recording"),
  });
});

describe("a long recording", () => {
  const long = () => {
    const recorder = new Recorder("golden", { present: () => ({ conversation: "golden" }) });
    const watching = recorder.keep();
    for (const frame of frames) recorder.add(frame, cursor(frame), UNWATCHED_BYTES_MAX);
    const { past } = timed(recorder);
    const close = past.look();
    watching();
    return { recorder, past, close };
  };

  test("is held while the timeline is open, and let go with what was read of it when that is closed", async () => {
    const { recorder, past, close } = long();
    past.seek(10);
    const read = new WeakRef(past.view()?.fold as Fold);
    past.toLive();
    expect(recorder.end).toBe(total);
    close();
    expect(recorder.frames).toHaveLength(0);
    await new Promise((done) => setTimeout(done)); // what a turn has looked at is kept until its end
    collectGarbage();
    expect(read.deref()).toBeUndefined();
  });

  test("is held without a timeline while a moment of it is shown", () => {
    const { recorder, past, close } = long();
    past.seek(10);
    close();
    past.step(1);
    expect([past.position, recorder.end]).toEqual([11, total]);
    past.toLive();
    expect(recorder.frames).toHaveLength(0);
  });
});
