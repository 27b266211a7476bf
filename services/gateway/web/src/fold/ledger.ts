/** What a conversation holds while its log is read: runs, items, and which of them are open. Events change it through here. */

import { ENDED } from "../schema/constants";
import type { AnyItem, ItemStatus, TextDelta, Transcript } from "../schema/types";
import { FoldError } from "./errors";
import { type Filled, fill, fillItem, type Item, type ItemOf, type Run } from "./filled";
import { within } from "./namespace";
import { characters, flatten, isLoose } from "./text";

/** Where and when an event happened: its frame's `run` and `seq`, its own namespace and time in ms. */
export interface Place {
  readonly run: string;
  readonly seq: number;
  readonly ns: string;
  readonly at: number;
}

/** An item as the event that opens it describes it; the rest comes from its place. */
export type Opening = AnyItem extends infer T ? (T extends AnyItem ? Omit<T, "run"> : never) : never;

/** A text that grows: how many characters are there, and how many UTF-16 units came since it was made flat. */
interface Growth {
  length: number;
  loose: number;
}

export class Ledger {
  readonly conversation: string;
  title: string;
  created: number;
  inputLast: number;
  readonly runs: Map<string, Run>;
  readonly items: Map<string, Item>;
  readonly changed = new Set<string>();
  readonly changedRuns = new Set<string>();
  structure = 0;
  readonly dense: boolean;
  readonly #open = new Set<string>();
  readonly #texts = new Map<string, Growth>();

  constructor(wire: Transcript, dense: boolean) {
    const transcript = fill("Transcript", wire);
    this.conversation = transcript.conversation;
    this.title = transcript.title;
    this.created = transcript.created;
    this.inputLast = transcript.input_last;
    this.runs = new Map(transcript.runs.map((run) => [run.id, run]));
    this.items = new Map(transcript.items.map((item) => [item.id, item]));
    this.dense = dense;
    for (const item of transcript.items) if (item.status === "open") this.#reopen(item);
  }

  /** The transcript as it stands: an own copy. */
  snapshot(): Filled<Transcript> {
    return {
      conversation: this.conversation,
      title: this.title,
      created: this.created,
      input_last: this.inputLast,
      runs: Array.from(this.runs.values(), (run) => ({ ...run })),
      items: Array.from(this.items.values(), copy),
    };
  }

  // --- runs

  /** The run, made if its frame is the first that is seen of it. */
  run(id: string, seq: number): Run {
    let run = this.runs.get(id);
    if (run === undefined) {
      run = fill("RunState", { id, agent: "", seq });
      this.runs.set(id, run);
    }
    return run;
  }

  /** The run of an event that changes it. */
  changeRun(place: Place): Run {
    this.changedRuns.add(place.run);
    return this.run(place.run, place.seq);
  }

  /** The run that an event of another lane is about, if it is there and goes on. */
  activeRun(id: string): Run | undefined {
    const run = this.runs.get(id);
    return run === undefined || ENDED.has(run.status) ? undefined : run;
  }

  /** What the run left open is closed as it stands. */
  interruptAll(run: Run): void {
    for (const item of this.#openOf(run)) this.close(item, run.ended, "interrupted");
  }

  /**
   * A new attempt begins: forget what the last one left open.
   *
   * An agent under which something was finished stays, closed as interrupted, until the new attempt starts it again.
   */
  dropUnfinished(run: Run): void {
    const unfinished = this.#openOf(run);
    for (const item of unfinished) {
      this.#texts.delete(item.id);
      this.#open.delete(item.id);
      this.#restructured(item);
      if (item.type === "artifact" && item.versions.length > 1) {
        item.versions.pop();
        item.status = "done";
      } else if (item.type !== "agent") {
        this.items.delete(item.id);
        if (item.type === "artifact") this.#takeFromMessage(item);
      }
    }
    const kept = new Set<string>();
    for (const item of this.items.values()) if (item.run === run.id && item.type !== "agent") kept.add(item.ns);
    for (const item of unfinished) {
      if (item.type !== "agent") continue;
      if ([...kept].some((ns) => within(ns, item.ns))) item.status = "interrupted";
      else this.items.delete(item.id);
    }
  }

  #takeFromMessage(artifact: ItemOf<"artifact">): void {
    const message = this.items.get(artifact.message);
    if (message?.type !== "message") return;
    message.artifacts = message.artifacts.filter((id) => id !== artifact.id);
    this.changed.add(message.id);
  }

