import { Search as Glass } from "lucide-react";
import { type ChangeEvent, useEffect, useRef, useState } from "react";
import { useConversations } from "./conversations";
import styles from "./Search.module.css";

export const SEARCH_ID = "search-conversations"; // `/` puts the focus here

const PAUSE_MS = 200; // in typing, after which the gateway is asked
const CHARS_MAX = 200; // the gateway's limit of `q`

export function Search() {
  const search = useConversations((state) => state.search);
  const [text, setText] = useState("");
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);

  const changed = (value: string) => {
    setText(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => search(value.trim()), value ? PAUSE_MS : 0);
  };

  return (
    <div className={styles.search}>
      <Glass size={15} aria-hidden />
      <input
        id={SEARCH_ID}
        type="search"
        aria-label="Search conversations"
        placeholder="Search"
        maxLength={CHARS_MAX}
        value={text}
        onChange={(event: ChangeEvent<HTMLInputElement>) => changed(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          if (!text) return event.currentTarget.blur();
          event.preventDefault(); // in a drawer, the next one closes that
          changed("");
        }}
      />
      <kbd aria-hidden>/</kbd>
    </div>
  );
}
