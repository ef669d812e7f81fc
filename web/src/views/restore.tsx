// From a box of tapes to a queue: which recordings, what shall become of them, how long it takes.
import { useEffect, useMemo, useState } from "preact/hooks";
import { checkOptions, picturePath, readJob, readOptions, readPlan, readPresets, readSystem, submitJobs, type OptionsCheck, type Planned } from "../service/calls.ts";
import type { Option, OptionValues, Preset } from "../service/types.ts";
import { CompareView } from "../parts/compare_view.tsx";
import { Icon } from "../parts/icon.tsx";
import { OptionForm, valueOf } from "../parts/option_form.tsx";
import { say, sayProblem } from "../parts/toast.tsx";
import { useLoad } from "../parts/use_load.ts";
import { MEASURED_MOST, useMeasured } from "../parts/use_measured.ts";
import { addressOutput, draft, draftOptions, setOption, type Draft } from "../state/draft.ts";
import { jobList, withChanges } from "../state/jobs.ts";
import { go, route } from "../state/route.ts";
import { useStore } from "../state/store.ts";
import { counted, kinds, openOnes, suggestFor } from "../state/suggest.ts";
import type { PictureFormat } from "../state/tape_words.ts";
import { bytes, clock, fileName, span } from "../texts/format.ts";
import { problemText } from "../texts/problem.ts";
import { choiceHelp } from "../texts/option.ts";
import { known, t } from "../texts/text.ts";
import { ExcerptDialog } from "./excerpt_dialog.tsx";
import { PresetCards, presetTitle } from "./preset_cards.tsx";
import { SourceCard } from "./source_card.tsx";
import { SourcePicker } from "./source_picker.tsx";

