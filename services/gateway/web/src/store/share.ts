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
  // not by assignment: `__proto__` is a name like any other in JSON
  const held = (name: string) => (Object.hasOwn(before, name) ? before[name] : undefined);
  const shared = Object.fromEntries(names.map((name) => [name, share(held(name), after[name])]));
  const same = (name: string) => Object.hasOwn(before, name) && Object.is(shared[name], before[name]);
  return names.length === Object.keys(before).length && names.every(same) ? before : shared;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
