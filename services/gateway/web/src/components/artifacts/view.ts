/** The views that a format has, in the order of their tabs. Pure. */
import type { Format } from "./format";

/** `rendered` is the format's own viewer; `data` the table behind a chart; `source` the text as it was written. */
export type ViewKind = "rendered" | "data" | "source";

export interface ViewTab {
  key: ViewKind;
  label: string;
}

const SOURCE: ViewTab = { key: "source", label: "Source" };

export function viewsOf(format: Format): readonly ViewTab[] {
  const rendered = (label: string): ViewTab => ({ key: "rendered", label });
  switch (format) {
    case "table":
      return [rendered("Table"), SOURCE];
    case "chart":
      return [rendered("Chart"), { key: "data", label: "Data" }, SOURCE];
    case "markdown":
      return [rendered("Document"), SOURCE];
    case "json":
      return [rendered("Tree"), SOURCE];
    case "html":
      return [rendered("Page"), SOURCE];
    case "svg":
      return [rendered("Drawing"), SOURCE];
    case "image":
      return [rendered("Image")];
    case "code":
    case "text":
      return [SOURCE];
    case "bytes":
      return [];
  }
}

/** Whether a view is made of the content's text. Pictures and frames get the bytes from the gateway by themselves. */
export function readsText(format: Format, view: ViewKind): boolean {
  return view !== "rendered" || !["image", "html", "svg", "bytes"].includes(format);
}

/** The language in which the source of a format is highlighted. */
export function sourceLanguage(format: Format, language: string): string {
  const languages: Partial<Record<Format, string>> = {
    chart: "json",
    html: "html",
    json: "json",
    markdown: "markdown",
    svg: "xml",
  };
  return languages[format] ?? (language || "text");
}
