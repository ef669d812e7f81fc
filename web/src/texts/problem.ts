// Why something failed, in the reader's language where the catalogue knows the code, else in the service's words.
import { Problem } from "../service/problem.ts";
import type { ProblemRecord } from "../service/types.ts";
import { known, t, type Args } from "./text.ts";

function args(of: Record<string, unknown> | undefined): Args {
  const out: Args = {};
  for (const [name, value] of Object.entries(of ?? {})) if (typeof value === "string" || typeof value === "number") out[name] = value;
  return out;
}

export function problemText(error: unknown): string {
  if (error instanceof Problem) {
    if (error.status === 0) return t("problem.unreachable");
    return error.code ? known(`problem.${error.code}`, error.message, args(error.args)) : error.message;
  }
  return error instanceof Error ? error.message : String(error);
}

export interface RecordTexts {
  kind: string; // what it is, in the reader's language; "" where the catalogue has no word
  message: string; // the program's own sentence, with names and numbers
  advice: string; // what one can do on the page, where the catalogue knows; else as for the command line
}

export function recordTexts(record: ProblemRecord): RecordTexts {
  const advice = record.severity === "error" ? known(`advice.${record.code}`, record.advice ?? "") : (record.advice ?? "");
  return { kind: known(`record.${record.code}`, "", args(record.args)), message: record.message, advice };
}
