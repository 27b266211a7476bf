import type { Of } from "./items";

/** What a person is asked, in words. */
export function questionOf({ prompt, kind, tool }: Of<"interrupt">): string {
  return prompt || (kind === "approval" ? `May ${tool} be called?` : "A question to you");
}
