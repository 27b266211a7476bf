import { useState } from "react";
import { useConversations } from "../sidebar/conversations";
import { attempt } from "./notices";
import styles from "./Title.module.css";
import { TitleField } from "./TitleField";

/** The title, which a click makes editable where it stands. */
export function Title({ conversation, title }: { conversation: string; title: string }) {
  const [editing, setEditing] = useState(false);
  const rename = useConversations((state) => state.rename);

  const done = (text: string) => {
    setEditing(false);
    if (text) void attempt("Not renamed", () => rename(conversation, text));
  };

  return (
    <h1 className={styles.title}>
      {editing ? (
        <TitleField title={title} className={styles.field} onDone={done} />
      ) : (
        <button type="button" className={styles.text} dir="auto" title="Rename" onClick={() => setEditing(true)}>
          {title || "Untitled"}
        </button>
      )}
    </h1>
  );
}
