import assert from "node:assert/strict";
import { test } from "node:test";
import { compareJobs, followMode, withChanges, withProgress, type JobList } from "../src/state/jobs.ts";
import { narrowed, placeBefore, possible } from "../src/state/selection.ts";
import type { Job } from "../src/service/types.ts";
import { job } from "./made.ts";

const none: JobList = { jobs: new Map(), order: [], counts: { queued: 0, downloading: 0, planning: 0, running: 0, paused: 0, done: 0, failed: 0, cancelled: 0 }, paused: false, loaded: false };

function listOf(...jobs: Job[]): JobList {
  return withChanges(none, new Map(jobs.map((j) => [j.id, j])));
}

test("what works comes first, then what waits by priority and place, then what ended, latest first", () => {
  const list = listOf(
    job(1, { state: "done", changed_ms: 10 }),
    job(2, { position: 9 }),
    job(3, { position: 3 }),
    job(4, { priority: 5, position: 99 }),
    job(5, { state: "running" }),
    job(6, { state: "failed", changed_ms: 20 }),
    job(7, { state: "paused", position: 5 }),
  );
  assert.deepEqual(list.order, [5, 4, 3, 7, 2, 6, 1]);
  assert.equal(list.counts.queued, 3);
  assert.equal(list.counts.failed, 1);
});

test("progress changes no order and makes no new one", () => {
  const list = listOf(job(1, { state: "running" }), job(2));
  const next = withProgress(list, new Map([[1, { ...job(1).progress, total: 0.5 }]]));
  assert.equal(next.order, list.order);
  assert.equal(next.jobs.get(1)?.progress.total, 0.5);
  assert.equal(list.jobs.get(1)?.progress.total, 0);
  assert.equal(withProgress(list, new Map([[77, job(7).progress]])).jobs.size, 2); // unknown: not made up
});

test("a job that is gone leaves the list", () => {
  const list = withChanges(listOf(job(1), job(2)), new Map([[1, null]]));
  assert.deepEqual(list.order, [2]);
  assert.equal(list.counts.queued, 1);
});

test("the order is one whatever came first", () => {
  const jobs = Array.from({ length: 200 }, (_, i) => job(i, { state: (["queued", "running", "done", "paused", "failed"] as const)[i % 5]!, priority: (i * 7) % 3, position: (i * 13) % 17, changed_ms: (i * 31) % 11 }));
  const sorted = [...jobs].sort(compareJobs).map((j) => j.id);
  const mixed = [...jobs].reverse().sort(compareJobs).map((j) => j.id);
  assert.deepEqual(sorted, mixed);
});

test("the list is narrowed by state, text and what is about to go", () => {
  const list = listOf(job(1, { input: "/tapes/Weihnachten 1994.avi" }), job(2, { state: "running" }), job(3, { state: "failed", batch: "Oma" }));
  const ids = (f: Parameters<typeof narrowed>[2], text = "", hidden: number[] = []): number[] => narrowed(list.order, list.jobs, f, text, new Set(hidden));
  assert.deepEqual(ids("all"), [2, 1, 3]);
  assert.deepEqual(ids("working"), [2]);
  assert.deepEqual(ids("failed"), [3]);
  assert.deepEqual(ids("all", "WEIH"), [1]);
  assert.deepEqual(ids("all", "oma"), [3]);
  assert.deepEqual(ids("all", "", [2, 3]), [1]);
});

test("moving a row names the job that it has to stand before", () => {
  assert.equal(placeBefore([1, 2, 3, 4], 4, 0), 1);
  assert.equal(placeBefore([1, 2, 3, 4], 1, 2), 4);
  assert.equal(placeBefore([1, 2, 3, 4], 1, 3), 0); // to the end
  assert.equal(placeBefore([1, 2, 3, 4], 1, 99), 0);
  assert.equal(placeBefore([1, 2, 3, 4], 2, 1), null); // stays
  assert.equal(placeBefore([1, 2, 3, 4], 1, -5), null);
  assert.equal(placeBefore([1, 2], 9, 0), null); // is not there
});

test("what can be done fits the state", () => {
  assert.deepEqual(possible(job(1, { state: "running" })), { pause: true, resume: false, cancel: true, retry: false, move: false, remove: false });
  assert.equal(possible(job(1, { state: "running", wish: "pause" })).pause, false);
  assert.equal(possible(job(1, { state: "running", wish: "cancel" })).cancel, false);
  assert.deepEqual(possible(job(1, { state: "failed" })), { pause: false, resume: false, cancel: false, retry: true, move: false, remove: true });
  assert.equal(possible(job(1, { state: "done" })).remove, true);
});

test("three ways to follow, for the benchmark", () => {
  assert.deepEqual(followMode(""), { events: true, pollMs: 2000, progressMs: 100 });
  assert.deepEqual(followMode("?follow=before"), { events: false, pollMs: 1000, progressMs: 0 });
  assert.deepEqual(followMode("?follow=poll"), { events: false, pollMs: 2000, progressMs: 100 });
});
