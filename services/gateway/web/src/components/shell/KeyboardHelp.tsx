import { Fragment } from "react";
import { Button } from "./Button";
import { Dialog, DialogButtons } from "./Dialog";
import styles from "./KeyboardHelp.module.css";

/** Also in docs/page.md. */
export const KEYS: [keys: string[], what: string][] = [
  [["Enter"], "Send the message"],
  [["Shift", "Enter"], "A new line in it"],
  [["↑"], "In an empty message: your last one, to edit"],
  [["Esc"], "Close what is open, or leave the past; else stop the run that is active"],
  [["/"], "Search the conversations"],
  [["?"], "This page"],
  [["←", "→"], "On the handle of the timeline: one event back or on"],
  [["↓", "↑", ",", "."], "There: the same"],
  [["Shift", "←", "→"], "There: ten events back or on"],
  [["Page Down", "Page Up"], "There: a hundred events back or on"],
  [["Home", "End"], "There: before the first event, after the last"],
  [["Space"], "There: play or pause"],
];

export function KeyboardHelp({ onClose }: { onClose(): void }) {
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <dl className={styles.keys}>
        {KEYS.map(([keys, what]) => (
          <Fragment key={what}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </Fragment>
        ))}
      </dl>
      <DialogButtons>
        <Button onClick={onClose}>Close</Button>
      </DialogButtons>
    </Dialog>
  );
}
