/** What each event means: the one place of the page that knows. The second implementation of the handlers in schemas/fold.py. */

import type { AnyEvent, TextDelta, Usage } from "../schema/types";
import { FoldError } from "./errors";
import { type Filled, fill, type Item, type Run } from "./filled";
import { type Ledger, lastVersion, type Place } from "./ledger";
import { parentOf } from "./namespace";
import { applyPatch } from "./patch";
import { titleFrom } from "./text";

/** Every event but the deltas, which go to the ledger at once. */
type Event = Exclude<AnyEvent, TextDelta>;
type Meanings = { [E in Event as E["type"]]: (ledger: Ledger, event: Filled<E>, place: Place) => void };

const MEANINGS: Meanings = {
  "conversation.created": (ledger, event, place) => {
    ledger.created = place.at - event.dt;
    ledger.title = event.title;
  },
  "conversation.renamed": (ledger, event) => {
    ledger.title = event.title;
  },
  "conversation.deleted": () => {}, // the gateway ends the subscription with an error
  "user.message": (ledger, event, place) => {
    ledger.add({ type: "message", id: event.id, role: "user", content: event.text, status: "done" }, place);
    if (ledger.title === "") ledger.title = titleFrom(event.text);
  },

  "run.queued": (ledger, event, place) => {
    const { agent, message, after } = event;
    Object.assign(ledger.changeRun(place), { agent, message, after, seq: place.seq, queued: place.at });
  },
  "run.started": (ledger, event, place) => {
    const run = ledger.changeRun(place);
    run.agent = event.agent;
    run.model = event.model;
    run.retrying = "";
    run.started ||= place.at;
    if (run.status !== "cancelling") run.status = "running";
  },
  "run.waiting": (ledger, _, place) => {
    const run = ledger.changeRun(place);
    if (run.status === "running") run.status = "waiting";
  },
  "run.retrying": (ledger, event, place) => {
    ledger.changeRun(place).retrying = event.cause;
  },
  "run.cancelling": (ledger, _, place) => {
    const run = ledger.activeRun(place.run);
    if (run !== undefined) ledger.changeRun(place).status = "cancelling";
  },
  "run.completed": (ledger, event, place) => {
    endRun(ledger, "completed", event, place).counts = event.counts;
  },
  "run.failed": (ledger, event, place) => {
    const { code, message, retryable, hint } = event;
    endRun(ledger, "failed", event, place).error = fill("ErrorBody", { code, message, retryable, hint });
  },
  "run.cancelled": (ledger, event, place) => {
    endRun(ledger, "cancelled", event, place).by = event.by;
  },
  "run.superseded": (ledger, event, place) => {
    endRun(ledger, "superseded", event, place).by = event.by;
  },

  "agent.started": (ledger, event, place) => {
    const id = agentId(place);
    const known = ledger.items.get(id);
    const { name, description, cause } = event;
    if (known?.type === "agent" && known.status === "interrupted") {
      known.cause = cause; // the call that spawned it was left open, too, and is made again under another id
      return ledger.reopen(known); // a new attempt takes it up
    }
    const parent = event.parent || parentOf(place.ns);
    ledger.add({ type: "agent", id, name, description, parent, cause }, place);
  },
  "agent.finished": (ledger, event, place) => {
    const agent = ledger.take(agentId(place), "agent");
    if (agent === undefined) return;
    agent.result = event.result;
    ledger.close(agent, place.at);
  },
  "agent.failed": (ledger, event, place) => {
    const agent = ledger.take(agentId(place), "agent");
    if (agent === undefined) return;
    agent.error = fill("ErrorBody", { code: event.code, message: event.message });
    ledger.close(agent, place.at, "failed");
  },

  "step.started": (ledger, event, place) => {
    ledger.add({ type: "step", id: event.id, name: event.name }, place);
  },
  "step.finished": (ledger, event, place) => {
    const step = ledger.take(event.id, "step");
    if (step !== undefined) ledger.close(step, place.at);
  },
  "plan.updated": (ledger, event, place) => {
    const known = ledger.items.get(event.id);
    if (known?.type !== "plan") {
      return ledger.add({ type: "plan", id: event.id, items: event.items, status: "done" }, place);
    }
    known.items = event.items;
    ledger.changed.add(event.id);
  },

  "message.started": (ledger, event, place) => {
    ledger.add({ type: "message", id: event.id, role: "assistant", model: event.model }, place);
  },
  "message.ended": (ledger, event, place) => {
    const message = ledger.take(event.id, "message");
    if (message === undefined) return;
    message.finish = event.finish;
    ledger.close(message, place.at, event.finish === "interrupted" ? "interrupted" : "done");
  },
  "reasoning.started": (ledger, event, place) => {
    ledger.add({ type: "reasoning", id: event.id, summary: event.summary }, place);
  },
  "reasoning.ended": (ledger, event, place) => {
    const reasoning = ledger.take(event.id, "reasoning");
    if (reasoning !== undefined) ledger.close(reasoning, place.at);
  },

  "tool.started": (ledger, event, place) => {
    const { id, name, title, message } = event;
    ledger.add({ type: "tool", id, name, title, message }, place);
  },
  "tool.args": (ledger, event) => {
    const tool = ledger.take(event.id, "tool");
    if (tool === undefined) return;
    ledger.endText(event.id);
    tool.args = event.args;
    tool.args_text = "";
  },
  "tool.progress": (ledger, event) => {
    const tool = ledger.take(event.id, "tool");
    if (tool !== undefined) tool.progress = { step: event.step, percent: event.percent, text: event.text };
  },
  "tool.result": (ledger, event, place) => {
    const tool = ledger.take(event.id, "tool");
    if (tool === undefined) return;
    tool.result = event.result;
    ledger.close(tool, place.at);
  },
  "tool.failed": (ledger, event, place) => {
    const tool = ledger.take(event.id, "tool");
    if (tool === undefined) return;
    tool.error = fill("ErrorBody", { code: event.code, message: event.message, retryable: event.retryable });
    ledger.close(tool, place.at, "failed");
  },

  "interrupt.requested": (ledger, event, place) => {
    const { id, kind, prompt, tool, args, options, expires } = event;
    ledger.add({ type: "interrupt", id, kind, prompt, tool, args, options, expires }, place);
  },
  "interrupt.resolved": (ledger, event, place) => {
    const interrupt = ledger.items.get(event.id);
    if (interrupt?.type !== "interrupt" || interrupt.status !== "open") return; // an answer that came twice, or too late
    interrupt.decision = event.decision;
    interrupt.value = event.value;
    interrupt.by = event.by;
    ledger.close(interrupt, place.at);
    if (ledger.runs.get(place.run)?.status === "waiting") ledger.changeRun(place).status = "running";
  },

  "artifact.created": (ledger, event, place) => {
    const { id, kind, name, media_type, message, version } = event;
    const known = ledger.items.get(id);
    if (known?.type === "artifact") {
      if (known.status === "open" || version !== lastVersion(known).version + 1) {
        throw new FoldError(`${id}: version ${version} does not follow`);
      }
      known.versions.push(fill("ArtifactVersion", { version }));
      return ledger.reopen(known);
    }
    ledger.add({ type: "artifact", id, kind, name, media_type, message, versions: [{ version }] }, place);
    const made = ledger.items.get(message);
    if (made?.type !== "message") return;
    made.artifacts = [...made.artifacts, id];
    ledger.changed.add(message);
  },
  "artifact.final": (ledger, event, place) => {
    const artifact = ledger.take(event.id, "artifact");
    if (artifact === undefined) return;
    const version = lastVersion(artifact);
    if (version.version !== event.version)
      throw new FoldError(`${event.id}: version ${event.version} is not the open one`);
    ledger.close(artifact, place.at);
    version.status = "final";
    version.digest = event.digest;
    version.size = event.size;
    version.ref = event.ref;
    if (event.ref !== "") version.content = null;
    else if (event.content !== null) version.content = event.content;
  },

  "source.added": (ledger, event, place) => {
    const { id, url, title, quote, message } = event;
    ledger.add({ type: "source", id, url, title, quote, message, status: "done" }, place);
  },
  "usage.updated": (ledger, event, place) => {
    const run = ledger.changeRun(place);
    run.usage = addUsage(run.usage, event.usage);
  },
  "state.snapshot": (ledger, event, place) => {
    setState(ledger, event.state, place);
  },
  "state.delta": (ledger, event, place) => {
    const known = stateOf(ledger, place);
    if (known === undefined && !ledger.dense) return;
    setState(ledger, applyPatch(known === undefined ? {} : known.value, event.patch), place);
  },
  log: (ledger, event, place) => {
    ledger.add({ type: "log", id: event.id, level: event.level, text: event.text, status: "done" }, place);
  },
};

