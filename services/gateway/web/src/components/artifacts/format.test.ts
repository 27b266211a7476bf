import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { essence, FORMAT_NAMES, formatOf } from "./format";
import { readsText, sourceLanguage, viewsOf } from "./view";

describe("the viewer of an artifact", () => {
  test.each([
    ["table", "text/csv; header=present", "figures.csv", "table"],
    ["table", "application/json", "rows.json", "table"],
    ["chart", "application/vnd.vegalite.v5+json", "figures.vl.json", "chart"],
    ["chart", "application/vnd.vegalite.v6+json", "figures.vl.json", "chart"],
    ["chart", "application/vnd.vega-lite.v5+json", "figures.json", "chart"],
    ["chart", "application/vnd.example+json", "figures.json", "chart"],
    ["data", "application/vnd.vega-lite+json", "figures.json", "chart"],
    ["chart", "application/json", "figures.json", "chart"],
    ["report", "Text/Markdown", "report.md", "markdown"],
    ["data", "application/json", "gauge.json", "json"],
    ["data", "application/geo+json", "rivers.geojson", "json"],
    ["page", "text/html", "postcard.html", "html"],
    ["image", "image/png", "sunset.png", "image"],
    ["image", "image/svg+xml", "sunset.svg", "svg"],
    ["file", "text/plain", "notes", "text"],
    ["file", "application/rss+xml", "feed", "text"],
    ["file", "application/pdf", "paper.pdf", "bytes"],
    ["file", "", "nothing", "bytes"],
  ] as const)("of a %s of type %s named %s is %s", (kind, mediaType, name, format) => {
    expect(formatOf(kind, mediaType, name).format).toBe(format);
  });

  test.each([
    ["code", "text/x-python", "meander.py", "python"],
    ["code", "text/plain", "meander.py", "python"],
    ["file", "application/sql", "query", "sql"],
    ["code", "text/plain", "meander", "text"],
    ["code", "text/x-c++src", "main", "cpp"],
  ])("of %s of type %s named %s is code in %s", (kind, mediaType, name, language) => {
    expect(formatOf(kind, mediaType, name)).toEqual({ format: "code", language });
  });

  test("is the sandboxed one for whatever is HTML or SVG, whatever its kind and name say", () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.string(),
        fc.constantFrom("text/html", "image/svg+xml", "application/xhtml+xml"),
        (kind, name, type) => {
          expect(["html", "svg"]).toContain(formatOf(kind, `${type};charset=utf-8`, name).format);
        },
      ),
    );
  });

  test("is known for every kind, type and name, and its views are those of its name", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (kind, mediaType, name) => {
        const { format } = formatOf(kind, mediaType, name);
        expect(FORMAT_NAMES[format]).toBeTruthy();
        expect(viewsOf(format).length).toBeLessThanOrEqual(3);
      }),
    );
  });
});

test("the essence of a media type has no parameters and no capitals", () => {
  expect(essence(" Text/CSV ; header=present")).toBe("text/csv");
});

test("everything that has text can show its source, as the last of its views", () => {
  for (const format of ["table", "chart", "markdown", "json", "html", "svg", "code", "text"] as const)
    expect(viewsOf(format).at(-1)?.key).toBe("source");
});

test("the text of a page is not fetched to draw it in its frame, and is to show its source", () => {
  expect(readsText("html", "rendered")).toBe(false);
  expect(readsText("html", "source")).toBe(true);
  expect(readsText("table", "rendered")).toBe(true);
});

test("the source of a drawing is highlighted as XML, of code as what it is, of a table not at all", () => {
  expect(sourceLanguage("svg", "")).toBe("xml");
  expect(sourceLanguage("code", "python")).toBe("python");
  expect(sourceLanguage("table", "")).toBe("text");
});
