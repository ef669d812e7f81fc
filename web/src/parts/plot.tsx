// A measurement over time, drawn by uPlot; a click leads to that moment.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { theme } from "../state/theme.ts";
import { useStore } from "../state/store.ts";
import { clock, number } from "../texts/format.ts";
import { useLanguage } from "../texts/text.ts";

export interface Series {
  label: string;
  values: (number | null)[];
}

interface Props {
  title: string;
  unit: string;
  x: number[]; // seconds, or what `name` names
  series: Series[];
  name?: (x: number) => string; // of whole numbers: what stands below them
  height?: number;
  onPick?: (x: number) => void;
}

const COLOURS = ["--brand-text", "--warn", "--good", "--bad"];
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// What a plot shows, for those who don't see it.
export function summary(series: readonly Series[], unit: string): string {
  return series
    .map((s) => {
      const values = s.values.filter((v): v is number => v !== null);
      if (!values.length) return `${s.label}: –`;
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      return `${s.label}: ${number(Math.min(...values), 1)} – ${number(Math.max(...values), 1)}, ⌀ ${number(mean, 1)} ${unit}`;
    })
    .join("; ");
}

export function Plot({ title, unit, x, series, name, height = 180, onPick }: Props) {
  const ref = useRef<HTMLDivElement>(null);
  const chosen = useStore(theme);
  const lang = useLanguage();
  const pick = useRef(onPick);
  pick.current = onPick;

  useEffect(() => {
    const box = ref.current;
    if (!box) return;
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
    const plot = new uPlot(
      {
        width: Math.max(200, box.clientWidth),
        height,
        legend: { show: series.length > 1 },
        padding: [null, 32, null, null], // for the last word of the axis
        cursor: { y: false, points: { size: 7 } },
        scales: { x: { time: false } },
        axes: [
          name ? { ...axis, values: (_, ticks) => ticks.map(name), space: 90, incrs: WHOLE } : { ...axis, values: (_, ticks) => ticks.map((v) => clock(v)), space: 60 },
          { ...axis, size: 56, values: (_, ticks) => ticks.map((v) => number(v, digitsOf((ticks[1] ?? v) - (ticks[0] ?? v)))) },
        ],
        series: [
          { label: "" },
          ...series.map((s, i) => ({
            label: s.label,
            stroke: colour(COLOURS[i % COLOURS.length] ?? "--text"),
            width: 2,
            points: { show: x.length < 60 },
            value: (_: uPlot, v: number | null) => (v === null ? "" : `${number(v, 2)} ${unit}`),
          })),
        ],
      },
      [x, ...series.map((s) => s.values)],
      box,
    );
    const click = (): void => {
      const i = plot.cursor.idx;
      const at = i === null || i === undefined ? undefined : x[i];
      if (at !== undefined) pick.current?.(at);
    };
    plot.over.addEventListener("click", click);
    const size = new ResizeObserver(() => plot.setSize({ width: Math.max(200, box.clientWidth), height }));
    size.observe(box);
    return () => {
      size.disconnect();
      plot.destroy();
    };
  }, [x, series, name, height, chosen, lang]);

  return (
    <figure class={`plot${onPick ? " picks" : ""}`}>
      <figcaption>
        {title} {unit && <span class="quiet">({unit})</span>}
      </figcaption>
      <div ref={ref} role="img" aria-label={`${title}: ${summary(series, unit)}`} />
    </figure>
  );
}

// After the point, so that no two lines of the grid have the same number.
function digitsOf(step: number): number {
  return step > 0 && step < 1 ? Math.min(3, Math.ceil(-Math.log10(step) - 1e-9)) : step % 1 ? 1 : 0;
}
