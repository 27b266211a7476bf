import fc from "fast-check";
import Papa from "papaparse";
import { describe, expect, test } from "vitest";
import {
  CELL_CHARS_MAX,
  COLUMNS_MAX,
  nextOrder,
  numberOf,
  parseDelimited,
  parseJson,
  ROWS_MAX,
  sortRows,
  TableError,
  tableOf,
} from "./table";

const names = (table: { columns: readonly { name: string }[] }) => table.columns.map(({ name }) => name);
const cell = fc
  .string({ minLength: 1 })
  .filter((text) => text.trim() === text && text !== "" && !text.includes("\ufeff"));

describe("CSV", () => {
  test("is read with its header, and the separator is guessed", () => {
    const table = parseDelimited("river;length\nDanube;2850\nMekong;4350\n");
    expect(names(table)).toEqual(["river", "length"]);
    expect(table.rows).toEqual([
      ["Danube", "2850"],
      ["Mekong", "4350"],
    ]);
  });

  test("comes back as it was written, whatever is in its cells", () => {
    const row = fc.array(cell, { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(row, fc.array(row, { minLength: 1, maxLength: 20 }), (header, rows) => {
        const text = Papa.unparse([header, ...rows], { delimiter: "\t", newline: "\n", quotes: true });
        const table = parseDelimited(text, { tabs: true });
        expect(names(table)).toEqual(header);
        expect(table.rows).toEqual(rows);
      }),
    );
  });

  test("that is still being written is shown as far as its lines are whole", () => {
    expect(parseDelimited("a,b\n1,2\n30,4", { growing: true }).rows).toEqual([["1", "2"]]);
    expect(parseDelimited("a,b\n1,2\n30,4").rows).toEqual([
      ["1", "2"],
      ["30", "4"],
    ]);
  });

  test("with rows of different lengths becomes a rectangle, with a name for each column", () => {
    const table = parseDelimited("a,b\n1\n1,2,3\n");
    expect(names(table)).toEqual(["a", "b", "Column 3"]);
    expect(table.rows).toEqual([
      ["1", "", ""],
      ["1", "2", "3"],
    ]);
  });

  test("of more rows than are shown says so", () => {
    const table = parseDelimited(`a\n${"1\n".repeat(ROWS_MAX + 1)}`);
    expect(table.rows).toHaveLength(ROWS_MAX);
    expect(table.notes).toEqual(["The first 50,000 rows are shown."]);
    expect(parseDelimited(`a\n${"1\n".repeat(ROWS_MAX)}`).notes).toEqual([]);
  });

  test("of more columns than are shown says so", () => {
    const table = parseDelimited("1,".repeat(COLUMNS_MAX + 9));
    expect(table.columns).toHaveLength(COLUMNS_MAX);
    expect(table.notes).toEqual([`The first 200 columns are shown of 210.`]);
  });

  test("with a quotation mark that is not closed says so", () => {
    expect(parseDelimited('a,b\n"1,2\n3,4\n').notes).toEqual(["A quotation mark in it is not closed."]);
  });

  test("cuts a cell that is too long to be looked at", () => {
    expect(parseDelimited(`a,b\n${"x".repeat(CELL_CHARS_MAX + 1)},1`).rows[0]?.[0]).toBe(
      `${"x".repeat(CELL_CHARS_MAX)}…`,
    );
  });

  test("is read without an exception whatever it is", () => {
    fc.assert(
      fc.property(fc.string(), fc.boolean(), (text, growing) => {
        const { columns, rows } = parseDelimited(text, { growing });
        for (const row of rows) expect(row).toHaveLength(columns.length);
      }),
    );
  });
});

describe("JSON", () => {
  test("of objects has the columns of all of them, in the order in which they come up", () => {
    const table = parseJson('[{"a": 1}, {"b": null, "a": true}, {"c": {"d": [1]}}]');
    expect(names(table)).toEqual(["a", "b", "c"]);
    expect(table.rows).toEqual([
      ["1", "", ""],
      ["true", "", ""],
      ["", "", '{"d":[1]}'],
    ]);
  });

  test("of lists has a header if the first of them is one", () => {
    expect(names(parseJson('[["a", "b"], [1, 2]]'))).toEqual(["a", "b"]);
    expect(names(parseJson("[[1, 2], [3, 4]]"))).toEqual(["Column 1", "Column 2"]);
  });

  test("may name its columns beside its rows", () => {
    const table = parseJson('{"columns": ["a", {"title": "b"}], "data": [[1, 2]]}');
    expect(names(table)).toEqual(["a", "b"]);
    expect(table.rows).toEqual([["1", "2"]]);
  });

  test("may be one object per line", () => {
    expect(parseJson('{"a": 1}\n{"a": 2}\n').rows).toEqual([["1"], ["2"]]);
  });

  test.each(["{", "7", '{"a": 1}', '"text"'])("that is no table is refused: %s", (text) => {
    expect(() => parseJson(text)).toThrow(TableError);
  });

  test("cannot reach a prototype through the names of its fields", () => {
    const table = parseJson('[{"__proto__": {"polluted": 1}, "constructor": "c"}, {"toString": 2}]');
    expect(names(table)).toEqual(["__proto__", "constructor", "toString"]);
    expect(table.rows[1]).toEqual(["", "", "2"]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test("becomes a rectangle of texts whatever it is, or is refused in a sentence", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          const { columns, rows } = tableOf(value);
          for (const row of rows) expect(row).toHaveLength(columns.length);
          for (const text of rows.flat()) expect(typeof text).toBe("string");
        } catch (error) {
          expect(error).toBeInstanceOf(TableError);
        }
      }),
    );
  });
});

