import { CircleHelp, Monitor, Moon, Sun } from "lucide-react";
import { IconButton } from "../shell/Button";
import { type Choice, useTheme } from "../shell/theme";
import styles from "./Footer.module.css";

const THEMES: { choice: Choice; name: string; icon: typeof Sun }[] = [
  { choice: "light", name: "Light", icon: Sun },
  { choice: "dark", name: "Dark", icon: Moon },
  { choice: "system", name: "As the system", icon: Monitor },
];

export function Footer({ onHelp }: { onHelp(): void }) {
  const { choice, choose } = useTheme();
  return (
    <div className={styles.footer}>
      <fieldset className={styles.themes}>
        <legend className={styles.legend}>Colours</legend>
        {THEMES.map(({ choice: one, name, icon: Icon }) => (
          <label key={one} className={styles.theme} title={name}>
            <input type="radio" name="theme" aria-label={name} checked={choice === one} onChange={() => choose(one)} />
            <Icon size={15} aria-hidden />
          </label>
        ))}
      </fieldset>
      <a className={styles.api} href="docs">
        API
      </a>
      <IconButton label="Keyboard help" aria-keyshortcuts="?" onClick={onHelp}>
        <CircleHelp size={17} />
      </IconButton>
    </div>
  );
}
