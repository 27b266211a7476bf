import { useEffect, useState } from "react";
import type { Conversation } from "../../store/conversation";
import { useLinkStatus } from "../../store/hooks";
import styles from "./Badge.module.css";
import { Button } from "./Button";
import { wordsOf } from "./badge";

/** What is so between this page and the conversation. Shape and words say it; the colour says it again. */
export function Badge({ conversation }: { conversation: Conversation }) {
  const status = useLinkStatus(conversation);
  const words = wordsOf(status, useNow(status.kind === "reconnecting"));
  const retry = status.kind === "reconnecting" || status.kind === "offline";
  return (
    <div className={styles.place}>
      <span
        className={styles.badge}
        data-testid="badge"
        data-status={status.kind}
        data-tone={words.tone}
        title={words.why}
        aria-hidden
      >
        <i className={styles.mark} />
        <span className={styles.text}>{words.text}</span>
      </span>
      <span role="status" className="visually-hidden">
        Connection: {words.said}
      </span>
      {retry && (
        <Button look="quiet" className={styles.now} onClick={() => conversation.retry()}>
          {status.kind === "offline" ? "Try again" : "Now"}
        </Button>
      )}
      {status.kind === "signed_out" && (
        // What asks people who they are does so when the page is loaded.
        <Button look="quiet" className={styles.now} onClick={() => location.reload()}>
          Sign in
        </Button>
      )}
    </div>
  );
}

const TICK_MS = 250; // so that a second is never shown for much longer than one

/** The time in ms since the epoch, running while `running`. */
function useNow(running: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!running) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [running]);
  return now;
}
