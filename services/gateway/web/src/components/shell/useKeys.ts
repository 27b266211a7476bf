import { useEffect } from "react";

export const MESSAGE_ID = "message"; // of the field in which the keys of the page keep their Esc

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
      if (isTyping(event.target) && !(event.key === "Escape" && event.target.id === MESSAGE_ID)) return; // the field's
      event.preventDefault();
      action();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [keys]);
}

function isTyping(target: EventTarget | null): target is Element {
  return (
    target instanceof Element &&
    target.matches("input:not([type=radio], [type=checkbox], [type=range]), textarea, select, [contenteditable]")
  );
}
