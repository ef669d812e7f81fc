// What the page asks of the service, by name. Addresses stand here and nowhere else.
import { get, query, send } from "./request.ts";
import type { LogLine } from "../state/log.ts";
import type { PlanFacts } from "../state/tape_words.ts";
import type { Job, Option, OptionValues, Preset, ProblemRecord, System } from "./types.ts";

const API = "/api/v1";

export interface NewJob {
  input: string;
  output?: string;
  options: OptionValues;
  batch?: string;
  priority?: number;
}

export const readSystem = (signal?: AbortSignal): Promise<System> => get<System>(`${API}/system`, signal);
// How many jobs may run at once, until the service ends.
export const setAtOnce = (n: number): Promise<System> => send("PATCH", `${API}/system`, { at_once: n });
export const readOptions = (signal?: AbortSignal): Promise<Option[]> => get<Option[]>(`${API}/options`, signal);
export const readPresets = (signal?: AbortSignal): Promise<Preset[]> => get<Preset[]>(`${API}/presets`, signal);

export const submitJobs = (jobs: NewJob[]): Promise<{ jobs: Job[] }> => send("POST", `${API}/jobs`, { jobs });
export const readJob = (id: number, signal?: AbortSignal): Promise<Job> => get<Job>(`${API}/jobs/${id}`, signal);

export type JobAction = "pause" | "resume" | "cancel" | "retry";
export interface ActedOn {
  changed: number[];
  refused: { id: number; detail: string }[];
}
const ACTED_MAX = 1000;

// The same with several jobs, each for itself.
export async function actOnJobs(ids: readonly number[], action: JobAction | "remove"): Promise<ActedOn> {
  const done: ActedOn = { changed: [], refused: [] };
  for (let at = 0; at < ids.length; at += ACTED_MAX) {
    const some = await send<ActedOn>("POST", `${API}/jobs/actions`, { action, ids: ids.slice(at, at + ACTED_MAX) });
    done.changed.push(...some.changed);
    done.refused.push(...some.refused);
  }
  return done;
}

export const changeJob = (id: number, change: { priority: number } | { before: number }): Promise<Job> => send("PATCH", `${API}/jobs/${id}`, change);
export const clearEnded = (states: string[]): Promise<{ removed?: number }> => send("DELETE", query(`${API}/jobs`, { state: states.join(",") }));
export const actOnQueue = (action: "pause" | "resume"): Promise<{ paused: boolean }> => send("POST", `${API}/queue/${action}`);

export interface Change {
  time_ms: number;
  from: string;
  state: string;
  reason: string;
}
export const readHistory = (id: number, signal?: AbortSignal): Promise<{ changes: Change[] }> => get(`${API}/jobs/${id}/history`, signal);

// ---- files of the service's machine ----

export interface Entry {
  name: string;
  kind: "folder" | "file";
  bytes: number;
  changed_ms: number;
  video: boolean; // by its name
}
export interface Folder {
  path: string | null; // null: the list of roots
  parent: string | null;
  entries: Entry[];
  more: boolean; // there are more than are listed
  disc?: boolean; // a DVD: it is one recording
  roots: string[];
}
export const readFolder = (path: string, signal?: AbortSignal): Promise<Folder> => get(query(`${API}/files`, { path }), signal);

export function joinPath(folder: string, name: string): string {
  return folder.endsWith("/") ? folder + name : `${folder}/${name}`;
}

const FOLDER_FILES_MAX = 10_000;

// Folders become the recordings in them, at any depth; a disc stays one.
export async function expandFolders(paths: readonly { path: string; folder: boolean }[], room = FOLDER_FILES_MAX): Promise<string[]> {
  const files: string[] = [];
  for (const { path, folder } of paths) {
    if (files.length >= room) break;
    const inside = folder ? await readFolder(path) : null;
    if (!inside || inside.disc) {
      files.push(path);
      continue;
    }
    const wanted = inside.entries.filter((e) => e.kind === "folder" || e.video).map((e) => ({ path: joinPath(path, e.name), folder: e.kind === "folder" }));
    files.push(...(await expandFolders(wanted, room - files.length)));
  }
  return files;
}

// ---- plans and pictures ----

export interface Planned {
  plan: PlanFacts;
  estimate: { output_bytes: number; tried: boolean; seconds: number };
  frames: number; // of the result
  seconds: number;
  output: string;
  problems: ProblemRecord[];
}
// With `estimate` what it takes is tried on the service's machine, which takes seconds.
export const readPlan = (input: string, options: OptionValues, estimate: boolean, signal?: AbortSignal): Promise<Planned> =>
  send("POST", `${API}/plan`, { input, options, estimate }, signal);

export interface OptionProblem {
  code: string;
  detail: string;
  args: Record<string, unknown>;
}
export interface OptionsCheck {
  ok: boolean;
  problems: OptionProblem[];
}
export const checkOptions = (options: OptionValues, signal?: AbortSignal): Promise<OptionsCheck> => send("POST", `${API}/options/check`, { options }, signal);

export interface PictureOf {
  input: string;
  side: "source" | "result"; // the source is shown in step with the result
  options: OptionValues;
  at: string; // a place in the source: "12.5", "50%"
  width?: number;
}
export function picturePath({ input, side, options, at, width }: PictureOf): string {
  return query(`${API}/picture`, { input, side, options: JSON.stringify(options), at, width, format: width ? "jpeg" : "png" });
}
export const thumbnailPath = (input: string): string => query(`${API}/thumbnail`, { input, width: 240 });
// A frame of what a job has made, from 0, or its source in step with it.
export const jobPicturePath = (id: number, side: "source" | "result", frame: number): string => query(`${API}/jobs/${id}/picture`, { side, frame });
export const resultPath = (id: number): string => `${API}/jobs/${id}/result`;

