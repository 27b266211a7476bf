/** What the reader folded or unfolded, by conversation and key: it outlives the scrolling that takes a block off the page. */
import { useCallback } from "react";
import { create } from "zustand";
import { useView } from "../../store/hooks";

interface Folding {
  chosen: Readonly<Record<string, boolean>>;
  choose(key: string, unfolded: boolean): void;
}

const useChosen = create<Folding>()((set) => ({
  chosen: {},
  choose: (key, unfolded) => set(({ chosen }) => ({ chosen: { ...chosen, [key]: unfolded } })),
}));

/** Whether `key` is unfolded, `usually` until the reader chooses; and how to choose. */
export function useFolding(key: string, usually: boolean): [boolean, (unfolded: boolean) => void] {
  const { conversation } = useView().head();
  const full = `${conversation} ${key}`;
  const unfolded = useChosen(({ chosen }) => chosen[full] ?? usually);
  return [unfolded, (chosen) => useChosen.getState().choose(full, chosen)];
}

/** How to unfold any key. */
export function useUnfold(): (key: string) => void {
  const { conversation } = useView().head();
  return useCallback((key) => useChosen.getState().choose(`${conversation} ${key}`, true), [conversation]);
}
