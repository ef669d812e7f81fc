// What the service says, as it says it.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { readLogs } from "../service/calls.ts";
import { Foreign } from "../parts/foreign.tsx";
import { Icon } from "../parts/icon.tsx";
import { useStore } from "../state/store.ts";
import { filtered, LEVELS, log, withLines, type Level } from "../state/log.ts";
import { problemText } from "../texts/problem.ts";
import { t } from "../texts/text.ts";

const POLL_MS = 2000;
const SHOWN = 1000;

export function LogsView() {
  const lines = useStore(log);
  const [level, setLevel] = useState<Level>("info");
  const [text, setText] = useState("");
  const [follow, setFollow] = useState(true);
  const [error, setError] = useState<unknown>(null);
  const box = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const stop = new AbortController();
    async function run(): Promise<void> {
      while (!stop.signal.aborted) {
        try {
          if (!document.hidden) {
            const after = log.value[log.value.length - 1]?.n;
            const page = await readLogs(after, stop.signal);
            // Numbers that begin anew: the service is another.
            if (after !== undefined && page.last < after) log.set([]);
            log.update((old) => withLines(old, page.lines));
          }
          setError(null);
        } catch (e) {
          if (!stop.signal.aborted) setError(e);
        }
        await new Promise((r) => setTimeout(r, POLL_MS));
      }
    }
    void run();
    return () => stop.abort();
  }, []);

  const found = useMemo(() => filtered(lines, level, text), [lines, level, text]);
  const shown = found.slice(-SHOWN);
  useEffect(() => {
    if (follow && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [shown.length, follow, lines]);

  const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 1 });
  return (
    <section class="view">
      <div class="view-head">
        <h1>{t("nav.logs")}</h1>
        <span class="totals">{t("logs.lines", { n: found.length })}</span>
      </div>
      <div class="bar">
        <div class="chips" role="group" aria-label={t("logs.level")}>
          {LEVELS.map((l) => (
            <button key={l} class="chip" aria-pressed={level === l} onClick={() => setLevel(l)}>
              {t(`logs.level.${l}`)}
            </button>
          ))}
        </div>
        <label class="check">
          <input type="checkbox" checked={follow} onChange={(e) => setFollow(e.currentTarget.checked)} /> {t("logs.follow")}
        </label>
        <label class="search">
          <Icon name="search" size={18} />
          <input type="search" value={text} placeholder={t("logs.search")} aria-label={t("logs.search")} onInput={(e) => setText(e.currentTarget.value)} />
        </label>
      </div>
      {error !== null && <p class="note bad">{problemText(error)}</p>}
      <div
        class="log"
        ref={box}
        tabIndex={0}
        role="region"
        aria-label={t("nav.logs")}
        onScroll={(e) => {
          const b = e.currentTarget;
          if (follow && b.scrollHeight - b.scrollTop - b.clientHeight > 80) setFollow(false);
        }}
      >
        {!shown.length && <p class="quiet">{t("logs.none")}</p>}
        {shown.map((l) => (
          <div key={l.n} class={`log-line ${l.level}`}>
            <time>{time.format(l.time_ms)}</time>
            <span class="log-level">{l.level}</span>
            <Foreign text={l.text} />
            <span class="quiet">{l.component}</span>
          </div>
        ))}
      </div>
    </section>
  );
}
