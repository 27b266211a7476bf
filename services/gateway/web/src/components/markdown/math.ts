/** Formulas by KaTeX, loaded when the first text with one is drawn: the library, its style sheet and its fonts. */
import { createMathPlugin } from "@streamdown/math";
import katex from "katex";
import "katex/dist/katex.min.css";

/** What a formula may define and nest, so that a small one cannot take seconds. */
const EXPANSIONS_MAX = 500;
/** The largest size that a formula may give a part of itself, in em. */
const SIZE_MAX_EM = 30;

/** Finds the formulas. They are drawn by `Formula`, as rehype-katex would parse HTML with inline styles, which the page's policy forbids. */
export const plugins = { math: { ...createMathPlugin(), rehypePlugin: () => {} } };

/** Draws a formula into `element`; throws where it is none. It cannot link to or load anything. */
export function render(tex: string, element: HTMLElement, block: boolean): void {
  katex.render(tex, element, {
    displayMode: block,
    throwOnError: true,
    trust: false,
    strict: false,
    maxExpand: EXPANSIONS_MAX,
    maxSize: SIZE_MAX_EM,
  });
}
