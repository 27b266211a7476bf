// @vitest-environment happy-dom
import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Fold } from "../../fold/fold";
import type { AnyEvent, InterruptRequested } from "../../schema/types";
import type { Conversation } from "../../store/conversation";
import { ConversationContext, ViewContext } from "../../store/hooks";
import { View } from "../../store/view";
import { Announcer } from "./Announcer";
import { Interrupt } from "./Interrupt";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

const ASKED = { type: "interrupt.requested", id: "i", prompt: "Well?" } as const;
let fold: Fold;
let view: View;
let root: Root;
let page: HTMLElement;
let answers: unknown[][];
let refusal: Error | null;
let badge: "live" | "catching_up";

beforeEach(() => {
  fold = new Fold({ conversation: "c" });
  write(
    "in",
    { type: "user.message", id: "u", text: "Go", agent: "a" },
    { type: "run.queued", agent: "a", message: "u" },
  );
  write("r", { type: "run.started", agent: "a" });
  view = new View(fold);
  page = document.createElement("div");
  document.body.replaceChildren(page);
  root = createRoot(page);
  [answers, refusal, badge] = [[], null, "live"];
});
afterEach(() => act(() => root.unmount()));

/** The next frame of a lane: of the gateways, or of the run. */
function write(lane: "in" | "r", ...events: AnyEvent[]): void {
  const n = (lane === "in" ? fold.inputLast : (fold.runs.get("r")?.last ?? 0)) + 1;
  fold.apply({ run: "r", lane: lane === "in" ? lane : undefined, n, ts: 1_000_000, seq: 1, events });
}

function publish(...events: AnyEvent[]): void {
  write("r", ...events);
  act(() => view.publish());
}

/** The question as whoever may answer it sees it; in the past nobody may. */
function ask(question: Partial<InterruptRequested>, { past = false } = {}): void {
  write("r", { ...ASKED, kind: "input", ...question });
  const conversation = {
    live: past ? null : view,
    status: () => ({ kind: badge }),
    resolve: async (...answer: unknown[]) => {
      if (refusal) throw refusal;
      answers.push(answer);
    },
  } as unknown as Conversation;
  act(() => {
    view.publish();
    root.render(
      <ConversationContext value={conversation}>
        <ViewContext value={view}>
          <Interrupt id="i" />
          <Announcer />
        </ViewContext>
      </ConversationContext>,
    );
  });
}

function button(name: string): HTMLButtonElement | undefined {
  return [...page.querySelectorAll("button")].find(({ textContent }) => textContent === name);
}

async function press(name: string): Promise<void> {
  await act(async () => button(name)?.click());
}

