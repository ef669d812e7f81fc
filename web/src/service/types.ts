// What the service's answers hold (docs/api.md). Members that the page does not use are left out.
export const JOB_STATES = ["queued", "downloading", "planning", "running", "paused", "done", "failed", "cancelled"] as const;
export type JobState = (typeof JOB_STATES)[number];

export interface Progress {
  phase: string;
  fraction: number; // of the phase
  total: number; // of the file, by weight
  frames_done: number;
  frames_total: number;
  fps: number;
  elapsed: number; // seconds
  eta: number;
  bytes: number;
  segments_done: number;
  segments_total: number;
  rss: number;
  stage?: string;
}

export interface ProblemRecord {
  code: string;
  severity: "warning" | "loss" | "error";
  message: string;
  advice?: string;
  where?: { file?: string; option?: string; stage?: string; frame?: number };
  args?: Record<string, unknown>;
}

export interface JobResult {
  status?: string;
  output?: string;
  width?: number;
  height?: number;
  frames?: number;
  bytes?: number;
  wall_seconds?: number;
  fps?: number;
  peak_rss_bytes?: number;
  code?: string;
  message?: string;
  advice?: string;
  problems?: ProblemRecord[];
}

export type OptionValues = Record<string, string | number | boolean>;

export interface Job {
  id: number;
  state: JobState;
  wish: "" | "pause" | "cancel";
  priority: number;
  position: number;
  input: string;
  output: string;
  batch: string;
  reason: string;
  attempt: number;
  created_ms: number;
  changed_ms: number;
  not_before_ms: number;
  warnings: number;
  options: OptionValues;
  progress: Progress;
  result: JobResult;
}

export interface JobPage {
  jobs: Job[];
  paused: boolean;
  next: number | null;
  event: number;
}

export interface System {
  version: string;
  cores: number;
  memory_bytes: number;
  rss_bytes: number;
  workers: number;
  busy: number;
  paused: boolean;
  jobs: Record<JobState, number>;
  roots: string[];
  disks: { path: string; free_bytes: number }[];
  limits: { at_once: number; at_once_most: number };
  read_only: boolean;
  uploads: { folder: string; max_bytes: number } | null;
}

export interface Preset {
  name: string;
  summary: string;
  from: string;
  values: OptionValues;
}

export interface Option {
  name: string;
  kind: string;
  default: string | number | boolean;
  choices?: { name: string; help?: string }[];
  min?: number;
  max?: number;
  help: string;
  unit?: string;
  syntax?: string;
  letter?: string;
  advanced: boolean;
  group: string;
  scope: string;
  depends?: Record<string, string[]>;
}

// Has it ended, for good or until somebody tries it again?
export function hasEnded(job: Job): boolean {
  return job.state === "done" || job.state === "failed" || job.state === "cancelled";
}

export function isWorking(job: Job): boolean {
  return job.state === "running" || job.state === "planning" || job.state === "downloading";
}
