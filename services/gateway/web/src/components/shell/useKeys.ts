import { useEffect } from "react";

/** What keys do that no part of the page has taken for itself. */
export interface Keys {
  "?"(): void;
  "/"(): void;
  Escape(): void;
}

export function useKeys(keys: Keys): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const action = keys[event.key as keyof Keys];
      if (!action || event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey)
        return;
      if (document.querySelector("dialog[open], :popover-open")) return; // the key is theirs
      if (event.key !== "Escape" && isTyping(event.target)) return;
      event.preventDefault();
      action();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [keys]);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.matches("input:not([type=radio], [type=checkbox], [type=range]), textarea, select, [contenteditable]")
  );
}
