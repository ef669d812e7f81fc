// The presets as cards, in plain words, with a picture of this very tape under each.
import { useState } from "preact/hooks";
import { picturePath } from "../service/calls.ts";
import type { Preset } from "../service/types.ts";
import { usePicture } from "../parts/picture.tsx";
import { Icon } from "../parts/icon.tsx";
import { known, t } from "../texts/text.ts";

// Those that most people need come first; the rest is behind "more".
const FIRST = ["vhs", "vhs_heavy", "dvd", "youtube_old", "animation", "archive"];

export function sortPresets(presets: readonly Preset[]): Preset[] {
  const rank = (p: Preset): number => {
    const at = FIRST.indexOf(p.name);
    return p.from !== "built in" ? -1 : at < 0 ? FIRST.length : at;
  };
  return [...presets].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}

export function presetTitle(name: string): string {
  const plain = name.replace(/_/g, " ");
  return known(`preset.${name}.title`, plain.charAt(0).toUpperCase() + plain.slice(1));
}

function presetText(p: Preset): string {
  const words = p.summary.split(" - ");
  return known(`preset.${p.name}.text`, words[1] ?? p.summary);
}

interface Props {
  presets: readonly Preset[];
  chosen: string; // "": each recording as it needs
  suggested: string; // for the recording whose picture is shown
  each: { name: string; n: number }[] | null; // how many recordings were suggested which; null: there is only one recording
  source: string; // whose picture is shown; "": none
  at: string; // where in it
  onChoose: (name: string) => void;
}

export function PresetCards({ presets, chosen, suggested, each, source, at, onChoose }: Props) {
  const [all, showAll] = useState(false);
  const sorted = sortPresets(presets);
  const shown = all ? sorted : sorted.filter((p, i) => i < FIRST.length || p.name === chosen || p.from !== "built in");
  return (
    <div class="stack">
      <div class="presets" role="radiogroup" aria-label={t("preset.label")}>
        {each && <EachCard each={each} chosen={!chosen} onChoose={() => onChoose("")} />}
        {shown.map((p) => (
          <PresetCard key={p.name} preset={p} chosen={p.name === chosen} suggested={p.name === suggested} source={source} at={at} onChoose={() => onChoose(p.name)} />
        ))}
      </div>
      {sorted.length > shown.length || all ? (
        <button class="link" aria-expanded={all} onClick={() => showAll(!all)}>
          {all ? t("preset.fewer") : t("preset.more", { n: sorted.length - shown.length })}
        </button>
      ) : null}
    </div>
  );
}

// A box of tapes of several kinds: what each was suggested.
function EachCard({ each, chosen, onChoose }: { each: { name: string; n: number }[]; chosen: boolean; onChoose: () => void }) {
  return (
    <label class={`preset${chosen ? " chosen" : ""}`}>
      <input type="radio" name="preset" value="" checked={chosen} onChange={onChoose} class="hidden-text" />
      <span class="preset-picture each">
        <Icon name="restore" size={32} />
        {chosen && (
          <span class="preset-mark">
            <Icon name="check" size={18} />
          </span>
        )}
      </span>
      <span class="preset-title">
        {t("preset.each.title")} <span class="badge good">{t("preset.suggested")}</span>
      </span>
      <span class="preset-text">{each.length ? each.map((k) => t("preset.each.of", { n: k.n, name: presetTitle(k.name) })).join(", ") : t("preset.each.text")}</span>
    </label>
  );
}

function PresetCard({ preset, chosen, suggested, source, at, onChoose }: { preset: Preset; chosen: boolean; suggested: boolean; source: string; at: string; onChoose: () => void }) {
  const picture = usePicture(source ? picturePath({ input: source, side: "result", options: { preset: preset.name }, at, width: 400 }) : "");
  return (
    <label class={`preset${chosen ? " chosen" : ""}`}>
      <input type="radio" name="preset" value={preset.name} checked={chosen} onChange={onChoose} class="hidden-text" />
      <span class={`preset-picture${picture.loading ? " loading" : ""}`}>
        {picture.url ? <img src={picture.url} alt={t("preset.picture", { name: presetTitle(preset.name) })} draggable={false} /> : <Icon name="film" size={32} />}
        {chosen && (
          <span class="preset-mark">
            <Icon name="check" size={18} />
          </span>
        )}
      </span>
      <span class="preset-title">
        {presetTitle(preset.name)} {suggested && <span class="badge good">{t("preset.suggested")}</span>}
      </span>
      <span class="preset-text">{presetText(preset)}</span>
    </label>
  );
}
