import fc from "fast-check";
import { renderToStaticMarkup } from "react-dom/server";
import { Streamdown } from "streamdown";
import { describe, expect, test } from "vitest";
import { elements } from "./elements";
import { rehypePlugins, remarkPlugins } from "./pipeline";
import { openFence, plainParagraph } from "./shortcuts";

function parsed(text: string): string {
  const html = renderToStaticMarkup(
    <Streamdown mode="static" components={elements} rehypePlugins={rehypePlugins} remarkPlugins={remarkPlugins}>
      {text}
    </Streamdown>,
  );
  return html.replace(/^<div class="[^"]*">/, "").replace(/<\/div>$/, "");
}

const words = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.constantFrom(
        "river",
        "A",
        "it's",
        "1.",
        "2)",
        "-",
        "+",
        "=",
        "10:30",
        "www.x.org",
        "a.b",
        "…",
        "é",
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "http://a.b",
        "x@y.zz",
        "*a*",
        "[x]",
        "<b>",
        "&amp;",
        "a_b_",
        "`c`",
        "#",
        "~~",
        "|",
        "\\",
        "$$",
        "!",
        ":",
      ),
    },
    { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 6 }) },
  ),
  { minLength: 1, maxLength: 8 },
);
const lines = fc.tuple(
  fc.constantFrom("", " ", "   ", "    "),
  words,
  fc.constantFrom(" ", "  "),
  fc.constantFrom("", " ", "\n", "\n\n"),
);

describe("a plain paragraph", () => {
  test("is drawn as the parser draws it", () => {
    fc.assert(
      fc.property(lines, ([indent, list, gap, end]) => {
        const text = indent + list.join(gap) + end;
        const plain = plainParagraph(text);
        fc.pre(plain !== null);
        expect(renderToStaticMarkup(<p>{plain}</p>)).toBe(parsed(text));
      }),
      { numRuns: 300 },
    );
  });

  test("is what most prose is", () => {
    expect(
      plainParagraph("A river that splits carries the same water twice as quietly, and “that” is no different.\n\n"),
    ).toBe("A river that splits carries the same water twice as quietly, and “that” is no different.");
  });

  test.each([
    "**bold",
    "a `b`",
    "- item",
    "1. item",
    "# head",
    "    code",
    "two\nlines",
    "www.example.org",
    "a@b.org",
    "x &lt;",
    "",
    "\n",
  ])("is not %j", (text) => {
    expect(plainParagraph(text)).toBeNull();
  });
});

describe("a code block whose end has not come", () => {
  test.each([
    ["```js\nlet a", "js", "let a"],
    ["~~~\na\n```\n", "", "a\n```\n"],
    ["````md title\n```\n", "md", "```\n"],
    ["```py\n", "py", ""],
  ])("%j is known", (text, language, code) => {
    expect(openFence(text)).toEqual({ language, code });
  });

  test.each(["```js", "```js\nlet a\n```", "```js\na\n`````\n", "text", "``\na"])("is not %j", (text) => {
    expect(openFence(text)).toBeNull();
  });
});
