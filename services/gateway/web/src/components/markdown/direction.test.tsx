// @vitest-environment happy-dom
import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, test } from "vitest";
import { Markdown } from "./Markdown";

function drawn(text: string): Element {
  const element = document.createElement("div");
  element.innerHTML = renderToStaticMarkup(<Markdown text={text} />);
  return element;
}

describe("the direction", () => {
  test("of each block is that of its own words", () => {
    const blocks = drawn("النهر ينقسم.\n\n- **ماء** نقي\n- طين\n\nThe river.").firstElementChild?.children ?? [];
    expect([...blocks].map((one) => one.getAttribute("dir"))).toEqual(["auto", "auto", "auto"]);
  });

  test("of a list or a table is not left to its surroundings", () => {
    const element = drawn("1. نهر\n\n   ماء\n\n| نهر | ماء |\n|---|---|\n| ١ | ٢ |");
    for (const tag of ["ol", "table"])
      expect(element.querySelector(tag)?.closest("[dir]")?.getAttribute("dir")).toBe("auto");
  });

  test("of code is that of code", () => {
    expect(drawn("```py\n# نهر\n```").querySelector("pre")?.closest("[dir]")?.getAttribute("dir")).toBe("ltr");
  });
});
