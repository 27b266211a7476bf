/** Namespaces: who speaks inside a run, as a path such as `main/supervisor:1/writer:2`. */

/** The namespace that `ns` was opened in; empty for the root. */
export function parentOf(ns: string): string {
  return ns.slice(0, Math.max(ns.lastIndexOf("/"), 0));
}

/** Whether `ns` is `subtree` or below it. */
export function within(ns: string, subtree: string): boolean {
  return ns === subtree || ns.startsWith(`${subtree}/`);
}
