/** What goes on in a conversation now, for those who stand outside of its view: the composer, the keys and the window's title. */
import { useCallback, useMemo, useSyncExternalStore } from "react";
import type { Conversation } from "../../store/conversation";
import type { View } from "../../store/view";

export interface Now {
  /** The run that is active, empty for none. */
  readonly run: string;
  readonly status: "idle" | "queued" | "running" | "waiting" | "stopping";
  /** Messages that wait for it. */
  readonly queued: number;
  readonly title: string;
  /** Whom the newest message asks; empty if there is none. */
  readonly agent: string;
}

const NOTHING: Now = { run: "", status: "idle", queued: 0, title: "", agent: "" };

export function nowOf(view: View): Now {
  const { active, runs, title } = view.head();
  const agent = view.run(runs.at(-1) ?? "")?.agent ?? "";
  const [first, ...others] = active.map((id) => view.run(id));
  if (!first) return { ...NOTHING, title, agent };
  const { id, status } = first;
  const said = status === "cancelling" ? "stopping" : status === "waiting" || status === "queued" ? status : "running";
  return { run: id, status: said, queued: others.length, title, agent };
}

export function useNow(conversation: Conversation | null): Now {
  const live = conversation?.live;
  const subscribe = useCallback((listener: () => void) => live?.subscribe("any", listener) ?? (() => {}), [live]);
  const text = useSyncExternalStore(subscribe, () => JSON.stringify(live ? nowOf(live) : NOTHING)); // equal is the same
  return useMemo(() => JSON.parse(text), [text]);
}

/** The newest message of the person, empty if there is none. */
export function lastOwn(view: View): string {
  let text = "";
  for (const item of view.fold.items.values()) if (item.type === "message" && item.role === "user") text = item.content;
  return text;
}
