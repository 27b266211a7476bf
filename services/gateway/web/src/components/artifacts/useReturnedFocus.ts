import { type RefObject, useEffect, useRef } from "react";

/** Focus goes into the panel when an artifact is opened from outside, and back to where it came from when the pane is closed. */
export function useReturnedFocus(id: string, panel: RefObject<HTMLElement | null>): void {
  const opener = useRef<{ element: Element | null; id: string }>({ element: null, id });
  useEffect(() => {
    const outer = panel.current?.closest('[data-testid="artifact-pane"]');
    const active = document.activeElement;
    if (outer?.contains(active)) return; // one of the pane's own tabs
    opener.current = { element: active, id };
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
