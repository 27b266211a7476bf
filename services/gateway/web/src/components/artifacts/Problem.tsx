import type { ReactNode } from "react";
import styles from "./viewers.module.css";

/** What is wrong with a content, in a sentence, above the source. Without a message the source alone. */
export function Problem({ message, children }: { message: string; children?: ReactNode }) {
  return (
    <>
      {message && (
        <p role="alert" className={styles.problem}>
          {message}
        </p>
      )}
      {children}
    </>
  );
}

export function Notes({ notes }: { notes: readonly string[] }) {
  return notes.map((note) => (
    <p key={note} className={styles.note}>
      {note}
    </p>
  ));
}
