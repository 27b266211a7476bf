/** Formulas by KaTeX, loaded when the first text with one is drawn: the library, its style sheet and its fonts. */
import { createMathPlugin } from "@streamdown/math";
import katex from "katex";
import type { Plugin, Processor } from "unified";
import { inlineMath } from "./inlineMath";
import "katex/dist/katex.min.css";

/** What a formula may define and nest, so that a small one cannot take seconds. */
const EXPANSIONS_MAX = 500;
/** The largest size that a formula may give a part of itself, in em. */
const SIZE_MAX_EM = 30;

const math = createMathPlugin();
const [remarkMath, settings] = math.remarkPlugin as [Plugin<[unknown]>, unknown];

/** Finds formulas between `$$`, and between single dollars what plainly is one. */
function remarkFormulas(this: Processor): void {
  remarkMath.call(this, settings);
  const data = this.data() as { micromarkExtensions?: unknown[] };
  data.micromarkExtensions = [...(data.micromarkExtensions ?? []), { text: { 36: inlineMath } }];
}

/** Finds the formulas. They are drawn by `Formula`, as rehype-katex would parse HTML with inline styles, which the page's policy forbids. */
export const plugins = { math: { ...math, remarkPlugin: remarkFormulas, rehypePlugin: () => {} } };

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
