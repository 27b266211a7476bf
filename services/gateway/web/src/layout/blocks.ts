import { adopt, type Growing, type Nest, type PanelNest, shown, type ToolNest, touch } from "./growing";
import { kept, keptList } from "./kept";
import type { Placed, Row } from "./shape";

export type { Block, Panel, Placed, Row } from "./shape";

const OVER = new Set(["completed", "failed", "cancelled", "superseded"]);

export function depthOf(ns: string): number {
  return ns.split("/").length - 1;
}

/** The page of `main`, or one part of what an agent does: a list of blocks that speaks in one namespace. */
interface Container {
  ns: string;
  blocks: Growing[];
  nest: Nest | null; // its panel
  above: Container | null;
  open: Set<Container>; // the panels in it that still take what comes
  working: number; // how many of what stands in it have not ended
  ended: number; // when the last of those that have did, in ms; 0 if there are none
}

/** The layout of one run, which goes on with it: what comes is placed after what stands, at a cost that does not grow. */
export class Layout {
  readonly #run: string;
  readonly #root: Container;
  readonly #panels = new Map<string, { container: Container; panel: PanelNest }>();
  readonly #tools = new Map<string, { container: Container; tool: ToolNest }>();
  readonly #early: { call: string; ns: string }[] = []; // agents that stand before the call that spawned them
  readonly #placed = new Set<string>();
  readonly #working = new Map<string, Container[]>(); // what has not ended, and what it keeps from being quiet
  readonly #causes = new Map<string, string>(); // of the agents: the call that spawned each, "" for none
  #spoken = 0; // the latest beginning of what was said, in ms
  #rows: readonly Row[];
  #anew = true;

  /** What stands in `previous`, the rows of the same run before, and is the same now keeps its identity. */
  constructor(run: string, previous: readonly Row[] = []) {
    this.#run = run;
    this.#rows = previous;
    this.#root = containerOf("main", [], null, null);
  }

  /**
   * Take in items of the run that came or changed, those that came in the order of the log.
   *
   * False: they do not go on from what stands, and all is to be laid out anew. Then this layout is not to be used any more.
   */
  update(items: readonly Placed[]): boolean {
    for (const item of items) if (this.#placed.has(item.id) && !this.#change(item)) return false;
    for (const item of items) if (!this.#placed.has(item.id)) this.#place(item);
    return true;
  }

  /** The same list until something in it differs, and in it the same rows and blocks. */
  rows(status: string): readonly Row[] {
    const before = this.#rows;
    const rows: Row[] = this.#root.blocks.map((one, at) => {
      const [row, block] = [before[at], shown(one)];
      return row?.kind === "block" && row.block === block
        ? row
        : { key: block.key, run: this.#run, kind: "block", block };
    });
    if (status !== "completed") rows.push(this.#last("run"));
    if (OVER.has(status)) rows.push(this.#last("summary"));
    this.#rows = this.#anew ? this.#adopted(before, rows) : keptList(before, rows);
    this.#anew = false;
    return this.#rows;
  }

  #last(kind: "run" | "summary"): Row {
    return (
      this.#rows.slice(-2).find((row) => row.kind === kind) ?? { key: `${this.#run}:${kind}`, run: this.#run, kind }
    );
  }

  #adopted(previous: readonly Row[], next: readonly Row[]): readonly Row[] {
    const rows = kept(previous, next);
    adopt(
      this.#root.blocks,
      rows.flatMap((row) => (row.kind === "block" ? [row.block] : [])),
    );
    return rows;
  }

  /** Something that has been placed is not as it was. */
  #change(item: Placed): boolean {
    if (item.type === "agent") return this.#causes.get(item.id) === callOf(item);
    const within = this.#working.get(item.id);
    if (!within || !item.ended) return true;
    if (item.ended <= this.#spoken) return false; // what was said since might have left panels behind, had one known
    this.#working.delete(item.id);
    for (const container of within) {
      container.working -= 1;
      container.ended = Math.max(container.ended, item.ended);
    }
    return true;
  }

  #place(item: Placed): void {
    this.#placed.add(item.id);
    if (item.type === "agent") {
      this.#causes.set(item.id, callOf(item));
      if (depthOf(item.ns)) this.#placeAgent(item);
      return; // an agent is its panel's header; that of `main` has none
    }
    const container = this.#container(item.ns);
    if (item.type === "message" || item.type === "reasoning") this.#seal(container, item.started);
    if (item.type === "tool") {
      const tool: ToolNest = {
        kind: "tool",
        key: item.id,
        id: item.id,
        blocks: [],
        outer: container.nest,
        shown: null,
      };
      container.blocks.push(tool);
      this.#tools.set(item.id, { container, tool });
      for (const { call, ns } of this.#early) if (call === item.id) this.#moveUnder(item.id, ns);
    } else {
      container.blocks.push({ kind: "item", key: item.id, id: item.id });
    }
    touch(container.nest);
    if (item.type !== "artifact") this.#occupy(container, item); // a later version reopens one
  }

  #placeAgent(agent: Placed): void {
    if (this.#panels.has(agent.ns)) return;
    const call = callOf(agent);
    const spawner = this.#tools.get(call);
    if (call && !spawner) this.#early.push({ call, ns: agent.ns });
    this.#openPanel(agent.ns, spawner);
  }

  /** What an agent did before its worker was lost stands before the call, which the next attempt made again. */
  #moveUnder(call: string, ns: string): void {
    const spawner = this.#tools.get(call);
    const { container, panel } = this.#panels.get(ns) ?? {};
    if (!spawner || !container?.above || !panel || panel.part > 1) return;
    const { blocks, open } = container.above;
    blocks.splice(blocks.indexOf(panel), 1);
    touch(panel.outer);
    open.delete(container);
    spawner.tool.blocks.push(panel);
    touch(spawner.tool);
    spawner.container.open.add(container);
    container.above = spawner.container;
    panel.outer = spawner.tool;
  }

