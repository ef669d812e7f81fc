// What is about to be restored: the chosen files, the preset, the changed options. Kept while one looks at other views.
import type { OptionValues } from "../service/types.ts";
import { Store } from "./store.ts";

export interface Source {
  path: string; // on the service's machine, or an address; while it is uploaded: ""
  name: string;
  kind: "file" | "address" | "upload";
  sent: number; // part of an upload, 0..1
  problem: string;
  key: number;
}

export interface Draft {
  sources: readonly Source[];
  preset: string; // "": the first that fits
  options: OptionValues; // changed ones only
}

export const draft = new Store<Draft>({ sources: [], preset: "", options: {} });

let next = 1;

export function newSource(of: Partial<Source> & { name: string; kind: Source["kind"] }): Source {
  return { path: "", sent: 1, problem: "", key: next++, ...of };
}

export function addSources(sources: readonly Source[]): void {
  draft.update((d) => {
    const have = new Set(d.sources.map((s) => s.path).filter(Boolean));
    return { ...d, sources: [...d.sources, ...sources.filter((s) => !s.path || !have.has(s.path))] };
  });
}

export function changeSource(key: number, change: Partial<Source>): void {
  draft.update((d) => ({ ...d, sources: d.sources.map((s) => (s.key === key ? { ...s, ...change } : s)) }));
}

export function dropSource(key: number): void {
  draft.update((d) => ({ ...d, sources: d.sources.filter((s) => s.key !== key) }));
}

export function setOption(name: string, value: string | number | boolean | undefined): void {
  draft.update((d) => {
    const options = { ...d.options };
    if (value === undefined) delete options[name];
    else options[name] = value;
    return { ...d, options };
  });
}

// What a job is given.
export function draftOptions(d: Draft, preset: string): OptionValues {
  return preset ? { preset, ...d.options } : { ...d.options };
}

// Lines of an address field: what looks like one, in order, each once.
export function addresses(text: string): string[] {
  return [...new Set(text.split(/\s+/).filter((w) => /^https?:\/\/[^/\s]+/i.test(w)))];
}

// Where what is fetched from an address shall go once it is restored: the address's last name, in a folder of the service.
export function addressOutput(address: string, folder: string, extension: string): string {
  let stem = "";
  try {
    const url = new URL(address);
    const last = url.searchParams.get("v") ?? decodeURIComponent(url.pathname.split("/").filter(Boolean).pop() ?? "");
    stem = last.replace(/\.[A-Za-z0-9]{1,5}$/, "") || url.hostname;
  } catch {
    stem = address.replace(/^https?:/i, "");
  }
  const safe = [...stem].map((c) => (c === "/" || c === "\\" || c < " " ? "_" : c)).join("").replace(/^\.+/, "").slice(0, 80) || "film";
  return `${folder.replace(/\/$/, "")}/${safe}.restored${extension}`;
}
