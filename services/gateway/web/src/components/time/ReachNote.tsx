import { number } from "../chronology/format";
import { Button } from "../shell/Button";
import type { Past } from "./past";
import styles from "./time.module.css";

/** Says what of the conversation cannot be replayed, and why. */
export function ReachNote({ past }: { past: Past }) {
  const { reach } = past.conversation.recorder;
  switch (reach.kind) {
    case "loading":
      return <p className={styles.note}>Loading the log… {number(reach.events)} events</p>;
    case "expired":
      return (
        <p className={styles.note}>
          What happened before this page was opened has left the log: the lanes show it, but it cannot be replayed.
        </p>
      );
    case "dropped":
      return (
        <p className={styles.note}>
          The first {number(reach.events)} events are no longer in the memory of this page, and cannot be replayed here.
        </p>
      );
    case "failed":
      return (
        <p className={styles.note}>
          The log could not be loaded: {reach.message}. <Button onClick={() => past.load()}>Try again</Button>
        </p>
      );
    default:
      return null;
  }
}
