/** Whom a message can ask for: what workers have announced, whom this conversation asked last, and whom this browser did. */
import { useEffect } from "react";
import { create } from "zustand";
import { type Agents, api } from "../../client/api";

const KEY = "anabranch.agent";
const POLL_MS = 30_000; // a worker that has just started may bring new ones
const POLL_EMPTY_MS = 2000; // none yet: `make run` is still starting its worker

interface Choice {
  known: Agents | null;
  /** Chosen last by the person at this browser, empty if none was. */
  chosen: string;
  /** Chosen since the page was opened, by conversation. */
  chosenIn: Readonly<Record<string, string>>;
  choose(name: string, conversation?: string): void;
}

export const useAgents = create<Choice>()((set) => ({
  known: null,
  chosen: globalThis.localStorage?.getItem(KEY) ?? "",
  chosenIn: {},
  choose: (name, conversation = "") => {
    localStorage.setItem(KEY, name);
    set(({ chosenIn }) => ({
      chosen: name,
      chosenIn: conversation ? { ...chosenIn, [conversation]: name } : chosenIn,
    }));
  },
}));

/**
 * The one that the next message asks: whom the person chose for this conversation, else whom the conversation asked last
 * (`used`, empty for a new one), else whom the person chose last, of those that there are; else the gateway's default.
 */
export function agentAsked(
  { known, chosen, chosenIn }: Pick<Choice, "known" | "chosen" | "chosenIn">,
  conversation: string,
  used: string,
): string {
  const there = (name: string) => !known?.agents.length || known.agents.some((one) => one.name === name);
  const wanted = [chosenIn[conversation] ?? "", used, chosen];
  return wanted.find((name) => name && there(name)) ?? known?.default ?? "";
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
