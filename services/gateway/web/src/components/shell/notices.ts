/** What the page has to say beside the conversation: that something was copied, or did not work. */

import { create } from "zustand";
import { sentence } from "./sentence";

export interface Notice {
  readonly key: number;
  readonly text: string;
  readonly tone: "done" | "error";
}

interface Notices {
  notice: Notice | null;
  say(text: string, tone?: Notice["tone"]): void;
  dismiss(): void;
}

export const useNotices = create<Notices>()((set) => ({
  notice: null,
  say: (text, tone = "done") => set(({ notice }) => ({ notice: { key: (notice?.key ?? 0) + 1, text, tone } })),
  dismiss: () => set({ notice: null }),
}));

/** Do it, and say so if it fails; returns whether it was done. */
export async function attempt(what: string, action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (error) {
    useNotices.getState().say(`${what}. ${sentence(error instanceof Error ? error.message : String(error))}`, "error");
    return false;
  }
}