type Meaning = (ledger: Ledger, event: Filled<AnyEvent>, place: Place) => void;

/** The meaning of an event by its type. A map, so that a type like `constructor` has none. */
export const MEANING: ReadonlyMap<string, Meaning> = new Map(Object.entries(MEANINGS) as [string, Meaning][]);

type RunEnd = Filled<Extract<Event, { usage?: Usage[]; duration_ms?: number }>>;

function endRun(ledger: Ledger, status: Run["status"], event: RunEnd, place: Place): Run {
  const run = ledger.changeRun(place);
  run.status = status;
  run.retrying = "";
  run.ended = place.at;
  if (event.usage.length > 0) run.usage = event.usage;
  ledger.interruptAll(run);
  return run;
}

function agentId(place: Place): string {
  return `${place.run}/${place.ns}`;
}

function stateId(place: Place): string {
  return `${place.run}/${place.ns}/state`;
}

function stateOf(ledger: Ledger, place: Place): Extract<Item, { type: "state" }> | undefined {
  const known = ledger.items.get(stateId(place));
  return known?.type === "state" ? known : undefined;
}

function setState(ledger: Ledger, value: unknown, place: Place): void {
  const known = stateOf(ledger, place);
  if (known === undefined) {
    ledger.add({ type: "state", id: stateId(place), value, status: "done" }, place);
  } else {
    known.value = value;
    ledger.changed.add(known.id);
  }
}

/** `total`, one entry per model, with `more` added. */
function addUsage(total: readonly Filled<Usage>[], more: Filled<Usage>): Filled<Usage>[] {
  const index = total.findIndex((usage) => usage.model === more.model);
  const known = total[index];
  return known === undefined ? [...total, more] : total.with(index, sumOf(known, more));
}

function sumOf(one: Filled<Usage>, other: Filled<Usage>): Filled<Usage> {
  return {
    model: one.model,
    input: one.input + other.input,
    output: one.output + other.output,
    reasoning: one.reasoning + other.reasoning,
    cached: one.cached + other.cached,
  };
}
