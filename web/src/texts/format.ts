// Numbers as people write them.
import { language, t } from "./text.ts";

export function number(value: number, digits = 0): string {
  return new Intl.NumberFormat(language.value, { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value);
}

export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let n = Math.max(0, value);
  let i = 0;
  while (n >= 1000 && i < units.length - 1) {
    n /= 1000;
    i++;
  }
  return `${number(n, i > 0 && n < 10 ? 1 : 0)} ${units[i] ?? "B"}`;
}

// How long it takes, rounded as one would say it.
export function span(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return "–";
  if (seconds < 60) return t("time.seconds", { n: Math.max(1, Math.round(seconds)) });
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return t("time.minutes", { n: minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? t("time.hours_minutes", { hours, minutes: minutes % 60 }) : t("time.hours", { n: hours });
  return t("time.days", { n: Math.round(hours / 24) });
}

// A place in a film: 1:02:03.
export function clock(seconds: number, tenths = false): string {
  const whole = Math.floor(Math.max(0, seconds) * 10 + 1e-6);
  const s = Math.floor(whole / 10);
  const text = [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60];
  const pad = (n: number): string => String(n).padStart(2, "0");
  const short = text[0] ? `${text[0]}:${pad(text[1] ?? 0)}:${pad(text[2] ?? 0)}` : `${text[1]}:${pad(text[2] ?? 0)}`;
  return tenths ? `${short}.${whole % 10}` : short;
}

export function percent(fraction: number): string {
  const p = Math.min(1, Math.max(0, fraction)) * 100;
  // 100 % is said when it is done, not when it rounds to it.
  return `${number(p >= 100 ? 100 : Math.min(99, Math.floor(p)))} %`;
}

export function when(ms: number): string {
  const date = new Date(ms);
  const today = new Date().toDateString() === date.toDateString();
  return new Intl.DateTimeFormat(language.value, today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" }).format(date);
}

// The last part of a path, as text; bidirectional marks in names may not reach into the text around them (the page isolates it).
export function fileName(path: string): string {
  const trimmed = path.replace(/\/+$/, "");
  return trimmed.slice(trimmed.lastIndexOf("/") + 1) || path;
}

export function folderName(path: string): string {
  const trimmed = path.replace(/\/+$/, "");
  return trimmed.slice(0, Math.max(1, trimmed.lastIndexOf("/")));
}

// Words of the service as a sentence of its own; "" of nothing.
export function sentence(text: string | undefined): string {
  return text ? `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}` : "";
}
