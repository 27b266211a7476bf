import { useEffect, useState } from "react";
import { useConversation, useView } from "../../store/hooks";
import css from "./chronology.module.css";
import { News } from "./news";

/** The newest are kept, for who reads again what was said. */
const KEPT = 8;

/**
 * Tells screen readers what has become complete, ended or is asked, never single words. Each time it is an element more,
 * because the same words twice in one element are no change. What a conversation already is when it is opened is no news.
 */
export function Announcer() {
  const view = useView();
  const conversation = useConversation();
  const [said, setSaid] = useState<readonly { key: number; text: string }[]>([]);
  useEffect(() => {
    const news = new News(view);
    let joined = view !== conversation.live;
    let key = 0;
    setSaid([]);
    return view.subscribe("any", () => {
      const fresh = news.next();
      joined ||= ["live", "ended"].includes(conversation.status().kind); // it is of before this change
      if (!joined || !fresh.length) return;
      const more = fresh.map((text) => ({ key: key++, text }));
      setSaid((before) => [...before, ...more].slice(-KEPT));
    });
  }, [view, conversation]);
  return (
    <div className={css.unseen} aria-live="polite" aria-relevant="additions" data-testid="announcer">
      {said.map(({ key, text }) => (
        <p key={key}>{text}</p>
      ))}
    </div>
  );
}
