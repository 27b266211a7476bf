import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/** Imports go down this list, or stay where they are; what stands in one line does not know each other. */
const LAYERS = [["schema"], ["fold"], ["client", "layout", "time"], ["store"], ["components"], ["."]];

const SRC = fileURLToPath(new URL(".", import.meta.url));
const IMPORT = /(?:from|import)\s*\(?\s*"(\.[^"]+)"/g;

test("imports go down only", () => {
  const wrong: string[] = [];
  for (const file of readdirSync(SRC, { recursive: true, encoding: "utf8" })) {
    if (!/\.tsx?$/.test(file) || file.includes(".test.")) continue;
    for (const [, path = ""] of readFileSync(join(SRC, file), "utf8").matchAll(IMPORT)) {
      const imported = relative(SRC, join(SRC, dirname(file), path));
      if (!allowed(areaOf(file), areaOf(imported))) wrong.push(`${file} imports ${imported}`);
    }
  }
  expect(wrong).toEqual([]);
});

function areaOf(path: string): string {
  return path.includes("/") ? (path.split("/")[0] ?? "") : ".";
}

function allowed(importer: string, imported: string): boolean {
  if (importer === imported || imported === "styles") return true;
  const level = (area: string) => LAYERS.findIndex((areas) => areas.includes(area));
  return level(imported) >= 0 && level(imported) < level(importer);
}
