import { useMemo } from "react";
import type { Axis } from "../../time/axis";
import { type Lanes, spans } from "../../time/spans";
import type { Past } from "./past";
import { useRecorded } from "./useRecorded";

/** The lanes of the whole conversation up to the present, anew at most once in `every` ms. */
export function useLanes(past: Past, every: number): { lanes: Lanes; axis: Axis; length: number } {
  const version = useRecorded(past.conversation.recorder, every);
  // biome-ignore lint/correctness/useExhaustiveDependencies: fold and axis change in place, and the version with them
  return useMemo(() => {
    const axis = past.axis();
    const { live } = past.conversation;
    // What is open goes on until the last event: the clock of this browser may be another than the log's.
    return { lanes: spans(live.fold, axis.ts(axis.length), live.roles()), axis, length: axis.length };
  }, [past, version]);
}
