import { type ReactNode, useEffect, useRef } from "react";
import styles from "./Drawer.module.css";

/** A part of the page that slides over the rest from the left. The browser keeps the focus in it. */
export function Drawer({ label, onClose, children }: { label: string; onClose(): void; children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);

  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);

  return (
    <dialog
      ref={dialog}
      className={styles.drawer}
      aria-label={label}
      onClose={onClose}
      onMouseDown={(event) => {
        if (event.target === event.currentTarget) onClose(); // beside it
      }}
    >
      {children}
    </dialog>
  );
}
