/** Blocks while their run goes on: their lists grow, and what is shown of them is made anew only where something came. */
import type { Block, Panel } from "./shape";

/** A block that others stand in. `outer` is the one that it stands in, null on the page itself. */
interface Nesting {
  readonly blocks: Growing[];
  outer: Nest | null;
  shown: Block | null; // what was last made of it; null: it has changed since
}

export type ToolNest = Nesting & { readonly kind: "tool"; readonly key: string; readonly id: string };
export type PanelNest = Nesting & Omit<Panel, "blocks" | "later"> & { later: string };
export type Nest = ToolNest | PanelNest;

/** What has nothing in it never changes: it is shown as it is. */
export type Growing = Extract<Block, { kind: "item" }> | Nest;

/** Something in it is not as it was shown. */
export function touch(nest: Nest | null): void {
  for (let at = nest; at; at = at.outer) at.shown = null;
}

export function shown(block: Growing): Block {
  if (block.kind === "item") return block;
  block.shown ??= made(block);
  return block.shown;
}

function made(nest: Nest): Block {
  const blocks = nest.blocks.map(shown);
  if (nest.kind === "tool") return { kind: "tool", key: nest.key, id: nest.id, blocks };
  const { key, agent, ns, depth, part, earlier, later } = nest;
  return { kind: "panel", key, agent, ns, depth, part, earlier, later, blocks };
}

/** Show `blocks`, which are equal to what would be made of `growing`. */
export function adopt(growing: Growing[], blocks: readonly Block[]): void {
  for (const [at, block] of blocks.entries()) {
    const own = growing[at];
    if (own === undefined) return;
    if (own.kind === "item" || block.kind === "item") {
      if (block.kind === "item") growing[at] = block;
    } else {
      own.shown = block;
      adopt(own.blocks, block.blocks);
    }
  }
}
