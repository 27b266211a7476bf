/** The page's colours, for what is not drawn by style sheets. */

import { useEffect, useState } from "react";
import type { Config } from "vega-lite";

const NAMES = ["text", "text-muted", "border", "border-strong", "accent"] as const;
const SERIES = [0, 1, 2, 3, 4, 5, 6, 7] as const;

export type Palette = Record<(typeof NAMES)[number], string> & { font: string; series: readonly string[] };

/** The colours of the theme that is on; another object when another one is. */
export function usePalette(): Palette {
  const [palette, setPalette] = useState(readPalette);
  useEffect(() => {
    const read = () => setPalette((before) => same(before, readPalette()));
    const themed = new MutationObserver(read);
    themed.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    return () => themed.disconnect();
  }, []);
  return palette;
}

function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const value = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const named = Object.fromEntries(NAMES.map((name) => [name, value(name)])) as Record<(typeof NAMES)[number], string>;
  return { ...named, font: value("font"), series: SERIES.map((index) => value(`agent-${index}`)) };
}

function same(before: Palette, now: Palette): Palette {
  return JSON.stringify(before) === JSON.stringify(now) ? before : now;
}

/** Defaults of a chart in these colours; its specification may say otherwise. */
export function chartConfig(palette: Palette): Config {
  const lines = { labelColor: palette["text-muted"], titleColor: palette.text };
  return {
    background: "transparent",
    font: palette.font,
    title: {
      color: palette.text,
      subtitleColor: palette["text-muted"],
      anchor: "start" as const,
      fontSize: 15,
      offset: 12,
    },
    axis: {
      ...lines,
      domainColor: palette["border-strong"],
      gridColor: palette.border,
      labelFontSize: 12,
      tickColor: palette["border-strong"],
      titleFontSize: 12,
    },
    legend: { ...lines, labelFontSize: 12, titleFontSize: 12 },
    header: lines,
    mark: { color: palette.accent },
    rule: { color: palette["text-muted"] },
    text: { color: palette.text },
    range: { category: [...palette.series] },
    view: { stroke: "transparent" },
  };
}
