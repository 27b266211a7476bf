import { memo, useEffect, useState } from "react";
import type { HighlightResult } from "streamdown";
import styles from "./CodeViewer.module.css";
import { chunks, SOURCE_CHARS_MAX } from "./source";

/** Above it colours take longer than a person waits: the text is then plain. */
const HIGHLIGHT_CHARS_MAX = 200_000;

interface Props {
  text: string;
  language: string;
  /** More will follow: until it is whole it stands there plain. */
  growing: boolean;
  name: string;
}

/** Text as it was written, with numbered lines, highlighted where the language is known. */
export default function CodeViewer({ text, language, growing, name }: Props) {
  const tokens = useHighlight(text, growing ? "" : language)?.lines ?? PLAIN;
  const cut = text.length > SOURCE_CHARS_MAX;
  const shown = cut ? text.slice(0, SOURCE_CHARS_MAX) : text;
  let first = 0;
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached with the keyboard */}
      <section className={styles.scroll} tabIndex={0} aria-label={`Source of ${name}`}>
        <pre className={styles.code}>
          {chunks(shown).map((lines) => {
            const start = first;
            first += lines.length;
            return <Chunk key={start} start={start} lines={lines} tokens={tokens} />;
          })}
        </pre>
      </section>
      {cut && <p className={styles.note}>The rest of it is in the file: download it.</p>}
    </>
  );
}

type Tokens = HighlightResult["tokens"];

const PLAIN: Tokens = [];

interface ChunkProps {
  start: number;
  lines: readonly string[];
  tokens: Tokens;
}

/** Lines that the browser lays out when they come into sight. Of a text that grows only the last ones are drawn again. */
const Chunk = memo(function Chunk({ start, lines, tokens }: ChunkProps) {
  return (
    <code className={styles.chunk} style={{ containIntrinsicSize: `auto ${lines.length * 1.5}em` }}>
      {lines.map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line has no identity but its number
        <span key={start + index} className={styles.line} data-line={start + index + 1}>
          {line ? <Line text={line} tokens={tokens[start + index]} /> : "\n"}
        </span>
      ))}
    </code>
  );
}, sameChunk);

function sameChunk(before: ChunkProps, now: ChunkProps): boolean {
  return (
    before.tokens === now.tokens &&
    before.lines.length === now.lines.length &&
    now.lines.every((line, index) => line === before.lines[index])
  );
}

/** A line in its colours; plain if the highlighter has it otherwise. */
function Line({ text, tokens }: { text: string; tokens: Tokens[number] | undefined }) {
  if (tokens?.map((token) => token.content).join("") !== text.replace(/\r$/, "")) return text;
  return tokens?.map((token, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a token has no identity but its place
    <span key={index} className={styles.token} style={colours(token)}>
      {token.content}
    </span>
  ));
}

/** Both themes' colours as properties, of which the style sheet takes one. */
function colours({ htmlStyle, color }: Tokens[number][number]): React.CSSProperties {
  return {
    "--light": htmlStyle?.color ?? color,
    "--dark": htmlStyle?.["--shiki-dark"] ?? color,
  } as React.CSSProperties;
}

/** The tokens of a text that is whole; null until they are there, and where there is no highlighting for the language. */
function useHighlight(text: string, language: string): { text: string; lines: Tokens } | null {
  const [result, setResult] = useState<{ text: string; lines: Tokens } | null>(null);
  useEffect(() => {
    if (!language || text.length > HIGHLIGHT_CHARS_MAX) return;
    let wanted = true;
    import("../markdown/highlight").then(
      ({ highlight }) => highlight(text, language, ({ tokens }) => wanted && setResult({ text, lines: tokens })),
      () => null, // without its colours a text is still a text
    );
    return () => {
      wanted = false;
    };
  }, [text, language]);
  return result?.text === text ? result : null;
}
