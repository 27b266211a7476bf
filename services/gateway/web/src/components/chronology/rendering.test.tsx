// @vitest-environment happy-dom
import { act, memo, Profiler, type ReactNode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Fold } from "../../fold/fold";
import type { Row } from "../../layout/blocks";
import type { AnyEvent } from "../../schema/types";
import type { Conversation } from "../../store/conversation";
import { ConversationContext, useRows, ViewContext } from "../../store/hooks";
import { View } from "../../store/view";
import { RowView } from "./RowView";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

/** A page that draws every row of a conversation, and counts how often each was drawn. */
class Page {
  readonly fold = new Fold({ conversation: "c" });
  readonly view = new View(this.fold);
  readonly element = document.createElement("div");
  drawn: Record<string, number> = {};
  #last = 0;
  #root: Root;

  constructor() {
    document.body.append(this.element);
    this.#root = createRoot(this.element);
    this.#apply({ lane: "in", events: [{ type: "user.message", id: "u", text: "Go", agent: "team" }] });
    const silence = { silentSince: () => null, subscribeStatus: () => () => undefined };
    const conversation = { live: this.view, ...silence } as unknown as Conversation;
    const rows = (
      <ConversationContext value={conversation}>
        <ViewContext value={this.view}>
          <Rows count={this.#count} />
        </ViewContext>
      </ConversationContext>
    );
    act(() => this.#root.render(rows));
  }

  /** The run writes `events`; everything that follows from it has been drawn, and what was drawn for it is counted. */
  async write(...events: AnyEvent[]): Promise<Record<string, number>> {
    this.#apply({ events });
    this.drawn = {};
    await act(async () => {
      this.view.publish();
      await nextFrames();
    });
    return this.drawn;
  }

  text(selector: string): string | undefined {
    return this.element.querySelector(selector)?.textContent ?? undefined;
  }

  close(): void {
    act(() => this.#root.unmount());
    this.element.remove();
  }

  readonly #count = (key: string): void => {
    this.drawn[key] = (this.drawn[key] ?? 0) + 1;
  };

  #apply({ lane, events }: { lane?: string; events: AnyEvent[] }): void {
    this.fold.apply({
      run: "r",
      lane,
      n: lane ? 1 : this.#last + 1,
      ts: 1_000_000 + this.#last,
      seq: this.#last + 2,
      events,
    });
    if (!lane) this.#last += events.length;
  }
}

function Rows({ count }: { count: (key: string) => void }): ReactNode {
  return useRows().map((row) => <Counted key={row.key} row={row} count={count} />);
}

const Counted = memo(function Counted({ row, count }: { row: Row; count: (key: string) => void }) {
  return (
    <Profiler id={row.key} onRender={count}>
      <RowView row={row} />
    </Profiler>
  );
});

/** A text is drawn in the frame after it came, and what that asks for in the one after. */
function nextFrames(): Promise<void> {
  return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())));
}

const delta = (id: string, at: number, text: string, ns = ""): AnyEvent => ({
  type: "message.delta",
  id,
  at,
  text,
  ns,
});

let page: Page;
beforeEach(() => {
  page = new Page();
});
afterEach(() => page.close());

describe("when a message grows", () => {
  test("it is drawn, and nothing else", async () => {
    await page.write({ type: "message.started", id: "m1" }, delta("m1", 0, "One."), {
      type: "message.ended",
      id: "m1",
    });
    await page.write({ type: "message.started", id: "m2" }, delta("m2", 0, "Two"));
    expect(await page.write(delta("m2", 3, " and a half"))).toEqual({ m2: 1 });
    expect(page.text('[data-item="m2"]')).toBe("Two and a half");
  });

  test("the panels of the other agents are not drawn, nor what stands beside it in its own", async () => {
    const [a, b] = ["main/a:1", "main/b:1"];
    await page.write(
      ...[a, b].map((ns): AnyEvent => ({ type: "agent.started", name: ns, ns })),
      { type: "step.started", id: "s", name: "Step", ns: a },
      { type: "message.started", id: "m1", ns: a },
      { type: "message.started", id: "m2", ns: b },
      delta("m1", 0, "One", a),
      delta("m2", 0, "Two", b),
    );
    const step = page.element.querySelector('[data-item="s"]');
    expect(await page.write(delta("m1", 3, " more", a))).toEqual({ "r/main/a:1": 1 });
    expect(page.element.querySelector('[data-item="s"]')).toBe(step);
    expect(page.text('[data-item="m1"]')).toBe("One more");
  });

  test("the paragraphs before its last keep their elements", async () => {
    await page.write({ type: "message.started", id: "m" }, delta("m", 0, "First *one*.\n\nSecond *one*.\n\nThird *o"));
    const before = [...page.element.querySelectorAll('[data-item="m"] p')];
    await page.write(delta("m", 37, "ne* grows"));
    const after = [...page.element.querySelectorAll('[data-item="m"] p')];
    expect(after.slice(0, 2)).toEqual(before.slice(0, 2));
    expect(after[2]?.textContent).toBe("Third one grows");
  });
});

test("when a message begins, those before it are not drawn again", async () => {
  await page.write({ type: "message.started", id: "m1" }, delta("m1", 0, "One."), { type: "message.ended", id: "m1" });
  expect(await page.write({ type: "message.started", id: "m2" }, delta("m2", 0, "Two"))).not.toHaveProperty("m1");
});

