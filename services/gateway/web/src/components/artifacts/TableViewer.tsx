import { useDeferredValue, useMemo } from "react";
import { essence } from "./format";
import { Problem } from "./Problem";
import { TableGrid } from "./TableGrid";
import { parseDelimited, parseJson, TableError } from "./table";
import type { ViewerProps } from "./viewer";

/** CSV, TSV or JSON rows as a table. What is still being written is shown as far as its lines are whole. */
export default function TableViewer({ text, growing, name, mediaType, source }: ViewerProps) {
  const shown = useDeferredValue(text);
  const read = useMemo(() => readTable(shown, mediaType, growing), [shown, mediaType, growing]);
  if (typeof read !== "string") return <TableGrid table={read} name={name} />;
  return <Problem message={growing ? "" : `This is not a table. ${read}`}>{source}</Problem>;
}

function readTable(text: string, mediaType: string, growing: boolean) {
  const type = essence(mediaType);
  try {
    if (type.startsWith("text/") && type !== "text/json")
      return parseDelimited(text, { tabs: type === "text/tab-separated-values", growing });
    return parseJson(text);
  } catch (error) {
    if (error instanceof TableError) return error.message;
    throw error;
  }
}
