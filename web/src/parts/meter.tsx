// How far something is.
import { percent } from "../texts/format.ts";

export function Meter({ fraction, label, busy }: { fraction: number; label: string; busy?: boolean }) {
  const value = Math.min(1, Math.max(0, fraction || 0));
  return (
    <div class={busy ? "meter busy" : "meter"} role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.floor(value * 100)} aria-valuetext={percent(value)}>
      <div style={{ transform: `scaleX(${value})` }} />
    </div>
  );
}
