/** A chart computed by Vega without a document, under the same rules as one that is drawn. */
import { parse, type Spec, View } from "vega";
import { expressionInterpreter } from "vega-interpreter";
import { compile, type TopLevelSpec } from "vega-lite";
import { confined, REFUSING_LOADER } from "./chart";

/** In px: a pane has a width, this has none. */
const WIDTH = 400;

/** Raises what Vega has against the specification. It need not come back: some specifications have no end. */
export async function compute(spec: Record<string, unknown>): Promise<View> {
  const sized = spec.width === "container" ? { ...spec, width: WIDTH } : spec;
  const compiled = compile(sized as unknown as TopLevelSpec).spec as Spec;
  const runtime = parse(confined(compiled), {}, { ast: true } as never);
  const options = { renderer: "none", loader: REFUSING_LOADER, expr: expressionInterpreter, logLevel: 0 };
  return new View(runtime, options as never).runAsync();
}
