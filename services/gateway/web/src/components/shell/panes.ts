/** Which parts of the page are shown beside the conversation. */
import { create } from "zustand";

const KEY = "anabranch.sidebar";

interface Panes {
  /** The list of conversations beside the conversation, where there is room for it. */
  sidebar: boolean;
  /** The list of conversations over the conversation, on a phone. */
  drawer: boolean;
  developer: boolean;
  showSidebar(shown: boolean): void;
  showDrawer(shown: boolean): void;
  toggleDeveloper(): void;
}

export const usePanes = create<Panes>()((set) => ({
  sidebar: localStorage.getItem(KEY) !== "hidden",
  drawer: false,
  developer: false,
  showSidebar: (sidebar) => {
    localStorage.setItem(KEY, sidebar ? "shown" : "hidden");
    set({ sidebar });
  },
  showDrawer: (drawer) => set({ drawer }),
  toggleDeveloper: () => set(({ developer }) => ({ developer: !developer })),
}));
