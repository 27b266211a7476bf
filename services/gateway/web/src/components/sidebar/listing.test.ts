import { expect, test } from "vitest";
import type { ConversationRow } from "../../client/api";
import { extended, type Listing, refreshed, refreshRows, renamed, without } from "./listing";

const row = (id: string, updated: number, title = id): ConversationRow => ({
  id,
  title,
  updated,
  created: 1,
  runs: 1,
  status: "idle",
  last_status: "completed",
});
const list = (next: string, ...rows: ConversationRow[]): Listing => ({ rows, next });
const ids = ({ rows }: Listing) => rows.map(({ id }) => id).join("");

test("a conversation that has become active moves to the top and stands there once", () => {
  const known = list("", row("a", 3), row("b", 2), row("c", 1));
  expect(ids(refreshed(known, { conversations: [row("c", 4), row("a", 3), row("b", 2)], next: "" }))).toBe("cab");
});

test("what was read further down stays while the head is brought up to date", () => {
  const known = list("p3", row("a", 9), row("b", 8), row("c", 7), row("d", 6));
  const now = refreshed(known, { conversations: [row("e", 10), row("a", 9)], next: "p1" });
  expect(ids(now)).toBe("eabcd");
  expect(now.next).toBe("p3");
});

test("a conversation that is gone from the head is gone from the list", () => {
  const known = list("p2", row("a", 9), row("b", 8), row("c", 7));
  expect(ids(refreshed(known, { conversations: [row("a", 9), row("c", 7)], next: "p" }))).toBe("ac");
});

test("the whole list of the gateway leaves nothing of what was known", () => {
  expect(refreshed(list("p", row("a", 2), row("b", 1)), { conversations: [], next: "" })).toEqual({
    rows: [],
    next: "",
  });
});

test("the next page adds what is not there yet, in its order", () => {
  const now = extended(list("p1", row("a", 3), row("b", 2)), { conversations: [row("b", 2), row("c", 1)], next: "p2" });
  expect(ids(now)).toBe("abc");
  expect(now.next).toBe("p2");
});

test("a long list is refreshed as far as the gateway gives it at once", () => {
  const rows = Array.from({ length: 300 }, (_, at) => row(String(at), 300 - at));
  expect(refreshRows(list("", ...rows))).toBe(200);
  expect(refreshRows(list(""))).toBe(50);
});

test("what a person deleted or renamed shows before the gateway is asked again", () => {
  const known = list("", row("a", 2), row("b", 1));
  expect(ids(without(known, "a"))).toBe("b");
  expect(renamed(known, "b", "Rivers").rows[1]?.title).toBe("Rivers");
});
