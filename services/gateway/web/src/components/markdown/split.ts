import { parseMarkdownIntoBlocks } from "streamdown";

/** A footnote or a link's definition, which what stands elsewhere in the text refers to: such a text is split whole. */
const DEFINITION = /^ {0,3}\[[^\]]+\]:|\[\^[\w-]+\]/m;

/**
 * Splits a text that grows into its Markdown blocks. What is two blocks back is settled, as nothing that follows can
 * change it, and is not read again: splitting costs what is new, not what is there.
 */
export class Splitter {
  readonly #parse: (text: string) => string[];
  #settled: string[] = [];
  #length = 0; // of the settled blocks, in UTF-16 units
  #text = "";
  #blocks: readonly string[] = [];

  constructor(parse: (text: string) => string[] = parseMarkdownIntoBlocks) {
    this.#parse = parse;
  }

  split(text: string): readonly string[] {
    if (text === this.#text) return this.#blocks;
    if (!text.startsWith(this.#text)) [this.#settled, this.#length] = [[], 0];
    this.#text = text;
    const whole = DEFINITION.test(text.slice(this.#length)); // it stays whole, as then nothing is ever settled
    if (whole) [this.#settled, this.#length] = [[], 0];
    const blocks = this.#parse(text.slice(this.#length));
    this.#blocks = [...this.#settled, ...blocks];
    if (!whole) this.#settle(blocks.slice(0, -2));
    return this.#blocks;
  }

  #settle(blocks: readonly string[]): void {
    for (const block of blocks) {
      this.#settled.push(block);
      this.#length += block.length;
    }
  }
}
