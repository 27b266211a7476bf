// @vitest-environment happy-dom
import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Fold } from "../../fold/fold";
import type { Conversation } from "../../store/conversation";
import { ConversationContext, ViewContext } from "../../store/hooks";
import { View } from "../../store/view";
import { Silence } from "./Silence";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

const fold = new Fold({ conversation: "c" });
const view = new View(fold);
let since: number | null;
let root: Root;
let page: HTMLElement;
let told: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  since = Date.now();
  page = document.createElement("div");
  root = createRoot(page);
});
afterEach(() => {
  act(() => root.unmount());
  vi.useRealTimers();
});

function draw(shown: View): void {
  const subscribeStatus = (listener: () => void) => {
    told = listener;
    return () => undefined;
  };
  const conversation = { live: view, silentSince: () => since, subscribeStatus } as unknown as Conversation;
  const drawn = (
    <ConversationContext value={conversation}>
      <ViewContext value={shown}>
        <Silence />
      </ViewContext>
    </ConversationContext>
  );
  act(() => root.render(drawn));
}

const pass = (ms: number) => act(() => vi.advanceTimersByTime(ms));

test("a run that has said nothing for five seconds is said to be silent, and for how long", () => {
  draw(view);
  pass(4900);
  expect(page.textContent).toBe("");
  pass(1500);
  expect(page.textContent).toBe("· nothing new for 6 s");
  pass(60_000);
  expect(page.textContent).toBe("· nothing new for 1 min 6 s");
});

test("it is not said any more as soon as something comes", () => {
  draw(view);
  pass(7000);
  expect(page.textContent).not.toBe("");
  since = Date.now();
  fold.apply({ run: "r", n: 1 + fold.events, ts: 0, seq: 1, events: [{ type: "run.started", agent: "a" }] });
  act(() => view.publish());
  expect(page.textContent).toBe("");
});

test("without a connection nobody knows whether it is silent", () => {
  draw(view);
  pass(7000);
  since = null;
  act(() => told());
  pass(7000);
  expect(page.textContent).toBe("");
});

test("the past is not silent", () => {
  draw(new View(new Fold({ conversation: "c" })));
  pass(20_000);
  expect(page.textContent).toBe("");
});
