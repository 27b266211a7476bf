// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test } from "vitest";
import { watchReader } from "./watchReader";

let list: HTMLElement;
let told: boolean[];
let leave: () => void;

beforeEach(() => {
  list = document.createElement("div");
  document.body.replaceChildren(list);
  told = [];
  leave = watchReader(list, (held) => told.push(held));
});
afterEach(() => leave());

const press = (button = 0) =>
  list.dispatchEvent(new PointerEvent("pointerdown", { button, buttons: 1, bubbles: true }));
const move = (buttons: number) => window.dispatchEvent(new PointerEvent("pointermove", { buttons }));

test("a pointer that is down holds the list until it is let go", () => {
  press();
  move(1);
  expect(told).toEqual([true]);
  window.dispatchEvent(new PointerEvent("pointerup"));
  expect(told).toEqual([true, false]);
});

test("a wheel, a moving finger or a key touches the list, and holds nothing", () => {
  for (const type of ["wheel", "touchmove", "keydown"]) list.dispatchEvent(new Event(type, { bubbles: true }));
  expect(told).toEqual([false, false, false]);
});

test("a button that opens a menu or pastes holds nothing", () => {
  press(2);
  press(1);
  expect(told).toEqual([false, false]);
});

test.each([
  ["a menu opens", () => window.dispatchEvent(new Event("contextmenu"))],
  ["the window is left", () => window.dispatchEvent(new Event("blur"))],
  ["the pointer moves with no button down", () => move(0)],
])("a pointer that nobody says is up holds the list no longer once %s", (_, happens) => {
  press();
  happens();
  expect(told).toEqual([true, false]);
  happens();
  expect(told).toEqual([true, false]); // and by itself that is nothing that scrolls
});
