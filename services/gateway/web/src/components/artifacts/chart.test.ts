import fc from "fast-check";
import { parse, type Spec } from "vega";
import { compile } from "vega-lite";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ChartError, chartTable, confined, EVENTS, parseChart, tooltipHtml } from "./chart";
import { compute } from "./headless";

const BARS = {
  data: {
    values: [
      { a: "x", b: 3 },
      { a: "y", b: 5 },
    ],
  },
  mark: "bar",
  encoding: { x: { field: "b", type: "quantitative" }, y: { field: "a", type: "nominal" } },
};
const read = (spec: object) => parseChart(JSON.stringify(spec));

/** The SVG of a specification, as the page computes it but without a document. */
const svgOf = async (spec: object) => (await compute(read(spec).spec)).toSVG();

describe("a specification", () => {
  test("that names no width takes that of the pane, unless it is made of several views", () => {
    expect(read(BARS).spec.width).toBe("container");
    expect(read({ ...BARS, width: 300 }).spec.width).toBe(300);
    expect(read({ hconcat: [BARS, BARS] }).spec.width).toBeUndefined();
    expect(read({ ...BARS, encoding: { ...BARS.encoding, row: { field: "a" } } }).spec.width).toBeUndefined();
  });

  test("does not hand its options to the embedding", () => {
    expect(read({ ...BARS, usermeta: { embedOptions: { ast: false } } }).spec).not.toHaveProperty("usermeta");
  });

  test.each([
    ["{", /not JSON/],
    ["[]", /not an object/],
    ['{"data": {"values": []}}', /no mark/],
    ['{"$schema": "https://vega.github.io/schema/vega/v6.json", "marks": []}', /not a Vega-Lite/],
  ])("%s is refused in a sentence", (text, sentence) => {
    expect(() => parseChart(text)).toThrow(sentence);
  });

  test.each([
    [{ data: { sequence: { start: 0, stop: 1e9 } } }, /rows of data/],
    [{ data: { sequence: { start: 0, stop: 10, step: 0 } } }, /rows of data/],
    [{ data: { values: Array(50_001).fill(1) } }, /rows of data/],
    [{ encoding: { x: { axis: { tickCount: 1e9 } } } }, /tickCount/],
    [{ encoding: { x: { bin: { maxbins: 1e9 } } } }, /maxbins/],
    [{ width: 1e9 }, /width/],
  ])("that would hold up the page is refused", (more, sentence) => {
    expect(() => read({ ...BARS, ...more })).toThrow(sentence as RegExp);
  });

  test("nested too deeply is refused", () => {
    const deep = JSON.parse(`${'{"layer": ['.repeat(99)}${"]}".repeat(99)}`);
    expect(() => read(deep)).toThrow(/nested/);
  });

  test("is read or refused, never anything else, whatever it is", () => {
    fc.assert(
      fc.property(fc.json(), fc.boolean(), (json, marked) => {
        try {
          parseChart(marked ? `{"mark": "bar", "data": ${json}}` : json);
        } catch (error) {
          expect(error).toBeInstanceOf(ChartError);
        }
      }),
    );
  });

  test("that refers to addresses says that nothing comes from there", () => {
    expect(read({ ...BARS, data: { url: "https://evil.example/data.csv" } }).notes).toHaveLength(1);
    expect(read({ ...BARS, mark: { type: "image", url: "i.png" } }).notes).toHaveLength(1);
    expect(read(BARS).notes).toEqual([]);
  });

  test("that has expressions, or steps through an extent, computes; one that draws its rows does not", () => {
    expect(read(BARS).computes).toBe(false);
    for (const more of [
      { transform: [{ calculate: "length(sequence(1e9))", as: "c" }] },
      { params: [{ name: "p", expr: "1" }] },
      { encoding: { x: { field: "b", bin: { step: 1e-9 } } } },
      { encoding: { x: { field: "b", axis: { tickMinStep: 1e-9 } } } },
      { encoding: { x: { condition: { test: "true", value: 1 } } } },
    ])
      expect(read({ ...BARS, ...more }).computes).toBe(true);
  });

  test("shows its data as a table, also those that it keeps under a name", () => {
    expect(chartTable(read(BARS))?.rows).toEqual([
      ["x", "3"],
      ["y", "5"],
    ]);
    const named = { ...BARS, data: { name: "d" }, datasets: { other: [{ z: 0 }], d: [{ a: 1 }] } };
    expect(chartTable(read(named))?.columns.map(({ name }) => name)).toEqual(["a"]);
    expect(chartTable(read({ ...BARS, data: { url: "x" } }))).toBeNull();
  });
});

describe("a chart that is drawn", () => {
  const fetched = vi.fn();
  beforeEach(() => {
    vi.stubGlobal("fetch", fetched);
    vi.spyOn(console, "warn").mockReturnValue();
    vi.spyOn(console, "error").mockReturnValue();
  });
  afterEach(() => {
    expect(fetched).not.toHaveBeenCalled();
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });

  test("has its bars", async () => {
    expect(await svgOf(BARS)).toContain('aria-roledescription="bar"');
  });

  test("has no link, wherever its data say that it leads", async () => {
    for (const href of ["https://evil.example/", "javascript:alert(1)", "/v1/conversations"]) {
      const values = [{ a: "x", b: 1, href }];
      const svg = await svgOf({ ...BARS, data: { values }, encoding: { ...BARS.encoding, href: { field: "href" } } });
      expect(svg).toContain('aria-roledescription="bar"');
      expect(svg).not.toMatch(/<a[\s>]|href=/);
    }
  });

  test("has no image from an address", async () => {
    const spec = { ...BARS, mark: { type: "image", url: "https://evil.example/i.png", width: 9, height: 9 } };
    expect(await svgOf(spec)).not.toContain("evil");
  });

  test("loads no data from an address", async () => {
    expect(await svgOf({ ...BARS, data: { url: "https://evil.example/data.json" } })).not.toContain("evil");
  });

  test("shows markup in its title and its data as text", async () => {
    const probe = "<img src=x onerror=alert(1)>";
    const svg = await svgOf({ ...BARS, title: probe, data: { values: [{ a: probe, b: 1 }] } });
    expect(svg).not.toContain("<img");
    expect(svg).toContain("&lt;img");
  });

  test("runs no code out of an expression", async () => {
    vi.stubGlobal("hacked", 0);
    for (const calculate of ["toString.constructor('hacked = 1')()", "datum.constructor.constructor('hacked = 1')()"])
      await svgOf({ ...BARS, transform: [{ calculate, as: "c" }] }).catch(() => null);
    expect((globalThis as unknown as { hacked: number }).hacked).toBe(0);
  });

  test("hears no keys, timers or other elements, whatever its own configuration says", () => {
    const config = { events: { bind: "any", selector: true, timer: true, window: true, globalCursor: true } };
    const compiled = compile({ ...read({ ...BARS, config }).spec } as never).spec as Spec;
    const runtime = parse(confined(compiled)) as unknown as { eventConfig: typeof EVENTS };
    expect(runtime.eventConfig).toMatchObject(EVENTS);
    expect(runtime.eventConfig.window).not.toContain("keydown");
  });
});

test("a tooltip is text, whatever its fields are called and hold", () => {
  const html = tooltipHtml({ title: "<b>", image: '"><img src=x onerror=alert(1)>', "<i>": { a: "<script>" } });
  expect(html.replace(/<\/?(div|span)>/g, "")).not.toMatch(/[<>"']/);
  expect(tooltipHtml("<img src=x>")).toBe("&lt;img src=x&gt;");
});
