// Ten seconds from the middle, restored beside their source, to be watched before the whole is begun.
import { useEffect, useState } from "preact/hooks";
import { dropExcerpt, excerptPath, makeExcerpt, readExcerpt } from "../service/calls.ts";
import type { OptionValues } from "../service/types.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Meter } from "../parts/meter.tsx";
import { hear } from "../state/jobs.ts";
import { problemText } from "../texts/problem.ts";
import { t } from "../texts/text.ts";

const SECONDS = 10;
const LOOK_MS = 2000; // where events don't come

interface Props {
  input: string;
  options: OptionValues;
  seconds: number; // of the whole
  onClose: () => void;
}

export function ExcerptDialog({ input, options, seconds, onClose }: Props) {
  const [ready, setReady] = useState("");
  const [part, setPart] = useState(0);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    const stop = new AbortController();
    let id = "";
    let made = false;
    const show = (): void => {
      made = true;
      setReady(id);
    };
    const look = async (): Promise<void> => {
      if (!id || stop.signal.aborted) return;
      try {
        if ((await readExcerpt(id, stop.signal)).state === "ready") show();
      } catch (e) {
        if (!stop.signal.aborted) setError(e);
      }
    };
    const unhear = hear((event) => {
      const data = event.data as { id?: string; state?: string; total?: number; detail?: string };
      if (event.kind !== "excerpt" || data.id !== id) return;
      if (data.state === "ready") show();
      else if (data.state === "failed") setError(new Error(data.detail ?? t("excerpt.failed")));
      else if (typeof data.total === "number") setPart(data.total);
    });
    const timer = setInterval(() => void look(), LOOK_MS);
    makeExcerpt({ input, options, start: String(Math.max(0, Math.floor(seconds / 2 - SECONDS / 2))), duration: Math.min(SECONDS, Math.max(1, seconds)) }, stop.signal).then(
      (begun) => {
        id = begun.id;
        if (begun.state === "ready") show();
      },
      (e: unknown) => {
        if (!stop.signal.aborted) setError(e);
      },
    );
    return () => {
      stop.abort();
      if (id && !made) dropExcerpt(id).catch(() => undefined); // nobody waits for it any more
      clearInterval(timer);
      unhear();
    };
  }, []);
  return (
    <Dialog title={t("excerpt.title")} wide onClose={onClose}>
      {error !== null ? (
        <p class="note bad" role="alert">
          {problemText(error)}
        </p>
      ) : ready ? (
        <video class="excerpt" src={excerptPath(ready)} controls autoPlay loop muted playsInline />
      ) : (
        <div class="stack">
          <p role="status">{t("excerpt.working")}</p>
          <Meter fraction={part} label={t("excerpt.title")} busy={part === 0} />
        </div>
      )}
    </Dialog>
  );
}
