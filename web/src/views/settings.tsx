// How the page looks, and what the service does by itself: watched folders and who is told.
import { useState } from "preact/hooks";
import { readFolders, readNotifications, readPresets, readSystem, setAtOnce, testEndpoint, unwatchFolder, watchFolder } from "../service/calls.ts";
import { Foreign } from "../parts/foreign.tsx";
import { Icon } from "../parts/icon.tsx";
import { say, sayProblem } from "../parts/toast.tsx";
import { useLoad } from "../parts/use_load.ts";
import { setTheme, theme, type Theme } from "../state/theme.ts";
import { useStore } from "../state/store.ts";
import { bytes, when } from "../texts/format.ts";
import { problemText } from "../texts/problem.ts";
import { setLanguage, t, useLanguage, type Language } from "../texts/text.ts";
import { FolderBrowser } from "./folder_browser.tsx";
import { presetTitle, sortPresets } from "./preset_cards.tsx";

export function SettingsView() {
  const lang = useLanguage();
  const look = useStore(theme);
  return (
    <section class="view">
      <h1>{t("nav.settings")}</h1>
      <div class="card">
        <h2>{t("settings.page")}</h2>
        <div class="basic">
          <fieldset>
            <legend>{t("settings.language")}</legend>
            <div class="chips">
              {(
                [
                  ["en", "English"],
                  ["de", "Deutsch"],
                ] as [Language, string][]
              ).map(([l, name]) => (
                <button key={l} class="chip" lang={l} aria-pressed={lang === l} onClick={() => setLanguage(l)}>
                  {name}
                </button>
              ))}
            </div>
          </fieldset>
          <fieldset>
            <legend>{t("settings.theme")}</legend>
            <div class="chips">
              {(["system", "light", "dark"] as Theme[]).map((x) => (
                <button key={x} class="chip" aria-pressed={look === x} onClick={() => setTheme(x)}>
                  {t(`settings.theme.${x}`)}
                </button>
              ))}
            </div>
          </fieldset>
        </div>
      </div>
      <Limits />
      <Watches />
      <Endpoints />
    </section>
  );
}

// What the service may take of its machine.
function Limits() {
  const system = useLoad(readSystem, []);
  const [set, setSet] = useState(0); // what was asked for last; 0: nothing
  const s = system.value;
  if (!s) return system.error !== null ? <p class="note bad">{problemText(system.error)}</p> : null;
  const now = set || s.limits.at_once;
  const change = (n: number): void => {
    setSet(n);
    setAtOnce(n).then(undefined, (error) => (setSet(0), sayProblem(error)));
  };
  return (
    <div class="card">
      <h2>{t("limits.title")}</h2>
      <div class="row">
        <span id="at-once">{t("limits.at_once")}</span>
        <div class="stepper">
          <button class="plain" aria-label={t("limits.fewer")} disabled={s.read_only || now <= 1} onClick={() => change(now - 1)}>
            −
          </button>
          <output aria-labelledby="at-once">{now}</output>
          <button class="plain" aria-label={t("limits.more")} disabled={s.read_only || now >= s.limits.at_once_most} onClick={() => change(now + 1)}>
            +
          </button>
        </div>
      </div>
      <p class="quiet">{t("limits.why", { cores: s.cores })}</p>
      {s.uploads && <p class="quiet">{t("limits.uploads", { size: bytes(s.uploads.max_bytes) })}</p>}
      {s.read_only && <p class="note">{t("limits.read_only")}</p>}
    </div>
  );
}

