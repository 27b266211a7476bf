import type { ButtonHTMLAttributes, ReactNode } from "react";
import styles from "./Button.module.css";

type Look = "quiet" | "plain" | "solid" | "danger";

type Props = ButtonHTMLAttributes<HTMLButtonElement> & { look?: Look };

export function Button({ look = "plain", className = "", ...rest }: Props) {
  return <button type="button" className={`${styles.button} ${styles[look]} ${className}`} {...rest} />;
}

/** A button that shows an icon alone; `label` is its name, and its tooltip. */
export function IconButton({
  label,
  children,
  className = "",
  ...rest
}: Props & { label: string; children: ReactNode }) {
  return (
    <Button look="quiet" className={`${styles.icon} ${className}`} aria-label={label} title={label} {...rest}>
      {children}
    </Button>
  );
}
