/** Who an agent is on the page: a name, initials and one of eight colours, the same for a name in all of a conversation. Pure. */

const HUES = 8;

/** The colour of a hue of `roles.ts`, as CSS. */
export function colourOf(hue: number): string {
  return `var(--agent-${hue % HUES})`;
}

/** One or two letters for `name`: of its first two words, else its first letter. */
export function initialsOf(name: string): string {
  const words = name.split(/[\s_-]+/u).filter(Boolean);
  const letters = words.slice(0, 2).map((word) => [...word][0] ?? "");
  return letters.join("").toUpperCase() || "?";
}
