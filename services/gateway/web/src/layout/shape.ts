/**
 * Where everything stands on the page: the items of a run, in the order of the log, become rows of nested blocks.
 *
 * Pure, and a function of the transcript alone, so that a viewer that was cut off shows the same page as one that was not.
 * `main` has no container. An agent's panel stands where its agent started: under the tool call that spawned it, else in
 * its parent's container. It takes what comes in its namespace until its container speaks (a message or reasoning of its
 * own) while everything in the panel had ended; what comes in the namespace after that stands in a further part.
 */

export type Block =
  | { kind: "item"; key: string; id: string }
  | { kind: "tool"; key: string; id: string; blocks: readonly Block[] }
  | Panel;

/**
 * A part of what an agent does. `agent` is the id of the agent's item, which may be missing from the transcript; `earlier`
 * is the key of the part that this one continues ("" for the first), `later` of the part that continues this one.
 */
export interface Panel {
  kind: "panel";
  key: string;
  agent: string;
  ns: string;
  depth: number;
  part: number;
  earlier: string;
  later: string;
  blocks: readonly Block[];
}

/** What the list of a conversation is made of. Keys are unique in a conversation. */
export type Row = { key: string; run: string } & (
  | { kind: "block"; block: Block }
  | { kind: "run" } // what the run is doing, or why it did not complete
  | { kind: "summary" } // what it took, once it is over
);

/** What the layout needs to know of an item. */
export interface Placed {
  type: string;
  id: string;
  ns: string;
  started: number;
  ended: number;
  cause?: { kind: string; id?: string } | null;
}
