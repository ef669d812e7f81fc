// Pictures of the service. Fetched by hand and not by <img src>, so that a token goes with them and a problem is told; the
// last ones are kept, so that stepping back shows them at once.
import { useEffect, useState } from "preact/hooks";
import { thumbnailPath } from "../service/calls.ts";
import { ask } from "../service/request.ts";
import { hear } from "../state/jobs.ts";
import { Icon } from "./icon.tsx";
import { problemText } from "../texts/problem.ts";

const KEPT_BYTES = 64 << 20;

interface Kept {
  url: string; // of the blob
  placeholder: boolean; // is made right now
  bytes: number;
  used: number; // how many components show it
}

const kept = new Map<string, Kept>(); // oldest first
let keptBytes = 0;

function trim(): void {
  for (const [key, entry] of kept) {
    if (keptBytes <= KEPT_BYTES) return;
    if (entry.used) continue;
    URL.revokeObjectURL(entry.url);
    kept.delete(key);
    keptBytes -= entry.bytes;
  }
}

async function load(path: string, signal: AbortSignal): Promise<Kept> {
  const have = kept.get(path);
  if (have) {
    kept.delete(path);
    kept.set(path, have);
    return have;
  }
  const answer = await ask(path, { signal });
  const blob = await answer.blob();
  const raced = kept.get(path);
  if (raced) return raced;
  const placeholder = answer.headers.get("X-Placeholder") !== null;
  const entry: Kept = { url: URL.createObjectURL(blob), placeholder, bytes: blob.size, used: 0 };
  if (!placeholder) {
    kept.set(path, entry);
    keptBytes += entry.bytes;
    trim();
  }
  return entry;
}

export interface PictureState {
  url: string; // "" while there is none
  loading: boolean;
  problem: string;
  placeholder: boolean;
}

// The picture at `path` ("" for none). While the next one loads, the last one stays.
export function usePicture(path: string, turn = 0): PictureState {
  const [state, set] = useState<PictureState>({ url: kept.get(path)?.url ?? "", loading: path !== "", problem: "", placeholder: false });
  useEffect(() => {
    if (!path) {
      set({ url: "", loading: false, problem: "", placeholder: false });
      return;
    }
    const stop = new AbortController();
    let mine: Kept | null = null;
    set((s) => ({ ...s, loading: true, problem: "" }));
    load(path, stop.signal).then(
      (entry) => {
        if (stop.signal.aborted) return;
        mine = entry;
        entry.used++;
        set({ url: entry.url, loading: false, problem: "", placeholder: entry.placeholder });
      },
      (error: unknown) => {
        if (!stop.signal.aborted) set({ url: "", loading: false, problem: problemText(error), placeholder: false });
      },
    );
    return () => {
      stop.abort();
      if (!mine) return;
      mine.used--;
      if (kept.get(path) !== mine && !mine.used) URL.revokeObjectURL(mine.url);
    };
  }, [path, turn]);
  return state;
}

// Loads what will be asked for next.
export function fetchAhead(paths: string[]): () => void {
  const stop = new AbortController();
  for (const path of paths) if (path && !kept.has(path)) load(path, stop.signal).catch(() => undefined);
  return () => stop.abort();
}

const PLACEHOLDER_MS = 4000;

// A small picture of a file, in a frame that keeps its place. While the service makes it there is a drawing in its place; an
// event says when it is there, and where events don't come it is asked for again.
export function Thumbnail({ input, label }: { input: string; label: string }) {
  const [turn, next] = useState(0);
  const path = input ? thumbnailPath(input) : "";
  const { url, problem, placeholder } = usePicture(path, turn);
  useEffect(() => {
    if (!placeholder) return;
    const again = (): void => next((n) => n + 1);
    const timer = setTimeout(again, PLACEHOLDER_MS * (1 + turn));
    const stop = hear((event) => {
      if (event.kind === "thumbnail" && (event.data as { input?: string }).input === input) again();
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [placeholder, input, turn]);
  return (
    <div class="thumbnail" title={problem || undefined}>
      {url && !placeholder ? <img src={url} alt={label} draggable={false} /> : <Icon name="film" size={28} />}
    </div>
  );
}
