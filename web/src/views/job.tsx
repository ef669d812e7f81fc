// One job: what it makes, before and after, what was measured, and what to do next.
import { useEffect, useState } from "preact/hooks";
import { jobPicturePath, readHistory, readJob, readJobPlan, readMeasurements, readReport, resultPath, type Report } from "../service/calls.ts";
import { download } from "../service/download.ts";
import { hasEnded, isWorking, type Job, type ProblemRecord } from "../service/types.ts";
import { CompareView } from "../parts/compare_view.tsx";
import { Foreign } from "../parts/foreign.tsx";
import { Icon } from "../parts/icon.tsx";
import { detail, fraction, stateWord, tone, withoutPaths } from "../parts/job_words.ts";
import { Menu, type Action } from "../parts/menu.tsx";
import { Meter } from "../parts/meter.tsx";
import { fetchAhead } from "../parts/picture.tsx";
import { useLoad } from "../parts/use_load.ts";
import { act, remove } from "../state/job_actions.ts";
import { jobList, withChanges } from "../state/jobs.ts";
import { go, route } from "../state/route.ts";
import { possible } from "../state/selection.ts";
import { useStore } from "../state/store.ts";
import { resultRate, tapeWords, type PlanFacts } from "../state/tape_words.ts";
import { bytes, clock, fileName, folderName, number, percent, span, when } from "../texts/format.ts";
import { problemText, recordTexts } from "../texts/problem.ts";
import { t, type Key } from "../texts/text.ts";
import { Measurements } from "./measurements.tsx";
import { presetTitle } from "./preset_cards.tsx";
import { RedoDialog } from "./redo_dialog.tsx";
import { shownAspect } from "./restore.tsx";

export function JobView({ id }: { id: number }) {
  const job = useStore(jobList, (l) => l.jobs.get(id));
  const loaded = useStore(jobList, (l) => l.loaded);
  const [missing, setMissing] = useState<unknown>(null);

  // A job beyond what the list has so far.
  useEffect(() => {
    if (job || !Number.isInteger(id)) return;
    readJob(id).then((j) => jobList.update((l) => withChanges(l, new Map([[id, j]]))), setMissing);
  }, [id, job === undefined]);

  if (!job)
    return (
      <section class="view">
        <h1>{t("nav.job")}</h1>
        <p class={missing ? "note bad" : "quiet"}>{missing || (loaded && !Number.isInteger(id)) ? problemText(missing ?? new Error(t("job.none"))) : t("loading")}</p>
        <p>
          <a href="#/queue">{t("job.back")}</a>
        </p>
      </section>
    );
  return <JobPage job={job} />;
}

function JobPage({ job }: { job: Job }) {
  const can = possible(job);
  const working = isWorking(job);
  const name = fileName(job.input);
  // The plan is there once the job has measured its source.
  const planned = job.state !== "queued" || job.progress.total > 0;
  const plan = useLoad(planned ? (signal) => readJobPlan(job.id, signal) : null, [job.id, planned, job.state, job.progress.segments_total]);
  const measured = useLoad(plan.value ? (signal) => readMeasurements(job.id, signal) : null, [job.id, plan.value !== null, job.state]);
  const report = useLoad(job.state === "done" ? (signal) => readReport(job.id, signal) : null, [job.id, job.state, job.changed_ms]);
  const [redo, setRedo] = useState<{ start: number; end: number } | null>(null);
  const facts = plan.value;
  const told = (report.value?.problems ?? job.result.problems ?? []).filter((r) => !(job.state === "failed" && r.severity === "error")); // that one stands above

  const more: Action[] = [{ label: t("act.again"), icon: "restore", run: () => go(`restore?from=${job.id}`) }];
  if (can.remove) more.push({ label: t("act.remove"), icon: "remove", danger: true, run: () => (remove([job.id]), go("queue")) });

  return (
    <section class="view">
      <div class="view-head">
        <a class="button plain-link" href="#/queue" aria-label={t("job.back")}>
          <Icon name="left" />
        </a>
        <div class="job-title">
          <h1>
            <Foreign text={name} />
          </h1>
          <span class="quiet">
            <Foreign text={folderName(job.input)} />
          </span>
        </div>
        <span class={`badge ${tone(job)}`}>{stateWord(job)}</span>
        <span class="space" />
        {can.pause && (
          <button onClick={() => void act([job.id], "pause")}>
            <Icon name="pause" size={18} /> {t("act.pause")}
          </button>
        )}
        {can.resume && (
          <button class="primary" onClick={() => void act([job.id], "resume")}>
            <Icon name="play" size={18} /> {t("act.resume")}
          </button>
        )}
        {can.retry && (
          <button class="primary" onClick={() => void act([job.id], "retry")}>
            <Icon name="retry" size={18} /> {t("act.retry")}
          </button>
        )}
        {can.cancel && (
          <button class="danger" onClick={() => void act([job.id], "cancel")}>
            <Icon name="stop" size={18} /> {t("act.cancel")}
          </button>
        )}
        {job.state === "done" && (
          <button class="primary" onClick={() => download(resultPath(job.id), fileName(job.output))}>
            <Icon name="download" size={18} /> {t("act.download")}
          </button>
        )}
        <Menu label={t("act.more", { name })} actions={more} />
      </div>

      {!hasEnded(job) && (
        <div class="card">
          <Meter fraction={fraction(job)} label={name} busy={working && job.progress.total <= 0} />
          <p class="row" role="status">
            <strong>{percent(fraction(job))}</strong> <span><Foreign text={detail(job)} /></span>
          </p>
        </div>
      )}
      {job.state === "failed" && <Failure job={job} />}

      {facts && <Compare job={job} facts={facts} onRedo={job.state === "done" ? setRedo : null} />}

      <div class="columns">
        <div class="card">
          <h2>{t(job.state === "done" ? "job.made" : "job.asked")}</h2>
          <Facts job={job} facts={facts} report={report.value} />
        </div>
        <div class="card">
          <h2>{t("job.told")}</h2>
          <Problems records={told} done={job.state === "done"} names={[job.input, job.output]} />
        </div>
      </div>
      {measured.value?.measures && <Measurements measures={measured.value.measures} facts={facts} onPick={(frame) => go(`job/${job.id}?frame=${frame}`)} />}
      <History id={job.id} changed={job.changed_ms} />
      {redo && facts && <RedoDialog job={job} facts={facts} range={redo} onClose={() => setRedo(null)} />}
    </section>
  );
}

