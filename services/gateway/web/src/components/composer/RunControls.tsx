import { Square } from "lucide-react";
import { Button } from "../shell/Button";
import styles from "./RunControls.module.css";

/** What goes on in the conversation: a run, and so many messages that wait for it. */
export interface Activity {
  readonly queued: number;
  /** It has been asked to end, and has not yet. */
  readonly stopping: boolean;
  stop(): void;
}

export function Stop({ activity: { stopping, stop } }: { activity: Activity }) {
  return (
    <Button
      className={styles.stop}
      disabled={stopping}
      aria-keyshortcuts="Escape"
      title="Stop (Esc)"
      data-testid="stop"
      onClick={stop}
    >
      <Square size={12} fill="currentColor" aria-hidden />
      {stopping ? "Stopping …" : "Stop"}
    </Button>
  );
}

interface QueueProps {
  activity: Activity;
  interrupting: boolean;
  onInterrupting(interrupting: boolean): void;
}

/** What becomes of the next message while a run is active, and how many wait already. */
export function Queue({ activity: { queued }, interrupting, onInterrupting }: QueueProps) {
  return (
    <>
      <label className={styles.interrupt} title="The run that is active ends, and this message is answered at once">
        <input type="checkbox" checked={interrupting} onChange={(event) => onInterrupting(event.target.checked)} />
        Interrupt
      </label>
      {queued > 0 && (
        <span className={styles.queued} role="status">
          {queued === 1 ? "1 message waits" : `${queued} messages wait`}
        </span>
      )}
    </>
  );
}