export function RestoreView() {
  const d = useStore(draft);
  const where = useStore(route);
  const presets = useLoad(readPresets, []);
  const options = useLoad(readOptions, []);
  const [current, setCurrent] = useState(0);
  const ready = d.sources.filter((s) => s.path && !s.problem);
  const shown = d.sources.find((s) => s.key === current && s.path && s.kind !== "address") ?? ready.find((s) => s.kind !== "address");
  const chosen = draftOptions(d, d.preset);
  const plan = useLoad(shown ? (signal) => readPlan(shown.path, chosen, false, signal) : null, [shown?.path, JSON.stringify(chosen)]);
  const suggested = useMemo(() => suggestFor(presets.value ?? [], plan.value?.plan ?? null), [presets.value, plan.value]);
  // Of several recordings each is measured, and gets what fits it unless one kind is chosen for all.
  const box = useMemo(() => ready.filter((s) => s.kind !== "address").map((s) => s.path), [d.sources]);
  const measured = useMeasured(box.length > 1 ? box : []);
  const each = useMemo(() => {
    const found = new Map<string, string>();
    for (const [path, one] of measured) if (one.value && box.includes(path)) found.set(path, suggestFor(presets.value ?? [], one.value.plan));
    return found;
  }, [presets.value, measured, box]);
  // Nothing is begun with a kind that is only guessed while what fits is still being found out.
  const open = d.preset ? { measuring: 0, left: 0 } : box.length > 1 ? openOnes(box, measured, MEASURED_MOST) : { measuring: shown && plan.loading ? 1 : 0, left: 0 };
  const preset = d.preset || suggested || (presets.value?.some((p) => p.name === "vhs") ? "vhs" : (presets.value?.[0]?.name ?? ""));
  const all = draftOptions(d, preset);
  // What it takes is tried once nobody has changed anything for a while.
  const settled = useSettled(JSON.stringify(all), 1500);
  const tried = useLoad(shown && plan.value && settled ? (signal) => readPlan(shown.path, all, true, signal) : null, [shown?.path, plan.value !== null, settled]);

  // "Again with other settings": a job's input and options to begin with.
  const from = where.values.get("from");
  useEffect(() => {
    if (!from) return;
    readJob(Number(from)).then((job) => {
      const { preset: p, ...rest } = job.options;
      draft.set({ sources: [], preset: typeof p === "string" ? p : "", options: rest });
      draft.update((x) => ({ ...x, sources: [{ path: job.input, name: fileName(job.input), kind: "file", sent: 1, problem: "", key: -job.id }] }));
      go("restore");
    }, sayProblem);
  }, [from]);

  return (
    <section class="view restore">
      <div class="view-head">
        <h1>{t("restore.title")}</h1>
      </div>
      {!d.sources.length && <p class="lead">{t("restore.lead")}</p>}
      {presets.error !== null && <p class="note bad">{problemText(presets.error)}</p>}
      <SourcePicker small={d.sources.length > 0} />
      {d.sources.length > 0 && (
        <>
          <ul class={`sources${d.sources.length > 3 ? " many" : ""}`} tabIndex={d.sources.length > 3 ? 0 : undefined} aria-label={t("restore.sources")}>
            {d.sources.map((s) => (
              <SourceCard
                key={s.key}
                source={s}
                plan={s === shown ? plan : (measured.get(s.path) ?? null)}
                kind={box.length > 1 && !d.preset && each.has(s.path) ? presetTitle(each.get(s.path) ?? "") : ""}
                current={s === shown && ready.length > 1}
                onLook={() => setCurrent(s.key)}
              />
            ))}
          </ul>
          <h2>{t("restore.how")}</h2>
          <PresetCards
            presets={presets.value ?? []}
            chosen={box.length > 1 ? d.preset : preset}
            suggested={suggested}
            each={box.length > 1 ? counted([...each.values()]) : null}
            source={shown?.path ?? ""}
            at={MIDDLE}
            onChoose={(name) => draft.update((x) => ({ ...x, preset: name }))}
          />
          {options.value && <Settings options={options.value} presets={presets.value ?? []} preset={preset} d={d} />}
          {shown && plan.value && <Preview source={shown.path} planned={plan.value} options={all} />}
          <Begin d={d} preset={preset} kindOf={(paths) => kinds(paths, d.preset, each, preset)} open={open} planned={plan.value} tried={tried.value} waiting={plan.loading || tried.loading} shown={shown?.path ?? ""} />
        </>
      )}
    </section>
  );
}

const MIDDLE = "50%";

// The text once it has not changed for `ms`; "" until then.
function useSettled(text: string, ms: number): string {
  const [settled, set] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => set(text), ms);
    return () => clearTimeout(timer);
  }, [text]);
  return settled === text ? settled : "";
}

const BASIC = ["quality", "resolution", "encoder"] as const;
const SIZES = ["auto", "source", "720", "1080", "2160"];

function Settings({ options, presets, preset, d }: { options: Option[]; presets: readonly Preset[]; preset: string; d: Draft }) {
  const [advanced, setAdvanced] = useState(Object.keys(d.options).some((n) => !(BASIC as readonly string[]).includes(n)));
  const of = presets.find((p) => p.name === preset)?.values ?? {};
  const mine = useMemo(() => options.filter((o) => o.scope === "recipe"), [options]);
  const check = useChecked(draftOptions(d, preset));
  return (
    <div class="card">
      <div class="tabs" role="tablist" aria-label={t("options.label")}>
        <button role="tab" class="chip" aria-selected={!advanced} onClick={() => setAdvanced(false)}>
          {t("options.basic")}
        </button>
        <button role="tab" class="chip" aria-selected={advanced} onClick={() => setAdvanced(true)}>
          {t("options.advanced")} {Object.keys(d.options).length > 0 && <span class="count">{Object.keys(d.options).length}</span>}
        </button>
      </div>
      {check.general.map((text) => (
        <p key={text} class="note warn" role="alert">
          <Icon name="warning" size={18} /> {text}
        </p>
      ))}
      {advanced ? (
        <OptionForm options={mine} preset={of} values={d.options} problems={check.byOption} onChange={setOption} />
      ) : (
        <Basic options={mine} preset={of} values={d.options} />
      )}
    </div>
  );
}

