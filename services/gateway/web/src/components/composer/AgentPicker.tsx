import { ChevronDown } from "lucide-react";
import { Button } from "../shell/Button";
import { Menu } from "../shell/Menu";
import styles from "./AgentPicker.module.css";
import { agentAsked, useAgents } from "./agents";

/** Whom the message goes to: the name, and behind it all agents with what they do. */
export function AgentPicker() {
  const { known, chosen, choose } = useAgents();
  const asked = agentAsked({ known, chosen });
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
            <input type="radio" name="agent" checked={name === asked} onChange={() => choose(name)} />
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
