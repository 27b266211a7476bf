/** What has been typed and not sent, per conversation, for this tab: it survives a reload. The new conversation's is under `""`. */

const prefix = "anabranch.draft.";

export function draftOf(conversation: string): string {
  return sessionStorage.getItem(prefix + conversation) ?? "";
}

export function keepDraft(conversation: string, text: string): void {
  if (text) sessionStorage.setItem(prefix + conversation, text);
  else sessionStorage.removeItem(prefix + conversation);
}
