import { useEffect, useRef } from "react";
import type { Conversation } from "../../store/conversation";
import { useItem } from "../../store/hooks";
import { Button } from "../shell/Button";
import { sentence } from "../shell/sentence";
import styles from "./Outbox.module.css";
import { type Outgoing, useOutbox } from "./outbox";

/** What has been written and is not in the log: at once, until the log has it. It stands in the live view. */
export function Outbox({ conversation, onEdit }: { conversation: Conversation; onEdit(text: string): void }) {
  const { entries, post } = useOutbox();
  const own = entries.filter((entry) => entry.conversation === conversation.id);

  useEffect(() => {
    if (entries.length) post(conversation);
  }, [entries, conversation, post]);

  return (
    <ul className={styles.outbox} aria-label="Being sent" data-testid="outbox">
      {own.map((entry) => (
        <Entry key={entry.id} entry={entry} onEdit={onEdit} />
      ))}
    </ul>
  );
}

function Entry({ entry, onEdit }: { entry: Outgoing; onEdit(text: string): void }) {
  const logged = useItem(entry.id) !== undefined;
  const { remove, retry } = useOutbox();
  const place = useRef<HTMLLIElement>(null);

  useEffect(() => {
    place.current?.scrollIntoView({ block: "end" }); // who writes follows the conversation again
  }, []);

  useEffect(() => {
    if (logged) remove(entry.id);
  }, [logged, remove, entry.id]);

  if (logged) return null;
  const failed = entry.state === "failed";
  return (
    <li ref={place} className={styles.entry} data-state={entry.state}>
      <p className={styles.text} dir="auto" tabIndex={failed ? 0 : undefined /* it may scroll */}>
        {entry.text}
      </p>
      {failed ? (
        <div className={styles.failed} role="alert">
          <span>Not sent. {sentence(entry.problem)}</span>
          <Button onClick={() => retry(entry.id)}>Try again</Button>
          <Button
            look="quiet"
            onClick={() => {
              remove(entry.id);
              onEdit(entry.text);
            }}
          >
            Edit
          </Button>
        </div>
      ) : (
        <p className={styles.state}>{entry.state === "sent" ? "Sent" : "Sending …"}</p>
      )}
    </li>
  );
}
