/** What Esc closes before it stops a run: that in which the focus stands, else what was opened last. */
import { type RefObject, useEffect, useRef } from "react";

interface Opened {
  readonly place: RefObject<HTMLElement | null>;
  readonly close: RefObject<() => void>;
}

const opened: Opened[] = [];

/** While `open`, Esc calls `close`, which leaves it closed or one step nearer to it. `place` is the element that it stands in. */
export function useEscape(open: boolean, place: RefObject<HTMLElement | null>, close: () => void): void {
  const latest = useRef(close);
  useEffect(() => {
    latest.current = close;
  });
  useEffect(() => {
    if (!open) return;
    const one: Opened = { place, close: latest };
    opened.push(one);
    return () => void opened.splice(opened.indexOf(one), 1);
  }, [open, place]);
}

/** Returns whether there was something to close. */
export function closeNext(): boolean {
  const focused = opened.findLast(({ place }) => place.current?.contains(document.activeElement));
  const next = focused ?? opened.at(-1);
  next?.close.current();
  return next !== undefined;
}
