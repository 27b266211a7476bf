/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { compress } from "./compress.ts";

const gateway = process.env.ANABRANCH_GATEWAY ?? "http://127.0.0.1:8000";

export default defineConfig({
  root: "src",
  plugins: [react(), compress()],
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    assetsInlineLimit: 0, // the page's Content-Security-Policy allows files of its own origin, no data: scripts or fonts
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  server: { proxy: { "/v1": { target: gateway, ws: true }, "/docs": gateway } }, // `npm run dev` beside a running gateway
  test: { environment: "node", include: ["**/*.test.{ts,tsx}"] },
});
