/** What has been written and is not in the log yet. It survives a reload: said again under the same id, a message is still one. */
import { create } from "zustand";
import { api } from "../../client/api";
import type { Ack, Multitask } from "../../schema/types";
import type { Conversation, Message } from "../../store/conversation";
import { newId } from "../../store/id";

export interface Outgoing {
  readonly id: string;
  readonly conversation: string;
  readonly text: string;
  readonly agent: string;
  readonly multitask: Multitask;
  /** It is the first one, and makes the conversation. */
  readonly first: boolean;
  /** `waiting` to be handed to the connection, which has it while `sending`; `sent` is acknowledged and not in the log yet. */
  readonly state: "waiting" | "sending" | "sent" | "failed";
  /** Why it failed. */
  readonly problem: string;
}

type Sender = Pick<Conversation, "id"> & { send(text: string, message: Message): Promise<Ack> };

interface Outbox {
  readonly entries: readonly Outgoing[];
  add(message: Pick<Outgoing, "conversation" | "text" | "agent" | "multitask" | "first">): Outgoing;
  /** Hand over all of the conversation that waits; says nothing of one that is refused but in its entry. */
  post(conversation: Sender): void;
  retry(id: string): void;
  remove(id: string): void;
}

const KEY = "anabranch.outbox";

export const useOutbox = create<Outbox>()((set, get) => {
  const change = (id: string, fields: Partial<Outgoing>) =>
    set(({ entries }) => ({ entries: entries.map((one) => (one.id === id ? { ...one, ...fields } : one)) }));

  const send = async (conversation: Sender, { id, text, agent, multitask, first }: Outgoing) => {
    change(id, { state: "sending", problem: "" });
    try {
      if (first) await api.createConversation({ id: conversation.id });
      await conversation.send(text, { id, agent, multitask });
      change(id, { state: "sent" });
    } catch (error) {
      change(id, { state: "failed", problem: (error as Error).message });
    }
  };

  return {
    entries: kept(),
    add: (message) => {
      const entry: Outgoing = { ...message, id: newId(), state: "waiting", problem: "" };
      set(({ entries }) => ({ entries: [...entries, entry] }));
      return entry;
    },
    post: (conversation) => {
      for (const entry of get().entries)
        if (entry.conversation === conversation.id && entry.state === "waiting") void send(conversation, entry);
    },
    retry: (id) => change(id, { state: "waiting", problem: "" }),
    remove: (id) => set(({ entries }) => ({ entries: entries.filter((one) => one.id !== id) })),
  };
});

useOutbox.subscribe(({ entries }) => {
  if (entries.length) globalThis.sessionStorage?.setItem(KEY, JSON.stringify(entries));
  else globalThis.sessionStorage?.removeItem(KEY);
});

function kept(): readonly Outgoing[] {
  const text = globalThis.sessionStorage?.getItem(KEY);
  const entries: Outgoing[] = text ? JSON.parse(text) : [];
  return entries.map((one) => (one.state === "failed" ? one : { ...one, state: "waiting" })); // nobody sends it any more
}
