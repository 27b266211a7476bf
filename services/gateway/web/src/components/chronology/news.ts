/** What a screen reader is told of a view: the messages of the main agent, questions to a person, and how runs ended. Pure. */
import type { Fold, Item, Run } from "../../fold/fold";
import type { View } from "../../store/view";
import { questionOf } from "./question";

/** Characters of a message that are read out; the message itself can be read in the conversation. */
const READ_OUT_CHARS = 400;

/** Rows from the end in which a message is looked for: whoever talks has begun last, and messages that wait stand below it. */
const ROWS_MAX = 200;

/** Read out at once, of what a jump through a conversation passes: the newest. */
const AT_ONCE = 3;

const ENDS: Partial<Record<Run["status"], string>> = {
  completed: "The answer is complete.",
  failed: "The run failed.",
  cancelled: "The run was stopped.",
  superseded: "The run was stopped for the next message.",
};

interface Known {
  status: string;
  told: Set<string>; // ids of its messages and questions
}

export class News {
  readonly #view: View;
  readonly #runs = new Map<string, Known>(); // that go on, in the order of the conversation
  #count = 0; // of runs, at the last look
  #seen: { fold: Fold; structure: number } | null = null; // nothing opened or closed since

  constructor(view: View) {
    this.#view = view;
    this.#count = view.head().runs.length;
    this.next();
  }

  /** What has come since the last call, in words. */
  next(): string[] {
    const { active, runs } = this.#view.head();
    for (const id of [...runs.slice(this.#count), ...active])
      if (!this.#runs.has(id)) this.#runs.set(id, { status: "", told: new Set() });
    this.#count = runs.length;
    const { fold } = this.#view;
    const moved = this.#seen?.fold !== fold || this.#seen.structure !== fold.structure;
    this.#seen = { fold, structure: fold.structure };
    const news = moved ? this.#messages() : [];
    for (const [id, known] of this.#runs) {
      const status = fold.runs.get(id)?.status;
      const changed = status !== known.status;
      if (status === "waiting" && (changed || moved)) news.push(...this.#questions(id, known));
      if (status && changed) news.push(ENDS[status] ?? "");
      known.status = status ?? "";
      if (!active.includes(id)) this.#runs.delete(id);
    }
    return news.filter(Boolean).slice(-AT_ONCE);
  }

  /** Of the main agent in the runs that go on, those that are complete. What it says stands in rows of its own. */
  #messages(): string[] {
    const found: string[] = [];
    for (const row of this.#view.rows().slice(-ROWS_MAX)) {
      const told = this.#runs.get(row.run)?.told;
      if (!told || row.kind !== "block" || told.has(row.block.key)) continue;
      const item = this.#view.fold.items.get(row.block.key);
      if (item?.type !== "message" || item.role === "user" || item.status === "open") continue;
      told.add(item.id);
      found.push(shortened(item));
    }
    return found;
  }

  /** That are open in a run and were not told before. */
  #questions(run: string, { told }: Known): string[] {
    const found: string[] = [];
    for (const item of this.#view.fold.items.values()) {
      if (item.run !== run || item.type !== "interrupt" || item.status !== "open" || told.has(item.id)) continue;
      told.add(item.id);
      found.push(`A question waits for your answer: ${questionOf(item)}`);
    }
    return found;
  }
}

function shortened({ content }: Extract<Item, { type: "message" }>): string {
  const text = content.trim();
  return text.length > READ_OUT_CHARS ? `${text.slice(0, READ_OUT_CHARS)}…` : text;
}
