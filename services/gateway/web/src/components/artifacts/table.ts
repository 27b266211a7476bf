/** A table out of CSV or JSON, its sorting, and what of it is numeric. Pure, and bounded: what it leaves out it says. */
import Papa from "papaparse";
import { isRecord } from "./record";

/** What a browser holds and sorts without a pause that a person notices. */
export const ROWS_MAX = 50_000;
export const COLUMNS_MAX = 200;
/** A cell is looked at, not read: the rest of a longer one is in the source. */
export const CELL_CHARS_MAX = 2_000;
/** How many rows decide whether a column is numeric. */
const SAMPLE_ROWS = 1_000;

export interface Column {
  name: string;
  numeric: boolean;
}

/** `rows` are as long as `columns`. `notes` are sentences about what is not shown, or was repaired. */
export interface Table {
  columns: readonly Column[];
  rows: readonly (readonly string[])[];
  notes: readonly string[];
}

export interface Order {
  column: number;
  descending: boolean;
}

export class TableError extends Error {}

/** Read CSV (the separator is guessed) or TSV. `growing`: the last line may be half a line, so it is left out. */
export function parseDelimited(text: string, options: { tabs?: boolean; growing?: boolean } = {}): Table {
  const whole = options.growing ? text.slice(0, text.lastIndexOf("\n") + 1) : text;
  const { data, errors } = Papa.parse<string[]>(whole.replace(/^\ufeff/, ""), {
    delimiter: options.tabs ? "\t" : "",
    preview: ROWS_MAX + 2, // the header, and one row to know that there are more
    skipEmptyLines: "greedy",
  });
  const [header = [], ...rows] = data;
  const quotes = !options.growing && errors.some((error) => error.type === "Quotes");
  return table(header, rows, quotes ? ["A quotation mark in it is not closed."] : []);
}

/**
 * Read JSON: rows as objects or lists, `{"columns": […], "rows" or "data": […]}`, or one object per line.
 * Raises TableError if it is none of these.
 */
export function parseJson(text: string): Table {
  return tableOf(lines(text) ?? json(text));
}

/** A table of a value: see `parseJson`. Raises TableError. */
export function tableOf(value: unknown): Table {
  if (isRecord(value)) {
    const rows = value.rows ?? value.data ?? value.values;
    if (!Array.isArray(rows)) throw new TableError("It is an object without rows.");
    const names = Array.isArray(value.columns) ? value.columns.map(columnName) : null;
    return names && !rows.some(isRecord) ? listRows(rows, names) : tableOf(rows);
  }
  if (!Array.isArray(value)) throw new TableError("It is not a list of rows.");
  return value.some(isRecord) ? objectRows(value) : listRows(value, null);
}

/** Rows in an order, stable; empty cells last in either direction. */
export function sortRows(table: Table, order: Order | null): readonly (readonly string[])[] {
  if (!order || !table.columns[order.column]) return table.rows;
  const { column, descending } = order;
  const compare = table.columns[column]?.numeric ? byNumber : byText;
  return [...table.rows].sort((a, b) => {
    const [left, right] = [a[column] ?? "", b[column] ?? ""];
    if (!left || !right) return Number(!left) - Number(!right);
    return descending ? compare(right, left) : compare(left, right);
  });
}

/** The order after a click on a column: rising, falling, as it was. */
export function nextOrder(order: Order | null, column: number): Order | null {
  if (order?.column !== column) return { column, descending: false };
  return order.descending ? null : { column, descending: true };
}

/** Whether a cell is a number as people write them into tables: `1,234.5`, `-3e8`, `12 %`. */
export function numberOf(cell: string): number | null {
  const plain = cell
    .trim()
    .replace(/\s*%$/, "")
    .replace(/^\u2212/, "-");
  const grouped = /^[-+]?\d{1,3}(,\d{3})+(\.\d+)?$/.test(plain) ? plain.replaceAll(",", "") : plain;
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(grouped) ? Number(grouped) : null;
}