// Those of the configuration are shown; more can be added, and those taken out again.
function Watches() {
  const list = useLoad(readFolders, []);
  const [choosing, choose] = useState(false);
  const [path, setPath] = useState("");
  function takeOut(folder: string): void {
    unwatchFolder(folder).then(() => (say(t("watch.removed")), list.again()), sayProblem);
  }
  return (
    <div class="card">
      <h2>{t("watch.title")}</h2>
      <p class="quiet">{t("watch.why")}</p>
      {list.error !== null && <p class="note bad">{problemText(list.error)}</p>}
      {list.value && !list.value.folders.length && <p class="quiet">{t("watch.none")}</p>}
      <ul class="rows">
        {(list.value?.folders ?? []).map((w) => (
          <li key={w.path}>
            <Icon name={w.state === "missing" ? "warning" : "folder"} size={18} />
            <div class="grow">
              <strong>
                <Foreign text={w.path} />
              </strong>
              <p class="quiet">
                {t(`watch.${w.state}`)}
                {w.waiting ? ` · ${t("watch.waiting", { n: w.waiting })}` : ""}
                {w.jobs ? ` · ${t("watch.jobs", { n: w.jobs })}` : ""}
                {w.reason ? ` · ${w.reason}` : ""}
                {w.added ? "" : ` · ${t("watch.configured")}`}
              </p>
            </div>
            {w.added && (
              <button onClick={() => takeOut(w.path)} aria-label={t("watch.remove_this", { name: w.path })}>
                {t("watch.remove")}
              </button>
            )}
          </li>
        ))}
      </ul>
      {path ? (
        <WatchForm path={path} onEnd={() => (setPath(""), list.again())} />
      ) : (
        <button class="spaced" onClick={() => choose(true)}>
          <Icon name="folder" size={18} /> {t("watch.add")}
        </button>
      )}
      {choosing && <FolderBrowser folderOnly onClose={() => choose(false)} onTake={([folder]) => setPath(folder?.path ?? "")} />}
    </div>
  );
}

// How what comes into a folder is to look.
function WatchForm({ path, onEnd }: { path: string; onEnd: () => void }) {
  const presets = useLoad(readPresets, []);
  const [preset, setPreset] = useState("vhs");
  const [existing, setExisting] = useState(false);
  const [sending, send] = useState(false);
  function begin(): void {
    send(true);
    watchFolder({ path, existing, options: { preset } }).then(
      () => (say(t("watch.added")), onEnd()),
      (error) => (sayProblem(error), send(false)),
    );
  }
  return (
    <div class="stack" role="group" aria-label={t("watch.add")}>
      <strong>
        <Foreign text={path} />
      </strong>
      <label class="field">
        <span>{t("restore.how")}</span>
        <select value={preset} onChange={(e) => setPreset(e.currentTarget.value)}>
          {sortPresets(presets.value ?? []).map((p) => (
            <option key={p.name} value={p.name}>
              {presetTitle(p.name)}
            </option>
          ))}
        </select>
      </label>
      <label class="check">
        <input type="checkbox" checked={existing} onChange={(e) => setExisting(e.currentTarget.checked)} /> {t("watch.existing")}
      </label>
      <div class="row">
        <button class="primary" disabled={sending} onClick={begin}>
          {t("watch.begin")}
        </button>
        <button onClick={onEnd}>{t("cancel")}</button>
      </div>
    </div>
  );
}

// Made in the service's configuration alone, where secrets are: a page that could name addresses could send messages anywhere.
function Endpoints() {
  const list = useLoad(readNotifications, []);
  return (
    <div class="card">
      <h2>{t("notify.title")}</h2>
      <p class="quiet">{t("notify.why")}</p>
      {list.error !== null && <p class="note bad">{problemText(list.error)}</p>}
      {list.value && !list.value.endpoints.length && <p class="quiet">{t("notify.none")}</p>}
      <ul class="rows">
        {(list.value?.endpoints ?? []).map((n) => (
          <li key={n.name}>
            <Icon name="bell" size={18} />
            <div class="grow">
              <strong>
                <Foreign text={n.name} />
              </strong>
              <p class="quiet">
                {n.kind} · <Foreign text={n.where} />
                {n.waiting ? ` · ${t("notify.waiting", { n: n.waiting })}` : ""}
              </p>
            </div>
            <button onClick={() => void testEndpoint(n.name).then(() => (say(t("notify.tested")), list.again()), sayProblem)}>{t("notify.test")}</button>
          </li>
        ))}
      </ul>
      {(list.value?.notices ?? []).length > 0 && (
        <details>
          <summary>{t("notify.messages")}</summary>
          <div class="table-wrap">
            <table>
              <tbody>
                {(list.value?.notices ?? []).map((m) => (
                  <tr key={m.id}>
                    <td>{when(m.created_ms)}</td>
                    <td>
                      <Foreign text={m.endpoint} />
                    </td>
                    <td>{m.event}</td>
                    <td>{m.state}</td>
                    <td>
                      <Foreign text={m.error} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </details>
      )}
    </div>
  );
}
