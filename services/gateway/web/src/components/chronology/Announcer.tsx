import { useEffect, useState } from "react";
import type { Item, Run } from "../../fold/fold";
import { useView } from "../../store/hooks";
import type { View } from "../../store/view";
import css from "./chronology.module.css";

/** Characters of a message that are read out; the message itself can be read in the conversation. */
const READ_OUT_CHARS = 400;

const ENDS: Partial<Record<Run["status"], string>> = {
  completed: "The answer is complete.",
  failed: "The run failed.",
  cancelled: "The run was stopped.",
  superseded: "The run was stopped for the next message.",
  waiting: "A question waits for your answer.",
};

/** Tells screen readers what has become complete: the messages of the main agent and the ends of runs, never single words. */
export function Announcer() {
  const view = useView();
  const [said, setSaid] = useState("");
  useEffect(() => {
    const watch = new Watch(view);
    setSaid("");
    return view.subscribe("any", () => {
      const news = watch.news();
      if (news.length) setSaid(news.join(" "));
    });
  }, [view]);
  return (
    <p className={css.unseen} role="status" aria-live="polite">
      {said}
    </p>
  );
}

/** What was under way in a view when last looked at. */
class Watch {
  readonly #view: View;
  #messages = new Set<string>();
  #runs = new Map<string, string>();

  constructor(view: View) {
    this.#view = view;
    this.news();
  }

  /** What has ended since the last call, in words. */
  news(): string[] {
    const news: string[] = [];
    for (const id of this.#messages) {
      const item = this.#view.item(id);
      if (item?.status === "open") continue;
      this.#messages.delete(id);
      if (item) news.push(words(item));
    }
    for (const id of new Set([...this.#runs.keys(), ...this.#view.head().active])) {
      const status = this.#view.run(id)?.status ?? "";
      const before = this.#runs.get(id);
      if (before !== undefined && before !== status) news.push(ENDS[status as Run["status"]] ?? "");
      if (this.#view.head().active.includes(id)) this.#runs.set(id, status);
      else this.#runs.delete(id);
    }
    this.#find();
    return news.filter(Boolean);
  }

  /** The messages of the main agent that grow now stand in the last rows, as whoever talks has begun last. */
  #find(): void {
    for (const row of this.#view.rows().slice(-10)) {
      if (row.kind !== "block" || row.block.kind !== "item") continue;
      const item = this.#view.item(row.block.id);
      if (item?.type === "message" && item.status === "open") this.#messages.add(item.id);
    }
  }
}

function words(item: Item): string {
  const text = item.type === "message" ? item.content.trim() : "";
  return text.length > READ_OUT_CHARS ? `${text.slice(0, READ_OUT_CHARS)}…` : text;
}
