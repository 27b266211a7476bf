import { type PointerEvent, useEffect, useRef } from "react";

/** Handlers that call `to` with the place of the pointer in the element, in px, once for each animation frame of a drag. */
export function useDrag(to: (x: number) => void) {
  const latest = useRef(to);
  const wanted = useRef<{ x: number; frame: number } | null>(null);
  useEffect(() => {
    latest.current = to;
  });
  useEffect(() => () => cancelAnimationFrame(wanted.current?.frame ?? 0), []);
  const move = ({ currentTarget, clientX }: PointerEvent<HTMLElement>) => {
    const x = clientX - currentTarget.getBoundingClientRect().left;
    if (wanted.current) {
      wanted.current.x = x;
      return;
    }
    const frame = requestAnimationFrame(() => {
      const last = wanted.current;
      wanted.current = null;
      if (last) latest.current(last.x);
    });
    wanted.current = { x, frame };
  };
  return {
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      if (event.button !== 0) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      move(event);
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      if (event.currentTarget.hasPointerCapture(event.pointerId)) move(event);
    },
  };
}
