import { useSyncExternalStore } from "react";
import { mayHaveFormula } from "./dollars";

type Math = typeof import("./math");

let loaded: Math | undefined;
let asked = false;
const listeners = new Set<() => void>();

/** What draws formulas, for a text that has one; undefined until it is loaded, and where there is none. */
export function useMath(content: string): Math | undefined {
  const wanted = mayHaveFormula(content);
  const read = () => (wanted ? loaded : undefined);
  return useSyncExternalStore(wanted ? subscribe : never, read, read);
}

/** What draws a formula; undefined until it is loaded. */
export function useFormulas(): Math | undefined {
  return useSyncExternalStore(
    subscribe,
    () => loaded,
    () => loaded,
  );
}

function never(): () => void {
  return () => {};
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (!asked) {
    asked = true;
    import("./math").then((math) => {
      loaded = math;
      for (const tell of listeners) tell();
    });
  }
  return () => listeners.delete(listener);
}
