/** Questions about rows that the list asks. Pure. */
import type { Item } from "../../fold/fold";
import type { Block, Row } from "../../layout/blocks";

/** Heights in px of what has not been drawn yet: near enough that the scroll bar does not jump. */
const LINE_PX = 23;
const LINE_CHARS = 85;
const SMALL_PX = 30;
const CARD_PX = 90;
const PANEL_PX = 60;

/** The height that a row probably has. */
export function estimate(row: Row, item: (id: string) => Item | undefined): number {
  return row.kind === "block" ? estimateBlock(row.block, item) : SMALL_PX;
}

/** The height that a block probably has. */
export function estimateBlock(block: Block, item: (id: string) => Item | undefined): number {
  if (block.kind === "item") return estimateItem(item(block.id));
  const own = block.kind === "tool" ? CARD_PX : PANEL_PX;
  return block.blocks.reduce((sum, one) => sum + estimateBlock(one, item), own);
}

function estimateItem(item: Item | undefined): number {
  if (item?.type === "message") return SMALL_PX + LINE_PX * Math.ceil((item.content.length + 1) / LINE_CHARS);
  return item?.type === "plan" || item?.type === "interrupt" ? CARD_PX : SMALL_PX;
}

/** Where the block with `key` is: the index of its row, and the keys of the blocks around it from the outside in. */
export function find(rows: readonly Row[], key: string): { index: number; around: string[] } | null {
  for (const [index, row] of rows.entries()) {
    const around = row.kind === "block" ? path(row.block, key) : row.key === key ? [] : null;
    if (around) return { index, around };
  }
  return null;
}

function path(block: Block, key: string): string[] | null {
  if (block.key === key) return [];
  if (block.kind === "item") return null;
  for (const one of block.blocks) {
    const inner = path(one, key);
    if (inner) return [block.key, ...inner];
  }
  return null;
}
