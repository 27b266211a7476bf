/** What stands above the page and waits for a person: at most one thing at a time. */
import { create } from "zustand";

export type Question = { kind: "delete"; id: string; title: string } | { kind: "help" };

interface Asked {
  question: Question | null;
  ask(question: Question): void;
  close(): void;
}

export const useAsked = create<Asked>()((set) => ({
  question: null,
  ask: (question) => set({ question }),
  close: () => set({ question: null }),
}));
