// One chosen recording: its picture and what was measured of it, in plain words.
import { Foreign } from "../parts/foreign.tsx";
import type { MeasuredOne } from "../parts/use_measured.ts";
import { Icon } from "../parts/icon.tsx";
import { Meter } from "../parts/meter.tsx";
import { Thumbnail } from "../parts/picture.tsx";
import { dropSource, type Source } from "../state/draft.ts";
import { tapeWords } from "../state/tape_words.ts";
import { marked } from "../texts/foreign.ts";
import { bytes, clock, percent } from "../texts/format.ts";
import { problemText } from "../texts/problem.ts";
import { t } from "../texts/text.ts";
import { stopUpload } from "./source_picker.tsx";

interface Props {
  source: Source;
  plan: MeasuredOne | null; // null: not asked for (the list is long)
  kind: string; // how it will be restored, where each is as it needs; "": as all
  current: boolean; // the one that pictures are shown of
  onLook: () => void;
}

export function SourceCard({ source, plan, kind, current, onLook }: Props) {
  const facts = plan?.value?.plan ?? null;
  const format = facts?.video?.source_format;
  const seconds = plan?.value?.seconds ?? 0;
  const line: string[] = [];
  if (format) line.push(`${format.width}×${format.height}`);
  if (seconds) line.push(clock(seconds));
  if (facts?.source?.size) line.push(bytes(facts.source.size));
  return (
    <li class={`source${current ? " current" : ""}`}>
      <button class="source-look" onClick={onLook} disabled={source.kind !== "file" && !source.path} aria-pressed={current} aria-label={t("source.look", { name: source.name })}>
        <Thumbnail input={source.kind !== "address" ? source.path : ""} label="" />
      </button>
      <div class="source-text">
        <strong title={marked(source.path)}>
          <Foreign text={source.name} />
        </strong>
        {line.length > 0 && <span class="quiet">{line.join(" · ")}</span>}
        {source.kind === "address" && <span class="quiet">{t("source.address")}</span>}
        {source.kind === "upload" && source.sent < 1 && !source.problem && (
          <>
            <Meter fraction={source.sent} label={t("source.sending", { name: source.name })} />
            <span class="quiet">{t("source.sent", { percent: percent(source.sent) })}</span>
          </>
        )}
        {plan?.loading && !facts && (
          <span class="quiet" role="status">
            {t("source.measuring")}
          </span>
        )}
        {facts && (
          <span class="words">
            {kind && <span class="tag kind">{kind}</span>}
            {tapeWords(facts).map((w) => (
              <span key={w.key} class={`tag ${w.tone}`}>
                {t(w.key, w.args)}
              </span>
            ))}
          </span>
        )}
        {(source.problem || (plan && plan.error !== null)) && (
          <p class="note bad">
            <Icon name="error" size={18} /> {source.problem || problemText(plan?.error)}
          </p>
        )}
      </div>
      <button
        class="plain"
        aria-label={t("source.drop", { name: source.name })}
        title={t("source.drop", { name: source.name })}
        onClick={() => {
          stopUpload(source.key);
          dropSource(source.key);
        }}
      >
        <Icon name="close" />
      </button>
    </li>
  );
}
