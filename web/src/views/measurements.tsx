// What was measured, over time; a click leads to that frame.
import { useMemo } from "preact/hooks";
import type { Measure } from "../service/calls.ts";
import { Plot, type Series } from "../parts/plot.tsx";
import { resultRate, type PlanFacts } from "../state/tape_words.ts";
import { known, t } from "../texts/text.ts";

// A series as a line over seconds.
export function line(measure: Measure, seconds: number): { x: number[]; series: Series[] } {
  const values = measure.series ?? [];
  return { x: values.map((_, i) => ((i + 0.5) * seconds) / values.length), series: [{ label: measure.name, values }] };
}

export function Measurements({ measures, facts, onPick }: { measures: readonly Measure[]; facts: PlanFacts | null; onPick: (frame: number) => void }) {
  const fps = resultRate(facts);
  const seconds = (facts?.video?.frames ?? 0) / fps;
  const plots = useMemo(() => measures.map((m) => ({ m, ...line(m, seconds) })).filter((p) => p.x.length > 1), [measures, seconds]);
  if (!plots.length) return null;
  return (
    <div class="card">
      <h2>{t("measures.title")}</h2>
      <p class="quiet">{t("measures.click")}</p>
      <div class="plots">
        {plots.map(({ m, x, series }) => (
          <Plot key={m.name} title={known(`measure.${m.name}`, m.name.replace(/_/g, " "))} unit={m.unit} x={x} series={series} onPick={(s) => onPick(Math.round(s * fps))} />
        ))}
      </div>
    </div>
  );
}
