import { useMemo } from "react";
import { lastUpTo } from "../../time/axis";
import type { Recorder } from "../../time/recording";
import { type Filter, Matches } from "./events";

/** The rows of the list: how many there are, and the number of the event in each. */
export interface Rows {
  count: number;
  number: (row: number) => number;
}

/** The events up to number `end` that pass the filter. */
export function useRows(recorder: Recorder, filter: Filter, end: number): Rows {
  const { generation, start } = recorder;
  // biome-ignore lint/correctness/useExhaustiveDependencies: numbers of another generation mean nothing
  const matches = useMemo(() => new Matches(filter), [recorder, filter, generation]);
  if (!filter.ns && !filter.type) return { count: Math.max(0, end - start), number: (row) => start + row };
  const numbers = matches.upTo(recorder);
  const count = lastUpTo(numbers, (number) => number < end) + 1;
  return { count, number: (row) => numbers[row] ?? -1 };
}
