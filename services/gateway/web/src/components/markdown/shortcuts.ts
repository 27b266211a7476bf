/** Two kinds of Markdown block that need no parser to be drawn as it would draw them: nine of ten that grow. Pure. */

/** A character that may mean something within a line of Markdown, or an address that GFM makes a link of. */
const MARKED = /[*_~`[\]<>|#$\\!&@^]|\p{Cc}|:\/\/|www\./iu;
/** What may make something else of a paragraph at its start: a list, a heading's underline, indented code. */
const LEAD = /^(?: {4}|\s*(?:[-+=]|\d{1,9}[.)]))/;

/** The text of a block that is one paragraph of one line without any markup; null if a parser has to say what it is. */
export function plainParagraph(block: string): string | null {
  const line = block.replace(/[ \n]+$/, "");
  return line && !MARKED.test(line) && !LEAD.test(line) ? line.replace(/^ +/, "") : null;
}

const FENCE = /^(`{3,}|~{3,})[ \t]*([^\s`]*)[^\n`]*\n/;

/** The language and the text so far of a code block whose closing fence has not come; null if it is something else. */
export function openFence(block: string): { language: string; code: string } | null {
  const opening = FENCE.exec(block);
  if (!opening) return null;
  const [line, fence = "", language = ""] = opening;
  const code = block.slice(line.length);
  const closing = new RegExp(`^ {0,3}\\${fence[0]}{${fence.length},}[ \\t]*$`, "m");
  return closing.test(code) ? null : { language, code };
}
