import { useMemo } from "react";
import { ChartError, chartTable, parseChart } from "./chart";
import { Problem } from "./Problem";
import { TableGrid } from "./TableGrid";
import { TableError } from "./table";
import type { ViewerProps } from "./viewer";

/** The data that a chart carries, as a table: the chart for those who do not see it. */
export default function ChartData({ text, growing, name, source }: ViewerProps) {
  const read = useMemo(() => readTable(text), [text]);
  if (typeof read !== "string") return <TableGrid table={read} name={name} />;
  return <Problem message={growing ? "" : read}>{source}</Problem>;
}

function readTable(text: string) {
  try {
    return chartTable(parseChart(text)) ?? "The chart carries no data of its own.";
  } catch (error) {
    if (error instanceof ChartError || error instanceof TableError) return error.message;
    throw error;
  }
}
