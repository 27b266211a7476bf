/**
 * What a Vega-Lite specification may be and do before it is drawn. Pure.
 *
 * A model wrote it. It draws the data that it carries, inside its own box: nothing is loaded from an address, no link leads
 * anywhere, and it hears of no events but those on itself.
 */
import { isRecord } from "./record";
import { type Table, tableOf } from "./table";

/** Larger charts are of no use to a person, and hold up the page. */
export const SPEC_CHARS_MAX = 2 * 1024 * 1024;
export const POINTS_MAX = 50_000;
/** Above it marks are drawn on a canvas, since an element of the document for each would be slow. */
export const SVG_POINTS_MAX = 2_000;
const DEPTH_MAX = 64;
/** Counts that the drawing loops over: ticks, bins, steps. No chart can show more. */
const COUNT_MAX = 1_000;
const COUNTS = new Set(["tickCount", "maxbins", "steps", "maxsteps", "minsteps", "levels", "thresholds"]);
/** The sides in px that a specification may ask for. */
const SIDE_MAX = 4_000;

/**
 * `points` is how many rows of data it carries; `computes` whether it may do more than draw them, which may have no end.
 * `notes` are sentences about what it asked for and does not get.
 */
export interface Chart {
  spec: Record<string, unknown>;
  title: string;
  points: number;
  computes: boolean;
  notes: readonly string[];
}

interface Found {
  points: number;
  computes: boolean;
  addresses: boolean;
}

/** The keys of expressions, and of what makes rows, bins or ticks out of an extent and a step. */
const COMPUTING = new Set([
  ...["transform", "params", "expr", "test", "labelExpr", "sequence", "graticule"],
  ...["bin", "timeUnit", "step", "tickMinStep", "nice", "impute"],
]);

/** The keys under which marks, channels and data name what they load or lead to. */
const ADDRESSES = new Set(["href", "url"]);
const NOTHING_LOADED = "It refers to addresses. Data, images and links from there are left out: a chart loads nothing.";

export class ChartError extends Error {}

/** Read a specification. Raises ChartError with a sentence for what is not one, or is too large. */
export function parseChart(text: string): Chart {
  if (text.length > SPEC_CHARS_MAX) throw new ChartError("The specification is too large to be drawn.");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ChartError("The specification is not JSON.");
  }
  if (!isRecord(value)) throw new ChartError("The specification is not an object.");
  const { usermeta: _, ...spec } = value; // the embedding takes options from it: `ast`, `bind`, `loader`, `patch`
  refuseOthers(spec);
  const found = { points: 0, computes: false, addresses: false };
  inspect(spec, found, 0);
  if (found.points > POINTS_MAX)
    throw new ChartError(`The chart has more than ${POINTS_MAX.toLocaleString("en")} rows of data.`);
  return {
    spec: fitted(spec),
    title: titleOf(spec.title),
    points: found.points,
    computes: found.computes,
    notes: found.addresses ? [NOTHING_LOADED] : [],
  };
}

/** The data that the specification carries, as a table; null if there is none. */
export function chartTable(chart: Chart): Table | null {
  const data = chart.spec.data;
  const sets = isRecord(chart.spec.datasets) ? chart.spec.datasets : {};
  const values = isRecord(data) ? (data.values ?? (typeof data.name === "string" ? sets[data.name] : null)) : null;
  const rows = values ?? Object.values(sets)[0];
  return Array.isArray(rows) && rows.length ? tableOf(rows) : null;
}

/**
 * What a chart may listen to, instead of what it asks for: its own box, and of the window what dragging and fitting need. No
 * keys of the page, no timers, no other elements, and its controls stand in its own box. (Vega's `config.events`.)
 */
export const EVENTS = {
  defaults: { allow: ["wheel"] },
  bind: "container",
  globalCursor: false,
  selector: false,
  timer: false,
  window: ["resize", "pointermove", "pointerup"],
} as const;

/** Put `EVENTS` into a compiled specification, over what it says. */
export function confined<T extends { config?: unknown }>(compiled: T): T {
  const config = isRecord(compiled.config) ? compiled.config : {};
  return { ...compiled, config: { ...config, events: EVENTS } };
}

