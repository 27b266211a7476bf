import { memo, useMemo } from "react";
import type { Item } from "../../fold/fold";
import { useView } from "../../store/hooks";
import type { View } from "../../store/view";
import { CopyButton } from "../markdown/CopyButton";
import { GrowingMarkdown, type TextSource } from "../markdown/GrowingMarkdown";
import { marks, statusOf, useField } from "./fields";
import { useFolding } from "./folding";
import { number } from "./format";
import type { Of } from "./items";
import css from "./message.module.css";
import { Time } from "./Time";

/** Why a message ended, where that is not simply its end. */
const CUT: Record<string, string> = {
  length: "Cut off: the model's limit of length",
  content_filter: "Cut off by a content filter",
  interrupted: "Broken off",
};

/** What a person or an agent said. Drawn again when it ends, not while it grows: its text sees to itself. */
export const Message = memo(function Message({ id }: { id: string }) {
  const view = useView();
  useField(id, statusOf);
  const empty = useField(id, isEmpty);
  const source = useMemo(() => sourceOf(view, id), [view, id]);
  const item = view.item(id) as Of<"message"> | undefined;
  if (!item) return null;
  if (item.role === "user") return <UserMessage item={item} />;
  const growing = item.status === "open";
  return (
    <article
      className={css.assistant}
      {...marks(item)}
      data-role="assistant"
      hidden={empty && !growing}
      aria-busy={growing}
    >
      {empty ? <span className={css.caret} role="presentation" /> : <GrowingMarkdown source={source} />}
      {!growing && (
        <footer className={css.meta}>
          {CUT[item.finish] && <span className={css.cut}>{CUT[item.finish]}</span>}
          <Time at={item.ended || item.started} />
          <CopyButton text={item.content} what="message" />
        </footer>
      )}
    </article>
  );
});

function UserMessage({ item }: { item: Of<"message"> }) {
  return (
    <article className={css.user} {...marks(item)} data-role="user" aria-label="You">
      <Said id={item.id} text={item.content} />
      <footer className={css.meta}>
        <Time at={item.started} />
        <CopyButton text={item.content} what="message" />
      </footer>
    </article>
  );
}

/** Characters of a person's text that stand on the page before it is asked for all of them. */
const SAID_CHARS_MAX = 4000;

function Said({ id, text }: { id: string; text: string }) {
  const [all, showAll] = useFolding(`${id}.text`, false);
  const long = text.length > SAID_CHARS_MAX;
  return (
    <>
      <p dir="auto">{long && !all ? `${text.slice(0, SAID_CHARS_MAX).replace(/[\uD800-\uDBFF]$/, "")}…` : text}</p>
      {long && (
        <button type="button" className={css.more} aria-expanded={all} onClick={() => showAll(!all)}>
          {all ? "Show less" : `Show all ${number(text.length)} characters`}
        </button>
      )}
    </>
  );
}

function isEmpty(item: Item | undefined): boolean {
  return !(item && "content" in item && item.content.trim());
}

/** The text of a message or of reasoning as it grows in `view`. */
export function sourceOf(view: View, id: string): TextSource {
  return {
    read: () => {
      const item = view.item(id);
      return { text: item && "content" in item ? item.content : "", open: item?.status === "open" };
    },
    subscribe: (listener) => view.subscribe(`item:${id}`, listener),
  };
}
