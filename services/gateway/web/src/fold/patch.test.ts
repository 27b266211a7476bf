import fc from "fast-check";
import { expect, test } from "vitest";
import { FoldError } from "./errors";
import { applyPatch } from "./patch";

/** A deep copy that nothing can change. */
function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(value).forEach(frozen);
  return Object.freeze(value);
}

test.each([
  [{ a: 1 }, { op: "add", path: "/b", value: 2 }, { a: 1, b: 2 }],
  [[1, 3], { op: "add", path: "/1", value: 2 }, [1, 2, 3]],
  [[1], { op: "add", path: "/-", value: 2 }, [1, 2]],
  [{ a: 1 }, { op: "add", path: "", value: [] }, []],
  [{ a: { b: [1, 2] } }, { op: "remove", path: "/a/b/0" }, { a: { b: [2] } }],
  [{ a: 1 }, { op: "remove", path: "" }, null],
  [{ "a/b": { "m~n": 1 } }, { op: "replace", path: "/a~1b/m~0n", value: null }, { "a/b": { "m~n": null } }],
  [
    { a: [1], b: [] },
    { op: "move", from: "/a/0", path: "/b/-" },
    { a: [], b: [1] },
  ],
  [{ a: 1 }, { op: "move", from: "/a", path: "/a" }, { a: 1 }],
  [{ a: [1] }, { op: "copy", from: "/a", path: "/b" }, { a: [1], b: [1] }],
  [{ a: [1, { b: null }] }, { op: "test", path: "/a", value: [1, { b: null }] }, { a: [1, { b: null }] }],
])("%j with %j is %j", (value, operation, patched) => {
  expect(applyPatch(frozen(value), [operation])).toEqual(patched);
});

test.each([
  { op: "remove", path: "/missing" },
  { op: "replace", path: "/missing", value: 1 },
  { op: "add", path: "/missing/deep", value: 1 },
  { op: "add", path: "/list/9", value: 1 },
  { op: "add", path: "/list/01", value: 1 },
  { op: "add", path: "/list/-1", value: 1 },
  { op: "add", path: "/list/\u0660", value: 1 },
  { op: "add", path: "/text/0", value: 1 },
  { op: "remove", path: "/list/length" },
  { op: "remove", path: "/list/-" },
  { op: "add", path: "no-slash", value: 1 },
  { op: "test", path: "/list/0", value: true },
  { op: "test", path: "/list", value: [1, 2] },
  { op: "test", path: "/empty", value: [] },
  { op: "move", from: "/list", path: "/list/0" },
  { op: "jump", path: "/list" },
  { path: "/list" },
  { op: "add", path: "/list/-" },
  { op: "add", path: 5, value: 1 },
  { op: "copy", path: "/list/0", from: null },
  { op: "test", path: "/constructor", value: null },
  { op: "add", path: "/__proto__/polluted", value: 1 },
])("%j does not apply", (operation) => {
  expect(() => applyPatch(frozen({ list: [1], text: "abc", empty: {} }), [operation])).toThrow(FoldError);
});

test("a key called __proto__ is a key like any other and pollutes nothing", () => {
  const added = applyPatch({}, [
    { op: "add", path: "/__proto__", value: {} },
    { op: "add", path: "/__proto__/polluted", value: 1 },
    { op: "copy", from: "/__proto__", path: "/b" },
  ]);
  expect(JSON.stringify(added)).toBe('{"__proto__":{"polluted":1},"b":{"polluted":1}}');
  expect(Object.getPrototypeOf(added)).toBe(Object.prototype);
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
  expect(JSON.stringify(applyPatch(added, [{ op: "remove", path: "/__proto__" }]))).toBe('{"b":{"polluted":1}}');
});

test("what a patch does not touch is shared, so that who compares by identity sees what changed", () => {
  const before = { left: { deep: [1] }, right: { deep: [2] } };
  const after = applyPatch(before, [{ op: "replace", path: "/left/deep/0", value: 9 }]) as typeof before;
  expect(after.right).toBe(before.right);
  expect(after.left).not.toBe(before.left);
});

test("a patch never changes the value it was given", () => {
  const pointer = fc
    .array(fc.constantFrom("a", "b", "0", "1", "-", "__proto__"), { maxLength: 3 })
    .map((tokens) => tokens.map((token) => `/${token}`).join(""));
  const operation = fc.record({
    op: fc.constantFrom("add", "remove", "replace", "move", "copy", "test"),
    path: pointer,
    from: pointer,
    value: fc.jsonValue(),
  });
  fc.assert(
    fc.property(fc.jsonValue(), fc.array(operation, { maxLength: 4 }), (value, patch) => {
      const before = JSON.stringify(value);
      try {
        applyPatch(frozen(value), patch);
      } catch (error) {
        expect(error).toBeInstanceOf(FoldError);
      }
      expect(JSON.stringify(value)).toBe(before);
    }),
  );
});