test("when a tool reports progress, its card is drawn and the panels of the agents that it called are not", async () => {
  const ns = "main/a:1";
  await page.write(
    { type: "tool.started", id: "t", name: "call" },
    { type: "agent.started", name: "a", ns, cause: { kind: "tool", id: "t" } },
    { type: "message.started", id: "m", ns },
    delta("m", 0, "One *two*", ns),
  );
  const message = page.element.querySelector('[data-item="m"] em');
  expect(await page.write({ type: "tool.progress", id: "t", percent: 40 })).toEqual({ t: 1 });
  expect(page.element.querySelector('[role="progressbar"]')?.getAttribute("aria-valuenow")).toBe("40");
  expect(page.element.querySelector('[data-item="m"] em')).toBe(message);
});

test("every item is known by its id, type and status, and every panel by its namespace", async () => {
  await page.write(
    { type: "agent.started", name: "a", ns: "main/a:1" },
    { type: "step.started", id: "s", name: "x", ns: "main/a:1" },
  );
  const panel = page.element.querySelector('[data-ns="main/a:1"]');
  expect(panel?.getAttribute("data-item")).toBe("r/main/a:1");
  expect(panel?.querySelector('[data-item="s"][data-type="step"][data-status="open"]')?.textContent).toBe("x");
});

test("what a person said stands in the direction of its own words", async () => {
  await page.write({ type: "run.started", agent: "team" });
  expect(page.element.querySelector('[data-item="u"] p')?.getAttribute("dir")).toBe("auto");
});

test("the summary of a run that failed counts what there was of it", async () => {
  await page.write(
    { type: "agent.started", name: "a", ns: "main/a:1" },
    { type: "tool.started", id: "t", name: "search" },
    { type: "tool.started", id: "t2", name: "search", ns: "main/a:1" },
    { type: "run.failed", code: "x", message: "No." },
  );
  expect(page.text("[data-summary]")).toMatch(/^1 agent2 tool calls/);
});

test("agents of one conversation have different colours, and calls of one name are numbered once there are two", async () => {
  await page.write(
    { type: "agent.started", name: "level", ns: "main/level:1" },
    { type: "agent.started", name: "guide", ns: "main/guide:1" },
  );
  const panel = (ns: string) => page.element.querySelector<HTMLElement>(`[data-ns="${ns}"]`);
  const name = (ns: string) => panel(ns)?.getAttribute("aria-label");
  const colour = (ns: string) => panel(ns)?.style.getPropertyValue("--agent");
  expect([name("main/level:1"), name("main/guide:1")]).toEqual(["Agent level", "Agent guide"]);
  expect([colour("main/level:1"), colour("main/guide:1")]).toEqual(["var(--agent-1)", "var(--agent-2)"]);
  await page.write({ type: "agent.started", name: "level", ns: "main/level:2" });
  expect([name("main/level:1"), name("main/level:2")]).toEqual(["Agent level #1", "Agent level #2"]);
  expect(colour("main/level:2")).toBe(colour("main/level:1"));
});

test("a panel deeper than two says what it stands in, and does not fold before the reader's eyes when its agent ends", async () => {
  const ns = ["main/guide:1", "main/guide:1/lookout:1", "main/guide:1/lookout:1/scribe:1"];
  const [, second = "", third = ""] = ns;
  await page.write(
    { type: "run.started", agent: "tour" },
    ...ns.map(
      (one): AnyEvent => ({ type: "agent.started", name: one.split("/").at(-1)?.split(":")[0] ?? "", ns: one }),
    ),
    { type: "message.started", id: "m", ns: third },
    delta("m", 0, "All quiet", third),
    { type: "message.ended", id: "m", ns: third },
    { type: "agent.started", name: "scribe", ns: "main/guide:1/scribe:2" },
  );
  expect(page.text(`[data-ns="${second}"] button`)).not.toContain(" in ");
  expect(page.text(`[data-ns="${third}"] button`)).toContain("scribe #1in tour › guide › lookout");
  await page.write({ type: "agent.finished", ns: third });
  expect(page.text(`[data-ns="${third}"]`)).toContain("done");
  expect(page.text('[data-item="m"]')).toContain("All quiet");
});

test("what was stopped because another part failed is not said to have failed", async () => {
  const ns = "main/a:1";
  await page.write(
    { type: "agent.started", name: "a", ns },
    { type: "tool.started", id: "t", name: "search", ns },
    { type: "tool.failed", id: "t", code: "cancelled", message: "The run ended before this did.", ns },
    { type: "agent.failed", code: "cancelled", message: "The run ended before this did.", ns },
    { type: "run.failed", code: "x", message: "No." },
  );
  const panel = page.text(`[data-ns="${ns}"]`) ?? "";
  expect(panel.match(/Stopped because another part failed/g)).toHaveLength(2);
  expect(panel).not.toContain("The run ended before this did.");
});

test("of a very long text that a person pasted the beginning is shown, and all of it on request", async () => {
  await page.write(
    { type: "run.started", agent: "team" },
    { type: "user.message", id: "long", text: "word ".repeat(2000), agent: "team" },
  );
  const length = () => page.text('[data-item="long"] p')?.length ?? 0;
  expect(length()).toBe(4001);
  act(() => page.element.querySelector<HTMLElement>('[data-item="long"] button[aria-expanded]')?.click());
  expect(length()).toBe(10_000);
});
