/** The log contradicts itself: a gap in the numbers, a delta that does not fit, an event for a thing never opened. */
export class FoldError extends Error {
  override name = "FoldError";
}
