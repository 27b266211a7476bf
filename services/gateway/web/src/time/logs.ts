/** Logs for tests: the golden ones, and large ones made up. */
import { readFileSync } from "node:fs";
import type { AnyEvent, Frame } from "../schema/types";
import { Recorder } from "./recording";

export const EPOCH = "ab12";
export const GOLDEN = ["every_event", "taken_over", "team"] as const;

export function golden(name: (typeof GOLDEN)[number]): Frame[] {
  const path = new URL(`../../../../../tests/golden/${name}.log.jsonl`, import.meta.url);
  const lines = readFileSync(path, "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}

/** A recorder that has seen the frames from the first on. */
export function recorded(frames: readonly Frame[], options = {}): Recorder {
  const recorder = new Recorder("golden", options);
  for (const frame of frames) recorder.add(frame, `${EPOCH}-${frame.seq}`);
  return recorder;
}

/** One run with so many events: messages of a hundred deltas, three events to a frame, a frame every 10 ms. */
export function long(events: number): Frame[] {
  const frames: Frame[] = [];
  const run = "r1";
  const queue: AnyEvent[] = [{ type: "run.started", agent: "team" }];
  for (let made = 1, message = 0; made < events; message += 1) {
    const id = `m${message}`;
    queue.push({ type: "message.started", id });
    for (let delta = 0; delta < 100; delta += 1)
      queue.push({ type: "message.delta", id, at: delta * 6, text: "words " });
    queue.push({ type: "message.ended", id });
    made += 102;
  }
  for (let at = 0; at < queue.length; at += 3) {
    const seq = frames.length + 1;
    frames.push({ run, n: at + 1, ts: 1_000_000 + seq * 10, seq, events: queue.slice(at, at + 3) });
  }
  return frames;
}
