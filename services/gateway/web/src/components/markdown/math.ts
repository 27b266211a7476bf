/** Formulas by KaTeX, loaded when the first text with one is drawn: the plugin, its style sheet and its fonts. */
import { createMathPlugin } from "@streamdown/math";
import "katex/dist/katex.min.css";

export const plugins = { math: createMathPlugin({ errorColor: "var(--error)" }) };
