import { readdir, readFile, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { Plugin } from "vite";

const WORTH_IT = new Set([".js", ".css", ".svg", ".json"]); // fonts and images are compressed already
const BYTES_MIN = 1024; // below it the response's headers weigh more than what is saved

/** Lays a `.br` and a `.gz` beside each built file that gets smaller by it: the gateway compresses nothing while it serves. */
export function compress(): Plugin {
  return {
    name: "anabranch-compress",
    apply: "build",
    async writeBundle({ dir = "dist" }) {
      const assets = join(dir, "assets");
      await Promise.all((await readdir(assets)).map((name) => compressFile(join(assets, name))));
    },
  };
}

async function compressFile(path: string): Promise<void> {
  const whole = await readFile(path);
  if (!WORTH_IT.has(extname(path)) || whole.length < BYTES_MIN) return;
  const params = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: whole.length };
  await writeFile(`${path}.br`, await promisify(brotliCompress)(whole, { params }));
  await writeFile(`${path}.gz`, await promisify(gzip)(whole, { level: 9 }));
}
