import type { KeyboardEvent } from "react";
import type { Past } from "./past";
import styles from "./time.module.css";

const TEN = 10; // events
const PAGE = 100; // events

interface Props {
  past: Past;
  x: number; // px
  text: string; // where it stands, in words
}

type Action = (past: Past, by: number) => void;

const back: Action = (past, by) => past.step(-by);
const on: Action = (past, by) => past.step(by);

/** What the keys do, those that step `by` so many events: by one, with Shift by ten. The list of the keys has them all. */
export const HANDLE_KEYS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ["ArrowLeft", back],
  ["ArrowDown", back],
  [",", back],
  ["ArrowRight", on],
  ["ArrowUp", on],
  [".", on],
  ["PageDown", (past) => past.step(-PAGE)],
  ["PageUp", (past) => past.step(PAGE)],
  ["Home", (past) => past.seek(past.conversation.recorder.start)],
  ["End", (past) => past.seek(past.conversation.recorder.end)],
  [" ", (past) => (past.standing().playing ? past.pause() : past.play())],
]);

/** What is dragged along the timeline, or moved with the keys. */
export function Handle({ past, x, text }: Props) {
  const { recorder } = past.conversation;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = HANDLE_KEYS.get(event.key);
    if (!act) return;
    event.preventDefault();
    act(past, event.shiftKey ? TEN : 1);
  };
  return (
    <div
      role="slider"
      tabIndex={0}
      className={styles.handle}
      style={{ left: x }}
      aria-label="Moment"
      aria-valuemin={recorder.start}
      aria-valuemax={recorder.end}
      aria-valuenow={past.position}
      aria-valuetext={text}
      onKeyDown={onKeyDown}
    />
  );
}
