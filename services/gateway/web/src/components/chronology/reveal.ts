import { createContext, useContext } from "react";

/** Scrolls to the block with a key, wherever it stands, and unfolds what it stands in. */
export type Reveal = (key: string) => void;

export const RevealContext = createContext<Reveal>(() => {});

export function useReveal(): Reveal {
  return useContext(RevealContext);
}
