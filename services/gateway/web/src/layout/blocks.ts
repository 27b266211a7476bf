import { kept } from "./kept";
import type { Panel, Placed, PlacedRun, Row } from "./shape";

export type { Block, Panel, Placed, PlacedRun, Row } from "./shape";

const OVER = new Set(["completed", "failed", "cancelled", "superseded"]);

/**
 * The rows of one run from its items in the order of the log. What stands in `previous`, the rows of the same run before it
 * grew, and has not changed since, keeps its identity; so does the list.
 */
export function layoutRun(run: PlacedRun, items: readonly Placed[], previous: readonly Row[] = []): readonly Row[] {
  const page = new Page(run.id);
  for (const item of items) page.place(item);
  const rows: Row[] = page.root.blocks.map((block) => ({ key: block.key, run: run.id, kind: "block", block }));
  if (run.status !== "completed") rows.push({ key: `${run.id}:run`, run: run.id, kind: "run" });
  if (OVER.has(run.status)) rows.push({ key: `${run.id}:summary`, run: run.id, kind: "summary" });
  return kept(previous, rows);
}

export function depthOf(ns: string): number {
  return ns.split("/").length - 1;
}

/** A block while the page is being laid out: its lists still grow. */
type Growing =
  | { kind: "item"; key: string; id: string }
  | { kind: "tool"; key: string; id: string; blocks: Growing[] }
  | (Omit<Panel, "blocks"> & { blocks: Growing[] });

/** The page of `main`, or one part of what an agent does: a list of blocks that speaks in one namespace. */
interface Container {
  ns: string;
  blocks: Growing[];
  above: Container | null;
  key: string;
  part: number;
  open: Set<Container>; // the panels in it that still take what comes
  quiet: number; // when the last of what stands in it ended, in ms; Infinity while something has not, 0 if it is empty
}

class Page {
  readonly root: Container;
  readonly #run: string;
  readonly #panels = new Map<string, { container: Container; panel: Extract<Growing, { kind: "panel" }> }>();
  readonly #tools = new Map<string, { container: Container; blocks: Growing[] }>();
  readonly #early: { call: string; ns: string }[] = []; // agents that stand before the call that spawned them

  constructor(run: string) {
    this.#run = run;
    this.root = { ns: "main", blocks: [], above: null, key: "", part: 1, open: new Set(), quiet: 0 };
  }

  place(item: Placed): void {
    if (item.type === "agent") {
      if (depthOf(item.ns)) this.#placeAgent(item);
      return; // an agent is its panel's header; that of `main` has none
    }
    const container = this.#container(item.ns);
    if (item.type === "message" || item.type === "reasoning") seal(container, item.started);
    if (item.type === "tool") {
      const block: Growing = { kind: "tool", key: item.id, id: item.id, blocks: [] };
      container.blocks.push(block);
      this.#tools.set(item.id, { container, blocks: block.blocks });
      for (const { call, ns } of this.#early) if (call === item.id) this.#moveUnder(item.id, ns);
    } else {
      container.blocks.push({ kind: "item", key: item.id, id: item.id });
    }
    if (item.type !== "artifact") occupy(container, item.ended || Number.POSITIVE_INFINITY); // a later version reopens one
  }

  #placeAgent({ ns, cause }: Placed): void {
    if (this.#panels.has(ns)) return;
    const call = cause?.kind === "tool" ? (cause.id ?? "") : "";
    const spawner = this.#tools.get(call);
    if (call && !spawner) this.#early.push({ call, ns });
    this.#openPanel(ns, spawner);
  }

  /** What an agent did before its worker was lost stands before the call, which the next attempt made again. */
  #moveUnder(call: string, ns: string): void {
    const spawner = this.#tools.get(call);
    const { container, panel } = this.#panels.get(ns) ?? {};
    if (!spawner || !container?.above || !panel || panel.part > 1) return;
    const { blocks, open } = container.above;
    blocks.splice(blocks.indexOf(panel), 1);
    open.delete(container);
    spawner.blocks.push(panel);
    spawner.container.open.add(container);
    container.above = spawner.container;
  }

  /** The container that takes what comes in `ns` now. */
  #container(ns: string): Container {
    if (depthOf(ns) === 0) return this.root;
    const last = this.#panels.get(ns)?.container;
    return last && takes(last) ? last : this.#openPanel(ns);
  }

  #openPanel(ns: string, spawner?: { container: Container; blocks: Growing[] }): Container {
    const above = spawner?.container ?? this.#container(ns.slice(0, ns.lastIndexOf("/")));
    const before = this.#panels.get(ns);
    const part = (before?.container.part ?? 0) + 1;
    const agent = `${this.#run}/${ns}`;
    const key = part === 1 ? agent : `${agent}#${part}`;
    const container: Container = { ns, blocks: [], above, key, part, open: new Set(), quiet: 0 };
    const { blocks } = container;
    const earlier = before?.container.key ?? "";
    const panel = { kind: "panel" as const, key, agent, ns, depth: depthOf(ns), part, earlier, later: "", blocks };
    if (before) before.panel.later = key;
    (spawner?.blocks ?? above.blocks).push(panel);
    above.open.add(container);
    this.#panels.set(ns, { container, panel });
    return container;
  }
}

/** A container takes what comes while neither it nor one that it stands in has been left behind. */
function takes(container: Container): boolean {
  return container.above === null || (container.above.open.has(container) && takes(container.above));
}

/** The container speaks: leave behind the panels in it that are not empty and in which everything had ended by `now`. */
function seal(container: Container, now: number): void {
  for (const panel of container.open) if (panel.quiet && panel.quiet <= now) container.open.delete(panel);
}

function occupy(container: Container, until: number): void {
  for (let at: Container | null = container; at; at = at.above) at.quiet = Math.max(at.quiet, until);
}
