/** `$…$` in Markdown, for micromark beside remark-math, which reads `$$` alone: its own single dollars take prices for formulas. */
import type { Code, Construct, Effects, State, TokenizeContext } from "micromark-util-types";
import { isFormula } from "./dollars";

declare module "micromark-util-types" {
  /** The tokens of remark-math, which makes the elements of them. */
  interface TokenTypeMap {
    mathText: "mathText";
    mathTextData: "mathTextData";
    mathTextSequence: "mathTextSequence";
  }
}

const DOLLAR = 36;
const BACKSLASH = 92;

export const inlineMath: Construct = { name: "inlineMath", tokenize, previous };

/** A dollar behind a letter, a digit or a dollar opens nothing: `US$5`. */
function previous(this: TokenizeContext, code: Code): boolean {
  return !/[\p{L}\d$]/u.test(textOf(code));
}

function tokenize(this: TokenizeContext, effects: Effects, ok: State, nok: State): State {
  let tex = "";
  return (code) => {
    effects.enter("mathText");
    mark(effects, code);
    return first;
  };

  function first(code: Code): State | undefined {
    if (code === null || code <= 32 || code === DOLLAR) return nok(code);
    effects.enter("mathTextData");
    return within(code);
  }

  function within(code: Code): State | undefined {
    if (code === null || code < 0) return nok(code); // a formula within a line ends in it
    if (code === DOLLAR) {
      effects.exit("mathTextData");
      mark(effects, code);
      effects.exit("mathText");
      return (next) => (isFormula(tex, textOf(next)) ? ok(next) : nok(next));
    }
    tex += textOf(code);
    effects.consume(code);
    return code === BACKSLASH ? escaped : within;
  }

  function escaped(code: Code): State | undefined {
    if (code !== DOLLAR) return within(code);
    tex += "$";
    effects.consume(code);
    return within;
  }
}

function mark(effects: Effects, code: Code): void {
  effects.enter("mathTextSequence");
  effects.consume(code);
  effects.exit("mathTextSequence");
}

function textOf(code: Code): string {
  return code !== null && code > 0 ? String.fromCharCode(code) : "";
}
