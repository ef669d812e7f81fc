// The latest lines of the service's log. A ring that is trimmed in batches: not at each line, but when a fifth too many are there.
import { Store } from "./store.ts";

export interface LogLine {
  n: number;
  time_ms: number;
  level: string; // error, warn, info, verbose, debug
  component: string;
  text: string;
  code?: string;
}

export const KEPT_LINES = 5000;

export function withLines(old: readonly LogLine[], more: readonly LogLine[], kept = KEPT_LINES): readonly LogLine[] {
  if (!more.length) return old;
  const last = old[old.length - 1]?.n ?? -1;
  const fresh = more.filter((l) => l.n > last);
  if (!fresh.length) return old;
  const all = [...old, ...fresh];
  return all.length > kept * 1.2 ? all.slice(-kept) : all;
}

export const LEVELS = ["error", "warn", "info", "verbose", "debug"] as const;
export type Level = (typeof LEVELS)[number];

// Lines of a level or graver, with the text.
export function filtered(lines: readonly LogLine[], level: Level, text: string): LogLine[] {
  const most = LEVELS.indexOf(level);
  const part = text.trim().toLocaleLowerCase();
  return lines.filter((l) => {
    const rank = LEVELS.indexOf(l.level as Level);
    return (rank < 0 ? 2 : rank) <= most && (!part || l.text.toLocaleLowerCase().includes(part));
  });
}

export const log = new Store<readonly LogLine[]>([]);
