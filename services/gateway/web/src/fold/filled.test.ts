import { expect, test } from "vitest";
import type { AnyItem } from "../schema/types";
import { fill, fillEvent, fillItem } from "./filled";

test("a field that the wire leaves out gets its default", () => {
  expect(fillItem({ type: "message", id: "m", run: "r", role: "user" })).toEqual({
    type: "message",
    id: "m",
    run: "r",
    ns: "main",
    seq: 0,
    started: 0,
    ended: 0,
    status: "open",
    role: "user",
    content: "",
    model: "",
    finish: "",
    artifacts: [],
  });
});

test("null on the wire stays null, even where the default is another", () => {
  const item = fillItem({
    type: "artifact",
    id: "a",
    run: "r",
    kind: "k",
    name: "n",
    media_type: "t",
    versions: [{ version: 1, content: null }],
  });
  expect(item).toMatchObject({ versions: [{ version: 1, content: null, status: "intermediate", ref: "" }] });
});

test("shapes inside shapes are filled, too", () => {
  const transcript = fill("Transcript", {
    conversation: "c",
    runs: [{ id: "r", agent: "a", usage: [{ model: "m" }], error: { code: "c", message: "m" } }],
    items: [{ type: "plan", id: "p", run: "r", items: [{ text: "go" }] }],
  });
  expect(transcript.runs[0]).toMatchObject({
    usage: [{ model: "m", input: 0, output: 0, reasoning: 0, cached: 0 }],
    counts: { messages: 0, tool_calls: 0, agents: 0, artifacts: 0 },
    error: { code: "c", message: "m", retryable: false, ref: "" },
  });
  expect(transcript.items[0]).toMatchObject({ ns: "main", items: [{ text: "go", status: "pending" }] });
});

test("two values never share a default", () => {
  const [one, other] = [fill("RunState", { id: "1", agent: "" }), fill("RunState", { id: "2", agent: "" })];
  expect(one.usage).not.toBe(other.usage);
  expect(one.counts).not.toBe(other.counts);
});

test("what came is not changed", () => {
  const wire = { type: "tool", id: "t", run: "r", name: "n", error: { code: "c", message: "m" } } as const;
  fillItem(wire);
  expect(wire.error).toEqual({ code: "c", message: "m" });
});

test.each(["dream", "constructor", "__proto__"])(
  "an item of the type %s, which nobody knows, stays as it came",
  (type) => {
    const wire = { type, id: "d", run: "r", depth: 3 } as unknown as AnyItem;
    expect(fillItem(wire)).toBe(wire);
  },
);

test("an event is filled by its type", () => {
  expect(fillEvent({ type: "tool.failed", id: "t", code: "c", message: "m" })).toEqual({
    type: "tool.failed",
    id: "t",
    code: "c",
    message: "m",
    retryable: false,
    ns: "",
    dt: 0,
  });
});
