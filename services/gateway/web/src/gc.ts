/** For tests: the heap as it is after a collection. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** Collect what nothing holds any more. */
export function collectGarbage(): void {
  collect();
}

/** Bytes that are in use. */
export function heapUsed(): number {
  collect();
  return process.memoryUsage().heapUsed;
}
