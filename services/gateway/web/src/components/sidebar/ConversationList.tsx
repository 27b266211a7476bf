import { useEffect, useRef, useState } from "react";
import type { ConversationRow as Row } from "../../client/api";
import { sentence } from "../shell/sentence";
import styles from "./ConversationList.module.css";
import { ConversationRow } from "./ConversationRow";
import { useConversations } from "./conversations";
import { ageOf } from "./times";

const MINUTE_MS = 60_000;

export function ConversationList({ current }: { current: string }) {
  const { listing, known, query, problem, more } = useConversations();
  const now = useMinute();
  const end = useEndSeen(more);

  return (
    <div className={styles.list}>
      {problem && (
        <p className={styles.problem} role="alert">
          {sentence(problem)}
        </p>
      )}
      {known && !listing.rows.length && (
        <p className={styles.none}>{query ? `Nothing has “${query}” in it.` : "No conversations yet."}</p>
      )}
      {grouped(listing.rows, now).map(({ age, rows }) => (
        <section key={age} aria-label={age}>
          <h2 className={styles.age}>{age}</h2>
          <ul className={styles.rows}>
            {rows.map((row) => (
              <ConversationRow key={row.id} row={row} now={now} current={row.id === current} />
            ))}
          </ul>
        </section>
      ))}
      {listing.next && <div ref={end} className={styles.end} />}
    </div>
  );
}

function grouped(rows: readonly Row[], now: number): { age: string; rows: Row[] }[] {
  const groups: { age: string; rows: Row[] }[] = [];
  for (const row of rows) {
    const age = ageOf(row.updated, now);
    const last = groups.at(-1);
    if (last?.age === age) last.rows.push(row);
    else groups.push({ age, rows: [row] });
  }
  return groups;
}

/** The time, as often as it shows in the list. */
function useMinute(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), MINUTE_MS / 2);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** Calls `seen` whenever the element of the ref comes near the visible part. */
function useEndSeen(seen: () => void) {
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = end.current;
    if (!element) return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && seen(), { rootMargin: "400px" });
    observer.observe(element);
    return () => observer.disconnect();
  });
  return end;
}