export interface Excerpt {
  id: string;
  state: "working" | "ready";
}
export const makeExcerpt = (what: { input: string; options: OptionValues; start: string; duration: number; layout?: "side" | "split" | "stack" }, signal?: AbortSignal): Promise<Excerpt> =>
  send("POST", `${API}/excerpts`, what, signal);
export const readExcerpt = (id: string, signal?: AbortSignal): Promise<Excerpt> => get(`${API}/excerpts/${id}`, signal);
export const dropExcerpt = (id: string): Promise<void> => send("DELETE", `${API}/excerpts/${id}`);
export const excerptPath = (id: string): string => `${API}/excerpts/${id}/video`;

export interface Measure {
  name: string;
  unit: string;
  value: unknown;
  confidence?: number;
  series?: (number | null)[]; // in the order of time, evenly over the recording
}
export interface Report {
  output?: { name: string; bytes: number; sha256: string };
  problems?: ProblemRecord[];
}
export const readReport = (id: number, signal?: AbortSignal): Promise<Report> => get(`${API}/jobs/${id}/report`, signal);
export const readJobPlan = (id: number, signal?: AbortSignal): Promise<PlanFacts> => get(`${API}/jobs/${id}/plan`, signal);
export const readMeasurements = (id: number, signal?: AbortSignal): Promise<{ frames: number; measures: Measure[] | null }> => get(`${API}/jobs/${id}/measurements`, signal);
export const redoScene = (id: number, what: { range: string; options: OptionValues }): Promise<Job> => send("POST", `${API}/jobs/${id}/redo`, what);

// ---- the machine ----

export interface Engine {
  name: string;
  summary: string;
  works: boolean;
  version?: string;
  code?: string; // why not
  why?: string; // the same, in words
  advice?: string;
  devices?: { kind?: string; provider?: string; vendor?: string; works?: boolean; why?: string }[];
}
export interface Encoder {
  name: string;
  summary: string;
  works: boolean;
  message?: string; // why not
  why?: string; // the same, of older services
  advice?: string;
}
export interface Model {
  name: string;
  summary: string;
  purpose: string;
  licence?: string;
  bytes?: number;
  file?: string; // where it is fetched from
  state: "here" | "absent" | "wrong" | "failed";
}
// What is kept of each run, the shell's too.
export interface Run {
  run_id: string;
  time: string;
  kind: string;
  total_time_sec: number | null;
  preprocessing_time_sec: number | null;
  upscaling_time_sec: number | null;
  encoding_time_sec: number | null;
  frames_per_second: number | null;
  peak_memory_mb: number | null;
}
export const readRuns = (limit: number, signal?: AbortSignal): Promise<{ runs: Run[] }> => get(query(`${API}/runs`, { limit }), signal);
export interface Optimisation {
  id: string;
  state: string; // "applied", "reverted"
  severity: string;
  what: string;
  before: string;
  measured_by: string;
  gain: { ratio: number; low: number; high: number; when: string; same: boolean } | null;
}
export const readOptimisations = (signal?: AbortSignal): Promise<Optimisation[]> => get<Optimisation[]>(`${API}/system/optimisations`, signal);
export const readEngines = (signal?: AbortSignal): Promise<Engine[]> => get(`${API}/system/devices`, signal);
export const readEncoders = (signal?: AbortSignal): Promise<Encoder[]> => get(`${API}/system/encoders`, signal);
export const readModels = (signal?: AbortSignal): Promise<Model[]> => get(`${API}/models`, signal);
export const stopFetching = (name: string): Promise<void> => send("DELETE", `${API}/models/${encodeURIComponent(name)}/fetch`);
export const fetchModel = (name: string): Promise<void> => send("POST", `${API}/models/${encodeURIComponent(name)}/fetch`);

export interface LogPage {
  lines: LogLine[];
  last: number;
}
export const readLogs = (after: number | undefined, signal?: AbortSignal): Promise<LogPage> => get(query(`${API}/logs`, { after }), signal);

export interface Alert {
  measure: string; // preprocessing, memory, queue
  title: string;
  text: string;
  value: number;
  usual: number;
  since_ms: number;
}
export const readAlerts = (signal?: AbortSignal): Promise<{ alerts: Alert[]; queue_query_ms: number }> => get(`${API}/alerts`, signal);

// ---- watched folders, and who is told ----

export interface WatchedFolder {
  path: string;
  added: boolean; // here, not in the configuration: it can be taken out here
  state: "watched" | "polled" | "missing";
  reason: string;
  waiting: number; // files that are not complete yet
  jobs: number; // that have not ended
}
export const readFolders = (signal?: AbortSignal): Promise<{ folders: WatchedFolder[] }> => get(`${API}/folders`, signal);
export const watchFolder = (what: { path: string; existing: boolean; options: OptionValues }): Promise<{ folders: WatchedFolder[] }> => send("POST", `${API}/folders`, what);
export const unwatchFolder = (path: string): Promise<{ folders: WatchedFolder[] }> => send("DELETE", query(`${API}/folders`, { path }));

export interface Endpoint {
  name: string;
  kind: string;
  where: string;
  events: string;
  waiting: number; // messages that are not sent yet
}
export interface Notice {
  id: number;
  endpoint: string;
  event: string;
  state: string;
  error: string;
  created_ms: number;
}
export const readNotifications = (signal?: AbortSignal): Promise<{ endpoints: Endpoint[]; notices: Notice[] }> => get(`${API}/notifications`, signal);
export const testEndpoint = (name: string): Promise<void> => send("POST", `${API}/notifications/${encodeURIComponent(name)}/test`);
