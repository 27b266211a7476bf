// @vitest-environment happy-dom
import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { copy } from "./copy";
import { NoticeBar } from "./NoticeBar";
import { useNotices } from "./notices";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

let root: Root;
let page: HTMLElement;

beforeEach(() => {
  vi.useFakeTimers();
  page = document.createElement("div");
  root = createRoot(page);
  act(() => root.render(<NoticeBar />));
});
afterEach(() => {
  act(() => useNotices.getState().dismiss());
  act(() => root.unmount());
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const pass = (ms: number) => act(() => vi.advanceTimersByTime(ms));

async function copied(clipboard: Partial<Clipboard> | undefined): Promise<string | null> {
  vi.stubGlobal("navigator", { clipboard });
  await act(() => copy("Link", () => "http://x"));
  return page.textContent;
}

test("what was done is said for four seconds", async () => {
  expect(await copied({ writeText: async () => undefined })).toBe("Link copied");
  pass(3900);
  expect(page.textContent).toBe("Link copied");
  pass(200);
  expect(page.textContent).toBe("");
});

test("what was not done stays until it is dismissed", async () => {
  expect(await copied({ writeText: () => Promise.reject(new Error("denied")) })).toBe("Link not copied. Denied.");
  pass(60_000);
  expect(page.textContent).not.toBe("");
  act(() => page.querySelector("button")?.click());
  expect(page.textContent).toBe("");
});

test("where a browser lets no page copy, that is why", async () => {
  expect(await copied(undefined)).toContain("over HTTPS or from this machine only");
});
