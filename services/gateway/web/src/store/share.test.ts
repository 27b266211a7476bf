import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { share } from "./share";

const values = fc.tuple(fc.jsonValue(), fc.jsonValue());

describe("what is shared", () => {
  it("is equal to what came after, and leaves both as they were", () => {
    fc.assert(
      fc.property(values, ([before, after]) => {
        const copies = structuredClone([before, after]);
        expect(share(before, after)).toEqual(after);
        expect([before, after]).toEqual(copies);
      }),
    );
  });

  it("is what was before, where nothing differs", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (before) => {
        expect(share(before, structuredClone(before))).toBe(before);
      }),
    );
  });

  it("is what was before, whatever its names are", () => {
    const before = JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}');
    expect(share(before, structuredClone(before))).toBe(before);
    expect(JSON.stringify(share({}, before))).toBe('{"__proto__":{"a":1},"constructor":2}');
  });

  it("keeps the equal parts of what differs", () => {
    const before = { same: [{ deep: 1 }], other: 1, gone: 2 };
    const after = { same: [{ deep: 1 }], other: 1 };
    const shared = share(before, after);
    expect(shared).toEqual(after);
    expect(shared.same).toBe(before.same);
    expect(share([1, { a: 1 }], [1, { a: 1 }, 2])).toEqual([1, { a: 1 }, 2]);
  });
});
