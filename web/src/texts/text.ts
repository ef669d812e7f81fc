// Texts in the language of the reader. A text may hold {name} for a value and, for numbers, two forms: "{n} file|{n} files".
import { Store, useStore } from "../state/store.ts";
import { de } from "./de.ts";
import { en, type Key } from "./en.ts";
import { marked } from "./foreign.ts";
import { machineDe } from "./machine_de.ts";
import { problemsDe } from "./problems_de.ts";

export type { Key };
export type Language = "en" | "de";
export type Args = Record<string, string | number>;

const catalogues: Record<Language, Partial<Record<Key, string>>> = { en, de };
const STORED = "terminalai.language";

export function preferred(languages: readonly string[], stored: string | null): Language {
  for (const tag of [stored ?? "", ...languages]) {
    const short = tag.slice(0, 2).toLowerCase();
    if (short === "de" || short === "en") return short;
  }
  return "en";
}

function stored(): string | null {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

export const language = new Store<Language>(typeof navigator === "undefined" ? "en" : preferred(navigator.languages ?? [], stored()));

export function setLanguage(to: Language): void {
  try {
    localStorage.setItem(STORED, to);
  } catch {
    // Chosen for this visit only.
  }
  language.set(to);
  document.documentElement.lang = to;
}

export function useLanguage(): Language {
  return useStore(language);
}

function fill(text: string, args: Args, lang: Language): string {
  const forms = text.split("|");
  let form = forms[0] ?? "";
  if (forms.length > 1 && typeof args["n"] === "number" && new Intl.PluralRules(lang).select(args["n"]) !== "one") form = forms[1] ?? form;
  return form.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = args[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? new Intl.NumberFormat(lang).format(value) : marked(value);
  });
}

export function t(key: Key, args: Args = {}): string {
  const lang = language.value;
  return fill(catalogues[lang][key] ?? en[key], args, lang);
}

// A text by a name that comes from the service ("problem.file-damaged"), or the service's own words where the catalogue has none.
export function known(key: string, fallback: string, args: Args = {}): string {
  const lang = language.value;
  const text = (catalogues[lang] as Record<string, string>)[key] ?? (lang === "de" ? (machineDe[key] ?? (key.startsWith("problem.") ? problemsDe[key.slice(8)] : undefined)) : undefined);
  return text === undefined ? fallback : fill(text, args, lang);
}