function Basic({ options, preset, values }: { options: Option[]; preset: OptionValues; values: OptionValues }) {
  const find = (name: string): Option | undefined => options.find((o) => o.name === name);
  const quality = find("quality");
  const size = find("resolution");
  const sound = find("audio-enhance");
  const now = (o: Option): string => String(valueOf(o, values, preset));
  return (
    <div class="basic">
      {quality && (
        <fieldset>
          <legend>{t("basic.quality")}</legend>
          <div class="chips">
            {(["fast", "good", "best"] as const).map((q) => (
              <button key={q} class="chip" aria-pressed={now(quality) === q} onClick={() => setOption("quality", q === (preset["quality"] ?? quality.default) ? undefined : q)}>
                {t(`basic.quality.${q}`)}
              </button>
            ))}
          </div>
          <p class="option-help">{t(`basic.quality_help.${(["fast", "good", "best"] as const).find((q) => q === now(quality)) ?? "good"}`)}</p>
        </fieldset>
      )}
      {size && (
        <label class="field">
          <span>{t("basic.size")}</span>
          <select value={SIZES.includes(now(size)) ? now(size) : ""} onChange={(e) => setOption("resolution", e.currentTarget.value)}>
            {!SIZES.includes(now(size)) && <option value="">{now(size)}</option>}
            <option value="auto">{t("basic.size.auto")}</option>
            <option value="source">{t("basic.size.source")}</option>
            <option value="720">{t("basic.size.720")}</option>
            <option value="1080">{t("basic.size.1080")}</option>
            <option value="2160">{t("basic.size.2160")}</option>
          </select>
        </label>
      )}
      {sound && (
        <label class="field">
          <span>{t("basic.sound")}</span>
          <select value={now(sound)} onChange={(e) => setOption("audio-enhance", e.currentTarget.value)}>
            {(sound.choices ?? []).map((c) => (
              <option key={c.name} value={c.name}>
                {known(`basic.sound.${c.name}`, c.name)}
              </option>
            ))}
          </select>
          <span class="option-help">{choiceHelp(sound, now(sound))}</span>
        </label>
      )}
    </div>
  );
}

// What the service says to the options as they are; asked when nobody has changed them for a moment.
function useChecked(options: OptionValues): { byOption: Record<string, string>; general: string[] } {
  const key = JSON.stringify(options);
  const [state, set] = useState<OptionsCheck>({ ok: true, problems: [] });
  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(() => {
      checkOptions(options, stop.signal).then(set, () => undefined);
    }, 150);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [key]);
  const byOption: Record<string, string> = {};
  const general: string[] = [];
  for (const p of state.problems) {
    const option = p.args["option"];
    if (typeof option === "string") byOption[option] = p.detail;
    general.push(p.detail);
  }
  return { byOption, general };
}

function Preview({ source, planned, options }: { source: string; planned: Planned; options: OptionValues }) {
  const length = planned.seconds;
  const [at, setAt] = useState<number | null>(null);
  const [asked, ask] = useState(MIDDLE); // what is shown: the slider's place when it was let go
  const seconds = at ?? Math.floor(length / 2);
  useEffect(() => {
    const timer = setTimeout(() => ask(at === null ? MIDDLE : String(at)), 250);
    return () => clearTimeout(timer);
  }, [at]);
  useEffect(() => setAt(null), [source]);
  return (
    <details class="card" open>
      <summary>
        <h2>{t("preview.title")}</h2>
      </summary>
      <CompareView
        before={picturePath({ input: source, side: "source", options, at: asked })}
        after={picturePath({ input: source, side: "result", options, at: asked })}
        aspect={shownAspect(planned.plan.video?.output_format)}
      />
      <label class="row preview-at">
        <span class="hidden-text">{t("preview.at")}</span>
        <input type="range" min={0} max={Math.max(1, Math.floor(length) - 1)} step={1} value={Math.floor(seconds)} onInput={(e) => setAt(Number(e.currentTarget.value))} aria-valuetext={clock(seconds)} />
        <output>{clock(seconds)}</output>
      </label>
    </details>
  );
}

