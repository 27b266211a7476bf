import { type RefObject, useEffect, useRef, useState } from "react";

/** Focus goes into the panel when an artifact is opened from outside, and back to where it came from when the pane is closed. */
export function useReturnedFocus(id: string, panel: RefObject<HTMLElement | null>): void {
  const [first] = useState(() => ({ element: document.activeElement, id })); // before a dialog takes the focus by itself
  const opener = useRef(first);
  const entered = useRef(false);
  useEffect(() => {
    const active = document.activeElement;
    const inside = panel.current?.closest('[data-testid="artifact-pane"]')?.contains(active);
    if (entered.current && inside) return; // one of the pane's own tabs
    if (entered.current) opener.current = { element: active, id };
    entered.current = true;
    panel.current?.focus();
  }, [id, panel]);
  useEffect(() => () => returnFocus(opener.current), []);
}

/** Nothing is taken from who has gone elsewhere meanwhile. A chip that was scrolled away may be drawn anew by now. */
function returnFocus({ element, id }: { element: Element | null; id: string }): void {
  const active = document.activeElement;
  if (active && active !== document.body) return;
  const chip = document.querySelector(`[data-item="${CSS.escape(id)}"]`);
  const target = element?.isConnected && element !== document.body ? element : (chip?.querySelector("button") ?? chip);
  if (target instanceof HTMLElement) target.focus();
}
