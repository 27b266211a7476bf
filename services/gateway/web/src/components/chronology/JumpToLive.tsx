import { useEffect, useState } from "react";
import { useConversation, useHead, useRows, useView } from "../../store/hooks";
import css from "./chronology.module.css";
import { number } from "./format";

/** For a reader who has let go of the end: the way back, and how many items have come since. */
export function JumpToLive({ following, onJump }: { following: boolean; onJump: () => void }) {
  const view = useView();
  const { active } = useHead();
  const live = useConversation().live === view && active.length > 0; // of what is over there is an end
  const [seen, setSeen] = useState(0);
  useRows(); // what comes moves them
  useEffect(() => {
    if (!following) setSeen(view.fold.items.size);
  }, [following, view]);
  if (following) return null;
  const fresh = seen ? Math.max(0, view.fold.items.size - seen) : 0;
  return (
    <button type="button" className={css.jump} onClick={onJump} data-testid="jump">
      {live ? "↓ Jump to live" : "↓ To the end"}
      {fresh > 0 && ` · ${number(fresh)} new`}
    </button>
  );
}
