import { useMemo, useState } from "react";
import styles from "./JsonViewer.module.css";
import { entriesOf, preview } from "./json";
import { Problem } from "./Problem";
import type { ViewerProps } from "./viewer";

/** How many entries of a list or an object are drawn before one asks for more. */
const ENTRIES_STEP = 100;
/** Branches less deep than this are open at first. */
const OPEN_DEPTH = 3;

/** A JSON value as a tree whose branches fold; a branch is drawn when it is opened. */
export default function JsonViewer({ text, growing, name, source }: ViewerProps) {
  const read = useMemo(() => parse(text), [text]);
  if (!read) return <Problem message={growing ? "" : "This is not JSON."}>{source}</Problem>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached with the keyboard
    <section className={styles.tree} tabIndex={0} aria-label={`Contents of ${name}`}>
      <Value value={read.value} depth={0} />
    </section>
  );
}

function parse(text: string): { value: unknown } | null {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}

function Value({ value, depth, name }: { value: unknown; depth: number; name?: string }) {
  const label = name === undefined ? null : <span className={styles.key}>{name}: </span>;
  if (typeof value === "object" && value !== null) return <Branch value={value} depth={depth} label={label} />;
  return (
    <div className={styles.leaf}>
      {label}
      <span className={styles[typeof value] ?? styles.null}>{JSON.stringify(value)}</span>
    </div>
  );
}

function Branch({ value, depth, label }: { value: object; depth: number; label: React.ReactNode }) {
  const [open, setOpen] = useState(depth < OPEN_DEPTH);
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)} className={styles.branch}>
      <summary>
        {label}
        <span className={styles.preview}>{preview(value)}</span>
      </summary>
      {open && <Entries value={value} depth={depth} />}
    </details>
  );
}

function Entries({ value, depth }: { value: object; depth: number }) {
  const [limit, setLimit] = useState(ENTRIES_STEP);
  const entries = useMemo(() => entriesOf(value), [value]);
  return (
    <div className={styles.entries}>
      {entries.slice(0, limit).map(([key, entry]) => (
        <Value key={key} value={entry} depth={depth + 1} name={key} />
      ))}
      {entries.length > limit && (
        <button type="button" className={styles.more} onClick={() => setLimit(limit + ENTRIES_STEP)}>
          {entries.length - limit} more
        </button>
      )}
    </div>
  );
}
