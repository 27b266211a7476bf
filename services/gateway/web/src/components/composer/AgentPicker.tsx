import { ChevronDown } from "lucide-react";
import { Button } from "../shell/Button";
import { Menu } from "../shell/Menu";
import styles from "./AgentPicker.module.css";
import { useAgents } from "./agents";

/** Whom the message goes to: the name, and behind it all agents with what they do. */
export function AgentPicker({ asked, onChoose }: { asked: string; onChoose(name: string): void }) {
  const known = useAgents((state) => state.known);
  return (
    <Menu
      label="Agents"
      button={(attributes) => (
        <Button look="quiet" className={styles.button} {...attributes} title="Choose the agent">
          <span className={styles.to}>to</span>
          <strong>{asked || "…"}</strong>
          <ChevronDown size={14} aria-hidden />
        </Button>
      )}
    >
      <div role="radiogroup" aria-label="Agent">
        {known?.agents.map(({ name, description }) => (
          <label key={name} className={styles.agent}>
            <input type="radio" name="agent" checked={name === asked} onChange={() => onChoose(name)} />
            <span>
              <strong>{name}</strong>
              <span className={styles.description}>{description}</span>
            </span>
          </label>
        ))}
      </div>
      {!known?.agents.length && <p className={styles.none}>No worker has announced an agent yet.</p>}
    </Menu>
  );
}
