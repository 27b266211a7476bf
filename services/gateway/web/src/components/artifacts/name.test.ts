import fc from "fast-check";
import { expect, test } from "vitest";
import { NAME_CHARS_MAX, safeName, shortDigest, sizeText } from "./name";

test.each([
  ["figures.csv", "figures.csv"],
  ["Flüsse 河.md", "Flüsse 河.md"],
  ["../../etc/passwd", "_.._etc_passwd"],
  [".htaccess", "htaccess"],
  ['a<b>:"c"|?*.txt', "a_b___c____.txt"],
  ["photo\u202egpj.exe", "photo_gpj.exe"],
  ["half\ud83d.txt", "half_.txt"],
  ["CON.txt", "_CON.txt"],
  [" . ", "artifact"],
  ["", "artifact"],
])("%j is saved as %j", (name, safe) => {
  expect(safeName(name)).toBe(safe);
});

test("whatever an artifact is called, it is saved under one plain name", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 400 }), (name) => {
      const safe = safeName(name);
      expect(safe).not.toMatch(/[\p{Cc}\p{Cs}/\\:*?"<>|\u202e]|^[ .]|[ .]$|^$/u);
      expect([...safe].length).toBeLessThanOrEqual(NAME_CHARS_MAX + 1);
      expect(safeName(safe)).toBe(safe);
    }),
  );
});

test("sizes are said in decimal units", () => {
  expect([0, 1, 836, 14_200, 3_000_000].map(sizeText)).toEqual(["0 bytes", "1 byte", "836 bytes", "14.2 kB", "3.0 MB"]);
});

test("a digest is told apart by its start", () => {
  expect(shortDigest("25364609b8d96cb8bf299e64")).toBe("25364609b8d9");
});
