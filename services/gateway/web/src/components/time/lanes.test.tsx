// @vitest-environment happy-dom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { expect, test } from "vitest";
import type { Box } from "./drawing";
import { LanesCanvas } from "./LanesCanvas";
import { LanesSvg } from "./LanesSvg";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

const span = { key: "t", kind: "tool", run: "r", ns: "main", hue: 0, label: "search", start: 0, end: 2000 } as const;
const boxes: Box[] = [
  { x: 10, y: 0, width: 20, height: 13, span: { ...span, open: false, failed: true, row: 0, rows: 1 } },
];

function drawn(Lanes: typeof LanesCanvas | typeof LanesSvg): HTMLElement {
  const page = document.createElement("div");
  const root = createRoot(page);
  act(() => root.render(<Lanes boxes={boxes} pauses={[]} width={100} height={15} />));
  return page;
}

function pointed(canvas: Element | null, offsetX: number): string | null | undefined {
  const event = new MouseEvent("pointermove", { bubbles: true });
  Object.defineProperties(event, { offsetX: { value: offsetX }, offsetY: { value: 5 } });
  act(() => void canvas?.dispatchEvent(event));
  return canvas?.getAttribute("title");
}

test("the lanes say what one points at, as elements and as one picture", () => {
  expect(drawn(LanesSvg).querySelector("title")?.textContent).toBe("tool search, not completed: 2.0 s");
  const canvas = drawn(LanesCanvas).querySelector("canvas");
  expect(pointed(canvas, 15)).toBe("tool search, not completed: 2.0 s");
  expect(pointed(canvas, 60)).toBe("");
});
