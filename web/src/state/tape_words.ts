// What was measured of a source, for people who know no fields and no codecs. From a plan (docs/json.md). Pure: gives keys of
// texts and their values.
import type { Args, Key } from "../texts/text.ts";

export interface PictureFormat {
  width: number;
  height: number;
  sar?: string;
  frame_rate: string;
  scan?: string;
}

export interface PlanFacts {
  source?: { path?: string; size?: number };
  output?: { path?: string; container?: string };
  recipe?: Record<string, { value: string; from: string }>;
  diagnosis?: {
    scan_type?: { type?: string; confidence?: number; flagged?: string; telecine_suspected?: boolean };
    noise?: { value?: { luma?: number; chroma?: number } | null; confidence?: number };
    levels?: { value?: { black?: number; white?: number; saturation?: number } | null };
    head_switching?: { value?: { lines?: number } | null; confidence?: number };
    [measure: string]: unknown;
  };
  video?: { source_format?: PictureFormat; output_format?: PictureFormat; frames?: number; source_frames?: number };
  warnings?: { code: string; severity: string; message: string; advice?: string }[];
}

export interface Word {
  key: Key;
  args: Args;
  tone: "plain" | "warn";
}

// Noise in 8 bit codes: what one sees.
const NOISE: readonly [number, Key][] = [
  [1.2, "tape.noise_none"],
  [3, "tape.noise_little"],
  [6.5, "tape.noise_clear"],
  [Infinity, "tape.noise_strong"],
];

export function tapeWords(plan: PlanFacts): Word[] {
  const words: Word[] = [];
  const say = (key: Key, args: Args = {}, tone: Word["tone"] = "plain"): void => void words.push({ key, args, tone });
  const scan = plan.diagnosis?.scan_type;
  if (scan?.telecine_suspected) say("tape.film");
  else if (scan?.type === "progressive") say("tape.progressive");
  else if (scan?.type === "tff") say("tape.interlaced_top");
  else if (scan?.type === "bff") say("tape.interlaced_bottom");
  else if (scan?.type === "interlaced") say("tape.interlaced");
  else if (scan?.type === "mixed") say("tape.mixed");
  else if (scan?.type?.startsWith("telecine")) say("tape.film");
  const noise = plan.diagnosis?.noise?.value?.luma;
  if (typeof noise === "number") {
    const word = NOISE.find(([most]) => noise < most);
    if (word) say(word[1]);
  }
  const torn = plan.diagnosis?.head_switching?.value?.lines ?? 0;
  if (torn > 0) say("tape.torn", { n: torn });
  const levels = plan.diagnosis?.levels?.value;
  if (levels && typeof levels.black === "number" && levels.black > 28) say("tape.black_grey");
  if (levels && typeof levels.white === "number" && levels.white < 200) say("tape.white_grey");
  if (levels && typeof levels.saturation === "number" && levels.saturation < 12) say("tape.pale");
  return words;
}

export function rate(text: string): number {
  const [a = 0, b = 1] = text.split("/").map(Number);
  return b ? a / b : 0;
}

// Of the result, from 0; 25 where the plan does not say.
export function resultRate(plan: PlanFacts | null): number {
  return rate(plan?.video?.output_format?.frame_rate ?? plan?.video?.source_format?.frame_rate ?? "") || 25;
}
