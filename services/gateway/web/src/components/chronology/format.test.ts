import { describe, expect, test } from "vitest";
import { nameIn } from "../../fold/roles";
import { colourOf, initialsOf } from "./agents";
import { bytes, counted, duration, oneLine } from "./format";

test.each([
  [0, "0 ms"],
  [99, "99 ms"],
  [3210, "3.2 s"],
  [59_949, "59.9 s"],
  [59_950, "1 min 0 s"],
  [125_000, "2 min 5 s"],
  [3_599_600, "1 h 0 min"],
  [-5, "0 ms"],
])("%d ms are %s", (ms, said) => {
  expect(duration(ms)).toBe(said);
});

test.each([
  [999, "999 B"],
  [1204, "1.2 kB"],
  [5_600_000, "5.6 MB"],
])("%d bytes are %s", (size, said) => {
  expect(bytes(size)).toBe(said);
});

test("one is not many", () => {
  expect([counted(1, "agent"), counted(1200, "agent"), counted(0, "agent")]).toEqual([
    "1 agent",
    "1,200 agents",
    "0 agents",
  ]);
});

test.each([
  [{ query: "fast rivers", limit: 3 }, "query: fast rivers, limit: 3"],
  [[1, "a"], '[1,"a"]'],
  ["text", "text"],
  [null, "null"],
  [{}, ""],
])("%j in one line is %j", (value, line) => {
  expect(oneLine(value)).toBe(line);
});

test("one line of a long value is bounded", () => {
  expect(oneLine({ text: "x".repeat(100_000) }).length).toBeLessThan(300);
});

describe("an agent", () => {
  test("has one of eight colours, and the first eight have different ones", () => {
    const colours = Array.from({ length: 20 }, (_, hue) => colourOf(hue));
    expect(new Set(colours.slice(0, 8)).size).toBe(8);
    for (const colour of colours) expect(colour).toMatch(/^var\(--agent-[0-7]\)$/);
  });

  test.each([
    ["research", "R"],
    ["deep research", "DR"],
    ["fact_checker-two", "FC"],
    ["", "?"],
    ["🌊 river", "🌊R"],
  ])("called %j has the initials %j", (name, initials) => {
    expect(initialsOf(name)).toBe(initials);
  });

  test("that nothing is known of has the name in its namespace", () => {
    expect(nameIn("main/research:1/reader:2")).toBe("reader");
  });
});
