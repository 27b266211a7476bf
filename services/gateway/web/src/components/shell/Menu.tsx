import { type KeyboardEvent, type ReactNode, type ToggleEvent, useId, useRef, useState } from "react";
import { flushSync } from "react-dom";
import styles from "./Menu.module.css";
import { placeAt } from "./place";

interface Props {
  /** The button that opens it; it gets these attributes. */
  button(attributes: { popoverTarget: string; "aria-expanded": boolean }): ReactNode;
  /** What it is called, for those who do not see it. */
  label: string;
  children: ReactNode;
}

/** What opens under a button and closes by itself: on Esc, on a click elsewhere (the browser does that) and on a choice. */
export function Menu({ button, label, children }: Props) {
  const id = useId();
  const [open, setOpen] = useState(false);
  const anchor = useRef<HTMLSpanElement>(null);
  const panel = useRef<HTMLDivElement>(null);

  const toggled = (event: ToggleEvent<HTMLDivElement>) => {
    const opened = event.newState === "open";
    flushSync(() => setOpen(opened)); // it is placed by its size, with all that is in it
    if (opened && anchor.current) placeAt(anchor.current, event.currentTarget);
    if (opened) choices(event.currentTarget)[0]?.focus();
  };

  return (
    <>
      <span ref={anchor} className={styles.anchor}>
        {button({ popoverTarget: id, "aria-expanded": open })}
      </span>
      {/* biome-ignore lint/a11y/useSemanticElements: a group of buttons, no fieldset of a form */}
      <div
        ref={panel}
        id={id}
        popover="auto"
        role="group"
        aria-label={label}
        className={styles.menu}
        onToggle={toggled}
        onKeyDown={walk}
        onClick={(event) => {
          if ((event.target as Element).closest("button, a, input[type=radio]")) panel.current?.hidePopover();
        }}
      >
        {open && children}
      </div>
    </>
  );
}

export function MenuItem({ icon, danger = false, onClick, children }: ItemProps) {
  return (
    <button type="button" className={danger ? styles.dangerItem : styles.item} onClick={onClick}>
      {icon}
      {children}
    </button>
  );
}

interface ItemProps {
  icon: ReactNode;
  danger?: boolean;
  onClick(): void;
  children: ReactNode;
}

/** The arrow keys go round. */
function walk(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const all = choices(event.currentTarget);
  if (!step || !all.length || document.activeElement instanceof HTMLInputElement) return;
  event.preventDefault();
  const now = all.indexOf(document.activeElement as HTMLElement);
  all[(now + step + all.length) % all.length]?.focus();
}

function choices(panel: HTMLElement): HTMLElement[] {
  return [...panel.querySelectorAll<HTMLElement>("button, a[href], input:checked")];
}
