import { useRef, useState } from "react";
import styles from "./TitleField.module.css";

const CHARS_MAX = 200; // the gateway's limit of a title

interface Props {
  title: string;
  className?: string;
  /** With the new title; empty if it is to stay as it is. */
  onDone(title: string): void;
}

/** A title being changed where it stands: Enter or leaving the field keeps what was typed, Esc the old one. */
export function TitleField({ title, className = "", onDone }: Props) {
  const [text, setText] = useState(title);
  const done = useRef(false);

  const finish = (value: string) => {
    if (done.current) return; // an Enter is followed by the blur of a field that goes
    done.current = true;
    const trimmed = value.trim();
    onDone(trimmed === title ? "" : trimmed);
  };

  return (
    <input
      className={`${styles.field} ${className}`}
      aria-label="Title"
      dir="auto"
      maxLength={CHARS_MAX}
      // biome-ignore lint/a11y/noAutofocus: it stands where the button was that a person has just pressed
      autoFocus
      value={text}
      onFocus={(event) => event.currentTarget.select()}
      onChange={(event) => setText(event.target.value)}
      onBlur={() => finish(text)}
      onKeyDown={(event) => {
        if (event.nativeEvent.isComposing) return;
        if (event.key === "Enter") finish(text);
        if (event.key !== "Escape") return;
        event.preventDefault(); // in a drawer, the next one closes that
        finish("");
      }}
    />
  );
}
