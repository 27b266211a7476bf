/** Whom a message can ask for: what workers have announced, and whom this browser asked last. */
import { useEffect } from "react";
import { create } from "zustand";
import { type Agents, api } from "../../client/api";

const KEY = "anabranch.agent";
const POLL_MS = 30_000; // a worker that has just started may bring new ones
const POLL_EMPTY_MS = 2000; // none yet: `make run` is still starting its worker

interface Choice {
  known: Agents | null;
  /** Chosen by a person, empty if none was. */
  chosen: string;
  choose(name: string): void;
}

export const useAgents = create<Choice>()((set) => ({
  known: null,
  chosen: localStorage.getItem(KEY) ?? "",
  choose: (name) => {
    localStorage.setItem(KEY, name);
    set({ chosen: name });
  },
}));

/** The one that the next message asks: the chosen one, while there is such a one, else the gateway's default; empty if unknown. */
export function agentAsked({ known, chosen }: Pick<Choice, "known" | "chosen">): string {
  const there = known?.agents.some(({ name }) => name === chosen);
  return chosen && (there || !known?.agents.length) ? chosen : (known?.default ?? "");
}

/** Keep the list of agents up to date while the component is there. */
export function usePolledAgents(): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let over = false;
    const ask = async () => {
      const known = document.hidden ? null : await api.agents().catch(() => null); // next time, then
      if (over) return;
      if (known) useAgents.setState({ known });
      timer = setTimeout(ask, useAgents.getState().known?.agents.length ? POLL_MS : POLL_EMPTY_MS);
    };
    void ask();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, []);
}
