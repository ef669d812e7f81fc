// What happens in the service, as it happens: server-sent events read with fetch, because a browser's EventSource can send
// no token. Where they don't come through (a proxy that holds answers back), the list is read again every two seconds.
import { Problem } from "./problem.ts";
import { ask, query } from "./request.ts";

export interface ServiceEvent {
  id: string;
  kind: string;
  data: unknown;
}

// Cuts a stream of server-sent events into events. Feed it text as it comes; half lines wait for their other half.
export class EventReader {
  #rest = "";
  #id = "";
  #kind = "";
  #data: string[] = [];

  feed(text: string): ServiceEvent[] {
    const out: ServiceEvent[] = [];
    const lines = (this.#rest + text).split(/\r?\n/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (this.#data.length) {
          const event = this.#event();
          if (event) out.push(event);
        }
        this.#kind = "";
        this.#data = [];
        continue;
      }
      const colon = line.indexOf(":");
      if (colon === 0) continue;
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
      if (name === "id") this.#id = value;
      else if (name === "event") this.#kind = value;
      else if (name === "data") this.#data.push(value);
    }
    return out;
  }

  #event(): ServiceEvent | null {
    try {
      return { id: this.#id, kind: this.#kind || "message", data: JSON.parse(this.#data.join("\n")) };
    } catch {
      return null; // not ours
    }
  }
}

export type Link = "connecting" | "live" | "polling" | "lost";

export interface EventsConfig {
  path: string;
  after: () => string; // the number to go on behind
  onEvent: (event: ServiceEvent) => void;
  onLink: (link: Link) => void;
  poll: () => Promise<void>; // reads what there is, where events don't come
  pollMs: number;
  mode: "events" | "poll"; // "poll": never ask for events (the benchmark's other modes)
}

const RETRY_MS = [500, 1000, 2000, 4000, 8000];
// A line of the service, if only a comment, comes at least each 15 s.
const SILENCE_MS = 40_000;

// Follows until the returned function is called.
export function followEvents(config: EventsConfig): () => void {
  const stop = new AbortController();
  void (config.mode === "poll" ? pollFor(config, stop.signal, Infinity) : run(config, stop.signal));
  return () => stop.abort();
}

async function run(config: EventsConfig, stop: AbortSignal): Promise<void> {
  let failures = 0;
  while (!stop.aborted) {
    config.onLink(failures ? "lost" : "connecting");
    const began = Date.now();
    let came = false;
    try {
      came = await readOnce(config, stop);
    } catch (error) {
      if (stop.aborted) return;
      if (error instanceof Problem && error.status === 401) {
        await sleep(2000, stop);
        continue;
      }
    }
    if (stop.aborted) return;
    failures = came && Date.now() - began > 5000 ? 1 : failures + 1;
    // The service answers, its events do not come: read the list instead, and try events again after a minute.
    if (failures >= 3 && (await answers(config))) {
      await pollFor(config, stop, 60_000);
      failures = 1;
    } else await sleep(RETRY_MS[Math.min(failures, RETRY_MS.length) - 1] ?? 8000, stop);
  }
}

async function answers(config: EventsConfig): Promise<boolean> {
  try {
    await config.poll();
    return true;
  } catch {
    return false;
  }
}

async function readOnce(config: EventsConfig, stop: AbortSignal): Promise<boolean> {
  const mine = new AbortController();
  const end = (): void => mine.abort();
  stop.addEventListener("abort", end, { once: true });
  let timer = setTimeout(end, SILENCE_MS);
  let came = false;
  try {
    const answer = await ask(query(config.path, { after: config.after() }), { signal: mine.signal, headers: { Accept: "text/event-stream" } });
    if (!answer.body) return false;
    const reader = answer.body.getReader();
    const decoder = new TextDecoder();
    const events = new EventReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return came;
      if (!came) config.onLink("live");
      came = true;
      clearTimeout(timer);
      timer = setTimeout(end, SILENCE_MS);
      for (const event of events.feed(decoder.decode(value, { stream: true }))) config.onEvent(event);
    }
  } catch (error) {
    if (came && !(error instanceof Problem)) return true;
    throw error;
  } finally {
    clearTimeout(timer);
    stop.removeEventListener("abort", end);
  }
}

async function pollFor(config: EventsConfig, stop: AbortSignal, ms: number): Promise<void> {
  const end = Date.now() + ms;
  while (!stop.aborted && Date.now() < end) {
    config.onLink((await answers(config)) ? "polling" : "lost");
    await sleep(config.pollMs, stop);
  }
}

function sleep(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      stop.removeEventListener("abort", done);
      resolve();
    }
    stop.addEventListener("abort", done, { once: true });
  });
}
