// What was measured of each recording of a box, one after the other: the first are seen at once, and the service's other
// questions do not wait behind all of them.
import { useEffect, useRef, useState } from "preact/hooks";
import { readPlan, type Planned } from "../service/calls.ts";

export interface MeasuredOne {
  value: Planned | null;
  loading: boolean;
  error: unknown; // null: none
}

const MOST = 60; // recordings of one box that are measured before they are begun

export function useMeasured(paths: readonly string[]): ReadonlyMap<string, MeasuredOne> {
  const [found, set] = useState<ReadonlyMap<string, MeasuredOne>>(new Map());
  const known = useRef<Map<string, MeasuredOne>>(new Map());
  const key = paths.slice(0, MOST).join("\n");
  useEffect(() => {
    const stop = new AbortController();
    const tell = (path: string, one: MeasuredOne): void => {
      known.current.set(path, one);
      set(new Map(known.current));
    };
    void (async () => {
      for (const path of key ? key.split("\n") : []) {
        if (stop.signal.aborted) return;
        if (known.current.has(path) && !known.current.get(path)?.loading) continue;
        tell(path, { value: null, loading: true, error: null });
        try {
          tell(path, { value: await readPlan(path, {}, false, stop.signal), loading: false, error: null });
        } catch (error) {
          if (stop.signal.aborted) known.current.delete(path); // asked again when the box is shown again
          else tell(path, { value: null, loading: false, error });
        }
      }
    })();
    return () => stop.abort();
  }, [key]);
  return found;
}
