/** When something was, as a list says it: short, and in the reader's own language where it is a date. Times in ms since the epoch. */

export type Age = "Today" | "Yesterday" | "This week" | "Earlier";

const DAY_MS = 86_400_000;

export function ageOf(then: number, now: number): Age {
  const today = new Date(now).setHours(0, 0, 0, 0);
  if (then >= today) return "Today";
  if (then >= today - DAY_MS) return "Yesterday";
  return then >= today - 6 * DAY_MS ? "This week" : "Earlier";
}

/** "now", "5 min", "3 h", a weekday within a week, else a date. */
export function agoOf(then: number, now: number): string {
  const minutes = Math.floor((now - then) / 60_000);
  if (minutes < 1) return "now";
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h`;
  const date = new Date(then);
  if (minutes < 6 * 24 * 60) return date.toLocaleDateString(undefined, { weekday: "short" });
  const sameYear = date.getFullYear() === new Date(now).getFullYear();
  return date.toLocaleDateString(undefined, { day: "numeric", month: "short", year: sameYear ? undefined : "numeric" });
}
