// What was measured of each recording of a box, one after the other: the first are seen at once, and the service's other
// questions do not wait behind all of them.
import { useEffect, useRef, useState } from "preact/hooks";
import { readPlan, type Planned } from "../service/calls.ts";
import { Problem } from "../service/problem.ts";

export interface MeasuredOne {
  value: Planned | null;
  loading: boolean;
  error: unknown; // null: none
}

export const MEASURED_MOST = 60; // recordings of one box that are measured before they are begun
const AGAIN_MS = 5000;

// The service was not there, or had too much to do: another time it may go.
const passes = (error: unknown): boolean => error instanceof Problem && (error.status === 0 || error.status === 429 || error.status === 503);

// Measures what has no value in `known` yet, where it leaves what it finds; `tell` hears of each change. What failed is tried
// again whenever this is called, and here after `againMs` where it may go another time.
export async function measureEach(
  paths: readonly string[],
  known: Map<string, MeasuredOne>,
  read: (path: string, signal: AbortSignal) => Promise<Planned>,
  tell: () => void,
  stop: AbortSignal,
  againMs = AGAIN_MS,
): Promise<void> {
  const put = (path: string, one: MeasuredOne): MeasuredOne => {
    known.set(path, one);
    tell();
    return one;
  };
  for (let left = paths; left.length; ) {
    const again: string[] = [];
    for (const path of left) {
      if (stop.aborted) return;
      if (known.get(path)?.value) continue;
      const mine = put(path, { value: null, loading: true, error: null });
      try {
        put(path, { value: await read(path, stop), loading: false, error: null });
      } catch (error) {
        if (!stop.aborted) {
          put(path, { value: null, loading: false, error });
          if (passes(error)) again.push(path);
        } else if (known.get(path) === mine) known.delete(path); // and not what was begun after this
      }
    }
    left = again;
    if (left.length) await new Promise((done) => setTimeout(done, againMs));
  }
}

export function useMeasured(paths: readonly string[]): ReadonlyMap<string, MeasuredOne> {
  const [found, set] = useState<ReadonlyMap<string, MeasuredOne>>(new Map());
  const known = useRef<Map<string, MeasuredOne>>(new Map());
  const key = paths.slice(0, MEASURED_MOST).join("\n");
  useEffect(() => {
    const stop = new AbortController();
    const tell = (): void => set(new Map(known.current));
    void measureEach(key ? key.split("\n") : [], known.current, (path, signal) => readPlan(path, {}, false, signal), tell, stop.signal);
    return () => stop.abort();
  }, [key]);
  return found;
}
