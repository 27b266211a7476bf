/** How moments are written in the time controls. Pure. */

const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

/** The time of day to a tenth of a second; of a time in ms since the epoch. */
export function exact(ms: number): string {
  return ms ? `${CLOCK.format(ms)}.${Math.floor((ms % 1000) / 100)}` : "before the first event";
}

/** A place on the axis, in ms. */
export function elapsed(ms: number): string {
  const s = ms / 1000;
  return s < 60 ? `${s.toFixed(1)} s` : `${Math.floor(s / 60)}:${(s % 60).toFixed(1).padStart(4, "0")}`;
}
