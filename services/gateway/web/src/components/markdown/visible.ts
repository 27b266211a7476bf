/** Who is on the screen, or within a distance of it: one observer for all with the same distance in the same list. */

/** What is drawn in advance of scrolling, in px. */
export const NEAR_PX = 200;
/** Beyond this many px from the screen things need not stay on the page. */
export const FAR_PX = 2000;

/** Marks what scrolls: distances are measured from its edges. Without one they are from those of the window. */
export const SCROLLS = "data-scrolls";

type Tell = (within: boolean, height: number) => void;

const heard = new WeakMap<Element, Tell>();
const ofWindow = new Map<number, IntersectionObserver>();
const ofList = new WeakMap<Element, Map<number, IntersectionObserver>>();

/** Calls `tell` when `element` comes within `distance` px of the screen or leaves it, with its height. Returns what ends that. */
export function watchVisible(element: Element | null, distance: number, tell: Tell): () => void {
  if (!element) return () => {};
  const observer = observerOf(element.closest(`[${SCROLLS}]`), distance);
  heard.set(element, tell);
  observer.observe(element);
  return () => {
    heard.delete(element);
    observer.unobserve(element);
  };
}

function observerOf(root: Element | null, distance: number): IntersectionObserver {
  const known = root ? (ofList.get(root) ?? new Map<number, IntersectionObserver>()) : ofWindow;
  if (root) ofList.set(root, known);
  const observer = known.get(distance) ?? new IntersectionObserver(hear, { root, rootMargin: `${distance}px 0px` });
  known.set(distance, observer);
  return observer;
}

function hear(entries: readonly IntersectionObserverEntry[]): void {
  for (const { target, isIntersecting, boundingClientRect } of entries) {
    heard.get(target)?.(isIntersecting, boundingClientRect.height);
  }
}
