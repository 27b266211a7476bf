import { useSyncExternalStore } from "react";
import type { PluginConfig } from "streamdown";

/** What opens a formula: `$$`. A single `$` is a price more often than a formula. */
const FORMULA = "$$";

let loaded: PluginConfig | undefined;
let asked = false;
const listeners = new Set<() => void>();

/** What streamdown needs to draw the formulas of `content`; undefined until that is loaded, and where there is none. */
export function useFormulas(content: string): PluginConfig | undefined {
  const wanted = content.includes(FORMULA);
  return useSyncExternalStore(wanted ? subscribe : never, () => (wanted ? loaded : undefined));
}

function never(): () => void {
  return () => {};
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (!asked) {
    asked = true;
    import("./math").then(({ plugins }) => {
      loaded = plugins;
      for (const tell of listeners) tell();
    });
  }
  return () => listeners.delete(listener);
}
