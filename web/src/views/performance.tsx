// How fast this machine has been: its runs over time, the finished recordings of the list, and what takes more than usual.
import { useEffect, useMemo } from "preact/hooks";
import { readAlerts, readOptimisations, readRuns, type Run } from "../service/calls.ts";
import type { Job } from "../service/types.ts";
import { Foreign } from "../parts/foreign.tsx";
import { Icon } from "../parts/icon.tsx";
import { Plot } from "../parts/plot.tsx";
import { useLoad } from "../parts/use_load.ts";
import { hear, jobList } from "../state/jobs.ts";
import { useStore } from "../state/store.ts";
import { bytes, fileName, number, span, when } from "../texts/format.ts";
import { problemText } from "../texts/problem.ts";
import { known, t, useLanguage } from "../texts/text.ts";
import { presetTitle } from "./preset_cards.tsx";

const SHOWN = 500; // the latest
const ROWS = 50;
const PARTS = ["preprocessing", "upscaling", "encoding"] as const;

function course(runs: readonly Run[], value: (r: Run) => number | null): (number | null)[] {
  return runs.map((r) => value(r) || null);
}

export function PerformanceView() {
  const jobs = useStore(jobList, (l) => l.jobs);
  const lang = useLanguage();
  const alerts = useLoad(readAlerts, []);
  useEffect(() => hear((event) => event.kind === "alert" && alerts.again()), []);
  // Those that were made in one run: what was taken up again has figures of its last part alone.
  const done = useMemo(
    () =>
      [...jobs.values()]
        .filter((j): j is Job => j.state === "done" && (j.result.fps ?? 0) > 0)
        .sort((a, b) => a.changed_ms - b.changed_ms)
        .slice(-SHOWN),
    [jobs],
  );
  const kept = useLoad((signal) => readRuns(SHOWN, signal), [done.length]);
  const runs = useMemo(() => (kept.value?.runs ?? []).filter((r) => r.kind === "restore" && r.frames_per_second), [kept.value]);
  // One place for each run: by the clock they would lie in heaps, a night's between days without any.
  const x = useMemo(() => runs.map((_, i) => i), [runs]);
  const begun = useMemo(() => {
    const times = runs.map((r) => Date.parse(r.time));
    const day = (v: number | undefined): string => new Date(v ?? 0).toDateString();
    const text = new Intl.DateTimeFormat(lang, day(times[0]) === day(times[times.length - 1]) ? { timeStyle: "short" } : { dateStyle: "short" });
    return (i: number): string => (times[i] === undefined ? "" : text.format(times[i]));
  }, [runs, lang]);
  const speed = useMemo(() => [{ label: t("performance.fps"), values: course(runs, (r) => r.frames_per_second) }], [runs, lang]);
  const memory = useMemo(() => [{ label: t("performance.memory"), values: course(runs, (r) => r.peak_memory_mb) }], [runs, lang]);
  const parts = useMemo(() => PARTS.map((p) => ({ label: t(`performance.${p}`), values: course(runs, (r) => r[`${p}_time_sec`]) })), [runs, lang]);
  return (
    <section class="view">
      <h1>{t("nav.performance")}</h1>
      {alerts.error !== null && <p class="note bad">{problemText(alerts.error)}</p>}
      {kept.error !== null && <p class="note bad">{problemText(kept.error)}</p>}
      {(alerts.value?.alerts ?? []).map((a) => (
        <div key={a.measure + a.since_ms} class="note warn" role="status">
          <Icon name="bell" size={18} />
          <div>
            <strong>{known(`alert.${a.measure}`, a.title)}</strong>
            <p>
              <Foreign text={a.text} /> · {when(a.since_ms)}
            </p>
          </div>
        </div>
      ))}
      {alerts.value && !alerts.value.alerts.length && done.length > 0 && (
        <p class="note good">
          <Icon name="check" size={18} /> {t("performance.usual")}
        </p>
      )}
      {!done.length && kept.value && <p class="quiet">{t(runs.length ? "performance.none_here" : "performance.none")}</p>}
      {runs.length > 1 && (
        <div class="plots">
          <div class="card">
            <Plot title={t("performance.fps")} unit="" x={x} series={speed} name={begun} />
          </div>
          <div class="card">
            <Plot title={t("performance.memory")} unit="MB" x={x} series={memory} name={begun} />
          </div>
          <div class="card">
            <Plot title={t("performance.parts")} unit="s" x={x} series={parts} name={begun} />
          </div>
        </div>
      )}
      {done.length > 0 && (
        <div class="card">
          <h2>{t("performance.runs")}</h2>
          <div class="table-wrap" tabIndex={0} role="region" aria-label={t("performance.runs")}>
            <table>
              <thead>
                <tr>
                  <th>{t("performance.when")}</th>
                  <th>{t("performance.name")}</th>
                  <th>{t("fact.preset")}</th>
                  <th class="n">{t("fact.took")}</th>
                  <th class="n">{t("performance.fps")}</th>
                  <th class="n">{t("performance.memory")}</th>
                </tr>
              </thead>
              <tbody>
                {done.slice(-ROWS).reverse().map((j) => (
                  <tr key={j.id}>
                    <td>{when(j.changed_ms)}</td>
                    <td>
                      <a href={`#/job/${j.id}`}>
                        <Foreign text={fileName(j.input)} />
                      </a>
                    </td>
                    <td>{presetTitle(String(j.options["preset"] ?? "vhs"))}</td>
                    <td class="n">{span(j.result.wall_seconds ?? NaN)}</td>
                    <td class="n">{number(j.result.fps ?? 0, 1)}</td>
                    <td class="n">{j.result.peak_rss_bytes ? bytes(j.result.peak_rss_bytes) : "–"}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </div>
      )}
      <Optimisations />
    </section>
  );
}

// What makes the program fast: each against what was done before it, as measured on this machine.
function Optimisations() {
  const list = useLoad(readOptimisations, []);
  useLanguage();
  if (list.error !== null) return <p class="note bad">{problemText(list.error)}</p>;
  return (
    <div class="card">
      <h2>{t("gain.title")}</h2>
      <p class="quiet">{t("gain.why")}</p>
      <div class="table-wrap" tabIndex={0} role="region" aria-label={t("gain.title")} aria-busy={list.loading}>
        <table class="gains">
          <thead>
            <tr>
              <th>{t("gain.what")}</th>
              <th class="n">{t("gain.gain")}</th>
              <th>{t("gain.when")}</th>
              <th>{t("gain.state")}</th>
            </tr>
          </thead>
          <tbody>
            {(list.value ?? []).map((o) => (
              <tr key={o.id}>
                <td>
                  {known(`gain.${o.id}`, o.what)}
                  <p class="quiet">
                    {t("gain.before", { what: known(`gain.${o.id}.before`, o.before) })} · <code>{o.id}</code>
                  </p>
                </td>
                <td class="n">{o.gain && !o.gain.same ? t("gain.differs") : o.gain ? t("gain.times", { ratio: number(o.gain.ratio, 1), low: number(o.gain.low, 1), high: number(o.gain.high, 1) }) : "–"}</td>
                <td>{o.gain ? when(Date.parse(o.gain.when)) : t("gain.none")}</td>
                <td>{known(`gain.state.${o.state}`, o.state)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
