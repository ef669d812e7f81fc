// A value that views follow: the only kind of shared state of the page. Whoever changes it sets a new value;
// an equal one wakes nobody.
import { useEffect, useState } from "preact/hooks";

export class Store<T> {
  #value: T;
  #followers = new Set<(value: T) => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const f of [...this.#followers]) f(value);
  }

  update(change: (value: T) => T): void {
    this.set(change(this.#value));
  }

  // Calls `f` after each change; returns how to stop.
  follow(f: (value: T) => void): () => void {
    this.#followers.add(f);
    return () => void this.#followers.delete(f);
  }
}

// The store's value in a component, or what `pick` makes of it: the component is drawn again only when that changes.
export function useStore<T>(store: Store<T>): T;
export function useStore<T, P>(store: Store<T>, pick: (value: T) => P): P;
export function useStore<T, P>(store: Store<T>, pick?: (value: T) => P): T | P {
  const now = pick ? pick(store.value) : store.value;
  const [, draw] = useState(0);
  useEffect(() => {
    let seen: T | P = pick ? pick(store.value) : store.value;
    if (!Object.is(seen, now)) draw((n) => n + 1);
    return store.follow((value) => {
      const next = pick ? pick(value) : value;
      if (Object.is(next, seen)) return;
      seen = next;
      draw((n) => n + 1);
    });
  }, [store]);
  return now;
}
