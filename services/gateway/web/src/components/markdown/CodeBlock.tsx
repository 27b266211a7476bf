import { memo, useEffect, useState } from "react";
import type { HighlightResult } from "streamdown";
import { CopyButton } from "./CopyButton";
import css from "./markdown.module.css";

/** Characters of code that are highlighted: above, tokens would be more nodes than a page draws smoothly. */
export const HIGHLIGHT_CHARS_MAX = 50_000;

/** Code with its language and a button to copy it. While it grows it is plain; colours come when it is whole. */
export const CodeBlock = memo(function CodeBlock(props: { code: string; language: string; growing?: boolean }) {
  const { code, language, growing = false } = props;
  const highlighted = useHighlighting(code, growing ? "" : language);
  return (
    <figure dir="ltr" className={css.code} data-language={language || undefined}>
      <figcaption>
        <span>{language || "text"}</span>
        <CopyButton text={code} what="code" />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: who has no pointer scrolls long lines with the arrow keys */}
      <pre tabIndex={0}>
        <code>{highlighted ? <Tokens lines={highlighted.tokens} /> : code}</code>
      </pre>
    </figure>
  );
});

function Tokens({ lines }: { lines: HighlightResult["tokens"] }) {
  return lines.map((line, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: lines have no identity but their place
    <span key={at} className={css.line}>
      {line.map((token) => (
        <span key={token.offset} style={token.htmlStyle ?? { color: token.color }}>
          {token.content}
        </span>
      ))}
      {"\n"}
    </span>
  ));
}

/** The tokens of `code`; null until they are there, and where there is no highlighting for `language`. */
function useHighlighting(code: string, language: string): HighlightResult | null {
  const [result, setResult] = useState<{ code: string; highlighted: HighlightResult } | null>(null);
  useEffect(() => {
    if (!language || code.length > HIGHLIGHT_CHARS_MAX) return;
    let wanted = true;
    import("./highlight").then(({ highlight }) =>
      highlight(code, language, (highlighted) => wanted && setResult({ code, highlighted })),
    );
    return () => {
      wanted = false;
    };
  }, [code, language]);
  return result?.code === code ? result.highlighted : null;
}
