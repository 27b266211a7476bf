const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

/** The time of day to the millisecond; of a time in ms since the epoch. */
export function exactTime(ms: number): string {
  return `${CLOCK.format(ms)}.${String(Math.floor(ms % 1000)).padStart(3, "0")}`;
}
