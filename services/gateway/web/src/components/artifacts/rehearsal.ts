/** Charts that compute are computed in a worker first: one that has no end, or takes all memory, must not take the page with it. */
import { type Chart, ChartError } from "./chart";

/** How long a chart may take to be computed, with the time to load what computes it. More is no chart to look at. */
const DEADLINE_MS = 8_000;

const passed = new WeakSet<Chart>();

/** Raises ChartError for a chart that cannot be computed in time. */
export async function rehearse(chart: Chart): Promise<void> {
  if (!chart.computes || passed.has(chart)) return;
  const problem = await answer(chart);
  if (problem) throw new ChartError(problem);
  passed.add(chart);
}

function answer(chart: Chart): Promise<string> {
  const worker = new Worker(new URL("./rehearsal.worker.ts", import.meta.url), { type: "module" });
  const said = new Promise<string>((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<string>) => resolve(data);
    worker.onerror = ({ message }) => resolve(message || "it cannot be computed");
    setTimeout(resolve, DEADLINE_MS, `it takes longer than ${DEADLINE_MS / 1000} s to compute`);
    worker.postMessage(chart.spec);
  });
  return said.finally(() => worker.terminate());
}
