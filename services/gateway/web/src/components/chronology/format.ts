/** How times, sizes and counts are written on the page. Pure. */

const NUMBER = new Intl.NumberFormat("en");
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const MOMENT = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "medium" });

/** `ms` as people say it: `40 ms`, `12.4 s`, `2 min 5 s`, `1 h 3 min`. */
export function duration(ms: number): string {
  const s = Math.max(0, ms) / 1000;
  if (s < 0.1) return `${Math.round(s * 1000)} ms`;
  if (s < 59.95) return `${s.toFixed(1)} s`;
  const whole = Math.round(s);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

export function bytes(size: number): string {
  if (size < 1000) return `${size} B`;
  if (size < 1_000_000) return `${(size / 1000).toFixed(1)} kB`;
  return `${(size / 1_000_000).toFixed(1)} MB`;
}

export function number(value: number): string {
  return NUMBER.format(value);
}

/** `1 agent`, `4 agents`. */
export function counted(value: number, one: string): string {
  return `${NUMBER.format(value)} ${value === 1 ? one : `${one}s`}`;
}

export function clock(ms: number): string {
  return CLOCK.format(ms);
}

export function moment(ms: number): string {
  return MOMENT.format(ms);
}

/** Characters of a text in one line: more than the widest card shows. */
const ONE_LINE_CHARS = 200;

/** A value in one line: of an object with few words the words alone, `query: fast rivers, limit: 3`. */
export function oneLine(value: unknown): string {
  const plain = typeof value === "object" && value !== null && !Array.isArray(value);
  const entries = plain ? Object.entries(value).map(([name, one]) => `${name}: ${compact(one)}`) : [compact(value)];
  return entries.join(", ").slice(0, ONE_LINE_CHARS);
}

function compact(value: unknown): string {
  return typeof value === "string" ? value.slice(0, ONE_LINE_CHARS) : (JSON.stringify(value) ?? "");
}

/** A value as JSON to be read, or the text itself. */
export function readable(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value, null, 2) ?? "");
}
