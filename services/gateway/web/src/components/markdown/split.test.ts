import fc from "fast-check";
import { parseMarkdownIntoBlocks } from "streamdown";
import { expect, test } from "vitest";
import { Splitter } from "./split";

const piece = fc.constantFrom(
  ...["A paragraph of words.", "two\nlines", "# Heading", "- one\n- two", "1. first\n\n   more of it", "> quoted"],
  ...[
    "```js\nlet a = 1;\n\nlet b;\n```",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "$$\nx^2\n\n+ y\n$$",
    "---",
    "    indented",
  ],
  ...[
    "```\nnever closed",
    "<div>\n\nraw\n\n</div>",
    "text with `code` and **bold",
    "Setext\n===",
    "[^1]: a note",
    "x [^1]",
  ],
);
const documents = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join("\n\n"));

/** `text` as it grows by `steps` characters at a time, the last step being what is left. */
function prefixes(text: string, steps: readonly number[]): string[] {
  let end = 0;
  const grown = steps.map((step) => {
    end += step;
    return text.slice(0, end);
  });
  return [...grown.filter(({ length }) => length < text.length), text];
}

test("the blocks of a text make up the text", () => {
  fc.assert(
    fc.property(documents, (text) => {
      expect(new Splitter().split(text).join("")).toBe(text);
    }),
  );
});

test("a text that grew has the blocks that it has when it comes as a whole", () => {
  fc.assert(
    fc.property(documents, fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 60 }), (text, steps) => {
      const splitter = new Splitter();
      for (const prefix of prefixes(text, steps)) splitter.split(prefix);
      expect(splitter.split(text)).toEqual(new Splitter().split(text));
    }),
    { numRuns: 500 },
  );
});

test("a text that was replaced by another has the blocks of the other", () => {
  const splitter = new Splitter();
  splitter.split("one\n\ntwo\n\nthree\n\nfour");
  expect(splitter.split("another\n\ntext")).toEqual(["another\n\n", "text"]);
});

test("a long text that grows is not read again from its beginning", () => {
  let read = 0;
  const splitter = new Splitter((text) => {
    read += text.length;
    return parseMarkdownIntoBlocks(text);
  });
  const long = "A paragraph of words.\n\n".repeat(1000);
  splitter.split(long);
  expect(read).toBe(long.length);
  for (let words = 1; words <= 100; words += 1) splitter.split(long + "word ".repeat(words));
  expect(read).toBeLessThan(3 * long.length);
});
