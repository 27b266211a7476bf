// @vitest-environment happy-dom
import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Parked } from "./Parked";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

/** The screen: it tells whoever watches what has come near it and what has gone far from it. */
class Screen {
  static tell: (target: Element, isIntersecting: boolean, height: number) => void;
  constructor(hear: IntersectionObserverCallback) {
    Screen.tell = (target, isIntersecting, height) => {
      const entry = { target, isIntersecting, boundingClientRect: { height } } as unknown as IntersectionObserverEntry;
      act(() => hear([entry], this as unknown as IntersectionObserver));
    };
  }
  observe(): void {}
  unobserve(): void {}
}

let page: HTMLElement;
let root: Root;

beforeEach(() => {
  vi.stubGlobal("IntersectionObserver", Screen);
  page = document.createElement("div");
  page.dataset.scrolls = "";
  root = createRoot(page);
});
afterEach(() => {
  act(() => root.unmount());
  vi.unstubAllGlobals();
});

function draw({ last = false } = {}): HTMLElement {
  const parked = (
    <Parked last={last} height={() => 700} keys={() => "a b"}>
      {() => <p>drawn</p>}
    </Parked>
  );
  act(() => root.render(parked));
  return page.firstElementChild as HTMLElement;
}

test("blocks that nobody has been near keep the place that they probably need, and can be found by their keys", () => {
  const place = draw();
  expect(place.textContent).toBe("");
  expect(place.style.blockSize).toBe("700px");
  expect(place.dataset.holds).toBe("a b");
});

test("blocks are drawn while they are near, and keep the height that they had when they leave", () => {
  const place = draw();
  Screen.tell(place, true, 700);
  expect(place.textContent).toBe("drawn");
  expect(place.style.blockSize).toBe("");
  Screen.tell(place, false, 320);
  expect(place.textContent).toBe("");
  expect(place.style.blockSize).toBe("320px");
});

test("the last blocks of a list stay, and leave once others have come after them", () => {
  const place = draw({ last: true });
  Screen.tell(place, false, 320);
  expect(place.textContent).toBe("drawn");
  draw({ last: false });
  expect(place.textContent).toBe("");
  expect(place.style.blockSize).toBe("320px");
});