/** Refuses every address: what Vega loads data and images with, and asks whether a link is good. */
export const REFUSING_LOADER = {
  load: (uri: string) => Promise.reject(new ChartError(`not loaded: ${uri}`)),
  sanitize: (uri: string) => Promise.reject(new ChartError(`not followed: ${uri}`)),
  http: () => Promise.reject(new ChartError("nothing is loaded")),
  file: () => Promise.reject(new ChartError("nothing is loaded")),
  options: {},
};

/** The text of a tooltip as HTML that is text alone: `title: …`, one line for each field. */
export function tooltipHtml(value: unknown): string {
  if (!isRecord(value)) return escaped(valueText(value));
  return Object.entries(value)
    .map(([name, field]) => `<div><span>${escaped(name)}</span> ${escaped(valueText(field))}</div>`)
    .join("");
}

function valueText(value: unknown): string {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

function refuseOthers(spec: Record<string, unknown>): void {
  const schema = typeof spec.$schema === "string" ? spec.$schema : "";
  if (schema && !schema.includes("/vega-lite/")) throw new ChartError("It is not a Vega-Lite specification.");
  const drawn = ["mark", "layer", "hconcat", "vconcat", "concat", "facet", "repeat", "spec"];
  if (!drawn.some((key) => Object.hasOwn(spec, key))) throw new ChartError("It says nothing to draw: it has no mark.");
}

/** Count the data, refuse what is too much, take out what names an address. */
function inspect(value: unknown, found: Found, depth: number): void {
  if (depth > DEPTH_MAX) throw new ChartError("The specification is nested too deeply.");
  if (Array.isArray(value)) {
    for (const one of value) inspect(one, found, depth + 1);
    return;
  }
  if (!isRecord(value)) return;
  for (const [key, field] of Object.entries(value)) {
    if (ADDRESSES.has(key)) {
      found.addresses = true;
      delete value[key];
    } else if (isData(key, field)) {
      for (const rows of Array.isArray(field) ? [field] : Object.values(field))
        found.points += Array.isArray(rows) ? rows.length : 0;
    } else {
      refuseCounts(key, field);
      found.computes ||= COMPUTING.has(key);
      if (key === "sequence") found.points += sequenceLength(field);
      inspect(field, found, depth + 1);
    }
  }
}

/** Rows, whose fields may be called anything. */
function isData(key: string, field: unknown): field is unknown[] | Record<string, unknown> {
  return (key === "values" && Array.isArray(field)) || (key === "datasets" && isRecord(field));
}

function refuseCounts(key: string, field: unknown): void {
  if (COUNTS.has(key) && typeof field === "number" && !(field <= COUNT_MAX))
    throw new ChartError(`The specification asks for ${field} of ${key}; ${COUNT_MAX} are drawn at most.`);
  if ((key === "width" || key === "height") && typeof field === "number" && !(field <= SIDE_MAX))
    throw new ChartError(`The specification asks for a ${key} of ${field} px; ${SIDE_MAX} px are drawn at most.`);
}

function sequenceLength(field: unknown): number {
  if (!isRecord(field)) return 0;
  const [start, stop, step] = [Number(field.start ?? 0), Number(field.stop), Number(field.step ?? 1)];
  const length = Math.abs((stop - start) / step);
  return Number.isFinite(length) ? length : Infinity;
}

/** A single view that names no width takes that of the pane. */
function fitted(spec: Record<string, unknown>): Record<string, unknown> {
  const single = Object.hasOwn(spec, "mark") || Object.hasOwn(spec, "layer");
  const encoding = isRecord(spec.encoding) ? spec.encoding : {};
  const faceted = ["row", "column", "facet"].some((channel) => Object.hasOwn(encoding, channel));
  return single && !faceted && spec.width === undefined ? { ...spec, width: "container" } : spec;
}

function titleOf(title: unknown): string {
  const text = isRecord(title) ? title.text : title;
  return (Array.isArray(text) ? text : [text]).filter((line) => typeof line === "string").join(" ");
}
