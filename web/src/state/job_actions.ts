// Doing something with jobs of the list: at once on the page, then in the service; what fails is told and put back.
import { actOnJobs, changeJob, type ActedOn, type JobAction } from "../service/calls.ts";
import type { Job } from "../service/types.ts";
import { finishToasts, say, sayProblem, sayWithUndo } from "../parts/toast.tsx";
import { t } from "../texts/text.ts";
import { jobList, readJobs, withChanges } from "./jobs.ts";
import { possible, removing, selected } from "./selection.ts";

function put(job: Job): void {
  jobList.update((l) => withChanges(l, new Map([[job.id, job]])));
}

function tellRefused(done: ActedOn): void {
  const first = done.refused[0];
  if (first) sayProblem(new Error(first.detail));
}

export async function act(ids: readonly number[], action: JobAction): Promise<void> {
  const jobs = ids.map((id) => jobList.value.jobs.get(id)).filter((j): j is Job => j !== undefined && possible(j)[action]);
  if (!jobs.length) return;
  // Seen at once; what the service tells replaces it.
  if (action === "pause" || action === "cancel") jobList.update((l) => withChanges(l, new Map(jobs.map((j) => [j.id, { ...j, wish: action }]))));
  const back = (some: readonly Job[]): void => jobList.update((l) => withChanges(l, new Map(some.filter((j) => l.jobs.get(j.id)?.wish === action).map((j) => [j.id, j]))));
  try {
    const done = await actOnJobs(
      jobs.map((j) => j.id),
      action,
    );
    back(jobs.filter((j) => done.refused.some((r) => r.id === j.id)));
    tellRefused(done);
  } catch (error) {
    back(jobs);
    sayProblem(error);
  }
}

export function remove(ids: readonly number[]): void {
  const list = ids.filter((id) => {
    const job = jobList.value.jobs.get(id);
    return job && possible(job).remove;
  });
  if (!list.length) return;
  removing.update((s) => new Set([...s, ...list]));
  selected.update((s) => new Set([...s].filter((id) => !list.includes(id))));
  const back = (): void => removing.update((s) => new Set([...s].filter((id) => !list.includes(id))));
  const now = async (): Promise<void> => {
    try {
      const done = await actOnJobs(list, "remove");
      jobList.update((l) => withChanges(l, new Map(done.changed.map((id) => [id, null]))));
      tellRefused(done);
    } catch (error) {
      sayProblem(error);
    }
    back();
  };
  sayWithUndo(t("queue.removed", { n: list.length }), () => void now(), back);
}

export async function setPriority(ids: readonly number[], step: number): Promise<void> {
  for (const id of ids) {
    const job = jobList.value.jobs.get(id);
    if (!job || !possible(job).move) continue;
    const priority = Math.max(-100, Math.min(100, job.priority + step));
    put({ ...job, priority });
    try {
      put(await changeJob(id, { priority }));
    } catch (error) {
      put(job);
      sayProblem(error);
    }
  }
}

// Puts a waiting job before another; 0: at the end. Priority goes before place, so it takes on the other's.
export async function moveBefore(id: number, before: number): Promise<void> {
  const { jobs, order } = jobList.value;
  const job = jobs.get(id);
  if (!job) return;
  const waiting = order.filter((x) => x !== id && (jobs.get(x)?.state === "queued" || jobs.get(x)?.state === "paused"));
  const other = jobs.get(before || (waiting[waiting.length - 1] ?? 0));
  try {
    if (other && other.priority !== job.priority) await changeJob(id, { priority: other.priority });
    put(await changeJob(id, { before }));
    const place = jobList.value.order.filter((x) => jobList.value.jobs.get(x)?.state === "queued").indexOf(id);
    if (place >= 0) say(t("queue.moved", { place: place + 1 }));
  } catch (error) {
    sayProblem(error);
    await readJobs().catch(() => undefined);
  }
}

// Leaving the page does what was about to be done.
export function finishOnLeave(): void {
  addEventListener("pagehide", finishToasts);
}
