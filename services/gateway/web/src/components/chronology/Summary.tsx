import { memo } from "react";
import type { Run } from "../../fold/fold";
import { useRun } from "../../store/hooks";
import { counted, duration, number } from "./format";
import css from "./run.module.css";

/** What a run took, in one line. */
export const Summary = memo(function Summary({ id }: { id: string }) {
  const run = useRun(id);
  if (!run) return null;
  const facts = factsOf(run);
  if (!facts.length) return null;
  return (
    <p className={css.summary} data-run={id} data-status={run.status} data-summary="">
      {facts.map((fact) => (
        <span key={fact}>{fact}</span>
      ))}
    </p>
  );
});

function factsOf({ counts, usage, started, ended, model }: Run): string[] {
  const facts: string[] = [];
  if (counts.agents) facts.push(counted(counts.agents, "agent"));
  if (counts.tool_calls) facts.push(counted(counts.tool_calls, "tool call"));
  if (counts.artifacts) facts.push(counted(counts.artifacts, "artifact"));
  const tokens = usage.reduce((sum, { input = 0, output = 0 }) => sum + input + output, 0);
  if (tokens) facts.push(`${number(tokens)} tokens`);
  if (started && ended) facts.push(duration(ended - started));
  if (model) facts.push(model);
  return facts;
}
