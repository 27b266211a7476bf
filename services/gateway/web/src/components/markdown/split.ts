import { parseMarkdownIntoBlocks } from "streamdown";

/** A footnote or a link's definition, which what stands elsewhere in the text refers to: such a text is split whole. */
const DEFINITION = /^ {0,3}\[[^\]]+\]:|\[\^[\w-]+\]/m;

/**
 * Splits a text that grows into its Markdown blocks. What is two blocks back is settled, as nothing that follows can
 * change it, and is not read again: splitting costs what is new, not what is there.
 */
export class Splitter {
  #settled: string[] = [];
  #length = 0; // of the settled blocks, in UTF-16 units
  #text = "";
  #blocks: readonly string[] = [];

  split(text: string): readonly string[] {
    if (text === this.#text) return this.#blocks;
    if (!text.startsWith(this.#text)) [this.#settled, this.#length] = [[], 0];
    this.#text = text;
    if (DEFINITION.test(text)) {
      [this.#settled, this.#length] = [[], 0];
      this.#blocks = parseMarkdownIntoBlocks(text);
      return this.#blocks;
    }
    const rest = parseMarkdownIntoBlocks(text.slice(this.#length));
    for (const block of rest.slice(0, -2)) {
      this.#settled.push(block);
      this.#length += block.length;
    }
    this.#blocks = [...this.#settled, ...rest.slice(-2)];
    return this.#blocks;
  }
}
