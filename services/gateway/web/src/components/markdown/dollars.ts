/** Which text between two single dollars is a formula and not two prices. Pure. */

/** TeX that no price has: a command, an index, an exponent; or a relation. */
const MARKED = /[\\^_=<>≤≥≈≠∈]/u;
/** `n`, `R'`, `2x`, `f(x)`, `a + b`: variables of one letter with what stands around them. */
const VARIABLES =
  /^(?:[\s\d.,;:+\-*/|!'()[\]±·×]|\p{L}(?!\p{L}))*\p{L}(?:[\s\d.,;:+\-*/|!'()[\]±·×]|\p{L}(?!\p{L}))*$/u;
/** What TeX draws otherwise than as words: commands, and what stands in braces or below a variable. */
const COMMANDS = /\\[a-z]+|\{[^{}]*\}|[_^]\p{L}+/giu;
/** A word that stands by itself, and so no product of variables. */
const WORD = /(?:^|\s)\p{L}{3,}(?=[\s,.;:?!]|$)|\s\p{L}{2}\s/u;
/** Characters of the longest formula within a line. */
const CHARS_MAX = 500;

/** Whether `tex` is a formula; `after` is the character behind the dollar that closes it. As Pandoc has it, and more careful. */
export function isFormula(tex: string, after: string): boolean {
  if (!tex || tex.length > CHARS_MAX || /^\s|\s$/.test(tex) || /[\p{L}\d$]/u.test(after)) return false;
  return MARKED.test(tex) ? !WORD.test(tex.replace(COMMANDS, "")) : VARIABLES.test(tex);
}

/** Whether there may be a formula in a text: what draws them is loaded for it. */
export function mayHaveFormula(text: string): boolean {
  if (text.includes("$$")) return true;
  const parts = text.split("$");
  return parts.some((part, at) => at > 0 && at < parts.length - 1 && isFormula(part, (parts[at + 1] ?? "").charAt(0)));
}
