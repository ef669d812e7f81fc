// Gathers changes and hands them on at most once in `ms`: the first at once when nothing came for that long, the rest
// together. A page that draws ten times a second shows progress as well as one that draws a hundred times.
export interface Clock {
  now(): number;
  later(f: () => void, ms: number): unknown;
  cancel(timer: unknown): void;
}

export const browserClock: Clock = {
  now: () => performance.now(),
  later: (f, ms) => setTimeout(f, ms),
  cancel: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};

export class Batch<K, V> {
  #waiting = new Map<K, V>();
  #timer: unknown = null;
  #last = -Infinity;
  #ms: number;
  #flush: (changes: Map<K, V>) => void;
  #clock: Clock;

  constructor(ms: number, flush: (changes: Map<K, V>) => void, clock: Clock = browserClock) {
    this.#ms = ms;
    this.#flush = flush;
    this.#clock = clock;
  }

  // The latest value of a key replaces those before it.
  add(key: K, value: V): void {
    this.#waiting.set(key, value);
    if (this.#timer !== null) return;
    const wait = this.#last + this.#ms - this.#clock.now();
    if (wait <= 0) this.now();
    else this.#timer = this.#clock.later(() => this.now(), wait);
  }

  // Takes a key out again (what came later about it says all).
  drop(key: K): void {
    this.#waiting.delete(key);
  }

  now(): void {
    if (this.#timer !== null) this.#clock.cancel(this.#timer);
    this.#timer = null;
    this.#last = this.#clock.now();
    if (!this.#waiting.size) return;
    const changes = this.#waiting;
    this.#waiting = new Map();
    this.#flush(changes);
  }
}
