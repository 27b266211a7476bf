/** The list of conversations, shared by all who show or change it. It asks again every few seconds while somebody can see it. */
import { create } from "zustand";
import { api } from "../../client/api";
import { extended, type Listing, NOTHING, PAGE_ROWS, refreshed, refreshRows, renamed, without } from "./listing";

export const POLL_MS = 3500; // the gateway keeps watching for whoever asks again within 5 s (docs/protocol.md)

interface Conversations {
  query: string;
  listing: Listing;
  /** Whether the gateway has answered since the query changed. */
  known: boolean;
  /** What is wrong with the list, empty if nothing is. */
  problem: string;
  search(query: string): void;
  refresh(): Promise<void>;
  more(): Promise<void>;
  rename(id: string, title: string): Promise<void>;
  remove(id: string): Promise<void>;
}

export const useConversations = create<Conversations>()((set, get) => {
  let extending = false;

  const answer = async (asked: { limit: number; page?: string }, take: typeof refreshed) => {
    const query = get().query;
    try {
      const page = await api.conversations({ ...asked, q: query });
      if (get().query === query) set(({ listing }) => ({ listing: take(listing, page), known: true, problem: "" }));
    } catch (error) {
      if (get().query === query) set({ problem: (error as Error).message });
    }
  };

  return {
    query: "",
    listing: NOTHING,
    known: false,
    problem: "",
    search: (query) => {
      set({ query, listing: NOTHING, known: false });
      void get().refresh();
    },
    refresh: () => answer({ limit: refreshRows(get().listing) }, refreshed),
    more: async () => {
      const { next } = get().listing;
      if (!next || extending) return;
      extending = true;
      await answer({ limit: PAGE_ROWS, page: next }, extended);
      extending = false;
    },
    rename: async (id, title) => {
      await api.renameConversation(id, title);
      set(({ listing }) => ({ listing: renamed(listing, id, title) }));
    },
    remove: async (id) => {
      await api.deleteConversation(id);
      set(({ listing }) => ({ listing: without(listing, id) }));
    },
  };
});

/** Keep the list up to date until the function that it returns is called; not while the page is hidden. */
export function pollConversations(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let over = false;
  const ask = async () => {
    clearTimeout(timer);
    if (over || document.hidden) return;
    await useConversations.getState().refresh();
    if (!over) timer = setTimeout(ask, POLL_MS);
  };
  document.addEventListener("visibilitychange", ask);
  void ask();
  return () => {
    over = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", ask);
  };
}
