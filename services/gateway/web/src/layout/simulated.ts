/** Transcripts of runs that could have been, at every moment of them, for property tests of the layout. */
import fc from "fast-check";
import { Layout, type Placed, type Row } from "./blocks";

/** The rows of one run from its items in the order of the log. */
export function layoutRun(run: { id: string; status: string }, items: readonly Placed[], previous?: readonly Row[]) {
  const layout = new Layout(run.id, previous);
  layout.update(items);
  return layout.rows(run.status);
}

type Act =
  | { do: "agent"; in: number; under: number } // starts an agent in a namespace, perhaps under a tool call
  | { do: "item"; in: number; type: string }
  | { do: "end"; which: number };

const acts: fc.Arbitrary<Act> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ do: fc.constant("agent" as const), in: fc.nat(), under: fc.nat(3) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("item" as const),
      in: fc.nat(),
      type: fc.constantFrom("message", "message", "message", "reasoning", "tool", "plan", "artifact", "interrupt"),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("end" as const), which: fc.nat() }) },
);

/** A run as its transcript stands after each act: one act a millisecond, in one clock. */
export const runs: fc.Arbitrary<Placed[][]> = fc.array(acts, { maxLength: 60 }).map(play);

function play(list: readonly Act[]): Placed[][] {
  const items: Placed[] = [];
  const namespaces = ["main"];
  const moments: Placed[][] = [];
  for (const [at, act] of list.entries()) {
    const now = 1000 + at;
    if (act.do === "end") {
      const open = items.filter((item) => !item.ended && item.type !== "agent");
      const ending = open[act.which % (open.length || 1)];
      if (ending) ending.ended = now;
    } else {
      const ns = namespaces[act.in % namespaces.length] ?? "main";
      if (act.do === "item") {
        const still = act.type === "plan";
        items.push({ type: act.type, id: `i${at}`, ns, started: now, ended: still ? now : 0 });
      } else if (ns.split("/").length < 5) {
        const child = `${ns}/a:${at}`;
        const tools = items.filter((item) => item.type === "tool" && item.ns === ns);
        const tool = act.under ? tools.at(-act.under) : undefined;
        const cause = tool ? { kind: "tool", id: tool.id } : { kind: "code" };
        items.push({ type: "agent", id: `run/${child}`, ns: child, started: now, ended: 0, cause });
        namespaces.push(child);
      }
    }
    moments.push(items.map((item) => ({ ...item })));
  }
  return moments;
}
