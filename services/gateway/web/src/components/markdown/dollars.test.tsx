// @vitest-environment happy-dom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { describe, expect, test, vi } from "vitest";
import { mayHaveFormula } from "./dollars";
import { Markdown } from "./Markdown";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
Object.defineProperty(document, "compatMode", { value: "CSS1Compat" }); // KaTeX looks at it, and happy-dom knows no doctype

const FORMULAS: [string, string][] = [
  ["Manning says $v = \\frac{1}{n} R^{2/3}$.", "v = \\frac{1}{n} R^{2/3}"],
  ["with $n$ the roughness", "n"],
  ["(where $R_h$, a radius)", "R_h"],
  ["so $2 + 2 = 4$ holds", "2 + 2 = 4"],
  ["**slope** $S_0 \\approx 10^{-3}$!", "S_0 \\approx 10^{-3}"],
  ["a function $f(x)$-like", "f(x)"],
  ["$a - b$", "a - b"],
  ["$\\text{rate of flow} = Q$", "\\text{rate of flow} = Q"],
  ["it is $5 and $v_{max}$ later", "v_{max}"],
  ["inline $$x^2$$ too", "x^2"],
  ["a cost of $C = 5\\$$ each", "C = 5\\$"],
];

const TEXTS = [
  "It costs $5 and $6.",
  "between $5/h and $6/h",
  "US$5 = 4€, and C$7",
  "$5-$10",
  "$ v = 1 $",
  "from $HOME/bin to $PATH",
  "$FOO_BAR and $BAZ_QUX",
  "$A=1$B",
  "$5 for foo_bar and 6$",
  "a $100 bill is 90€ or so, 6$",
  "\\$v = 1\\$",
  "`$v = 1$`",
  "one $v = \n1$ line",
  "the price in $x",
];

async function drawn(text: string): Promise<Element> {
  const element = document.createElement("div");
  await act(async () => createRoot(element).render(<Markdown text={text} />));
  return element;
}

describe("a formula between single dollars", () => {
  test.each(FORMULAS)("in %j is drawn", async (text, tex) => {
    const element = await drawn(text);
    await act(() => vi.waitFor(() => expect(element.querySelector(".katex")).not.toBeNull()));
    expect(element.querySelectorAll(".katex").length).toBe(1);
    expect(element.querySelector("annotation")?.textContent).toBe(tex);
  });

  test("has in it what Markdown would take for emphasis", async () => {
    const element = await drawn("$a_1 * b_2$ and *this*");
    await act(() => vi.waitFor(() => expect(element.querySelector(".katex")).not.toBeNull()));
    expect(element.querySelectorAll("em").length).toBe(1);
  });
});

describe("what only looks like a formula", () => {
  test.each(TEXTS)("%j stays text", async (text) => {
    const { plugins } = await import("./math");
    expect(plugins.math.type).toBe("math"); // it is loaded, so that what is drawn now is what it found
    const element = await drawn(`${text}\n\n$$y$$`);
    await act(() => vi.waitFor(() => expect(element.querySelectorAll(".katex").length).toBeGreaterThan(0)));
    expect([...element.querySelectorAll("annotation")].map((one) => one.textContent)).toEqual(["y"]);
  });

  test("does not load what draws formulas", () => {
    for (const text of TEXTS.slice(0, 7)) expect(mayHaveFormula(text), text).toBe(false);
  });
});
