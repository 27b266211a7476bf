import { memo, useMemo } from "react";
import { useView } from "../../store/hooks";
import { GrowingMarkdown } from "../markdown/GrowingMarkdown";
import { marks, statusOf, useField } from "./fields";
import { useFolding } from "./folding";
import { duration } from "./format";
import type { Of } from "./items";
import { sourceOf } from "./Message";
import css from "./parts.module.css";

/** What a model thought before it spoke: one line with how long it took, and the text for who unfolds it, also as it grows. */
export const Reasoning = memo(function Reasoning({ id }: { id: string }) {
  const view = useView();
  useField(id, statusOf);
  const [unfolded, unfold] = useFolding(id, false);
  const source = useMemo(() => sourceOf(view, id), [view, id]);
  const item = view.item(id) as Of<"reasoning"> | undefined;
  if (!item) return null;
  return (
    <div className={css.reasoning} {...marks(item)} aria-busy={item.status === "open"}>
      <button type="button" className={css.fold} aria-expanded={unfolded} onClick={() => unfold(!unfolded)}>
        {saying(item)}
      </button>
      {unfolded && (
        <div className={css.thought}>
          <GrowingMarkdown source={source} />
        </div>
      )}
    </div>
  );
});

function saying({ status, summary, started, ended }: Of<"reasoning">): string {
  if (status === "open") return "Thinking…";
  const what = summary ? "Thought (summary)" : "Thought";
  return `${what} for ${duration(ended - started)}${status === "done" ? "" : ", broken off"}`;
}
