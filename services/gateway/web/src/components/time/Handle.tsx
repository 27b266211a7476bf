import type { KeyboardEvent } from "react";
import type { Past } from "./past";
import styles from "./time.module.css";

const PAGE = 100; // events

interface Props {
  past: Past;
  x: number; // px
  text: string; // where it stands, in words
}

/** The handle: arrows, comma and full stop step by an event, with Shift by ten; the space bar plays. */
export function Handle({ past, x, text }: Props) {
  const { recorder } = past.conversation;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = action(past, event);
    if (!act) return;
    event.preventDefault();
    act();
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

function action(past: Past, { key, shiftKey }: KeyboardEvent): (() => void) | undefined {
  const { recorder } = past.conversation;
  const by = shiftKey ? 10 : 1;
  switch (key) {
    case "ArrowLeft":
    case "ArrowDown":
    case ",":
      return () => past.step(-by);
    case "ArrowRight":
    case "ArrowUp":
    case ".":
      return () => past.step(by);
    case "PageDown":
      return () => past.step(-PAGE);
    case "PageUp":
      return () => past.step(PAGE);
    case "Home":
      return () => past.seek(recorder.start);
    case "End":
      return () => past.seek(recorder.end);
    case " ":
      return () => (past.standing().playing ? past.pause() : past.play());
  }
}