export function shownAspect(format: PictureFormat | undefined): number {
  if (!format) return 4 / 3;
  const [a = 1, b = 1] = (format.sar ?? "1/1").split("/").map(Number);
  return (format.width * (a && b ? a / b : 1)) / format.height;
}

interface BeginProps {
  d: Draft;
  preset: string; // of the recording that is shown
  kindOf: (paths: readonly string[]) => string[]; // the preset of each
  open: { measuring: number; left: number }; // of those whose kind is not chosen
  planned: Planned | null;
  tried: Planned | null;
  waiting: boolean;
  shown: string;
}

function Begin({ d, preset, kindOf, open, planned, tried, waiting, shown }: BeginProps) {
  const [sending, send] = useState(false);
  const [excerpt, showExcerpt] = useState(false);
  const ready = d.sources.filter((s) => s.path && !s.problem);
  const uploading = d.sources.filter((s) => s.kind === "upload" && !s.path && !s.problem).length;

  async function begin(): Promise<void> {
    send(true);
    const kind = kindOf(ready.map((s) => s.path));
    try {
      const system = ready.some((s) => s.kind === "address") ? await readSystem() : null;
      const folder = system?.uploads?.folder ?? system?.roots[0] ?? "";
      const extension = planned?.output.match(/\.[a-z0-9]+$/i)?.[0] ?? (preset === "archive" ? ".mkv" : ".mp4");
      const made = await submitJobs(ready.map((s, i) => ({ input: s.path, options: draftOptions(d, kind[i] ?? preset), ...(s.kind === "address" ? { output: addressOutput(s.path, folder, extension) } : {}) })));
      jobList.update((l) => withChanges(l, new Map(made.jobs.map((j) => [j.id, j]))));
      say(t("begin.sent", { n: made.jobs.length }));
      draft.update((x) => ({ ...x, sources: x.sources.filter((s) => !ready.includes(s)) }));
      go("queue");
    } catch (error) {
      sayProblem(error);
    } finally {
      send(false);
    }
  }

  const estimate = tried?.estimate;
  const line =
    uploading > 0
      ? t("begin.uploading", { n: uploading })
      : open.measuring > 0
        ? t(ready.length > 1 ? "begin.measuring_box" : "begin.measuring", { n: open.measuring })
        : estimate?.tried
          ? `${t("begin.estimate", { time: span(estimate.seconds), size: bytes(estimate.output_bytes) })}${ready.length > 1 ? ` ${t("begin.each")}` : ""}`
          : waiting
            ? t("begin.measuring")
            : "";
  return (
    <div class="begin" role="region" aria-label={t("begin.label")}>
      <div class="begin-text">
        <strong>{ready.length ? t("begin.tapes", { n: ready.length }) : t("begin.none")}</strong>
        <span class="quiet">{line}</span>
        {open.left > 0 && <span class="quiet">{t("begin.not_measured", { n: open.left, most: MEASURED_MOST })}</span>}
      </div>
      <button disabled={!planned || !shown} onClick={() => showExcerpt(true)} title={t("begin.excerpt_help")}>
        <Icon name="play" size={18} /> {t("begin.excerpt")}
      </button>
      <button class="primary big" disabled={!ready.length || sending || open.measuring > 0} onClick={() => void begin()}>
        <Icon name="restore" size={20} /> {t("begin.start", { n: Math.max(1, ready.length) })}
      </button>
      {excerpt && planned && <ExcerptDialog input={shown} options={draftOptions(d, preset)} seconds={planned.seconds} onClose={() => showExcerpt(false)} />}
    </div>
  );
}
