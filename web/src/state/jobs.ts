// The list of jobs as the page knows it: read once in pages, then kept up by events.
import { followEvents, type Link, type ServiceEvent } from "../service/events.ts";
import { get, query } from "../service/request.ts";
import { JOB_STATES, type Job, type JobPage, type JobState, type Progress } from "../service/types.ts";
import { Batch } from "./batch.ts";
import { Store } from "./store.ts";

const PAGE = 1000;

export interface JobList {
  jobs: ReadonlyMap<number, Job>;
  order: readonly number[]; // ids: what works first, then what waits in the order in which it will begin, then what ended, latest first
  counts: Record<JobState, number>;
  paused: boolean;
  loaded: boolean; // all pages are there
}

const NONE: JobList = { jobs: new Map(), order: [], counts: zeroCounts(), paused: false, loaded: false };

export const jobList = new Store<JobList>(NONE);
export const link = new Store<Link>("connecting");

const RANK: Record<JobState, number> = { running: 0, planning: 0, downloading: 0, queued: 1, paused: 1, failed: 2, done: 2, cancelled: 2 };

function zeroCounts(): Record<JobState, number> {
  return Object.fromEntries(JOB_STATES.map((s) => [s, 0])) as Record<JobState, number>;
}

export function compareJobs(a: Job, b: Job): number {
  const ra = RANK[a.state];
  const rank = ra - RANK[b.state];
  if (rank) return rank;
  if (ra === 2) return b.changed_ms - a.changed_ms || b.id - a.id;
  if (ra === 1) return b.priority - a.priority || a.position - b.position || a.id - b.id;
  return a.id - b.id;
}

// The list after changes: null for a job that is gone. Pure; the maps of before are not touched.
export function withChanges(list: JobList, changes: ReadonlyMap<number, Job | null>): JobList {
  const jobs = new Map(list.jobs);
  let places = false; // may anything stand elsewhere now?
  for (const [id, job] of changes) {
    const old = jobs.get(id);
    if (!job) {
      if (old) places = true;
      jobs.delete(id);
      continue;
    }
    if (!old || old.state !== job.state || old.priority !== job.priority || old.position !== job.position || old.changed_ms !== job.changed_ms) places = true;
    jobs.set(id, job);
  }
  if (!places) return { ...list, jobs };
  const order = [...jobs.values()].sort(compareJobs).map((j) => j.id);
  const counts = zeroCounts();
  for (const job of jobs.values()) counts[job.state]++;
  return { ...list, jobs, order, counts };
}

export function withProgress(list: JobList, changes: ReadonlyMap<number, Progress>): JobList {
  const jobs = new Map(list.jobs);
  for (const [id, progress] of changes) {
    const job = jobs.get(id);
    if (job) jobs.set(id, { ...job, progress });
  }
  return { ...list, jobs };
}

let lastEvent = "";

export async function readJobs(): Promise<void> {
  const found = new Map<number, Job | null>();
  let after: number | null = null;
  let first = "";
  let paused = false;
  do {
    const page: JobPage = await get<JobPage>(query("/api/v1/jobs", { limit: PAGE, after: after ?? undefined }));
    if (after === null) {
      first = String(page.event);
      paused = page.paused;
    }
    for (const job of page.jobs) found.set(job.id, job);
    after = page.next;
    if (after !== null) jobList.update((l) => withChanges({ ...l, paused }, found)); // shows what is there already
  } while (after !== null);
  for (const id of jobList.value.jobs.keys()) if (!found.has(id)) found.set(id, null);
  jobList.update((l) => ({ ...withChanges(l, found), paused, loaded: true }));
  lastEvent = first;
}

export interface FollowMode {
  events: boolean;
  pollMs: number;
  progressMs: number; // progress is shown at most once in so many milliseconds; 0: each at once
}

// How the page follows. `?follow=` chooses the two slower ways that the benchmark compares with.
export function followMode(search: string): FollowMode {
  switch (new URLSearchParams(search).get("follow")) {
    case "before":
      return { events: false, pollMs: 1000, progressMs: 0 };
    case "poll":
      return { events: false, pollMs: 2000, progressMs: 100 };
    default:
      return { events: true, pollMs: 2000, progressMs: 100 };
  }
}

// Other parts of the page that hear what the service tells (logs, alerts).
const hearers = new Set<(event: ServiceEvent) => void>();
export function hear(f: (event: ServiceEvent) => void): () => void {
  hearers.add(f);
  return () => void hearers.delete(f);
}

export function followJobs(mode: FollowMode): () => void {
  const progress = new Batch<number, Progress>(mode.progressMs, (changes) => jobList.update((l) => withProgress(l, changes)));
  const changed = new Batch<number, Job | null>(mode.progressMs ? 16 : 0, (changes) => jobList.update((l) => withChanges(l, changes)));

  function take(event: ServiceEvent): void {
    const data = event.data as Record<string, unknown>;
    const id = data["id"] as number;
    if (event.kind === "job") {
      progress.drop(id);
      changed.add(id, data as unknown as Job);
    } else if (event.kind === "gone") {
      progress.drop(id);
      changed.add(id, null);
    } else if (event.kind === "progress") {
      progress.add(id, data as unknown as Progress);
    } else if (event.kind === "queue") {
      jobList.update((l) => ({ ...l, paused: data["paused"] === true }));
    } else if (event.kind === "reset") {
      void readJobs().catch(() => undefined);
    }
    if (event.id && event.kind !== "reset") lastEvent = event.id;
    for (const f of hearers) f(event);
  }

  let stop = (): void => undefined;
  let ended = false;
  void (async () => {
    for (let wait = 500; !ended; wait = Math.min(wait * 2, 8000)) {
      try {
        await readJobs();
        break;
      } catch {
        link.set("lost");
        await new Promise((r) => setTimeout(r, wait));
      }
    }
    if (ended) return;
    stop = followEvents({
      path: "/api/v1/events",
      after: () => lastEvent,
      onEvent: take,
      onLink: (l) => link.set(l),
      poll: readJobs,
      pollMs: mode.pollMs,
      mode: mode.events ? "events" : "poll",
    });
  })();
  return () => {
    ended = true;
    stop();
  };
}
