// The machine: devices, engines, encoders, networks, room on disk.
import { useEffect, useState } from "preact/hooks";
import { type Engine, fetchModel, type Model, readEncoders, readEngines, readModels, readSystem, stopFetching } from "../service/calls.ts";
import { Foreign } from "../parts/foreign.tsx";
import { Icon } from "../parts/icon.tsx";
import { Meter } from "../parts/meter.tsx";
import { say, sayProblem } from "../parts/toast.tsx";
import { useLoad } from "../parts/use_load.ts";
import { hear } from "../state/jobs.ts";
import { bytes, percent, sentence } from "../texts/format.ts";
import { problemText } from "../texts/problem.ts";
import { known, t } from "../texts/text.ts";

// Why an engine is not there, and what to do about it.
function missing(e: Engine): string {
  return known(`engine.${e.name}.${e.code ?? ""}`, [e.why, e.advice].map(sentence).join(" "));
}

export function SystemView() {
  const system = useLoad(readSystem, []);
  const engines = useLoad(readEngines, []);
  const encoders = useLoad(readEncoders, []);
  const models = useLoad(readModels, []);
  const s = system.value;
  return (
    <section class="view">
      <h1>{t("nav.system")}</h1>
      {system.error !== null && <p class="note bad">{problemText(system.error)}</p>}
      <div class="columns">
        <div class="card">
          <h2>{t("system.machine")}</h2>
          {s && (
            <dl class="facts">
              <dt>{t("system.version")}</dt>
              <dd>{s.version}</dd>
              <dt>{t("system.cores")}</dt>
              <dd>{s.cores}</dd>
              <dt>{t("system.memory")}</dt>
              <dd>{bytes(s.memory_bytes)}</dd>
              <dt>{t("system.service_memory")}</dt>
              <dd>{bytes(s.rss_bytes)}</dd>
              <dt>{t("system.workers")}</dt>
              <dd>{s.workers ? t("system.busy", { busy: s.busy, of: s.workers }) : t("system.no_workers")}</dd>
              <dt>{t("system.roots")}</dt>
              <dd>
                {s.roots.map((r) => (
                  <div key={r}>
                    <Foreign text={r} />
                  </div>
                ))}
                {!s.roots.length && t("system.no_roots")}
              </dd>
              {s.disks.map((d) => (
                <>
                  <dt key={d.path}>{t("system.disk")}</dt>
                  <dd>
                    {t("system.free", { free: bytes(d.free_bytes) })}, <Foreign text={d.path} />
                  </dd>
                </>
              ))}
            </dl>
          )}
        </div>
        <div class="card">
          <h2>{t("system.engines")}</h2>
          {engines.error !== null && <p class="note bad">{problemText(engines.error)}</p>}
          {engines.loading && !engines.value && <p class="quiet">{t("loading")}</p>}
          <ul class="rows">
            {(engines.value ?? []).map((e) => (
              <li key={e.name}>
                <Icon name={e.works ? "check" : "close"} size={18} />
                <div>
                  <strong>{e.name}</strong> <span class="quiet">{e.version ?? ""}</span>
                  <p class="quiet">{known(`engine.${e.name}`, e.summary)}</p>
                  {(e.devices ?? []).map((d) => (
                    <p key={`${d.provider}${d.kind}`}>
                      {[d.kind, d.provider, d.vendor].filter(Boolean).join(" · ")} {d.works === false && (
                        <span class="quiet">
                          <Foreign text={sentence(d.why)} />
                        </span>
                      )}
                    </p>
                  ))}
                  {!e.works && (
                    <p class="quiet">
                      <Foreign text={missing(e)} />
                    </p>
                  )}
                </div>
              </li>
            ))}
          </ul>
        </div>
      </div>
      <div class="card">
        <h2>{t("system.models")}</h2>
        {models.loading && !models.value && <p class="quiet">{t("loading")}</p>}
        {models.error !== null && <p class="note bad">{problemText(models.error)}</p>}
        <ul class="rows">
          {(models.value ?? []).map((m) => (
            <ModelRow key={m.name} model={m} again={models.again} />
          ))}
        </ul>
      </div>
      <div class="card">
        <h2>{t("system.encoders")}</h2>
        {encoders.loading && !encoders.value && <p class="quiet">{t("loading")}</p>}
        {encoders.error !== null && <p class="note bad">{problemText(encoders.error)}</p>}
        <div class="table-wrap">
          <table>
            <tbody>
              {(encoders.value ?? []).map((e) => (
                <tr key={e.name}>
                  <td>
                    <Icon name={e.works ? "check" : "close"} size={18} /> <span class="hidden-text">{e.works ? t("yes") : t("no")}</span>
                  </td>
                  <td>{e.name}</td>
                  <td class="quiet">
                    {e.summary}
                    {!e.works && (
                      <>
                        {" – "}
                        <Foreign text={[e.message ?? e.why, e.advice].map(sentence).filter(Boolean).join(" ")} />
                      </>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </div>
    </section>
  );
}

function ModelRow({ model, again }: { model: Model; again: () => void }) {
  const [part, setPart] = useState<number | null>(null);
  // How far the service has fetched it.
  useEffect(
    () =>
      hear((event) => {
        const data = event.data as { name?: string; state?: string; have_bytes?: number; bytes?: number; detail?: string };
        if (event.kind !== "model" || data.name !== model.name) return;
        if (data.state === "ready") {
          setPart(null);
          again();
          say(t("system.fetched", { name: model.name }));
        } else if (data.state === "cancelled") {
          setPart(null);
        } else if (data.state === "failed") {
          setPart(null);
          sayProblem(new Error(data.detail ?? ""));
        } else if (data.bytes) setPart((data.have_bytes ?? 0) / data.bytes);
      }),
    [model.name],
  );
  async function begin(): Promise<void> {
    setPart(0);
    try {
      await fetchModel(model.name);
    } catch (error) {
      setPart(null);
      sayProblem(error);
    }
  }
  return (
    <li>
      <Icon name={model.state === "here" ? "check" : "download"} size={18} />
      <div class="grow">
        <strong>{model.name}</strong> <span class="quiet">{model.bytes ? bytes(model.bytes) : ""}</span>
        <p class="quiet">{known(`network.${model.name}`, model.summary)}</p>
        {model.licence && <p class="quiet">{t("system.licence", { licence: model.licence })}</p>}
        {part !== null && (
          <div class="row">
            <Meter fraction={part} label={t("system.fetching", { name: model.name })} busy={part === 0} /> <span>{percent(part)}</span>
            <button class="link" onClick={() => stopFetching(model.name).then(() => setPart(null), sayProblem)}>
              {t("cancel")}
            </button>
          </div>
        )}
      </div>
      {model.state !== "here" && part === null && model.file && (
        <button onClick={() => void begin()}>
          <Icon name="download" size={18} /> {t("system.fetch")}
        </button>
      )}
    </li>
  );
}
