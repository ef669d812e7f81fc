// Light or dark: the system's choice, or the reader's.
import { Store } from "./store.ts";

export type Theme = "system" | "light" | "dark";
const STORED = "terminalai.theme";

function stored(): Theme {
  try {
    const value = localStorage.getItem(STORED);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system";
  }
}

export const theme = new Store<Theme>(typeof document === "undefined" ? "system" : stored());

export function applyTheme(): void {
  const root = document.documentElement;
  if (theme.value === "system") delete root.dataset["theme"];
  else root.dataset["theme"] = theme.value;
}

export function setTheme(to: Theme): void {
  try {
    localStorage.setItem(STORED, to);
  } catch {
    // For this visit only.
  }
  theme.set(to);
  applyTheme();
}
