/** A text as numbered lines. Pure. */

/** More than anybody reads on a page, and what its lines cost to hold: the rest is in the file. */
export const SOURCE_CHARS_MAX = 512 * 1024;
/** Lines that are laid out together. */
const CHUNK_LINES = 200;

/** The lines of a text in portions. A line break at the end begins no further line. */
export function chunks(text: string): readonly (readonly string[])[] {
  const lines = text.split("\n");
  if (lines.length > 1 && lines.at(-1) === "") lines.pop();
  return Array.from({ length: Math.ceil(lines.length / CHUNK_LINES) }, (_, index) =>
    lines.slice(index * CHUNK_LINES, (index + 1) * CHUNK_LINES),
  );
}
