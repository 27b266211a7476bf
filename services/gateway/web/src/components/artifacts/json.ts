/** What a tree of JSON shows of its branches. Pure. */

export function entriesOf(value: object): readonly (readonly [string, unknown])[] {
  return Object.entries(value);
}

/** `{gauge, unit, readings}`, `[3]`: what is in a branch that is folded. */
export function preview(value: object): string {
  if (Array.isArray(value)) return `[${value.length}]`;
  const keys = Object.keys(value);
  const shown = keys
    .slice(0, PREVIEW_KEYS)
    .map((key) => (key.length > PREVIEW_CHARS ? `${key.slice(0, PREVIEW_CHARS)}…` : key));
  return `{${shown.join(", ")}${keys.length > PREVIEW_KEYS ? ", …" : ""}}`;
}

const PREVIEW_KEYS = 4;
const PREVIEW_CHARS = 20;
