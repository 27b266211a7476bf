import { expect, test } from "vitest";
import type { Item } from "../../fold/fold";
import type { Block, Row } from "../../layout/blocks";
import { estimate, find } from "./rows";

const item = (id: string): Block => ({ kind: "item", key: id, id });
const panel = (key: string, blocks: Block[]): Block => {
  return { kind: "panel", key, agent: key, ns: "main/a:1", depth: 1, part: 1, earlier: "", later: "", blocks };
};
const row = (block: Block): Row => ({ key: block.key, run: "r", kind: "block", block });
const ROWS: Row[] = [
  row(item("u")),
  row({ kind: "tool", key: "t", id: "t", blocks: [panel("a", [item("m1"), panel("b", [item("m2")])])] }),
  { key: "r:summary", run: "r", kind: "summary" },
];

test.each([
  ["u", { index: 0, around: [] }],
  ["t", { index: 1, around: [] }],
  ["m2", { index: 1, around: ["t", "a", "b"] }],
  ["r:summary", { index: 2, around: [] }],
  ["gone", null],
])("the block %s is found with what it stands in", (key, place) => {
  expect(find(ROWS, key)).toEqual(place);
});

test("a row probably is as high as what stands in it: more for more text, and for each block", () => {
  const texts = new Map([
    ["short", "word"],
    ["long", "word ".repeat(200)],
  ]);
  const said = (id: string) => ({ type: "message", content: texts.get(id) ?? "" }) as Item;
  const heightOf = (block: Block) => estimate(row(block), said);
  expect(heightOf(item("long"))).toBeGreaterThan(3 * heightOf(item("short")));
  expect(heightOf(panel("p", [item("long"), item("short")]))).toBeGreaterThan(
    heightOf(item("long")) + heightOf(item("short")),
  );
});