  /** The container that takes what comes in `ns` now. */
  #container(ns: string): Container {
    if (depthOf(ns) === 0) return this.#root;
    const last = this.#panels.get(ns)?.container;
    return last && takes(last) ? last : this.#openPanel(ns);
  }

  #openPanel(ns: string, spawner?: { container: Container; tool: ToolNest }): Container {
    const above = spawner?.container ?? this.#container(ns.slice(0, ns.lastIndexOf("/")));
    const outer = spawner?.tool ?? above.nest;
    const before = this.#panels.get(ns)?.panel;
    const part = (before?.part ?? 0) + 1;
    const agent = `${this.#run}/${ns}`;
    const key = part === 1 ? agent : `${agent}#${part}`;
    const place = { key, agent, ns, depth: depthOf(ns), part, earlier: before?.key ?? "", later: "" };
    const panel: PanelNest = { kind: "panel", ...place, blocks: [], outer, shown: null };
    const container = containerOf(ns, panel.blocks, panel, above);
    if (before) {
      before.later = key;
      touch(before);
    }
    (spawner?.tool.blocks ?? above.blocks).push(panel);
    touch(outer);
    above.open.add(container);
    this.#panels.set(ns, { container, panel });
    return container;
  }

  /** The container speaks: leave behind the panels in it that are not empty and in which everything had ended by `now`. */
  #seal(container: Container, now: number): void {
    this.#spoken = Math.max(this.#spoken, now);
    for (const panel of container.open) {
      if (!panel.working && panel.ended && panel.ended <= now) container.open.delete(panel);
    }
  }

  #occupy(container: Container, { id, ended }: Placed): void {
    const within: Container[] = [];
    for (let at: Container | null = container; at; at = at.above) {
      within.push(at);
      if (ended) at.ended = Math.max(at.ended, ended);
      else at.working += 1;
    }
    if (!ended) this.#working.set(id, within);
  }
}

function containerOf(ns: string, blocks: Growing[], nest: Nest | null, above: Container | null): Container {
  return { ns, blocks, nest, above, open: new Set(), working: 0, ended: 0 };
}

/** The tool call that spawned an agent; "" if it was none. */
function callOf({ cause }: Placed): string {
  return cause?.kind === "tool" ? (cause.id ?? "") : "";
}

/** A container takes what comes while neither it nor one that it stands in has been left behind. */
function takes(container: Container): boolean {
  return container.above === null || (container.above.open.has(container) && takes(container.above));
}
