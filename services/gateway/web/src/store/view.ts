/**
 * View: a fold made observable. What it hands out are copies that never change: who sees the same object sees the same
 * state. The fold may run ahead of it; `publish` catches up, and tells only the listeners of what differs.
 */
import type { Fold, Item, Run } from "../fold/fold";
import { type Role, type Roles, rolesOf } from "../fold/roles";
import { Layout, type Row } from "../layout/blocks";
import { ENDED } from "../schema/constants";
import { Listeners } from "./listeners";
import { share } from "./share";

/** `active` are the runs that have not ended: the first one works, the others wait for it. */
export interface Head {
  readonly conversation: string;
  readonly title: string;
  readonly created: number;
  readonly runs: readonly string[];
  readonly active: readonly string[];
}

/** As they were at that status and attempt; `layout` goes on with a run that has not ended. */
interface RowsOfRun {
  readonly status: string;
  readonly attempt: number;
  readonly rows: readonly Row[];
  readonly layout: Layout | null;
}

/** `any` is told once for every `publish` that changed something. */
export type ViewKey = `item:${string}` | `run:${string}` | "rows" | "head" | "any";

export class View {
  #fold: Fold;
  readonly #items = new Map<string, Item>(); // copies, made when first asked for
  readonly #runs = new Map<string, Run>();
  readonly #rowsOf = new Map<string, RowsOfRun>();
  readonly #listeners = new Listeners<ViewKey>();
  #rows: readonly Row[] = [];
  #head: Head;
  #structure: number;
  #roles: Roles = new Map(); // as of when they were last asked for
  #rolesDiffer = true; // perhaps, since then

  /** The view takes `fold.changed` and `fold.changedRuns` over: it clears them. */
  constructor(fold: Fold) {
    this.#fold = fold;
    this.#head = headOf(fold);
    this.#structure = fold.structure;
    fold.changed.clear();
    fold.changedRuns.clear();
    this.#layOut(new Map([...fold.runs.keys()].map((run) => [run, null])));
  }

  get fold(): Fold {
    return this.#fold;
  }

