import type { Agents as AgentList } from "../../client/api";
import { agentAsked, useAgents } from "../composer/agents";
import styles from "./Welcome.module.css";

type AgentCard = AgentList["agents"][number];

interface Example {
  agent: string;
  text: string;
  what: string;
}

const EXAMPLES: Example[] = [
  {
    agent: "team",
    text: "Why do rivers meander, and how fast do the bends move?",
    what: "A supervisor, an analyst and a researcher at once, then charts",
  },
  {
    agent: "debate",
    text: "Should towns give rivers their floodplains back?",
    what: "Two agents argue at the same time; then it is weighed",
  },
  {
    agent: "tour",
    text: "Show me everything you have.",
    what: "Questions to you, agents in agents, code, a web page, a picture",
  },
  { agent: "assistant", text: "What is an anabranch, in three sentences?", what: "One agent, one answer" },
];

const EXAMPLES_SHOWN = 3;

/** What stands where the first message is still to be written. */
export function Welcome({ onExample }: { onExample(text: string): void }) {
  const { known, choose } = useAgents();
  const there = new Set(known?.agents.map(({ name }) => name));
  const examples = EXAMPLES.filter(({ agent }) => !there.size || there.has(agent)).slice(0, EXAMPLES_SHOWN);
  return (
    <div className={styles.welcome}>
      <div className={styles.content}>
        <h1 className={styles.headline}>Watch agents work, side by side</h1>
        <p className={styles.lead}>
          Ask something. Each agent that works on it streams into a panel of its own, and afterwards you can go back to
          any moment of it.
        </p>
        <ul className={styles.examples} aria-label="Examples">
          {examples.map(({ agent, text, what }) => (
            <li key={agent}>
              <button
                type="button"
                className={styles.example}
                onClick={() => {
                  choose(agent);
                  onExample(text);
                }}
              >
                <span className={styles.text}>{text}</span>
                <span className={styles.what}>
                  <strong>{agent}</strong> {what}
                </span>
              </button>
            </li>
          ))}
        </ul>
        {known && known.agents.length > 0 && <Agents agents={known.agents} />}
        {known?.agents.length === 0 && <p className={styles.lead}>No worker has announced an agent yet.</p>}
      </div>
    </div>
  );
}

/** Whom to ask: first those who answer people, then those who mostly work for them. */
function Agents({ agents }: { agents: readonly AgentCard[] }) {
  const fronts = EXAMPLES.map(({ agent }) => agent);
  const [first, rest] = [
    agents.filter(({ name }) => fronts.includes(name)),
    agents.filter(({ name }) => !fronts.includes(name)),
  ];
  return (
    <fieldset className={styles.who}>
      <legend>Who answers</legend>
      <AgentRadios agents={first.length ? first : rest} />
      {first.length > 0 && rest.length > 0 && (
        <details className={styles.more}>
          <summary>{rest.length} more</summary>
          <AgentRadios agents={rest} />
        </details>
      )}
    </fieldset>
  );
}

function AgentRadios({ agents }: { agents: readonly AgentCard[] }) {
  const asked = useAgents((state) => agentAsked(state, "", ""));
  const choose = useAgents((state) => state.choose);
  return (
    <div className={styles.agents}>
      {agents.map(({ name, description }) => (
        <label key={name} className={styles.agent}>
          <input type="radio" name="first-agent" checked={name === asked} onChange={() => choose(name)} />
          <span>
            <strong>{name}</strong> <span className={styles.description}>{description}</span>
          </span>
        </label>
      ))}
    </div>
  );
}
