import { useEffect, useState } from "react";
import { intoClipboard } from "../shell/copy";
import css from "./markdown.module.css";

/** How long the button says that it has copied. */
const COPIED_MS = 2000;

/** Puts `text` on the clipboard. `what` names it for who cannot see beside what the button stands. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => setSaid(""), COPIED_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = () =>
    intoClipboard(text).then(
      () => setSaid("Copied"),
      () => setSaid("Not allowed"),
    );
  return (
    <button type="button" className={css.copy} onClick={copy} aria-label={said ? `${said}: ${what}` : `Copy ${what}`}>
      {said || "Copy"}
    </button>
  );
}
