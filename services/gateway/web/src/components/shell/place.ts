const GAP_PX = 6; // between what was pressed and what opened, and the least to the window's edge

/** Put an open popover under its anchor, or above where there is more room, its edge at the anchor's, wholly in the window. */
export function placeAt(anchor: HTMLElement, popover: HTMLElement): void {
  const from = anchor.getBoundingClientRect();
  const { width, height } = popover.getBoundingClientRect();
  const below = innerHeight - from.bottom;
  const above = height + 2 * GAP_PX > below && from.top > below;
  const right = from.left + width > innerWidth - GAP_PX;
  const left = right ? from.right - width : from.left;
  popover.style.left = `${Math.max(GAP_PX, Math.min(left, innerWidth - width - GAP_PX))}px`;
  popover.style.top = `${Math.max(GAP_PX, above ? from.top - height - GAP_PX : from.bottom + GAP_PX)}px`;
}
