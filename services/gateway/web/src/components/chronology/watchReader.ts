/**
 * Says what the reader does that may scroll `list`; `held` while the main button, or a finger, is down. Of a button that is let go on
 * a scroll bar, in a menu or in another window, the page hears nothing: then what comes next ends it. Returns what ends the watching.
 */
export function watchReader(list: HTMLElement, touched: (held: boolean) => void): () => void {
  const ended = new AbortController();
  const options = { passive: true, signal: ended.signal };
  let holds = false;
  const touch = (held = false) => {
    holds = held;
    touched(held);
  };
  const release = () => holds && touch();
  for (const type of ["wheel", "touchmove"]) list.addEventListener(type, () => touch(), options);
  list.addEventListener("pointerdown", ({ button }) => touch(button === 0), options);
  for (const type of ["pointerup", "pointercancel", "keydown"]) addEventListener(type, () => touch(), options);
  for (const type of ["contextmenu", "blur"]) addEventListener(type, release, options);
  addEventListener("pointermove", ({ buttons }) => buttons === 0 && release(), options);
  return () => ended.abort();
}
