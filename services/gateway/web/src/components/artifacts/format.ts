/** Which viewer shows an artifact, by its media type, then its name, then its kind. Pure. */

export type Format = "table" | "chart" | "markdown" | "code" | "json" | "image" | "html" | "svg" | "text" | "bytes";

/** A format, and for `code` the language to highlight it in (a name that the highlighter may not know). */
export interface Shown {
  format: Format;
  language: string;
}

/** What a person calls it. */
export const FORMAT_NAMES: Record<Format, string> = {
  table: "Table",
  chart: "Chart",
  markdown: "Document",
  code: "Code",
  json: "JSON",
  image: "Image",
  html: "Web page",
  svg: "Drawing",
  text: "Text",
  bytes: "File",
};

const BY_MEDIA_TYPE = new Map<string, Format>([
  ["text/csv", "table"],
  ["text/tab-separated-values", "table"],
  ["text/markdown", "markdown"],
  ["text/html", "html"],
  ["application/xhtml+xml", "html"],
  ["image/svg+xml", "svg"],
  ["image/png", "image"],
  ["image/jpeg", "image"],
  ["image/gif", "image"],
  ["image/webp", "image"],
  ["image/avif", "image"],
  ["application/json", "json"],
  ["text/json", "json"],
  ["application/x-ndjson", "json"],
  ["application/jsonl", "json"],
]);

/** Media types of code whose subtype is not the name of its language. */
const LANGUAGES = new Map([
  ["application/javascript", "javascript"],
  ["application/sql", "sql"],
  ["application/toml", "toml"],
  ["application/typescript", "typescript"],
  ["application/x-sh", "shellscript"],
  ["application/xml", "xml"],
  ["application/yaml", "yaml"],
  ["text/x-c++src", "cpp"],
  ["text/x-csrc", "c"],
  ["text/x-shellscript", "shellscript"],
]);

const EXTENSIONS = new Map([
  ["c", "c"],
  ["cpp", "cpp"],
  ["css", "css"],
  ["diff", "diff"],
  ["go", "go"],
  ["java", "java"],
  ["js", "javascript"],
  ["jsx", "jsx"],
  ["kt", "kotlin"],
  ["php", "php"],
  ["py", "python"],
  ["rb", "ruby"],
  ["rs", "rust"],
  ["sh", "shellscript"],
  ["sql", "sql"],
  ["swift", "swift"],
  ["toml", "toml"],
  ["ts", "typescript"],
  ["tsx", "tsx"],
  ["xml", "xml"],
  ["yaml", "yaml"],
  ["yml", "yaml"],
]);

const VEGA_LITE = /^application\/vnd\.vega-?lite(\.v\d+)?\+json$/;

/** The media type without parameters, in lower case: `text/CSV; header=present` is `text/csv`. */
export function essence(mediaType: string): string {
  return (mediaType.split(";")[0] ?? "").trim().toLowerCase();
}

export function formatOf(kind: string, mediaType: string, name: string): Shown {
  const type = essence(mediaType);
  if (VEGA_LITE.test(type)) return shown("chart");
  const known = BY_MEDIA_TYPE.get(type);
  if (known === "json" && kind === "table") return shown("table");
  if (known === "json" && kind === "chart") return shown("chart");
  if (known) return shown(known);
  if (type.endsWith("+json")) return shown(kind === "chart" ? "chart" : "json");
  const language = LANGUAGES.get(type) ?? languageOf(kind, type, name);
  if (language) return shown("code", language);
  return shown(type.startsWith("text/") || type.endsWith("+xml") ? "text" : "bytes");
}

/** The language of `text/x-python`, of `text/plain` in a file `meander.py`, of a text whose kind is `code`; else "". */
function languageOf(kind: string, type: string, name: string): string {
  if (!type.startsWith("text/")) return "";
  const extension = /\.([a-z0-9]+)$/.exec(name.toLowerCase())?.[1] ?? "";
  const named = EXTENSIONS.get(extension);
  if (named) return named;
  const subtype = type.slice("text/".length).replace(/^x-/, "");
  if (subtype !== "plain" && /^[a-z0-9-]+$/.test(subtype)) return subtype;
  return kind === "code" ? "text" : "";
}

function shown(format: Format, language = ""): Shown {
  return { format, language };
}
