import styles from "./Wordmark.module.css";

/** An anabranch leaves the river and comes back to it downstream. */
export function Wordmark() {
  return (
    <span className={styles.wordmark}>
      <svg viewBox="0 0 24 24" width="22" height="22" fill="none" strokeLinecap="round" aria-hidden="true">
        <path d="M12 1.5v21" stroke="currentColor" strokeWidth="2.6" />
        <path d="M12 4c0 4 6.5 3.6 6.5 8s-6.5 4-6.5 8" stroke="var(--accent)" strokeWidth="2.2" />
        <path d="M12 8c0 2.4-4.6 2-4.6 4.6s4.6 2.2 4.6 4.6" stroke="var(--accent)" strokeWidth="2.2" opacity=".65" />
      </svg>
      Anabranch
    </span>
  );
}
