import { type KeyboardEvent, useEffect, useRef } from "react";
import styles from "./Tabs.module.css";

export interface Tab {
  key: string;
  label: string;
}

interface Props {
  label: string;
  tabs: readonly Tab[];
  selected: string;
  onSelect: (key: string) => void;
  /** Prefix of the ids that tie a tab to its panel: see `tabId`, `panelId`. */
  base: string;
  quiet?: boolean;
}

export const tabId = (base: string, key: string) => `${base}-tab-${key}`;
export const panelId = (base: string) => `${base}-panel`;

/** A list of tabs (WAI-ARIA APG): one stop for Tab, arrows, Home and End choose among them, and what is chosen is shown. */
export function Tabs({ label, tabs, selected, onSelect, base, quiet = false }: Props) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const tab = document.getElementById(tabId(base, selected));
    tab?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [base, selected]);
  const onKeyDown = (event: KeyboardEvent) => {
    const next = neighbour(
      tabs.findIndex((tab) => tab.key === selected),
      tabs.length,
      event.key,
    );
    const tab = next === null ? undefined : tabs[next];
    if (!tab) return;
    event.preventDefault();
    onSelect(tab.key);
    list.current?.querySelectorAll<HTMLElement>('[role="tab"]')[next ?? 0]?.focus();
  };
  return (
    <div
      ref={list}
      role="tablist"
      aria-label={label}
      className={quiet ? styles.quiet : styles.tabs}
      onKeyDown={onKeyDown}
    >
      {tabs.map((tab) => (
        <button
          key={tab.key}
          type="button"
          role="tab"
          id={tabId(base, tab.key)}
          aria-selected={tab.key === selected}
          aria-controls={tab.key === selected ? panelId(base) : undefined}
          tabIndex={tab.key === selected ? 0 : -1}
          className={styles.tab}
          title={tab.label}
          onClick={() => onSelect(tab.key)}
        >
          <bdi>{tab.label}</bdi>
        </button>
      ))}
    </div>
  );
}

/** The tab that a key leads to, round the ends; null for other keys. */
export function neighbour(index: number, count: number, key: string): number | null {
  if (!count) return null;
  switch (key) {
    case "ArrowRight":
      return (index + 1) % count;
    case "ArrowLeft":
      return (index + count - 1) % count;
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return null;
  }
}
