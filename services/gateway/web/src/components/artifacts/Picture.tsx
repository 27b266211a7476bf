import { useState } from "react";
import { Problem } from "./Problem";
import styles from "./viewers.module.css";

export function Picture({ src, name }: { src: string; name: string }) {
  const [failed, setFailed] = useState(false);
  if (failed) return <Problem message="The image cannot be shown. Download it to look at what it is." />;
  return <img src={src} alt={name} className={styles.picture} onError={() => setFailed(true)} />;
}
