/** What components read of what they stand in: each hook draws its component again only when what it gives differs. */
import { createContext, useCallback, useContext, useSyncExternalStore } from "react";
import type { Item, Run } from "../fold/fold";
import type { Role } from "../fold/roles";
import type { Row } from "../layout/blocks";
import type { Conversation } from "./conversation";
import type { LinkStatus } from "./status";
import type { Head, View, ViewKey } from "./view";

/** The view that is shown: the live one of the conversation, or one of the past. */
export const ViewContext = createContext<View | null>(null);

/** The conversation that is open. */
export const ConversationContext = createContext<Conversation | null>(null);

export function useView(): View {
  const view = useContext(ViewContext);
  if (!view) throw new Error("this component stands outside a ViewContext");
  return view;
}

/** `T` is what the caller knows the item to be, for instance from the block that names it. */
export function useItem<T extends Item = Item>(id: string): T | undefined {
  const view = useView();
  return useOf(view, `item:${id}`, () => view.item(id)) as T | undefined;
}

export function useRun(id: string): Run | undefined {
  const view = useView();
  return useOf(view, `run:${id}`, () => view.run(id));
}

export function useRows(): readonly Row[] {
  const view = useView();
  return useOf(view, "rows", () => view.rows());
}

/** Who speaks in a namespace of a run, by `run/namespace`, which is the id of the agent's item. */
export function useRole(key: string): Role | undefined {
  const view = useView();
  return useOf(view, "rows", () => view.role(key));
}

/** What the agents above one are called, from the outermost on: `team › research`. `agent` is its `run/namespace`. */
export function useAncestors(agent: string, ns: string): string {
  const view = useView();
  const run = agent.slice(0, agent.length - ns.length);
  const above = ns.split("/").slice(0, -1);
  const labels = () => above.map((name, depth) => view.role(run + above.slice(0, depth + 1).join("/"))?.label ?? name);
  return useOf(view, "rows", () => labels().join(" › "));
}

export function useHead(): Head {
  const view = useView();
  return useOf(view, "head", () => view.head());
}

export function useConversation(): Conversation {
  const conversation = useContext(ConversationContext);
  if (!conversation) throw new Error("this component stands outside a ConversationContext");
  return conversation;
}

export function useLinkStatus(conversation: Conversation): LinkStatus {
  const subscribe = useCallback((listener: () => void) => conversation.subscribeStatus(listener), [conversation]);
  return useSyncExternalStore(subscribe, () => conversation.status());
}

function useOf<T>(view: View, key: ViewKey, read: () => T): T {
  const subscribe = useCallback((listener: () => void) => view.subscribe(key, listener), [view, key]);
  return useSyncExternalStore(subscribe, read);
}
