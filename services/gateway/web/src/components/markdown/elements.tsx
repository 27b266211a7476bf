/** How each element of Markdown is drawn: plain tags styled by `markdown.module.css`, and nothing that asks another origin. */
import { type ComponentProps, isValidElement, type ReactNode } from "react";
import type { Components, ExtraProps } from "streamdown";
import { CodeBlock } from "./CodeBlock";
import { Formula } from "./Formula";
import css from "./markdown.module.css";

type Props<Tag extends keyof React.JSX.IntrinsicElements> = ComponentProps<Tag> & ExtraProps;

const ADDRESS = /^(?:https?:\/\/|mailto:)/i;

/** A link to somewhere else; the text alone where the address is of another kind, or not yet whole. */
function Link({ href = "", title, children }: Props<"a">) {
  if (!ADDRESS.test(href)) return <span>{children}</span>;
  return (
    <a href={href} title={title} target="_blank" rel="noreferrer noopener nofollow">
      {children}
    </a>
  );
}

/** A picture is not loaded: that would tell its server who reads this. What it shows, and a link to it. */
function Picture({ src, alt = "" }: Props<"img">) {
  const text = alt || "picture";
  return typeof src === "string" && ADDRESS.test(src) ? <Link href={src}>{text}</Link> : <span>{text}</span>;
}

function Pre({ children }: Props<"pre">) {
  if (!isValidElement<{ className?: string; children?: ReactNode }>(children)) return <pre>{children}</pre>;
  const { className = "", children: text } = children.props;
  const language = /language-(\S+)/.exec(className)?.[1] ?? "";
  const code = typeof text === "string" ? text.replace(/\n$/, "") : "";
  return language === FORMULA ? <Formula tex={code} block /> : <CodeBlock code={code} language={language} />;
}

/** The language that remark-math gives a formula. */
const FORMULA = "math";

function Code({ className, children }: Props<"code">) {
  return className === `language-${FORMULA}` ? <Formula tex={String(children)} /> : <code>{children}</code>;
}

function Table({ children }: Props<"table">) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no pointer scrolls a wide table with the arrow keys
    <section className={css.table} aria-label="Table" tabIndex={0}>
      <table>{children}</table>
    </section>
  );
}

function Checkbox({ checked }: Props<"input">) {
  return <input type="checkbox" checked={checked} disabled aria-label={checked ? "done" : "to do"} />;
}

/** Headings begin at the third level, below those of the page and the conversation. */
export const elements: Components = {
  a: Link,
  img: Picture,
  pre: Pre,
  code: Code,
  table: Table,
  input: Checkbox,
  h1: "h3",
  h2: "h4",
  h3: "h5",
  h4: "h6",
  h5: "h6",
  h6: "h6",
  ...Object.fromEntries(
    [
      "p",
      "ul",
      "ol",
      "li",
      "blockquote",
      "hr",
      "strong",
      "sub",
      "sup",
      "thead",
      "tbody",
      "tr",
      "th",
      "td",
      "section",
    ].map((tag) => [tag, tag as "p"]),
  ),
};
