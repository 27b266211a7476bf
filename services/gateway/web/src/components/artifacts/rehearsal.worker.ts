/** Told a specification, computes it and says what Vega has against it: "" if nothing. */
import { compute } from "./headless";

self.onmessage = ({ data }: MessageEvent<Record<string, unknown>>) =>
  compute(data).then(
    () => self.postMessage(""),
    (error: unknown) => self.postMessage(error instanceof Error ? error.message : String(error)),
  );
