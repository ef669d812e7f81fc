// The list of jobs: what works, what waits, what ended.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { actOnQueue, clearEnded } from "../service/calls.ts";
import { Icon } from "../parts/icon.tsx";
import { sayProblem } from "../parts/toast.tsx";
import { VirtualList } from "../parts/virtual_list.tsx";
import { act, moveBefore, remove, setPriority } from "../state/job_actions.ts";
import { jobList } from "../state/jobs.ts";
import { go } from "../state/route.ts";
import { narrowed, placeBefore, possible, removing, selected, STATES_OF, type StateFilter } from "../state/selection.ts";
import { useStore } from "../state/store.ts";
import { t, type Key } from "../texts/text.ts";
import { JobRow } from "./job_row.tsx";

const FILTERS: readonly StateFilter[] = ["all", "working", "waiting", "done", "failed"];
const NARROW = 640;

function rowHeight(): number {
  return innerWidth < NARROW ? 132 : 96;
}

export function QueueView() {
  const list = useStore(jobList);
  const chosen = useStore(selected);
  const hidden = useStore(removing);
  const [filter, setFilter] = useState<StateFilter>("all");
  const [text, setText] = useState("");
  const [focus, setFocus] = useState(-1); // id of the row that keys move
  const [height, setHeight] = useState(rowHeight);
  const drag = useDrag(height);

  useEffect(() => {
    const resized = (): void => setHeight(rowHeight());
    addEventListener("resize", resized);
    return () => removeEventListener("resize", resized);
  }, []);

  const ids = useMemo(() => narrowed(list.order, list.jobs, filter, text, hidden), [list.order, list.jobs, filter, text, hidden]);
  const waiting = useMemo(() => ids.filter((id) => (s => s === "queued" || s === "paused")(list.jobs.get(id)?.state)), [ids, list.jobs]);
  const shown = drag.moved(ids, waiting);
  const marked = [...chosen].filter((id) => list.jobs.has(id) && !hidden.has(id));

  function toggle(id: number, range: boolean): void {
    selected.update((old) => {
      const next = new Set(old);
      if (range && focus >= 0) {
        const [a, b] = [ids.indexOf(focus), ids.indexOf(id)].sort((x, y) => x - y) as [number, number];
        for (const x of ids.slice(Math.max(0, a), b + 1)) next.add(x);
      } else if (!next.delete(id)) next.add(id);
      return next;
    });
    setFocus(id);
  }

  function shift(id: number, by: number): void {
    const before = placeBefore(waiting, id, waiting.indexOf(id) + by);
    if (before !== null) void moveBefore(id, before);
  }

  function keys(e: KeyboardEvent, id: number): void {
    const job = list.jobs.get(id);
    if (!job || e.target !== e.currentTarget) return;
    const at = ids.indexOf(id);
    const step = (to: number): void => {
      const next = ids[Math.max(0, Math.min(ids.length - 1, to))];
      if (next === undefined) return;
      if (e.shiftKey) selected.update((s) => new Set([...s, id, next]));
      setFocus(next);
    };
    const of = marked.length && chosen.has(id) ? marked : [id];
    if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      const by = e.key === "ArrowDown" ? 1 : -1;
      if (e.altKey) shift(id, by);
      else step(at + by);
    } else if (e.key === "Home") step(0);
    else if (e.key === "End") step(ids.length - 1);
    else if (e.key === "PageDown") step(at + Math.floor(innerHeight / height));
    else if (e.key === "PageUp") step(at - Math.floor(innerHeight / height));
    else if (e.key === " ") toggle(id, false);
    else if (e.key === "Enter") go(`job/${id}`);
    else if (e.key === "Delete") remove(of);
    else if (e.key === "p") void act(of, possible(job).resume ? "resume" : "pause");
    else if (e.key === "+" || e.key === "-") void setPriority(of, e.key === "+" ? 10 : -10);
    else if (e.key === "a" && (e.ctrlKey || e.metaKey)) selected.set(new Set(ids));
    else if (e.key === "Escape") selected.set(new Set());
    else return;
    e.preventDefault();
  }

  async function pauseQueue(): Promise<void> {
    const to = !list.paused;
    jobList.update((l) => ({ ...l, paused: to }));
    try {
      await actOnQueue(to ? "pause" : "resume");
    } catch (error) {
      jobList.update((l) => ({ ...l, paused: !to }));
      sayProblem(error);
    }
  }

  // Rows are drawn again only when their job changes, so what they call has to look here for what is true now.
  const latest = useRef({ toggle, keys, shift, grip: (_e: PointerEvent, _id: number): void => undefined });
  latest.current = { toggle, keys, shift, grip: (e, id) => drag.start(e, id, waiting) };

  const count = (f: StateFilter): number => {
    const states = STATES_OF[f];
    return states ? states.reduce((n, s) => n + list.counts[s], 0) : list.jobs.size;
  };
  const ended = list.counts.done + list.counts.failed + list.counts.cancelled;

  if (!list.jobs.size)
    return (
      <section class="view">
        <h1>{t("nav.queue")}</h1>
        <div class="empty">
          <Icon name="queue" size={40} />
          <p>{list.loaded ? t("queue.empty") : t("loading")}</p>
          {list.loaded && (
            <a class="button primary" href="#/restore">
              {t("queue.empty_do")}
            </a>
          )}
        </div>
      </section>
    );

  return (
    <section class="view">
      <div class="view-head">
        <h1>{t("nav.queue")}</h1>
        <span class="totals">{t("queue.totals", { running: count("working"), waiting: count("waiting"), ended })}</span>
        <span class="space" />
        <button onClick={() => void pauseQueue()} aria-pressed={list.paused}>
          <Icon name={list.paused ? "play" : "pause"} size={18} /> {list.paused ? t("queue.resume_all") : t("queue.pause_all")}
        </button>
        {ended > 0 && (
          <button onClick={() => void clearEnded(["done", "cancelled"]).catch(sayProblem)} title={t("queue.clear_help")}>
            <Icon name="remove" size={18} /> {t("queue.clear")}
          </button>
        )}
      </div>
      {list.paused && (
        <p class="note warn">
          <Icon name="pause" size={18} /> {t("queue.paused_note")}
        </p>
      )}
      <div class="bar">
        <div class="chips" role="group" aria-label={t("queue.filter")}>
          {FILTERS.map((f) => (
            <button key={f} class="chip" aria-pressed={filter === f} onClick={() => setFilter(f)}>
              {t(`queue.filter.${f}` as Key)} <span class="count">{count(f)}</span>
            </button>
          ))}
        </div>
        <label class="search">
          <Icon name="search" size={18} />
          <input type="search" value={text} placeholder={t("queue.search")} aria-label={t("queue.search")} onInput={(e) => setText(e.currentTarget.value)} />
        </label>
      </div>
      {marked.length > 0 && <Chosen ids={marked} />}
      {!ids.length && <p class="quiet">{t("queue.none_match")}</p>}
      <VirtualList
        count={shown.length}
        rowHeight={height}
        label={t("nav.queue")}
        reveal={focus >= 0 ? shown.indexOf(focus) : -1}
        render={(i) => {
          const id = shown[i];
          const job = id === undefined ? undefined : list.jobs.get(id);
          return (
            job && (
              <JobRow
                key={job.id}
                job={job}
                height={height}
                chosen={chosen.has(job.id)}
                focused={focus === job.id || (focus < 0 && i === 0)}
                takesFocus={focus === job.id}
                dragged={drag.id === job.id}
                place={job.state === "queued" ? waiting.indexOf(job.id) + 1 : 0}
                onChoose={(range) => latest.current.toggle(job.id, range)}
                onKeys={(e) => latest.current.keys(e, job.id)}
                onGrip={(e) => latest.current.grip(e, job.id)}
                onShift={(by) => latest.current.shift(job.id, by)}
              />
            )
          );
        }}
      />
    </section>
  );
}

