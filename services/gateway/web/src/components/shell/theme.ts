/** Light or dark: as the system is, or as a person chose for this browser. Everything else reads `data-theme` on the root element. */
import { create } from "zustand";

export type Choice = "system" | "light" | "dark";

const KEY = "anabranch.theme";
const dark = () => matchMedia("(prefers-color-scheme: dark)");

interface Theme {
  choice: Choice;
  choose(choice: Choice): void;
}

export const useTheme = create<Theme>()((set) => ({
  choice: stored(),
  choose: (choice) => {
    if (choice === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, choice);
    set({ choice });
    show(choice);
  },
}));

/** Show it, and follow the system from now on. */
export function startTheme(): void {
  show(useTheme.getState().choice);
  dark().addEventListener("change", () => show(useTheme.getState().choice));
}

function show(choice: Choice): void {
  document.documentElement.dataset.theme = choice === "system" ? (dark().matches ? "dark" : "light") : choice;
}

function stored(): Choice {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}
