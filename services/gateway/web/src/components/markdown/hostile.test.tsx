import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, test } from "vitest";
import { Markdown } from "./Markdown";

const draw = (text: string) => renderToStaticMarkup(<Markdown text={text} />);

/** The tags that a browser would see. */
function tags(html: string): Set<string> {
  return new Set([...html.matchAll(/<([a-z][a-z0-9]*)/gi)].map(([, name]) => (name ?? "").toLowerCase()));
}

describe("HTML in a message", () => {
  test.each([
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "hello <b onclick=alert(1)>you</b>",
    "<iframe src=https://evil.example></iframe>",
    "<svg onload=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    '<div style="position:fixed">x</div>',
    "<form action=https://evil.example><input name=x>",
    "# <img src=x onerror=alert(1)>",
    "| <img src=x> |\n|---|\n| <script>1</script> |",
    "- <style>*{display:none}</style>",
    "```html\n<script>alert(1)</script>\n```",
    "<!-- <img src=x> -->",
    "<details open ontoggle=alert(1)>",
  ])("%s is text", (text) => {
    const html = draw(text);
    for (const tag of ["script", "img", "b", "iframe", "svg", "a", "form", "style", "details"]) {
      expect(tags(html)).not.toContain(tag);
    }
    expect(html).not.toMatch(/<[^>]*\son[a-z]+=/i);
    expect(html).toContain("&lt;");
  });
});

describe("a link", () => {
  test.each(["https://example.org/a?b=c#d", "http://example.org/", "mailto:someone@example.org"])(
    "to %s opens elsewhere and says nothing of where it was",
    (href) => {
      expect(draw(`[x](${href})`)).toContain(
        `<a href="${href}" target="_blank" rel="noreferrer noopener nofollow">x</a>`,
      );
    },
  );

  test.each([
    ...[
      "javascript:alert(1)",
      "JaVaScRiPt:alert(1)",
      "java&#x09;script:alert(1)",
      "data:text/html,<script>1</script>",
      "vbscript:x",
    ],
    ...[
      "file:///etc/passwd",
      "/v1/conversations/x",
      "#c=other",
      "//evil.example/x",
      "tel:123",
      "irc://x",
      "blob:https://x/y",
      "xmpp:a@b",
    ],
    "streamdown:incomplete-link",
  ])("to %s is text", (href) => {
    const html = draw(`[words](${href}) and <${href}>`);
    expect(tags(html)).not.toContain("a");
    expect(html).toContain("words");
  });

  test("by reference and by itself is as safe", () => {
    const html = draw("[a][1] https://example.org/bare\n\n[1]: javascript:alert(1)");
    expect([...html.matchAll(/href="([^"]*)"/g)].map(([, href]) => href)).toEqual(["https://example.org/bare"]);
  });

  test("that is not whole yet is text", () => {
    const html = renderToStaticMarkup(<Markdown text="see [the river](https://exam" growing />);
    expect(tags(html)).not.toContain("a");
    expect(html).toContain("the river");
  });
});

describe("a picture", () => {
  test.each([
    "https://evil.example/track.png",
    "data:image/png;base64,AAAA",
    "/v1/artifacts/x",
    "javascript:alert(1)",
    "blob:x",
  ])("from %s is not loaded", (src) => {
    const html = draw(`![a river](${src})`);
    expect(tags(html)).not.toContain("img");
    expect(html).not.toContain("src=");
    expect(html).toContain("a river");
  });

  test("elsewhere is a link to it", () => {
    expect(draw("![a river](https://example.org/p.png)")).toContain('href="https://example.org/p.png"');
  });
});

test("no id in a message is one of the page's", () => {
  const html = draw("x[^root]\n\n[^root]: y");
  expect([...html.matchAll(/\bid="([^"]*)"/g)].map(([, id]) => id).filter((id) => !id?.startsWith("said-"))).toEqual(
    [],
  );
});

test("Markdown is drawn with its elements", () => {
  const html = draw(
    "# Title\n\n**bold** `code`\n\n| a | b |\n|---|---:|\n| 1 | 2 |\n\n> quote\n\n- [x] done\n\n~~gone~~",
  );
  for (const tag of ["h3", "strong", "code", "table", "th", "blockquote", "input", "del"])
    expect(tags(html)).toContain(tag);
});
