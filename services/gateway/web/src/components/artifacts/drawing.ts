/** A chart drawn by Vega, without `eval` and confined to its box: the shell around `chart.ts`. */
import type { Spec } from "vega";
import embed, { type EmbedOptions, type VisualizationSpec } from "vega-embed";
import { type Chart, confined, REFUSING_LOADER, SVG_POINTS_MAX, tooltipHtml } from "./chart";
import { chartConfig, type Palette } from "./palette";
import { rehearse } from "./rehearsal";

export interface Drawn {
  /** The URL of a picture of it. */
  picture(type: "png" | "svg"): Promise<string>;
  remove(): void;
}

/**
 * Draw into a place of its own in `box`, so that one that comes late spoils no other. Raises ChartError, or what Vega has to
 * say, about a specification that cannot be drawn.
 */
export async function draw(box: HTMLElement, chart: Chart, palette: Palette): Promise<Drawn> {
  await rehearse(chart);
  const place = box.appendChild(document.createElement("div"));
  const spec = { description: chart.title || "Chart", ...structuredClone(chart.spec) } as unknown as VisualizationSpec;
  const { view, finalize } = await embed(place, spec, options(chart, palette)).catch((error: unknown) => {
    place.remove();
    throw error;
  });
  const observer = new ResizeObserver(() => stretch(view, place));
  if (chart.spec.width === "container") observer.observe(place);
  return {
    picture: (type) => view.toImageURL(type, 2),
    remove: () => {
      observer.disconnect();
      finalize();
      place.remove();
    },
  };
}

function stretch(
  view: { signal(name: "width", value: number): { runAsync(): Promise<unknown> } },
  box: HTMLElement,
): void {
  if (box.clientWidth > 0) void view.signal("width", box.clientWidth).runAsync();
}

/** What the specification cannot change, as its `usermeta` is not passed on. */
function options(chart: Chart, palette: Palette): EmbedOptions {
  return {
    mode: "vega-lite",
    actions: false,
    ast: true, // expressions are interpreted: the page's policy has no eval
    config: chartConfig(palette),
    defaultStyle: false, // it would be a <style>, which the policy refuses
    loader: REFUSING_LOADER as unknown as NonNullable<EmbedOptions["loader"]>,
    logger: SILENT,
    patch: (compiled: Spec) => confined(compiled),
    renderer: chart.points > SVG_POINTS_MAX ? "canvas" : "svg",
    tooltip: { disableDefaultStyle: true, id: "chart-tooltip", formatTooltip: tooltipHtml },
  };
}

/** Vega's warnings are for who writes specifications. What it cannot draw it throws. */
const SILENT: NonNullable<EmbedOptions["logger"]> = {
  level: ((_level?: number) => (_level === undefined ? 0 : SILENT)) as never,
  error: () => SILENT,
  warn: () => SILENT,
  info: () => SILENT,
  debug: () => SILENT,
};