function type(text: string): void {
  const field = page.querySelector<HTMLInputElement | HTMLTextAreaElement>("textarea, input");
  const setter = field && Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value")?.set;
  act(() => {
    setter?.call(field, text);
    field?.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

describe("a question", () => {
  test("of a choice is answered with the option", async () => {
    ask({ kind: "choice", options: ["Danube", "Mekong"] });
    await press("Mekong");
    expect(answers).toEqual([["i", "answered", "Mekong"]]);
  });

  test("for words is answered with them, and not with nothing", async () => {
    ask({ kind: "input" });
    expect(button("Answer")?.disabled).toBe(true);
    type("Ann");
    await press("Answer");
    expect(answers).toEqual([["i", "answered", "Ann"]]);
  });

  test.each([
    ["Approve", "approved"],
    ["Deny", "denied"],
  ])("for approval is answered by %s", async (name, decision) => {
    ask({ kind: "approval", tool: "book", args: { seats: 2 } });
    await press(name);
    expect(answers).toEqual([["i", decision, undefined]]);
  });

  test("that was answered takes no second answer, though the log does not have the first one yet", async () => {
    ask({ kind: "choice", options: ["Danube", "Mekong"] });
    await press("Danube");
    await press("Mekong");
    expect(answers).toEqual([["i", "answered", "Danube"]]);
    expect(page.textContent).toContain("Your answer is on its way.");
  });

  test.each(["by this person", "in another tab"])("keeps the focus when it is answered %s", async (how) => {
    ask({ kind: "choice", options: ["Danube"] });
    const question = page.querySelector("section");
    button("Danube")?.focus();
    if (how === "by this person") {
      await press("Danube");
      expect(document.activeElement).toBe(question);
    }
    publish({ type: "interrupt.resolved", id: "i", decision: "answered", value: "Danube" });
    expect(document.activeElement).toBe(question);
  });

  test("that is answered elsewhere takes the focus from nowhere else", () => {
    ask({ kind: "choice", options: ["Danube"] });
    publish({ type: "interrupt.resolved", id: "i", decision: "answered", value: "Danube" });
    expect(document.activeElement).toBe(document.body);
  });

  test("for approval is approved with the arguments as edited", async () => {
    ask({ kind: "approval", tool: "book", args: { seats: 2 } });
    type('{"seats": 4}');
    await press("Approve as edited");
    expect(answers).toEqual([["i", "approved", { seats: 4 }]]);
  });

  test.each(['{"seats": ', "[1]", "4", "null"])("cannot be approved with the arguments %s", async (text) => {
    ask({ kind: "approval", tool: "book", args: { seats: 2 } });
    type(text);
    expect(button("Approve as edited")?.disabled).toBe(true);
    expect(page.querySelector("textarea")?.getAttribute("aria-invalid")).toBe("true");
  });

  test("whose answer is refused says why, and can be answered again", async () => {
    ask({ kind: "choice", options: ["Danube"] });
    refusal = new Error("the run is over");
    await press("Danube");
    expect(page.querySelector('[role="alert"]')?.textContent).toBe("the run is over");
    expect(button("Danube")?.disabled).toBe(false);
  });

  test("in the past is only told", () => {
    ask({ kind: "choice", options: ["Danube"] }, { past: true });
    expect(button("Danube")).toBeUndefined();
    expect(page.textContent).toContain("Waiting for an answer.");
  });

  test("that was answered shows the answer", () => {
    ask({ kind: "choice", options: ["Danube"] });
    publish({ type: "interrupt.resolved", id: "i", decision: "answered", value: "Danube" });
    expect(page.textContent).toContain("Answered: Danube");
    expect(button("Danube")).toBeUndefined();
  });
});

describe("a screen reader", () => {
  const heard = () => Array.from(page.querySelectorAll('[data-testid="announcer"] p'), (one) => one.textContent);
  const say = (id: string, text: string): AnyEvent[] => [
    { type: "message.started", id },
    { type: "message.delta", id, at: 0, text },
    { type: "message.ended", id },
  ];
  const wait: AnyEvent = { type: "run.waiting", interrupts: [] };

  test("is told a message of the main agent once it is complete, and nothing before", () => {
    ask({});
    publish({ type: "message.started", id: "m" }, { type: "message.delta", id: "m", at: 0, text: "All " });
    publish({ type: "message.delta", id: "m", at: 4, text: "done." });
    expect(heard()).toEqual([]);
    publish({ type: "message.ended", id: "m" });
    expect(heard()).toEqual(["All done."]);
  });

  test("is told a message that began and ended between two looks, once", () => {
    ask({});
    publish(...say("m", "Quick."));
    publish({ type: "tool.started", id: "t", name: "search" });
    expect(heard()).toEqual(["Quick."]);
  });

  test("is told each question once with its words, in an element of its own", () => {
    ask({ prompt: "Tea or coffee?" });
    publish(wait);
    publish({ type: "tool.started", id: "t", name: "search" }); // somebody else goes on meanwhile
    publish(
      { type: "interrupt.resolved", id: "i", decision: "answered", value: "tea" },
      { type: "interrupt.requested", id: "j", kind: "approval", tool: "pour", prompt: "" },
      wait,
    );
    expect(heard()).toEqual([
      "A question waits for your answer: Tea or coffee?",
      "A question waits for your answer: May pour be called?",
    ]);
  });

  test("is told the same words again when they are true again", () => {
    ask({});
    publish(...say("m", "Yes."));
    publish(...say("n", "Yes."));
    expect(heard()).toEqual(["Yes.", "Yes."]);
  });

  test("is told that a run has ended, and how", () => {
    ask({});
    publish({ type: "run.failed", code: "model_error", message: "gone" });
    expect(heard()).toEqual(["The run failed."]);
  });

  test("is not told what there was before the page had caught up", () => {
    badge = "catching_up";
    ask({});
    publish(...say("m", "Long ago."));
    badge = "live";
    publish(...say("n", "Just now."));
    expect(heard()).toEqual(["Just now."]);
  });

  test("is told the newest alone of much that comes at once", () => {
    ask({});
    publish(...["a", "b", "c", "d", "e"].flatMap((id) => say(id, id)));
    expect(heard()).toEqual(["c", "d", "e"]);
  });
});
