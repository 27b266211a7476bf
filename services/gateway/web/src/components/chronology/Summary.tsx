import { memo } from "react";
import type { Item, Run } from "../../fold/fold";
import { useRun, useView } from "../../store/hooks";
import { counted, duration, number } from "./format";
import css from "./run.module.css";

/** What a run took, in one line. */
export const Summary = memo(function Summary({ id }: { id: string }) {
  const view = useView();
  const run = useRun(id);
  if (!run) return null;
  const facts = factsOf(run, run.status === "completed" ? run.counts : countsOf(view.fold.items.values(), id));
  if (!facts.length) return null;
  return (
    <p className={css.summary} data-run={id} data-status={run.status} data-summary="">
      {facts.map((fact) => (
        <span key={fact}>{fact}</span>
      ))}
    </p>
  );
});

/** Of a run that did not complete, whose end in the log does not say them: what it came to, as its worker would have counted. */
function countsOf(items: Iterable<Item>, id: string): Counts {
  const counts = { agents: 0, tool_calls: 0, artifacts: 0 };
  for (const { run, type } of items) {
    if (run === id && type === "agent") counts.agents += 1;
    if (run === id && type === "tool") counts.tool_calls += 1;
    if (run === id && type === "artifact") counts.artifacts += 1;
  }
  return counts;
}

type Counts = Pick<Run["counts"], "agents" | "tool_calls" | "artifacts">;

function factsOf({ usage, started, ended, model }: Run, counts: Counts): string[] {
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
