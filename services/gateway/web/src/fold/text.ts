/** Texts as the log counts them: in characters, which are Unicode code points, not JavaScript's UTF-16 units. */

/** How many characters a text has. A surrogate that has no partner counts as one. */
export function characters(text: string): number {
  let count = text.length;
  for (let index = 1; index < text.length; index += 1) {
    if (isLow(text.charCodeAt(index)) && isHigh(text.charCodeAt(index - 1))) count -= 1;
  }
  return count;
}

/** So many UTF-16 units are appended to a text before it is worth being made flat. */
const LOOSE_MIN = 1024;

/** And such a share of it, for a long text not to be copied over and over. */
const LOOSE_SHARE = 1 / 16;

/** Whether a text of `length` should be made flat, of which the last `loose` units came in pieces since it was. */
export function isLoose(loose: number, length: number): boolean {
  return loose >= LOOSE_MIN && loose >= length * LOOSE_SHARE;
}

/**
 * Have the engine keep a text in one piece. What was put together it keeps as the tree of its pieces, in several times the
 * memory of the text, until somebody searches it; to read one character might be left out as useless.
 */
export function flatten(text: string): void {
  /^/.test(text);
}

function isHigh(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}

function isLow(unit: number): boolean {
  return (unit & 0xfc00) === 0xdc00;
}

const TITLE_CHARS_MAX = 80;

/** A conversation's title until somebody renames it: the first line of its first message, at most 80 characters. */
export function titleFrom(text: string): string {
  const line = strip(strip(text).split("\n", 1)[0] ?? "");
  if (characters(line) <= TITLE_CHARS_MAX) return line;
  const head = Array.from(line.slice(0, 2 * TITLE_CHARS_MAX)).slice(0, TITLE_CHARS_MAX - 1);
  return `${head.join("")}…`;
}

/** White space as Python's `str.strip` has it: `trim` takes a byte order mark for white space and U+001C to U+001F, U+0085 not. */
const WHITE =
  "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000";

function strip(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && WHITE.includes(text.charAt(start))) start += 1;
  while (end > start && WHITE.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}
