// Jobs as tests need them.
import type { Job } from "../src/service/types.ts";

export function job(id: number, change: Partial<Job> = {}): Job {
  return {
    id,
    state: "queued",
    wish: "",
    priority: 0,
    position: id,
    input: `/tapes/${id}.avi`,
    output: `/tapes/${id}.mp4`,
    batch: "",
    reason: "",
    attempt: 0,
    created_ms: id * 1000,
    changed_ms: id * 1000,
    not_before_ms: 0,
    warnings: 0,
    options: { preset: "vhs" },
    progress: { phase: "", fraction: 0, total: 0, frames_done: 0, frames_total: 0, fps: 0, elapsed: 0, eta: 0, bytes: 0, segments_done: 0, segments_total: 0, rss: 0 },
    result: {},
    ...change,
  };
}
