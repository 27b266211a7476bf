/** Syntax highlighting, loaded when the first code block that names a language is whole. */
import { createCodePlugin } from "@streamdown/code";
import type { HighlightResult } from "streamdown";

const plugin = createCodePlugin({ themes: ["github-light-high-contrast", "github-dark-high-contrast"] }); // both AA on our surfaces

/** Calls `done` with the tokens of `code`, at once or when its language has been loaded; never for one that is not known. */
export function highlight(code: string, language: string, done: (result: HighlightResult) => void): void {
  const name = language.toLowerCase() as Parameters<typeof plugin.supportsLanguage>[0];
  if (!plugin.supportsLanguage(name)) return;
  const result = plugin.highlight({ code, language: name, themes: plugin.getThemes() }, done);
  if (result) done(result);
}
