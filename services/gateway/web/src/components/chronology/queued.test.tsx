// @vitest-environment happy-dom
import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Fold } from "../../fold/fold";
import type { AnyEvent } from "../../schema/types";
import type { Conversation } from "../../store/conversation";
import { ConversationContext, ViewContext } from "../../store/hooks";
import { View } from "../../store/view";
import { RunRow } from "./RunRow";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

let view: View;
let root: Root;
let page: HTMLElement;
let cancelled: string[];

beforeEach(() => {
  view = new View(new Fold({ conversation: "c" }));
  page = document.createElement("div");
  document.body.replaceChildren(page);
  root = createRoot(page);
  cancelled = [];
  ask("one", "");
  write("one", { type: "run.started", agent: "a" });
  ask("two", "one");
});
afterEach(() => act(() => root.unmount()));

/** A message that makes the run of this id wait for the one before it. */
function ask(run: string, after: string): void {
  const events: AnyEvent[] = [
    { type: "user.message", id: `m-${run}`, text: run, agent: "a" },
    { type: "run.queued", agent: "a", message: `m-${run}`, after },
  ];
  view.fold.apply({ run, lane: "in", n: view.fold.inputLast + 1, ts: 1_000_000, seq: 1, events });
}

function write(run: string, ...events: AnyEvent[]): void {
  const n = (view.fold.runs.get(run)?.last ?? 0) + 1;
  view.fold.apply({ run, n, ts: 1_000_000, seq: 1, events });
  act(() => view.publish());
}

function show(run: string, { past = false } = {}): void {
  const conversation = {
    live: past ? null : view,
    cancel: async (run: string) => void cancelled.push(run),
  } as unknown as Conversation;
  act(() => {
    view.publish();
    root.render(
      <ConversationContext value={conversation}>
        <ViewContext value={view}>
          <RunRow id={run} />
        </ViewContext>
      </ConversationContext>,
    );
  });
}

const remove = () => page.querySelector<HTMLButtonElement>("button");

test("a message that waits for its turn can be taken back, and the run before it goes on", async () => {
  show("two");
  await act(async () => remove()?.click());
  expect(cancelled).toEqual(["two"]);
});

test("a message that was taken back is said to be read by no agent, and the focus stays on it", () => {
  show("two");
  remove()?.focus();
  write("two", { type: "run.cancelled" });
  expect(page.querySelector('[data-run="two"]')?.textContent).toBe("Taken back: no agent reads it");
  expect(document.activeElement).toBe(page.querySelector('[data-run="two"]'));
});

test("a run that was stopped in its midst is not said to be taken back", () => {
  write("one", { type: "run.cancelled" });
  show("one");
  expect(page.querySelector('[data-run="one"]')?.textContent).toBe("Stopped");
});

test("a message whose turn has come is stopped like any other", () => {
  show("two");
  write("one", { type: "run.completed" });
  expect(remove()).toBeNull();
});

test("nothing is taken back in the past", () => {
  show("two", { past: true });
  expect(page.textContent).toContain("Queued");
  expect(remove()).toBeNull();
});
