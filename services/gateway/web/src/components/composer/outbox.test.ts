import { beforeEach, expect, test, vi } from "vitest";
import type { Ack } from "../../schema/types";
import type { Message } from "../../store/conversation";
import { type Outgoing, useOutbox } from "./outbox";

const sent: [text: string, message: Message][] = [];
let answer: () => Promise<Ack>;
const conversation = {
  id: "hello",
  send: (text: string, message: Message) => {
    sent.push([text, message]);
    return answer();
  },
};
const outbox = () => useOutbox.getState();
const add = (text: string, to = "hello") =>
  outbox().add({ conversation: to, text, agent: "team", multitask: "enqueue", first: false });
const states = () => outbox().entries.map(({ state }: Outgoing) => state);

beforeEach(() => {
  sent.length = 0;
  answer = async () => ({ op: "ack", ref: "" });
  useOutbox.setState({ entries: [] });
});

test("what is added is sent once, under its own id, and stays until it is removed", async () => {
  const { id } = add("Why?");
  outbox().post(conversation);
  outbox().post(conversation);
  await vi.waitFor(() => expect(states()).toEqual(["sent"]));
  expect(sent).toEqual([["Why?", { id, agent: "team", multitask: "enqueue" }]]);
  outbox().remove(id);
  expect(outbox().entries).toEqual([]);
});

test("a message of another conversation waits for that one", () => {
  add("Why?", "other");
  outbox().post(conversation);
  expect(states()).toEqual(["waiting"]);
});

test("a message that was refused keeps its text, says why, and is sent again under the same id", async () => {
  answer = () => Promise.reject(new Error("too many"));
  const { id } = add("Why?");
  outbox().post(conversation);
  await vi.waitFor(() => expect(states()).toEqual(["failed"]));
  expect(outbox().entries[0]).toMatchObject({ text: "Why?", problem: "too many" });
  answer = async () => ({ op: "ack", ref: "" });
  outbox().retry(id);
  outbox().post(conversation);
  await vi.waitFor(() => expect(states()).toEqual(["sent"]));
  expect(sent.map(([, message]) => message.id)).toEqual([id, id]);
});
