import { memo, useLayoutEffect, useRef, useState } from "react";
import { useFormulas } from "./formulas";
import css from "./markdown.module.css";

/** A formula in TeX; as it was written, where it is none or is not loaded yet. */
export const Formula = memo(function Formula({ tex, block = false }: { tex: string; block?: boolean }) {
  const math = useFormulas();
  const element = useRef<HTMLSpanElement>(null);
  const [wrong, setWrong] = useState("");
  useLayoutEffect(() => {
    if (!math || !element.current || wrong === tex) return;
    try {
      math.render(tex, element.current, block);
    } catch {
      setWrong(tex);
    }
  }, [math, tex, block, wrong]);
  return math && wrong !== tex ? (
    <span ref={element} key={tex} dir="ltr" className={block ? css.formula : undefined} />
  ) : (
    <code dir="ltr">{tex}</code>
  );
});
