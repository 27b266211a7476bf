import { expect, test } from "vitest";
import { EPOCH, golden, recorded } from "../../time/logs";
import { happening } from "../../time/playback";
import { Recorder } from "../../time/recording";
import { curl, jsonLines, Matches, totals, whole } from "./events";

const frames = golden("team");
const all = recorded(frames);

test("without a filter every event passes", () => {
  expect(new Matches({ ns: "", type: "" }).upTo(all)).toHaveLength(all.end);
});

test("a namespace lets its subtree pass and nothing else", () => {
  const namespaces = (ns: string) =>
    new Set(new Matches({ ns, type: "" }).upTo(all).map((number) => happening(all, number)?.ns));
  expect(namespaces("main").size).toBe(5);
  expect([...namespaces("main/research:1")]).toEqual(["main/research:1", "main/research:1/reader:1"]);
  expect(namespaces("main/res").size).toBe(0);
});

test("a type is found by a part of its name", () => {
  const types = new Matches({ ns: "", type: "tool." }).upTo(all).map((number) => happening(all, number)?.event.type);
  expect(new Set(types)).toEqual(new Set(["tool.started", "tool.args", "tool.progress", "tool.result"]));
});

test("what comes later is found without reading again what was there", () => {
  const recorder = recorded(frames.slice(0, 4));
  const matches = new Matches({ ns: "", type: "message" });
  const before = matches.upTo(recorder).length;
  for (const frame of frames.slice(4)) recorder.add(frame, `${EPOCH}-${frame.seq}`);
  const found = matches.upTo(recorder);
  expect(found.length).toBeGreaterThan(before);
  expect(found).toEqual(new Matches({ ns: "", type: "message" }).upTo(all));
});

test("what the recording has dropped is not held either", () => {
  const filter = { ns: "main", type: "" };
  const recorder = recorded(frames.slice(0, 4), { bytesMax: 6000 });
  const matches = new Matches(filter);
  expect(matches.upTo(recorder)[0]).toBe(new Matches(filter).upTo(all)[0]);
  for (const frame of frames.slice(4)) recorder.add(frame, `${EPOCH}-${frame.seq}`);
  const held = new Matches(filter).upTo(all).filter((number) => number >= recorder.start);
  expect(held).toHaveLength(recorder.end - recorder.start);
  expect(matches.upTo(recorder)).toEqual(held);
});

test("the totals are those of what is held, the rate of what came in the last five seconds", () => {
  let now = 100_000;
  const recorder = new Recorder("golden", { now: () => now });
  for (const frame of frames.slice(0, 3)) recorder.add(frame, `${EPOCH}-${frame.seq}`);
  now = 108_000;
  recorder.add(frames[3] as never, `${EPOCH}-4`);
  const bytes = frames.slice(0, 4).reduce((sum, frame) => sum + Buffer.byteLength(JSON.stringify(frame)), 0);
  expect(totals(recorder, 110_000)).toEqual({ events: 11, frames: 4, bytes, rate: 1 / 5 });
});

test("each line is an event with its offsets", () => {
  const lines = jsonLines(all, { ns: "", type: "" }).trimEnd().split("\n");
  expect(lines).toHaveLength(all.end);
  expect(JSON.parse(lines[4] as string)).toMatchObject({
    seq: 3,
    n: 2,
    attempt: 1,
    ns: "main",
    event: frames[2]?.events[0],
  });
  expect(JSON.parse(lines[0] as string).lane).toBe("in");
});

test("the command asks for what comes after the frame before the event's", () => {
  const at = (number: number) => curl(all, happening(all, number) as never, "http://localhost:8000");
  expect(at(4)).toBe(`curl -N 'http://localhost:8000/v1/conversations/golden/events?mode=replay&after=${EPOCH}-2'`);
  expect(at(0)).toContain(`after=${EPOCH}-0'`);
});

test("an event by itself says its lane, namespace and time", () => {
  expect(whole(happening(all, 3) as never)).toMatchObject({ lane: frames[1]?.run, ns: "main", ts: frames[1]?.ts });
});
