// @vitest-environment happy-dom
import { act, useRef, useState } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { closeNext, useEscape } from "./escape";
import { MESSAGE_ID, useKeys } from "./useKeys";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

let root: Root;
let page: HTMLElement;
let done: string[];
let keys: Parameters<typeof useKeys>[0];

beforeEach(() => {
  done = [];
  keys = {
    "?": () => done.push("help"),
    "/": () => done.push("search"),
    Escape: () => closeNext() || done.push("stop"),
  };
  page = document.createElement("div");
  document.body.replaceChildren(page);
  root = createRoot(page);
  act(() => root.render(<Page />));
});
afterEach(() => act(() => root.unmount()));

function Page() {
  useKeys(keys);
  return (
    <>
      <textarea id={MESSAGE_ID} />
      <textarea id="arguments" />
      <input id="filter" type="search" />
      <select id="speed" />
      <input id="interrupt" type="checkbox" />
      <Part name="first" />
      <Part name="second" />
    </>
  );
}

/** Something with a button in it that can be opened. */
function Part({ name }: { name: string }) {
  const [open, setOpen] = useState(false);
  const place = useRef<HTMLElement>(null);
  useEscape(open, place, () => {
    done.push(name);
    setOpen(false);
  });
  return (
    <section ref={place}>
      <button type="button" id={name} onClick={() => setOpen(true)} />
    </section>
  );
}

function open(...names: string[]): void {
  for (const name of names) act(() => document.getElementById(name)?.click());
}

function press(key: string, focused = ""): void {
  const element = document.getElementById(focused);
  element?.focus();
  act(() => {
    (element ?? document.body).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  });
}

describe("Esc", () => {
  test("stops the run when nothing is open, also from the message that is being written", () => {
    press("Escape");
    press("Escape", MESSAGE_ID);
    expect(done).toEqual(["stop", "stop"]);
  });

  test.each(["arguments", "filter", "speed"])("in the field %s is that field's", (field) => {
    open("first");
    press("Escape", field);
    expect(done).toEqual([]);
  });

  test("on a box to be ticked, which has no use for it, is the page's", () => {
    press("Escape", "interrupt");
    expect(done).toEqual(["stop"]);
  });

  test("closes one thing at a time, that which was opened last first, and then stops the run", () => {
    open("first", "second");
    for (let times = 0; times < 3; times += 1) press("Escape");
    expect(done).toEqual(["second", "first", "stop"]);
  });

  test("closes that in which the focus stands, whatever was opened after it", () => {
    open("first", "second");
    press("Escape", "first");
    expect(done).toEqual(["first"]);
  });
});

test.each(["?", "/"])("the key %s is a character in every field, also in the message", (key) => {
  for (const field of [MESSAGE_ID, "arguments", "filter"]) press(key, field);
  expect(done).toEqual([]);
  press(key);
  expect(done).toHaveLength(1);
});
