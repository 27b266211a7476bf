/**
 * `after`, with everything in it that equals its counterpart in `before` replaced by it, and `before` itself where nothing
 * differs: who compares by identity then sees exactly what changed. For values as JSON has them; neither is changed.
 */
export function share<T>(before: unknown, after: T): T {
  if (Object.is(before, after)) return after;
  if (Array.isArray(before) && Array.isArray(after)) return shareArray(before, after) as T;
  if (isRecord(before) && isRecord(after)) return shareRecord(before, after) as T;
  return after;
}

function shareArray(before: unknown[], after: unknown[]): unknown[] {
  const shared = after.map((value, at) => share(before[at], value));
  return before.length === after.length && shared.every((value, at) => Object.is(value, before[at])) ? before : shared;
}

function shareRecord(before: Record<string, unknown>, after: Record<string, unknown>): Record<string, unknown> {
  const names = Object.keys(after);
  const shared: Record<string, unknown> = {};
  let same = names.length === Object.keys(before).length;
  for (const name of names) {
    shared[name] = share(before[name], after[name]);
    same &&= Object.hasOwn(before, name) && Object.is(shared[name], before[name]);
  }
  return same ? before : shared;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
