import styles from "./viewers.module.css";

interface Props {
  /** The path of the page, see `viewPath`. */
  src: string;
  name: string;
}

/** A page that a model wrote, in a frame in which nothing runs: no scripts, no forms, nothing loaded from an address. */
export function Frame({ src, name }: Props) {
  return (
    <>
      <iframe sandbox="" src={src} title={name} referrerPolicy="no-referrer" className={styles.frame} />
      <p className={styles.note}>Scripts and forms do not work in this frame, and it loads nothing from elsewhere.</p>
    </>
  );
}