  #openOf(run: Run): Item[] {
    return Array.from(this.#open, (id) => this.items.get(id)).filter((item) => item?.run === run.id) as Item[];
  }

  // --- items

  /** Throws FoldError: something with this id was opened before. */
  add(opening: Opening, place: Place): void {
    if (this.items.has(opening.id)) throw new FoldError(`${opening.id} was opened before`);
    const item = fillItem({ ...opening, run: place.run, ns: place.ns, seq: place.seq, started: place.at } as AnyItem);
    this.items.set(item.id, item);
    this.#restructured(item);
    if (item.status === "open") this.#reopen(item);
    else item.ended = item.started;
  }

  /** An item that was closed is written on, from here. */
  reopen(item: Item): void {
    item.status = "open";
    item.ended = 0;
    this.#restructured(item);
    this.#reopen(item);
  }

  /**
   * The open item that an event is about; undefined where a reader that is not dense never saw it opened.
   *
   * Throws FoldError: it is not open, or of another type.
   */
  take<T extends Item["type"]>(id: string, type: T): ItemOf<T> | undefined {
    const item = this.items.get(id);
    if (item === undefined || !this.#open.has(id)) {
      this.#neverOpened(id);
      return undefined;
    }
    if (item.type !== type) throw new FoldError(`${id} is a ${item.type}, not a ${type}`);
    this.changed.add(id);
    return item as ItemOf<T>;
  }

  close(item: Item, at: number, status: ItemStatus = "done"): void {
    if (this.#texts.get(item.id)?.loose) flatten(textOf(item) ?? "");
    this.#texts.delete(item.id);
    this.#open.delete(item.id);
    item.status = status;
    item.ended = at;
    this.#restructured(item);
  }

  // --- texts

  /** Throws FoldError: the text is not open, or has another length than the delta says. */
  append(delta: TextDelta): void {
    const growth = this.#texts.get(delta.id);
    if (growth === undefined) {
      this.#neverOpened(delta.id);
      return;
    }
    const { length } = growth;
    if (length !== delta.at)
      throw new FoldError(`${delta.id}: a delta at ${delta.at}, but ${length} characters are there`);
    growth.length += characters(delta.text);
    growth.loose += delta.text.length;
    this.changed.add(delta.id);
    const item = this.items.get(delta.id);
    if (item?.type === "message" || item?.type === "reasoning") item.content = grown(item.content, delta.text, growth);
    else if (item?.type === "tool") item.args_text = grown(item.args_text, delta.text, growth);
    else if (item?.type === "artifact") {
      const version = lastVersion(item);
      version.content = grown(version.content ?? "", delta.text, growth);
    }
  }

  /** Nothing more can be appended to the item's text, though the item is open. */
  endText(id: string): void {
    this.#texts.delete(id);
  }

  #reopen(item: Item): void {
    this.#open.add(item.id);
    const text = textOf(item);
    if (text !== undefined) this.#texts.set(item.id, { length: characters(text), loose: 0 });
  }

  #neverOpened(id: string): void {
    if (this.dense) throw new FoldError(`${id} is not open`);
  }

  #restructured(item: Item): void {
    this.changed.add(item.id);
    this.structure += 1;
  }
}

function grown(text: string, more: string, growth: Growth): string {
  const longer = text + more;
  if (!isLoose(growth.loose, longer.length)) return longer;
  growth.loose = 0;
  flatten(longer);
  return longer;
}

/** The text of an open item that still grows. */
function textOf(item: Item): string | undefined {
  switch (item.type) {
    case "message":
    case "reasoning":
      return item.content;
    case "tool":
      return item.args === null ? item.args_text : undefined;
    case "artifact":
      return lastVersion(item).status === "intermediate" ? (lastVersion(item).content ?? "") : undefined;
    default:
      return undefined;
  }
}

export function lastVersion(artifact: ItemOf<"artifact">): ItemOf<"artifact">["versions"][number] {
  const version = artifact.versions.at(-1);
  if (version === undefined) throw new FoldError(`${artifact.id} has no version`);
  return version;
}

function copy(item: Item): Item {
  return item.type === "artifact" ? { ...item, versions: item.versions.map((one) => ({ ...one })) } : { ...item };
}
