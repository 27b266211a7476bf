import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useMemo, useRef, useState } from "react";
import { Notes } from "./Problem";
import styles from "./TableGrid.module.css";
import { type Column, nextOrder, type Order, sortRows, type Table } from "./table";

/** Up to so many rows are all in the document, so that they can be searched, selected and printed. */
const PLAIN_ROWS_MAX = 200;
/** In px, as the style sheet has it: rows of a long table do not wrap. */
const ROW_HEIGHT = 32;
/** In characters: between them a column of a long table is as wide as its widest cell in the first rows. */
const WIDTH_MIN = 6;
const WIDTH_MAX = 40;

interface Props {
  table: Table;
  name: string;
}

export function TableGrid({ table, name }: Props) {
  const [order, setOrder] = useState<Order | null>(null);
  const rows = useMemo(() => sortRows(table, order), [table, order]);
  const Rows = rows.length > PLAIN_ROWS_MAX ? LongTable : PlainTable;
  return (
    <div className={styles.frame}>
      <Notes notes={table.notes} />
      <Rows table={table} rows={rows} label={`Table ${name}`}>
        <Head columns={table.columns} order={order} onSort={(column) => setOrder(nextOrder(order, column))} />
      </Rows>
      <p className={styles.count}>
        {count(rows.length, "row")}, {count(table.columns.length, "column")}
      </p>
    </div>
  );
}

interface RowsProps {
  table: Table;
  /** Those of the table, in the order in which they are shown. */
  rows: Table["rows"];
  label: string;
  /** The header. */
  children: ReactNode;
}

function PlainTable({ table, rows, label, children }: RowsProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached with the keyboard
    <section className={styles.scroll} tabIndex={0} aria-label={label}>
      <table className={styles.table}>
        {children}
        <tbody>
          {rows.map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a row has no identity but its place
            <Row key={index} row={row} columns={table.columns} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Draws the rows that are in sight, between two empty ones that are as high as the others together. */
function LongTable({ table, rows, label, children }: RowsProps) {
  const box = useRef<HTMLElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
  });
  const widths = useMemo(() => columnWidths(table), [table]);
  const drawn = virtual.getVirtualItems();
  const above = drawn[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (drawn.at(-1)?.end ?? 0);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached with the keyboard
    <section ref={box} className={styles.scroll} tabIndex={0} aria-label={label}>
      <table className={`${styles.table} ${styles.long}`} aria-rowcount={rows.length + 1}>
        <colgroup>
          {widths.map((width, column) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a column has no identity but its place
            <col key={column} style={{ width: `${width}ch` }} />
          ))}
        </colgroup>
        {children}
        <tbody>
          <Gap height={above} />
          {drawn.map(({ index }) => (
            <Row key={index} row={rows[index] ?? []} columns={table.columns} index={index + 2} />
          ))}
          <Gap height={below} />
        </tbody>
      </table>
    </section>
  );
}

function Gap({ height }: { height: number }) {
  return height > 0 ? <tr style={{ height }} /> : null;
}

interface HeadProps {
  columns: readonly Column[];
  order: Order | null;
  onSort: (column: number) => void;
}

function Head({ columns, order, onSort }: HeadProps) {
  return (
    <thead>
      <tr>
        {columns.map((column, index) => {
          const sorted = order?.column === index ? (order.descending ? "descending" : "ascending") : undefined;
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: two columns may have one name
            <th key={index} scope="col" aria-sort={sorted} className={column.numeric ? styles.numeric : undefined}>
              <button type="button" onClick={() => onSort(index)} title={`Sort by ${column.name}`}>
                <bdi>{column.name}</bdi>
                <span aria-hidden="true" className={styles.arrow}>
                  {sorted ? (sorted === "ascending" ? "▲" : "▼") : ""}
                </span>
              </button>
            </th>
          );
        })}
      </tr>
    </thead>
  );
}

interface RowProps {
  row: readonly string[];
  columns: readonly Column[];
  /** Its number in the whole table, where not all of it is in the document. */
  index?: number;
}

function Row({ row, columns, index }: RowProps) {
  return (
    <tr aria-rowindex={index}>
      {row.map((cell, column) => (
        <td
          // biome-ignore lint/suspicious/noArrayIndexKey: a cell has no identity but its place
          key={column}
          className={columns[column]?.numeric ? styles.numeric : undefined}
          title={index && cell.length > WIDTH_MAX ? cell : undefined}
        >
          {cell}
        </td>
      ))}
    </tr>
  );
}

function columnWidths({ columns, rows }: Table): number[] {
  const sample = rows.slice(0, PLAIN_ROWS_MAX);
  return columns.map(({ name }, column) => {
    const widest = sample.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), name.length + 2);
    return Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, widest)) + 3; // and the padding
  });
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}
