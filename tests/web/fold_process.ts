/**
 * The page's fold as a process, for tests/web/folding.py: one log a line in, what became of it a line out.
 *
 * A frame that is refused leaves no trace: the fold goes on from the transcript before it. So one log shows many refusals.
 */

import { Fold, FoldError } from "../../services/gateway/web/src/fold/fold.ts";
import type { Frame, Transcript } from "../../services/gateway/web/src/schema/types.ts";

interface Log {
  transcript: Transcript;
  dense: boolean;
  frames: Frame[];
}

function folded({ transcript, dense, frames }: Log): string {
  let fold = new Fold(transcript, { dense });
  const outcomes = frames.map((frame) => {
    const before = JSON.stringify(fold.snapshot());
    try {
      return fold.apply(frame) ? "taken" : "passed over";
    } catch (error) {
      if (!(error instanceof FoldError)) throw error;
      fold = new Fold(JSON.parse(before), { dense });
      return "refused";
    }
  });
  return JSON.stringify({ outcomes, transcript: fold.snapshot() });
}

let rest = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (chunk: string) => {
  const lines = (rest + chunk).split("\n"); // not readline, which also breaks lines at U+2028
  rest = lines.pop() ?? "";
  for (const line of lines) process.stdout.write(`${folded(JSON.parse(line))}\n`);
});
