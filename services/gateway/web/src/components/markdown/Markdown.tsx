import { memo, useState } from "react";
import { MarkdownBlock } from "./MarkdownBlock";
import css from "./markdown.module.css";
import { Splitter } from "./split";

/** A text as Markdown, each block in the direction of its first words. While it is `growing`, what is not closed yet at its end is drawn as if it were. */
export const Markdown = memo(function Markdown({ text, growing = false }: { text: string; growing?: boolean }) {
  const [splitter] = useState(() => new Splitter());
  const blocks = splitter.split(text);
  return (
    <div className={css.markdown}>
      {blocks.map((block, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a block has no identity but its place in the text
        <div key={at} dir="auto">
          <MarkdownBlock content={block} growing={growing && at === blocks.length - 1} />
        </div>
      ))}
    </div>
  );
});
