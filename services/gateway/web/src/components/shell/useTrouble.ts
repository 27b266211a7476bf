import { useCallback, useSyncExternalStore } from "react";
import type { Conversation } from "../../store/conversation";

const TROUBLES: Record<string, string> = {
  reconnecting: "Reconnecting",
  offline: "Offline",
  signed_out: "Signed out",
  missing: "Not found",
};

/** What is wrong with the connection to a conversation, in a word; empty if nothing is. */
export function useTrouble(conversation: Conversation | null): string {
  const subscribe = useCallback(
    (listener: () => void) => conversation?.subscribeStatus(listener) ?? (() => {}),
    [conversation],
  );
  const kind = useSyncExternalStore(subscribe, () => conversation?.status().kind);
  return TROUBLES[kind ?? ""] ?? "";
}