// What can be done with several at once; shown where it can be done with any of them.
const CHOSEN_ACTIONS = [
  { what: "pause", icon: "pause" },
  { what: "resume", icon: "play" },
  { what: "cancel", icon: "stop" },
  { what: "retry", icon: "retry" },
  { what: "remove", icon: "remove" },
] as const;

function Chosen({ ids }: { ids: number[] }) {
  const jobs = ids.map((id) => jobList.value.jobs.get(id)).filter((j) => j !== undefined);
  const any = (what: keyof ReturnType<typeof possible>): boolean => jobs.some((j) => possible(j)[what]);
  return (
    <div class="bar chosen" role="toolbar" aria-label={t("queue.chosen", { n: ids.length })}>
      <strong>{t("queue.chosen", { n: ids.length })}</strong>
      {CHOSEN_ACTIONS.filter((a) => any(a.what)).map((a) => (
        <button key={a.what} class={a.what === "remove" ? "danger" : ""} onClick={() => (a.what === "remove" ? remove(ids) : void act(ids, a.what))}>
          <Icon name={a.icon} size={18} /> {t(`act.${a.what}`)}
        </button>
      ))}
      <span class="space" />
      <button class="link" onClick={() => selected.set(new Set())}>
        {t("queue.choose_none")}
      </button>
    </div>
  );
}

// Moving a row with mouse or finger: the list shows where it will stand, letting go asks the service.
function useDrag(height: number) {
  const [state, set] = useState<{ id: number; to: number } | null>(null);
  const now = useRef<{ id: number; to: number } | null>(null);

  function start(e: PointerEvent, id: number, waiting: readonly number[]): void {
    if (e.button !== 0) return;
    e.preventDefault();
    const from = waiting.indexOf(id);
    const y = e.clientY + scrollY;
    const change = (to: number | null): void => {
      now.current = to === null ? null : { id, to };
      set(now.current);
    };
    change(from);
    const move = (m: PointerEvent): void => {
      if (m.clientY < 90) scrollBy(0, -12);
      else if (m.clientY > innerHeight - 60) scrollBy(0, 12);
      const to = Math.max(0, Math.min(waiting.length - 1, from + Math.round((m.clientY + scrollY - y) / height)));
      if (to !== now.current?.to) change(to);
    };
    const end = (give: boolean): void => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", up);
      removeEventListener("pointercancel", cancel);
      removeEventListener("keydown", escape, true);
      const to = now.current?.to ?? from;
      change(null);
      const before = give ? placeBefore(waiting, id, to) : null;
      if (before !== null) void moveBefore(id, before);
    };
    const up = (): void => end(true);
    const cancel = (): void => end(false);
    const escape = (k: KeyboardEvent): void => {
      if (k.key === "Escape") end(false);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", up);
    addEventListener("pointercancel", cancel);
    addEventListener("keydown", escape, true);
  }

  // The list with the row where it would stand.
  function moved(ids: number[], waiting: readonly number[]): number[] {
    if (!state) return ids;
    const rest = waiting.filter((id) => id !== state.id);
    rest.splice(state.to, 0, state.id);
    const waits = new Set(waiting);
    let next = 0;
    return ids.map((id) => (waits.has(id) ? (rest[next++] ?? id) : id));
  }

  return { id: state?.id ?? -1, start, moved };
}
