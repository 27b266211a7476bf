import type { Conversation } from "../../store/conversation";
import { useLinkStatus } from "../../store/hooks";
import { useOutbox } from "../composer/outbox";

/** Why there is no such conversation; empty if there is, or will be: its first message may be on the way. */
export function useMissing(conversation: Conversation): string {
  const status = useLinkStatus(conversation);
  const begun = useOutbox((state) => state.entries.some((entry) => entry.conversation === conversation.id));
  if (status.kind !== "missing" || begun) return "";
  return status.code === "conversation_deleted"
    ? "It was deleted, for everybody."
    : "There is none at this address. Perhaps the link is not whole.";
}
