// What a job is doing, in words.
import { hasEnded, type Job } from "../service/types.ts";
import { bytes, number, percent, sentence, span, when } from "../texts/format.ts";
import { known, t, type Key } from "../texts/text.ts";

export type Tone = "busy" | "wait" | "good" | "warn" | "bad" | "off";

export function tone(job: Job): Tone {
  switch (job.state) {
    case "running":
    case "planning":
    case "downloading":
      return "busy";
    case "queued":
    case "paused":
      return job.attempt > 0 ? "warn" : "wait";
    case "done":
      return job.warnings ? "warn" : "good";
    case "failed":
      return "bad";
    case "cancelled":
      return "off";
  }
}

export function stateWord(job: Job): string {
  if (job.wish === "pause") return t("state.pausing");
  if (job.wish === "cancel") return t("state.cancelling");
  if (job.state === "done" && job.warnings) return t("state.done_warnings");
  if (job.state === "queued" && job.not_before_ms > Date.now()) return t("state.again_later");
  return t(`state.${job.state}` as Key);
}

export function phaseWord(phase: string): string {
  return phase ? known(`phase.${phase}`, phase) : "";
}

// One line under the name.
export function detail(job: Job): string {
  const p = job.progress;
  const parts: string[] = [];
  if (hasEnded(job)) {
    const r = job.result;
    if (job.state === "failed") return failure(job);
    if (job.state === "cancelled") return t("job.cancelled_at", { when: when(job.changed_ms) });
    parts.push(when(job.changed_ms));
    if (r.wall_seconds) parts.push(t("job.took", { time: span(r.wall_seconds) }));
    if (r.bytes) parts.push(bytes(r.bytes));
    if (r.width && r.height) parts.push(`${r.width}×${r.height}`);
    return parts.join(" · ");
  }
  if (job.state === "queued") {
    if (job.not_before_ms > Date.now()) return t("job.again_at", { when: when(job.not_before_ms), reason: job.reason });
    return p.total > 0 ? t("job.goes_on", { percent: percent(p.total) }) : t("job.waits");
  }
  if (job.state === "paused") return p.total > 0 ? t("job.paused_at", { percent: percent(p.total) }) : t("job.paused");
  const phase = p.phase === "restore" ? "" : phaseWord(p.phase); // the state says that it is restored
  if (phase) parts.push(phase);
  if (p.eta > 0) parts.push(t("job.left", { time: span(p.eta) }));
  if (p.fps > 0) parts.push(t("job.fps", { fps: number(p.fps, p.fps < 10 ? 1 : 0) }));
  return parts.join(" · ");
}

// In the reader's language what kind of failure, then the program's own sentence where that says more.
function failure(job: Job): string {
  const message = withoutPaths(job.result.message || job.reason, [job.input, job.output]);
  const kind = job.result.code ? known(`record.${job.result.code}`, "") : "";
  return !kind || message.toLowerCase().startsWith(kind.toLowerCase()) ? sentence(message) : `${kind}: ${message}`;
}

// A message without the paths that it begins with, where they stand beside it anyway.
export function withoutPaths(message: string, paths: readonly string[]): string {
  const path = paths.find((p) => p && message.startsWith(`${p}: `));
  return path ? message.slice(path.length + 2) : message;
}

// How far, 0..1; what is measured and looked through before has no share in `total`.
export function fraction(job: Job): number {
  if (job.state === "done") return 1;
  return job.progress.total;
}