const collator = new Intl.Collator(undefined, { numeric: true });
const byText = (a: string, b: string) => collator.compare(a, b);
const byNumber = (a: string, b: string) => (numberOf(a) ?? Infinity) - (numberOf(b) ?? Infinity) || byText(a, b);

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new TableError("It is not JSON.");
  }
}

/** The values of JSON lines; null if it is not one value per line on more than one line. */
function lines(text: string): unknown[] | null {
  const parts = text.split("\n").filter((line) => line.trim());
  if (parts.length < 2 || !parts.slice(0, 2).every((line) => /^\s*[{[].*[}\]]\s*$/.test(line))) return null;
  try {
    return parts.map((line) => JSON.parse(line) as unknown);
  } catch {
    return null;
  }
}

function objectRows(values: readonly unknown[]): Table {
  const names = new Set<string>();
  for (const value of values.slice(0, ROWS_MAX)) {
    if (isRecord(value)) for (const name of Object.keys(value)) names.add(name);
    if (names.size > COLUMNS_MAX) break;
  }
  const header = [...names];
  const cell = (value: unknown, name: string) => (isRecord(value) && Object.hasOwn(value, name) ? value[name] : "");
  const rows = values.slice(0, ROWS_MAX + 1).map((value) => header.map((name) => cellText(cell(value, name))));
  return table(header, rows, [], values.length);
}

function listRows(values: readonly unknown[], names: readonly string[] | null): Table {
  const rows = values
    .slice(0, ROWS_MAX + 2)
    .map((value) => (Array.isArray(value) ? value.map(cellText) : [cellText(value)]));
  if (names) return table(names, rows, [], values.length);
  const first = values[0];
  const titled = Array.isArray(first) && values.length > 1 && first.every((name) => typeof name === "string");
  if (titled) return table(rows[0] ?? [], rows.slice(1), [], values.length - 1);
  return table([], rows, [], values.length);
}

/** `total` is the number of rows where it is known; `rows` may hold one more than are shown, to say that there are more. */
function table(header: readonly string[], rows: readonly (readonly string[])[], notes: string[], total = 0): Table {
  const kept = rows.slice(0, ROWS_MAX);
  const width = kept.reduce((most, row) => Math.max(most, row.length), header.length);
  const shown = Math.min(width, COLUMNS_MAX);
  const all = [...notes];
  if (rows.length > kept.length)
    all.push(
      `The first ${ROWS_MAX.toLocaleString("en")} rows are shown${total ? ` of ${total.toLocaleString("en")}` : ""}.`,
    );
  if (width > shown) all.push(`The first ${shown} columns are shown of ${width}.`);
  const square = kept.map((row) => Array.from({ length: shown }, (_, column) => bounded(row[column] ?? "")));
  const columns = Array.from({ length: shown }, (_, column) => ({
    name: bounded(header[column] ?? "") || `Column ${column + 1}`,
    numeric: isNumeric(square, column),
  }));
  return { columns, rows: square, notes: all };
}

function isNumeric(rows: readonly (readonly string[])[], column: number): boolean {
  const cells = rows
    .slice(0, SAMPLE_ROWS)
    .map((row) => row[column] ?? "")
    .filter(Boolean);
  return cells.length > 0 && cells.every((cell) => numberOf(cell) !== null);
}

function columnName(value: unknown): string {
  return cellText(isRecord(value) ? (value.title ?? value.name ?? value.field ?? "") : value);
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "object") return String(value);
  try {
    return JSON.stringify(value);
  } catch {
    return "…"; // nested deeper than the stack
  }
}

function bounded(cell: string): string {
  return cell.length > CELL_CHARS_MAX ? `${cell.slice(0, CELL_CHARS_MAX).replace(/[\ud800-\udbff]$/, "")}…` : cell;
}
