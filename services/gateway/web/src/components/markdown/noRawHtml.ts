/**
 * In place of `rehype-raw`, which streamdown imports in case it is to parse HTML in Markdown: here none is, and its parser
 * would be a fifth of the page's script.
 */
export default function noRawHtml(): never {
  throw new Error("HTML in Markdown is text on this page");
}
