// Which kind of restoration fits what was measured. Pure.
import type { Preset } from "../service/types.ts";
import type { PlanFacts } from "./tape_words.ts";

export interface Measured {
  scan: string; // "": not known
  noise: number; // in 8 bit codes
  height: number;
}

export function suggest(presets: readonly Preset[], facts: Measured): string {
  const has = (name: string): boolean => presets.some((p) => p.name === name);
  const interlaced = facts.scan !== "progressive" && facts.scan !== "";
  const pick = interlaced && facts.height > 600 ? "broadcast_1080i" : interlaced ? (facts.noise > 6.5 && has("vhs_heavy") ? "vhs_heavy" : "vhs") : facts.noise > 3 ? "vhs" : "clean";
  return has(pick) ? pick : has("vhs") ? "vhs" : (presets[0]?.name ?? "");
}

// Nothing is suggested before anything is measured.
export function suggestFor(presets: readonly Preset[], plan: PlanFacts | null): string {
  if (!plan) return "";
  const scan = plan.diagnosis?.scan_type;
  const noise = plan.diagnosis?.noise?.value?.luma;
  return suggest(presets, { scan: scan?.type ?? "", noise: typeof noise === "number" ? noise : 0, height: plan.video?.source_format?.height ?? 480 });
}

// The kind of each recording of a box: what the reader chose for all of them, else what each was suggested; one that is not
// measured gets what most of the others do.
export function kinds(paths: readonly string[], chosen: string, suggested: ReadonlyMap<string, string>, otherwise: string): string[] {
  const most = counted([...suggested.values()])[0]?.name ?? otherwise;
  return paths.map((path) => chosen || suggested.get(path) || most);
}

// Of a box of which each shall get what fits it: how many of the first `most` are still being measured, and how many are not
// measured at all, as they come after those.
export function openOnes(paths: readonly string[], measured: ReadonlyMap<string, { loading: boolean }>, most: number): { measuring: number; left: number } {
  const first = paths.slice(0, most);
  return { measuring: first.filter((path) => measured.get(path)?.loading ?? true).length, left: paths.length - first.length };
}

// How many of each, most first; equal ones in the order in which they came.
export function counted(names: readonly string[]): { name: string; n: number }[] {
  const counts = new Map<string, number>();
  for (const name of names) if (name) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, n]) => ({ name, n })).sort((a, b) => b.n - a.n);
}
