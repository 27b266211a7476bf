/// <reference types="vitest/config" />
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { compress } from "./compress.ts";

const gateway = process.env.ANABRANCH_GATEWAY ?? "http://127.0.0.1:8000";

export default defineConfig({
  root: "src",
  cacheDir: "../node_modules/.vite",
  plugins: [react(), compress()],
  resolve: {
    alias: {
      // what streamdown imports and this page does not use: 55 kB of the 190 kB (gzip) that the conversation needs
      "rehype-raw": fileURLToPath(new URL("src/components/markdown/noRawHtml.ts", import.meta.url)),
      "tailwind-merge": fileURLToPath(new URL("src/components/markdown/noTailwind.ts", import.meta.url)),
    },
  },
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    assetsInlineLimit: 0, // the page's Content-Security-Policy allows files of its own origin, no data: scripts or fonts
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  server: { proxy: { "/v1": { target: gateway, ws: true }, "/docs": gateway } }, // `npm run dev` beside a running gateway
  // Files share processes: a new one per file costs three times the processor time of the tests. A minute, because a busy machine
  // is no mistake of the code.
  test: { environment: "node", include: ["**/*.test.{ts,tsx}"], isolate: false, testTimeout: 60_000 },
});
