// Something that is read from the service when a view opens, and again when what it depends on changes.
import { useCallback, useEffect, useState } from "preact/hooks";

export interface Loaded<T> {
  value: T | null; // the last one, also while the next is read
  loading: boolean;
  error: unknown; // null: none
  again: () => void;
}

export function useLoad<T>(read: ((signal: AbortSignal) => Promise<T>) | null, depends: readonly unknown[]): Loaded<T> {
  const [state, set] = useState<{ value: T | null; loading: boolean; error: unknown }>({ value: null, loading: read !== null, error: null });
  const [turn, next] = useState(0);
  useEffect(() => {
    if (!read) {
      set({ value: null, loading: false, error: null });
      return;
    }
    const stop = new AbortController();
    set((s) => ({ ...s, loading: true }));
    read(stop.signal).then(
      (value) => {
        if (!stop.signal.aborted) set({ value, loading: false, error: null });
      },
      (error: unknown) => {
        if (!stop.signal.aborted) set((s) => ({ value: s.value, loading: false, error }));
      },
    );
    return () => stop.abort();
  }, [...depends, turn]);
  const again = useCallback(() => next((n) => n + 1), []);
  return { ...state, again };
}
