import type { Past } from "./past";
import styles from "./time.module.css";

/** Of the newest. */
const RUNS_MAX = 100;
const WORDS_MAX = 40; // characters

interface Props {
  past: Past;
  value: string;
  onChange: (run: string) => void;
}

/** What is seen of the axis: all of it, or one run. */
export function Zoom({ past, value, onChange }: Props) {
  const { items, runs } = past.conversation.live.fold;
  const newest = [...runs.values()].slice(-RUNS_MAX);
  const first = runs.size - newest.length + 1;
  return (
    <select
      className={styles.select}
      aria-label="Zoom"
      value={runs.has(value) ? value : ""}
      onChange={({ target }) => onChange(target.value)}
    >
      <option value="">All</option>
      {newest.map(({ id, message }, index) => {
        const asked = items.get(message);
        const words = asked?.type === "message" ? asked.content.slice(0, WORDS_MAX) : "";
        return (
          <option key={id} value={id}>
            {`Run ${first + index}: ${words}`}
          </option>
        );
      })}
    </select>
  );
}
