import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

type Theme = Record<string, string>;

const css = readFileSync(new URL("./tokens.css", import.meta.url), "utf8");
const light = tokensOf(/^:root \{([^}]*)\}/m);
const dark = { ...light, ...tokensOf(/^:root\[data-theme="dark"\] \{([^}]*)\}/m) };

const GROUNDS = ["surface", "surface-sunken", "surface-raised", "surface-hover"];
const AGENTS = [0, 1, 2, 3, 4, 5, 6, 7].map((at) => `agent-${at}`);
const TEXTS = ["text", "text-muted", "accent", "ok", "warn", "error"];

describe.each([
  ["light", light],
  ["dark", dark],
])("in the %s theme", (_, theme) => {
  test.each([...TEXTS, ...AGENTS])("--%s reads on every surface", (text) => {
    for (const ground of GROUNDS) expect(contrast(theme, text, ground), ground).toBeGreaterThanOrEqual(4.5);
  });

  test.each([
    ["accent-text", "accent"],
    ["text", "accent-soft"],
    ["accent", "accent-soft"],
    ["text", "warn-soft"],
    ["warn", "warn-soft"],
    ["text", "error-soft"],
    ["error", "error-soft"],
  ])("--%s reads on --%s", (text, ground) => {
    expect(contrast(theme, text, ground)).toBeGreaterThanOrEqual(4.5);
  });

  test.each(["border-strong", "focus"])("--%s is seen around a control", (edge) => {
    for (const ground of GROUNDS) expect(contrast(theme, edge, ground), ground).toBeGreaterThanOrEqual(3);
  });
});

function tokensOf(block: RegExp): Theme {
  const body = block.exec(css)?.[1] ?? "";
  return Object.fromEntries([...body.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, hex]) => [name, hex]));
}

function contrast(theme: Theme, one: string, other: string): number {
  const [a, b] = [luminance(theme[one]), luminance(theme[other])];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

/** WCAG 2.2, "relative luminance". */
function luminance(hex = ""): number {
  const channel = (at: number) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}
