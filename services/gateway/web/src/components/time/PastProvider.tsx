import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from "react";
import { go, useRoute } from "../../store/route";
import type { View } from "../../store/view";
import { Past, type Standing, type Timed } from "./past";

const PastContext = createContext<Past | null>(null);

/** Time travel for one conversation: give it the conversation's id as `key`. A link to a moment is followed from here. */
export function PastProvider({ conversation, children }: { conversation: Timed; children: ReactNode }) {
  const [past, setPast] = useState<Past | null>(null);
  useEffect(() => {
    const made = new Past(conversation);
    setPast(made);
    return () => made.close();
  }, [conversation]);
  return (
    <PastContext.Provider value={past}>
      {past && <Follow past={past} />}
      {children}
    </PastContext.Provider>
  );
}

/** Follows the link in the address, and plays. */
function Follow({ past }: { past: Past }) {
  const { at, conversation } = useRoute();
  const its = conversation === past.conversation.id;
  const { playing, notice } = useStanding(past);
  useEffect(() => {
    if (!its) return;
    if (at) past.open(at);
    else if (past.standing().mode !== "live") past.toLive();
  }, [past, at, its]);
  useEffect(() => {
    if (its && at && notice) go({ conversation, at: "" }, "replace"); // the moment cannot be shown
  }, [its, at, notice, conversation]);
  useEffect(() => {
    if (!playing) return;
    let before = performance.now();
    const turn = (now: number) => {
      past.advance(now - before);
      before = now;
      timer = requestAnimationFrame(turn);
    };
    let timer = requestAnimationFrame(turn);
    return () => cancelAnimationFrame(timer);
  }, [past, playing]);
  return null;
}

/** Where in time one is; null for a moment after the conversation has been opened. */
export function usePast(): Past | null {
  return useContext(PastContext);
}

/** The view to be shown in place of the live one; null in the present. */
export function usePastView(): View | null {
  const past = usePast();
  return useSyncExternalStore(past?.subscribe ?? never, () => past?.view() ?? null);
}

export function useStanding(past: Past): Standing {
  return useSyncExternalStore(past.subscribe, past.standing);
}

function never(): () => void {
  return () => {};
}
