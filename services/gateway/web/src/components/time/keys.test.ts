import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { KEYS } from "../shell/KeyboardHelp";
import { HANDLE_KEYS } from "./Handle";

/** As the keys are written where they are listed. */
const WRITTEN: Record<string, string> = {
  ...{ ArrowLeft: "←", ArrowRight: "→", ArrowDown: "↓", ArrowUp: "↑", PageDown: "Page Down", PageUp: "Page Up" },
  " ": "Space",
};

const PAGE = readFileSync(new URL("../../../../../../docs/page.md", import.meta.url), "utf8");
const LISTS = {
  "the help": KEYS.map(([keys, what]) => `${keys.join(" ")} ${what}`).filter((line) => /handle|There/.test(line)),
  "the documentation": PAGE.split("\n").filter((line) => /^\|.*(handle|there)/.test(line)),
};

test.each(Object.entries(LISTS))("%s has every key of the timeline's handle", (_, lines) => {
  const list = lines.join("\n");
  const missing = ["Shift", ...HANDLE_KEYS.keys()]
    .map((key) => WRITTEN[key] ?? key)
    .filter((key) => !list.includes(key));
  expect(missing).toEqual([]);
});
