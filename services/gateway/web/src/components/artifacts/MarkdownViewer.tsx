import { useDeferredValue } from "react";
import { Markdown } from "../markdown/Markdown";
import type { ViewerProps } from "./viewer";
import styles from "./viewers.module.css";

export default function MarkdownViewer({ text, growing, name }: ViewerProps) {
  const shown = useDeferredValue(text);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached with the keyboard
    <section className={styles.document} tabIndex={0} aria-label={`Document ${name}`}>
      <Markdown text={shown} growing={growing} />
    </section>
  );
}
