/** Who is on the screen, or nearly: one observer for all. */
const MARGIN = "200px 0px";

const heard = new WeakMap<Element, (visible: boolean) => void>();
let observer: IntersectionObserver | undefined;

/** Calls `tell` when `element` comes near the screen or leaves it. Returns what ends that. */
export function watchVisible(element: Element | null, tell: (visible: boolean) => void): () => void {
  if (!element) return () => {};
  observer ??= new IntersectionObserver(
    (entries) => {
      for (const entry of entries) heard.get(entry.target)?.(entry.isIntersecting);
    },
    { rootMargin: MARGIN },
  );
  heard.set(element, tell);
  observer.observe(element);
  return () => {
    heard.delete(element);
    observer?.unobserve(element);
  };
}
