// How often an open page asks and draws in each of its three ways to follow, on a clock made up.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { followEvents } from "../src/service/events.ts";
import { Batch, type Clock } from "../src/state/batch.ts";
import { followMode } from "../src/state/jobs.ts";

const settled = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

// Times of asking in `seconds` of the clock.
async function asks(search: string, seconds: number): Promise<number[]> {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const mode = followMode(search);
  const times: number[] = [];
  const stop = followEvents({
    path: "/api/v1/events",
    after: () => "0",
    onEvent: () => undefined,
    onLink: () => undefined,
    poll: async () => void times.push(Date.now()),
    pollMs: mode.pollMs,
    mode: "poll",
  });
  for (let ms = 0; ms < seconds * 1000; ms += 50) {
    await settled();
    mock.timers.tick(50);
  }
  stop();
  await settled();
  mock.timers.reset();
  return times;
}

test("before, a page asked each second; polling asks each two", async () => {
  const before = await asks("?follow=before", 60);
  const now = await asks("?follow=poll", 60);
  assert.equal(before.length, 60);
  assert.equal(now.length, 30);
  assert.ok(before.slice(1).every((t, i) => t - before[i]! === 1000));
  assert.ok(now.slice(1).every((t, i) => t - now[i]! === 2000));
});

test("by default a page asks for nothing: it is told", () => {
  assert.deepEqual([followMode("").events, followMode("?follow=poll").events, followMode("?follow=before").events], [true, false, false]);
});

test("a hundred changes a second are drawn ten times a second, and the last of them is drawn; before, each was", () => {
  const draws = (search: string): { count: number; last: number } => {
    let time = 0;
    let timers: { at: number; f: () => void }[] = [];
    const clock: Clock = {
      now: () => time,
      later: (f, ms) => {
        const timer = { at: time + ms, f };
        timers.push(timer);
        return timer;
      },
      cancel: (timer) => void (timers = timers.filter((t) => t !== timer)),
    };
    let count = 0;
    let last = -1;
    const batch = new Batch<number, number>(followMode(search).progressMs, (c) => ((count += 1), (last = c.get(1) ?? -1)), clock);
    for (let i = 0; i < 1000; i++) {
      batch.add(1, i);
      time += 10;
      for (const t of timers.filter((due) => due.at <= time)) {
        timers = timers.filter((other) => other !== t);
        t.f();
      }
    }
    time += 1000;
    for (const t of timers) t.f();
    return { count, last };
  };
  const now = draws("");
  assert.ok(now.count >= 100 && now.count <= 102, String(now.count));
  assert.equal(now.last, 999);
  assert.deepEqual(draws("?follow=before"), { count: 1000, last: 999 });
});
