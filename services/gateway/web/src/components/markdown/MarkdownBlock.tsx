import { memo } from "react";
import { Streamdown } from "streamdown";
import { CodeBlock } from "./CodeBlock";
import { elements } from "./elements";
import { useMath } from "./formulas";
import css from "./markdown.module.css";
import { rehypePlugins, remarkPlugins } from "./pipeline";
import { openFence, plainParagraph } from "./shortcuts";

/** One block of a text. Drawn again only when it is the one that grows, so that a long text costs what its last block does. */
export const MarkdownBlock = memo(function MarkdownBlock({ content, growing }: { content: string; growing: boolean }) {
  const plain = plainParagraph(content);
  const fence = growing && plain === null ? openFence(content) : null;
  if (plain !== null) {
    return (
      <div className={css.block}>
        <p>{plain}</p>
      </div>
    );
  }
  if (fence) {
    return (
      <div className={css.block}>
        <CodeBlock code={fence.code} language={fence.language} growing />
      </div>
    );
  }
  return <Parsed content={content} growing={growing} />;
});

function Parsed({ content, growing }: { content: string; growing: boolean }) {
  return (
    <Streamdown
      className={css.block}
      mode="streaming"
      parseIncompleteMarkdown={growing}
      parseMarkdownIntoBlocksFn={whole}
      components={elements}
      rehypePlugins={rehypePlugins}
      remarkPlugins={remarkPlugins}
      plugins={useMath(content)?.plugins}
      controls={false}
    >
      {content}
    </Streamdown>
  );
}

/** It is one block already. */
function whole(content: string): string[] {
  return [content];
}
