import type { Block, Panel, Row } from "./shape";

/** `next` with every row and block of `previous` that is the same in its place, so that who draws it need not draw again. */
export function kept(previous: readonly Row[], next: readonly Row[]): readonly Row[] {
  const known = new Map(previous.map((row) => [row.key, row]));
  return keptList(
    previous,
    next.map((row) => keptRow(known.get(row.key), row)),
  );
}

function keptRow(before: Row | undefined, row: Row): Row {
  if (row.kind !== "block") return before?.kind === row.kind ? before : row;
  if (before?.kind !== "block") return row;
  const block = keptBlock(before.block, row.block);
  return block === before.block ? before : { ...row, block };
}

function keptBlock(before: Block, block: Block): Block {
  if (block.kind === "item") return before.kind === "item" && before.id === block.id ? before : block;
  if (before.kind !== block.kind) return block;
  const blocks = keptBlocks(before.blocks, block.blocks);
  const same = blocks === before.blocks && (block.kind === "tool" || sameHead(before as Panel, block));
  return same ? before : { ...block, blocks };
}

function sameHead(before: Panel, panel: Panel): boolean {
  return before.later === panel.later && before.earlier === panel.earlier && before.ns === panel.ns;
}

function keptBlocks(previous: readonly Block[], next: readonly Block[]): readonly Block[] {
  const known = new Map(previous.map((block) => [block.key, block]));
  return keptList(
    previous,
    next.map((block) => {
      const before = known.get(block.key);
      return before ? keptBlock(before, block) : block;
    }),
  );
}

/** `previous` where `next` is the same in every place. */
export function keptList<T>(previous: readonly T[], next: readonly T[]): readonly T[] {
  const same = previous.length === next.length && next.every((one, at) => one === previous[at]);
  return same ? previous : next;
}
