import assert from "node:assert/strict";
import { test } from "node:test";
import { Batch, type Clock } from "../src/state/batch.ts";

// A clock that goes when it is told to.
class Hand implements Clock {
  time = 0;
  timers: { at: number; f: () => void }[] = [];
  now(): number {
    return this.time;
  }
  later(f: () => void, ms: number): unknown {
    const timer = { at: this.time + ms, f };
    this.timers.push(timer);
    return timer;
  }
  cancel(timer: unknown): void {
    this.timers = this.timers.filter((t) => t !== timer);
  }
  go(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const next = this.timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.time = next.at;
      this.timers = this.timers.filter((t) => t !== next);
      next.f();
    }
    this.time = end;
  }
}

test("the first change is shown at once, the rest at most once in 100 ms, the last one always", () => {
  const clock = new Hand();
  const shown: { at: number; value: number | undefined }[] = [];
  const batch = new Batch<string, number>(100, (c) => shown.push({ at: clock.time, value: c.get("a") }), clock);
  for (let i = 0; i < 1000; i++) {
    batch.add("a", i);
    clock.go(1);
  }
  clock.go(1000);
  assert.equal(shown[0]?.at, 0);
  assert.equal(shown[0]?.value, 0);
  for (let i = 1; i < shown.length; i++) assert.ok(shown[i]!.at - shown[i - 1]!.at >= 100);
  assert.equal(shown[shown.length - 1]?.value, 999);
  assert.equal(shown.length, 11);
});

test("changes of several jobs come together, dropped ones do not come", () => {
  const clock = new Hand();
  const shown: Map<string, number>[] = [];
  const batch = new Batch<string, number>(100, (c) => shown.push(new Map(c)), clock);
  batch.add("first", 1);
  batch.add("a", 1);
  batch.add("b", 2);
  batch.add("a", 3);
  batch.drop("b");
  clock.go(100);
  assert.deepEqual(shown.map((m) => [...m]), [[["first", 1]], [["a", 3]]]);
});