describe("sorting", () => {
  const table = parseDelimited('name,size\nb,10\na,9\nc,\nd,-1e3\ne,"1,000"\n');

  test("goes by the numbers of a numeric column, empty cells last in both directions", () => {
    const sizes = (descending: boolean) => sortRows(table, { column: 1, descending }).map((row) => row[1]);
    expect(table.columns[1]?.numeric).toBe(true);
    expect(sizes(false)).toEqual(["-1e3", "9", "10", "1,000", ""]);
    expect(sizes(true)).toEqual(["1,000", "10", "9", "-1e3", ""]);
  });

  test("goes by the text of any other column, numbers in it as numbers", () => {
    const lines = parseDelimited("file\nitem 10\nitem 9\n", { tabs: true });
    expect(sortRows(lines, { column: 0, descending: false }).map((row) => row[0])).toEqual(["item 9", "item 10"]);
  });

  test("of a column that is not there, or of none, leaves the rows as they are", () => {
    expect(sortRows(table, null)).toBe(table.rows);
    expect(sortRows(table, { column: 9, descending: true })).toBe(table.rows);
  });

  test("loses no row and changes none, and is the same when done again", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(cell, fc.integer()), { minLength: 1 }),
        fc.boolean(),
        fc.nat(1),
        (rows, descending, column) => {
          const made = tableOf([["name", "size"], ...rows]);
          const sorted = sortRows(made, { column, descending });
          expect(new Set(sorted)).toEqual(new Set(made.rows));
          expect(sortRows({ ...made, rows: sorted }, { column, descending })).toEqual(sorted);
        },
      ),
    );
  });

  test("a click sorts up, a second one down, a third one not at all, and one elsewhere begins anew", () => {
    const up = nextOrder(null, 2);
    const down = nextOrder(up, 2);
    expect([up, down]).toEqual([
      { column: 2, descending: false },
      { column: 2, descending: true },
    ]);
    expect(nextOrder(down, 2)).toBeNull();
    expect(nextOrder(down, 1)).toEqual({ column: 1, descending: false });
  });
});

test.each([
  ["12", 12],
  ["-3.5e2", -350],
  ["1,234,567.5", 1234567.5],
  ["\u22124", -4],
  ["12 %", 12],
  ["1,23", null],
  ["0x10", null],
  ["12 km", null],
  ["", null],
])("%s as a number is %s", (text, number) => {
  expect(numberOf(text)).toBe(number);
});
