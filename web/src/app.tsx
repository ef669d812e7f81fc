// The frame of the page: the way around, the link to the service, and the view.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Dialog } from "./parts/dialog.tsx";
import { Guide, guideIsNew } from "./parts/guide.tsx";
import { Icon, type IconName } from "./parts/icon.tsx";
import { Keys } from "./parts/keys.tsx";
import { Toasts } from "./parts/toast.tsx";
import { access, setToken } from "./service/request.ts";
import { jobList, link, readJobs } from "./state/jobs.ts";
import { go, route } from "./state/route.ts";
import { useStore } from "./state/store.ts";
import { t, useLanguage, type Key } from "./texts/text.ts";
import { JobView } from "./views/job.tsx";
import { LogsView } from "./views/logs.tsx";
import { PerformanceView } from "./views/performance.tsx";
import { QueueView } from "./views/queue.tsx";
import { RestoreView } from "./views/restore.tsx";
import { SettingsView } from "./views/settings.tsx";
import { SystemView } from "./views/system.tsx";

const VIEWS: { name: string; icon: IconName; key: string; view: () => ComponentChildren }[] = [
  { name: "restore", icon: "restore", key: "1", view: () => <RestoreView /> },
  { name: "queue", icon: "queue", key: "2", view: () => <QueueView /> },
  { name: "performance", icon: "performance", key: "3", view: () => <PerformanceView /> },
  { name: "logs", icon: "logs", key: "4", view: () => <LogsView /> },
  { name: "system", icon: "system", key: "5", view: () => <SystemView /> },
  { name: "settings", icon: "settings", key: "6", view: () => <SettingsView /> },
];

export function App() {
  useLanguage(); // all is drawn again in another one
  const where = useStore(route);
  const [help, showHelp] = useState(false);
  const [guide, showGuide] = useState(guideIsNew);
  const main = useRef<HTMLElement>(null);
  const before = useRef(where.view);

  useEffect(() => {
    const title = where.view === "job" ? t("nav.job") : t(`nav.${where.view}` as Key);
    document.title = `${title} – TerminalAI`;
    if (before.current !== where.view) {
      before.current = where.view;
      scrollTo(0, 0);
      main.current?.focus({ preventScroll: true });
    }
  }, [where.view, where.id]);

  useEffect(() => {
    const keys = (e: KeyboardEvent): void => {
      if (e.ctrlKey || e.metaKey || e.altKey) return;
      const at = e.target as HTMLElement;
      if (at.closest("input, textarea, select, dialog, [role=menu]")) return;
      const view = VIEWS.find((v) => v.key === e.key);
      if (view) go(view.name);
      else if (e.key === "?") showHelp(true);
      else if (e.key === "/") main.current?.querySelector<HTMLElement>("input[type=search]")?.focus();
      else return;
      e.preventDefault();
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  }, []);

  const view = VIEWS.find((v) => v.name === where.view);
  return (
    <>
      <a class="skip" href="#main" onClick={(e) => (e.preventDefault(), main.current?.focus())}>
        {t("skip")}
      </a>
      <header class="side">
        <a class="brand" href="#/restore">
          <Brand /> <span>TerminalAI</span>
        </a>
        <nav aria-label={t("nav.label")}>
          {VIEWS.map((v) => (
            <a key={v.name} href={`#/${v.name}`} aria-current={where.view === v.name || (v.name === "queue" && where.view === "job") ? "page" : undefined}>
              <Icon name={v.icon} /> <span>{t(`nav.${v.name}` as Key)}</span>
              {v.name === "queue" && <Count />}
            </a>
          ))}
        </nav>
        <div class="side-foot">
          <LinkState />
          <button class="plain" onClick={() => showHelp(true)} aria-label={t("keys.title")} title={t("keys.title")}>
            ?
          </button>
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <Lost />
        {where.view === "job" ? <JobView key={where.id} id={Number(where.id)} /> : view ? view.view() : <Nowhere />}
      </main>
      <Toasts />
      <AskToken />
      {help && <Keys onClose={() => showHelp(false)} onGuide={() => (showHelp(false), showGuide(true))} />}
      {guide && <Guide onClose={() => showGuide(false)} />}
    </>
  );
}

function Brand() {
  return (
    <svg width="28" height="28" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="var(--brand)" />
      <g fill="none" stroke="#fff" stroke-width="2">
        <rect x="5" y="9" width="22" height="14" rx="2.5" />
        <circle cx="11.5" cy="16" r="3" />
        <circle cx="20.5" cy="16" r="3" />
      </g>
    </svg>
  );
}

function Count() {
  const n = useStore(jobList, (l) => l.counts.running + l.counts.planning + l.counts.downloading + l.counts.queued);
  return n ? <span class="count">{n > 999 ? "999+" : n}</span> : null;
}

function LinkState() {
  const state = useStore(link);
  return (
    <span class={`link-state ${state}`} role="status">
      <i aria-hidden="true" /> {t(`link.${state}`)}
    </span>
  );
}

// The state of the link in words, where it is lost: the sign at the side is small.
function Lost() {
  const state = useStore(link);
  const who = useStore(access);
  return state === "lost" && who === "ok" ? (
    <p class="note warn link-lost">
      <Icon name="warning" size={18} /> {t("link.lost_why")}
    </p>
  ) : null;
}

function Nowhere() {
  return (
    <section class="view">
      <h1>{t("nowhere")}</h1>
      <p>
        <a href="#/restore">{t("nav.restore")}</a>
      </p>
    </section>
  );
}

// The service asks who we are.
function AskToken() {
  const state = useStore(access);
  const [value, set] = useState("");
  const [keep, setKeep] = useState(false);
  if (state === "ok") return null;
  const give = (e: Event): void => {
    e.preventDefault();
    setToken(value.trim(), keep);
    void readJobs().catch(() => undefined);
    set("");
  };
  return (
    <Dialog title={t("token.title")} onClose={() => undefined}>
      <form onSubmit={give} class="stack">
        <p>{t("token.why")}</p>
        <label class="field">
          <span>{t("token.label")}</span>
          <input type="password" autoComplete="current-password" value={value} onInput={(e) => set(e.currentTarget.value)} autofocus />
        </label>
        <label class="check">
          <input type="checkbox" checked={keep} onChange={(e) => setKeep(e.currentTarget.checked)} /> {t("token.keep")}
        </label>
        <button class="primary" disabled={!value.trim()}>
          {t("token.give")}
        </button>
      </form>
    </Dialog>
  );
}
