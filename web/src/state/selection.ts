// Which jobs of the list are chosen, which are about to be removed, and what the list is narrowed to.
import { Store } from "./store.ts";
import { isWorking, type Job, type JobState } from "../service/types.ts";

export const selected = new Store<ReadonlySet<number>>(new Set());
export const removing = new Store<ReadonlySet<number>>(new Set()); // hidden until the time to undo has passed

export type StateFilter = "all" | "working" | "waiting" | "done" | "failed";

export const STATES_OF: Record<StateFilter, readonly JobState[] | null> = {
  all: null,
  working: ["running", "planning", "downloading"],
  waiting: ["queued", "paused"],
  done: ["done"],
  failed: ["failed", "cancelled"],
};

// The ids that a list shows: those in `order` that are not about to go, in one of the states, with the text in their path.
export function narrowed(order: readonly number[], jobs: ReadonlyMap<number, Job>, filter: StateFilter, text: string, hidden: ReadonlySet<number>): number[] {
  const states = STATES_OF[filter];
  const part = text.trim().toLocaleLowerCase();
  return order.filter((id) => {
    const job = jobs.get(id);
    if (!job || hidden.has(id)) return false;
    if (states && !states.includes(job.state)) return false;
    return !part || job.input.toLocaleLowerCase().includes(part) || job.output.toLocaleLowerCase().includes(part) || job.batch.toLocaleLowerCase().includes(part);
  });
}

// What can be done with a job now.
export interface Possible {
  pause: boolean;
  resume: boolean;
  cancel: boolean;
  retry: boolean;
  move: boolean;
  remove: boolean;
}

export function possible(job: Job): Possible {
  const working = isWorking(job);
  return {
    pause: (working || job.state === "queued") && job.wish === "",
    resume: job.state === "paused",
    cancel: (working || job.state === "queued" || job.state === "paused") && job.wish !== "cancel",
    retry: job.state === "failed" || job.state === "cancelled",
    move: job.state === "queued" || job.state === "paused",
    remove: !working,
  };
}

// Before which job the moved one has to be put, so that it stands where it was let go; 0: at the end. null: where it is.
export function placeBefore(waiting: readonly number[], moved: number, to: number): number | null {
  const from = waiting.indexOf(moved);
  const at = Math.max(0, Math.min(waiting.length - 1, to));
  if (from < 0 || from === at) return null;
  const rest = waiting.filter((id) => id !== moved);
  return rest[at] ?? 0;
}