  item(id: string): Item | undefined {
    return cached(this.#items, id, this.#fold.items, copyOfItem);
  }

  /** Its `last` and `end_seq` are as of its last other change: they grow with every frame, and nobody draws them. */
  run(id: string): Run | undefined {
    return cached(this.#runs, id, this.#fold.runs, copyOfRun);
  }

  rows(): readonly Row[] {
    return this.#rows;
  }

  head(): Head {
    return this.#head;
  }

  /** Who speaks in a namespace of a run, by `run/namespace`; it changes with the rows. */
  role(key: string): Role | undefined {
    return this.roles().get(key);
  }

  /** All of them. */
  roles(): Roles {
    if (this.#rolesDiffer) {
      const known = this.#roles;
      this.#roles = new Map([...rolesOf(this.#fold)].map(([key, role]) => [key, share(known.get(key), role)]));
      this.#rolesDiffer = false;
    }
    return this.#roles;
  }

  subscribe(key: ViewKey, listener: () => void): () => void {
    return this.#listeners.add(key, listener);
  }

  /** Show another fold of the same conversation. What is equal in both keeps its identity; the others are told. */
  replace(fold: Fold): void {
    this.#fold = fold;
    this.#rolesDiffer = true;
    fold.changed.clear();
    fold.changedRuns.clear();
    for (const id of this.#items.keys()) fold.changed.add(id);
    for (const id of this.#runs.keys()) fold.changedRuns.add(id);
    this.#publish(new Map([...fold.runs.keys(), ...this.#rowsOf.keys()].map((run) => [run, null])), true);
  }

  /** Bring the view up to its fold. */
  publish(): void {
    const { runs, changed, changedRuns, title, created } = this.#fold;
    const moved = [...changedRuns].filter((id) => this.#rowsOf.get(id)?.status !== runs.get(id)?.status);
    const headed = moved.length > 0 || title !== this.#head.title || created !== this.#head.created;
    if (headed || changed.size || changedRuns.size) this.#publish(this.#touched(moved), headed);
  }

  #publish(touched: Touched, headed: boolean): void {
    const { items, runs, changed, changedRuns, structure } = this.#fold;
    this.#rolesDiffer ||= headed || (structure !== this.#structure && this.#speakersMoved());
    const keys: ViewKey[] = [];
    for (const id of changed) if (refresh(this.#items, id, items, copyOfItem)) keys.push(`item:${id}`);
    for (const id of changedRuns) if (refresh(this.#runs, id, runs, copyOfRun)) keys.push(`run:${id}`);
    changed.clear();
    changedRuns.clear();
    this.#structure = structure;
    if (this.#layOut(touched)) keys.push("rows");
    if (headed && this.#headChanged()) keys.push("head");
    if (keys.length) this.#listeners.tell([...keys, "any"]);
  }

  #headChanged(): boolean {
    const before = this.#head;
    this.#head = share(before, headOf(this.#fold));
    return this.#head !== before;
  }

  /** Whether an agent or a namespace may have come, or gone. */
  #speakersMoved(): boolean {
    const { items, changed } = this.#fold;
    for (const id of changed) {
      const item = items.get(id);
      if (!item || item.type === "agent" || !this.#roles.has(`${item.run}/${item.ns}`)) return true;
    }
    return false;
  }

  /** The runs whose rows may differ: `moved`, as a run's status stands in its rows, and those of items that came, went or ended. */
  #touched(moved: readonly string[]): Touched {
    const { items, runs, changed, structure } = this.#fold;
    const touched: Touched = new Map(moved.map((run) => [run, []]));
    if (structure === this.#structure) return touched; // deltas move nothing
    for (const id of changed) {
      const item = items.get(id);
      const run = (item ?? this.#items.get(id))?.run;
      if (item) add(touched, item);
      else if (run !== undefined) touched.set(run, null);
      else for (const [one, { status }] of runs) if (!ENDED.has(status)) touched.set(one, null); // dropped before anyone saw it
    }
    return touched;
  }

  /** Returns whether any row differs. */
  #layOut(touched: Touched): boolean {
    if (!touched.size) return false;
    const anew = new Map<string, Item[]>();
    for (const [run, items] of touched) if (!this.#goesOn(run, items)) anew.set(run, []);
    if (anew.size) for (const item of this.#fold.items.values()) anew.get(item.run)?.push(item);
    for (const [run, items] of anew) this.#layOutAnew(run, items);
    const rows = [...this.#fold.runs.keys()].flatMap((id) => this.#rowsOf.get(id)?.rows ?? []);
    const same = rows.length === this.#rows.length && rows.every((row, at) => row === this.#rows[at]);
    if (!same) this.#rows = rows;
    return !same;
  }

  /** Whether the layout of a run could be continued with what of it came or changed. */
  #goesOn(id: string, items: readonly Item[] | null): boolean {
    const run = this.#fold.runs.get(id);
    const known = this.#rowsOf.get(id);
    if (!run || !items || known?.attempt !== run.attempt || !known.layout?.update(items)) return false;
    this.#setRows(run, known.layout);
    return true;
  }

  #layOutAnew(id: string, items: readonly Item[]): void {
    const run = this.#fold.runs.get(id);
    if (!run) {
      this.#rowsOf.delete(id);
      return;
    }
    const layout = new Layout(id, this.#rowsOf.get(id)?.rows);
    layout.update(items);
    this.#setRows(run, layout);
  }

  #setRows({ id, status, attempt }: Run, layout: Layout): void {
    const rows = layout.rows(status);
    this.#rowsOf.set(id, { status, attempt, rows, layout: ENDED.has(status) ? null : layout });
  }
}

/** What came or changed of each run, in the order of the log; null: something went, and all of it is to be laid out anew. */
type Touched = Map<string, Item[] | null>;

function add(touched: Touched, item: Item): void {
  const known = touched.get(item.run);
  if (known === undefined) touched.set(item.run, [item]);
  else known?.push(item);
}

function headOf({ conversation, title, created, runs }: Fold): Head {
  const active = [...runs.values()].filter((run) => !ENDED.has(run.status)).map((run) => run.id);
  return { conversation, title, created, runs: [...runs.keys()], active };
}

/** The fold changes its objects in place, and these lists in them; what else an item holds it replaces whole. */
function copyOfItem(item: Item): Item {
  if (item.type === "artifact") return { ...item, versions: item.versions.map((version) => ({ ...version })) };
  if (item.type === "message") return { ...item, artifacts: [...item.artifacts] };
  return { ...item };
}

function copyOfRun(run: Run): Run {
  return { ...run, usage: [...run.usage], counts: { ...run.counts } };
}

function cached<T>(copies: Map<string, T>, id: string, now: ReadonlyMap<string, T>, copy: (value: T) => T) {
  const known = copies.get(id);
  const value = known === undefined ? now.get(id) : undefined;
  if (value === undefined) return known;
  const made = copy(value);
  copies.set(id, made);
  return made;
}

/** Bring the copy of `id` up to date. Returns whether who has seen it should look again. */
function refresh<T>(copies: Map<string, T>, id: string, now: ReadonlyMap<string, T>, copy: (value: T) => T): boolean {
  const before = copies.get(id);
  const value = now.get(id);
  if (value === undefined) return copies.delete(id);
  if (before === undefined) return true; // perhaps somebody waits for it to come
  const after = share(before, copy(value));
  copies.set(id, after);
  return after !== before;
}
