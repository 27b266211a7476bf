import { type RefObject, useEffect, useState } from "react";
import { watchVisible } from "../markdown/visible";

/** Whether a thing that was drawn while it was `open` still is, or has not been out of the reader's sight since it ended. */
export function useUnderEyes(element: RefObject<Element | null>, open: boolean): boolean {
  const [drawn, setDrawn] = useState(open);
  if (open && !drawn) setDrawn(true);
  const watched = drawn && !open;
  useEffect(() => {
    if (!watched) return;
    return watchVisible(element.current, 0, (within) => {
      if (!within) setDrawn(false);
    });
  }, [element, watched]);
  return drawn;
}
