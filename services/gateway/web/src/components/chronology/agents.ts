/** Who an agent is on the page: a name, initials and one of eight colours, the same for a name everywhere. Pure. */

const HUES = 8;

/** The colour of an agent's name, as CSS. */
export function colourOf(name: string): string {
  let hash = 2166136261; // FNV-1a, so that similar names differ
  for (const char of name) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619);
  return `var(--agent-${(hash >>> 0) % HUES})`;
}

/** One or two letters for `name`: of its first two words, else its first letter. */
export function initialsOf(name: string): string {
  const words = name.split(/[\s_-]+/u).filter(Boolean);
  const letters = words.slice(0, 2).map((word) => [...word][0] ?? "");
  return letters.join("").toUpperCase() || "?";
}

/** The name of the agent that speaks in a namespace, where nothing else is known of it. */
export function nameOf(ns: string): string {
  return ns.slice(ns.lastIndexOf("/") + 1).split(":")[0] ?? ns;
}

/** The elements of a namespace below `main`: `research:1`, `reader:2`. */
export function pathOf(ns: string): string[] {
  return ns.split("/").slice(1);
}
