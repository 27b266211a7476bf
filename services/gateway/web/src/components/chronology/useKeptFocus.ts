import { type RefObject, useLayoutEffect } from "react";

/** For what goes when a person or somebody else has acted: if the focus is in `place` then, it stays there, on `place` itself. */
export function useKeptFocus(place: RefObject<HTMLElement | null>): void {
  useLayoutEffect(
    () => () => {
      const kept = place.current; // none if it goes itself
      if (kept?.contains(document.activeElement)) kept.focus({ preventScroll: true });
    },
    [place],
  );
}