// Why it failed: what kind of thing it is, the program's own sentence, and what one can do.
function Failure({ job }: { job: Job }) {
  const record = job.result.problems?.find((r) => r.severity === "error");
  const message = withoutPaths(job.result.message || job.reason, [job.input, job.output]);
  const texts = record ? recordTexts(record) : { kind: "", message, advice: job.result.advice ?? "" };
  return (
    <div class="note bad" role="alert">
      <Icon name="error" />
      <div>
        {texts.kind && <strong>{texts.kind}</strong>}
        <p>
          <Foreign text={message} />
        </p>
        {texts.advice && <p>{texts.advice}</p>}
      </div>
    </div>
  );
}

// Stepping through the frames of source and result.
function Compare({ job, facts, onRedo }: { job: Job; facts: PlanFacts; onRedo: ((range: { start: number; end: number }) => void) | null }) {
  const where = useStore(route);
  const fps = resultRate(facts);
  const count = Math.max(1, facts.video?.frames ?? 1);
  const asked = Number(where.values.get("frame") ?? NaN);
  const [frame, setFrame] = useState(() => (Number.isInteger(asked) ? asked : Math.floor(count / 2)));
  const [shown, show] = useState(frame);
  const [mark, setMark] = useState<number | null>(null);
  useEffect(() => {
    if (Number.isInteger(asked)) setFrame(Math.max(0, Math.min(count - 1, asked)));
  }, [asked]);
  useEffect(() => {
    const timer = setTimeout(() => show(frame), 60);
    return () => clearTimeout(timer);
  }, [frame]);
  const ready = job.state === "done" || job.progress.segments_done > 0;
  const before = (f: number): string => jobPicturePath(job.id, "source", f);
  const after = (f: number): string => (ready ? jobPicturePath(job.id, "result", f) : "");
  useEffect(() => fetchAhead([before(Math.min(count - 1, shown + 1)), after(Math.min(count - 1, shown + 1))]), [shown, ready]);

  const step = (by: number): void => setFrame((f) => Math.max(0, Math.min(count - 1, f + by)));
  useEffect(() => {
    const keys = (e: KeyboardEvent): void => {
      if (e.ctrlKey || e.metaKey || e.altKey || (e.target as Element).closest("input:not([type=range]), select, textarea, dialog, [role=menu]")) return;
      if (e.key === ",") step(-1);
      else if (e.key === ".") step(1);
      else if (e.key === "<") step(-Math.round(fps));
      else if (e.key === ">") step(Math.round(fps));
      else return;
      e.preventDefault();
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  }, [count, fps]);

  return (
    <div class="card">
      <CompareView before={before(shown)} after={after(shown)} aspect={shownAspect(facts.video?.output_format)} afterMissing={ready ? "" : t("job.no_frames_yet")} />
      <div class="row frames">
        <button class="plain" aria-label={t("frames.back")} title={t("frames.back")} onClick={() => step(-1)}>
          <Icon name="left" />
        </button>
        <input type="range" min={0} max={count - 1} value={frame} aria-label={t("frames.place")} aria-valuetext={`${clock(frame / fps, true)}, ${t("frames.frame", { frame })}`} onInput={(e) => setFrame(Number(e.currentTarget.value))} />
        <button class="plain" aria-label={t("frames.on")} title={t("frames.on")} onClick={() => step(1)}>
          <Icon name="right" />
        </button>
        <output>
          {clock(frame / fps, true)} · {t("frames.frame", { frame })}
        </output>
        {onRedo && mark === null && <button onClick={() => setMark(frame)}>{t("redo.from_here")}</button>}
        {onRedo && mark !== null && (
          <>
            <button class="primary" disabled={mark === frame} onClick={() => (onRedo({ start: Math.min(mark, frame), end: Math.max(mark, frame) }), setMark(null))}>
              {t("redo.to_here", { from: clock(mark / fps, true) })}
            </button>
            <button class="link" onClick={() => setMark(null)}>
              {t("cancel")}
            </button>
          </>
        )}
      </div>
    </div>
  );
}

function Facts({ job, facts, report }: { job: Job; facts: PlanFacts | null; report: Report | null }) {
  const r = job.result;
  const rows: [Key, string][] = [];
  if (job.output) rows.push(["fact.output", job.output]);
  rows.push(["fact.preset", presetTitle(String(job.options["preset"] ?? "vhs"))]);
  const changed = Object.entries(job.options).filter(([name]) => name !== "preset");
  if (changed.length) rows.push(["fact.changed", changed.map(([n, v]) => `${n} ${v}`).join(", ")]);
  if (r.width && r.height) rows.push(["fact.size", `${r.width}×${r.height}`]);
  if (r.frames) rows.push(["fact.frames", number(r.frames)]);
  if (r.bytes) rows.push(["fact.bytes", bytes(r.bytes)]);
  if (r.wall_seconds) rows.push(["fact.took", `${span(r.wall_seconds)}${r.fps ? ` (${t("job.fps", { fps: number(r.fps, 1) })})` : ""}`]);
  if (r.peak_rss_bytes) rows.push(["fact.memory", bytes(r.peak_rss_bytes)]);
  if (report?.output?.sha256) rows.push(["fact.sha256", report.output.sha256]);
  rows.push(["fact.submitted", when(job.created_ms)]);
  const words = facts ? tapeWords(facts) : [];
  return (
    <>
      {words.length > 0 && <p>{t("job.measured", { words: words.map((w) => t(w.key, w.args)).join(", ") })}</p>}
      <dl class="facts">
        {rows.map(([key, value]) => (
          <>
            <dt key={key}>{t(key)}</dt>
            <dd>
              <Foreign text={value} />
            </dd>
          </>
        ))}
      </dl>
    </>
  );
}

function Problems({ records, done, names }: { records: readonly ProblemRecord[]; done: boolean; names: readonly string[] }) {
  if (!records.length) return <p class="quiet">{done ? t("job.nothing_told") : t("job.nothing_yet")}</p>;
  return (
    <ul class="records">
      {records.map((r, i) => {
        const texts = recordTexts(r);
        return (
          <li key={i} class={`note ${r.severity === "warning" ? "" : r.severity === "loss" ? "warn" : "bad"}`}>
            <Icon name={r.severity === "error" ? "error" : "warning"} size={18} />
            <div>
              {texts.kind && <strong>{texts.kind}</strong>}
              <p>
                <Foreign text={withoutPaths(texts.message, names)} />
              </p>
              {texts.advice && <p>{texts.advice}</p>}
            </div>
          </li>
        );
      })}
    </ul>
  );
}

function History({ id, changed }: { id: number; changed: number }) {
  const history = useLoad((signal) => readHistory(id, signal), [id, changed]);
  const changes = history.value?.changes ?? [];
  if (!changes.length) return null;
  return (
    <details class="card">
      <summary>
        <h2>{t("job.history")}</h2>
      </summary>
      <div class="table-wrap">
        <table>
          <tbody>
            {changes.map((c, i) => (
              <tr key={i}>
                <td>{when(c.time_ms)}</td>
                <td>{t(`state.${c.state}` as Key)}</td>
                <td>
                  <Foreign text={c.reason} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
