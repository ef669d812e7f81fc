// Two pictures of the same frame: under a slider, side by side, or one after the other; zoomed and moved in step.
import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { t } from "../texts/text.ts";
import { Icon } from "./icon.tsx";
import { moveBy, transform, WHOLE, zoomAt, type Look } from "./look.ts";
import { usePicture, type PictureState } from "./picture.tsx";

export type CompareMode = "slider" | "split" | "toggle";

const HEIGHT_VH = 74; // of a picture, at most; .compare-pane has it too

interface Props {
  before: string; // addresses of pictures; "" for none
  after: string;
  aspect: number; // width / height as shown
  afterMissing?: string; // why there is no second picture
  tools?: ComponentChildren;
}

export function CompareView({ before, after, aspect, afterMissing, tools }: Props) {
  const [mode, setMode] = useState<CompareMode>("slider");
  const [at, setAt] = useState(0.5); // the slider, part of the frame
  const [look, setLook] = useState<Look>(WHOLE);
  const [second, setSecond] = useState(true); // toggled: which one is shown
  const frame = useRef<HTMLDivElement>(null);
  const a = usePicture(before);
  const b = usePicture(after);

  // Fingers and mouse: one moves (the slider's handle, or the picture where it is zoomed), two zoom.
  const pointers = useRef(new Map<number, { x: number; y: number }>());
  function place(e: { clientX: number; clientY: number }): { x: number; y: number; w: number; h: number } {
    const target = frame.current?.querySelector(".compare-pane") ?? frame.current;
    const box = target?.getBoundingClientRect();
    return box ? { x: (e.clientX - box.left) / box.width, y: (e.clientY - box.top) / box.height, w: box.width, h: box.height } : { x: 0, y: 0, w: 1, h: 1 };
  }
  function down(e: PointerEvent): void {
    if ((e.target as Element).closest("button, input")) return;
    frame.current?.setPointerCapture(e.pointerId);
    pointers.current.set(e.pointerId, { x: e.clientX, y: e.clientY });
    if (mode === "slider" && look.zoom === 1 && pointers.current.size === 1) setAt(Math.min(1, Math.max(0, place(e).x)));
  }
  function move(e: PointerEvent): void {
    const was = pointers.current.get(e.pointerId);
    if (!was) return;
    const others = [...pointers.current.entries()].filter(([id]) => id !== e.pointerId).map(([, p]) => p);
    pointers.current.set(e.pointerId, { x: e.clientX, y: e.clientY });
    const p = place(e);
    const other = others[0];
    if (other) {
      const far = Math.hypot(e.clientX - other.x, e.clientY - other.y);
      const near = Math.hypot(was.x - other.x, was.y - other.y);
      const middle = place({ clientX: (e.clientX + other.x) / 2, clientY: (e.clientY + other.y) / 2 });
      if (near > 1) setLook((l) => zoomAt(l, far / near, middle.x, middle.y));
    } else if (look.zoom > 1 && !(mode === "slider" && Math.abs(p.x - at) * p.w < 24)) setLook((l) => moveBy(l, (e.clientX - was.x) / p.w, (e.clientY - was.y) / p.h));
    else if (mode === "slider") setAt(Math.min(1, Math.max(0, p.x)));
  }
  function up(e: PointerEvent): void {
    pointers.current.delete(e.pointerId);
  }
  function wheel(e: WheelEvent): void {
    if (!e.ctrlKey && look.zoom === 1 && e.deltaY > 0) return; // the page scrolls
    e.preventDefault();
    const p = place(e);
    setLook((l) => zoomAt(l, Math.exp(-e.deltaY / 400), p.x % 1, p.y));
  }
  function keys(e: KeyboardEvent): void {
    const step = e.shiftKey ? 0.2 : 0.05;
    if (e.key === "+" || e.key === "=") setLook((l) => zoomAt(l, 1.5, 0.5, 0.5));
    else if (e.key === "-") setLook((l) => zoomAt(l, 1 / 1.5, 0.5, 0.5));
    else if (e.key === "0") setLook(WHOLE);
    else if (e.key === "x") setSecond((s) => !s);
    else if (look.zoom > 1 && e.key.startsWith("Arrow")) {
      const dx = e.key === "ArrowLeft" ? step : e.key === "ArrowRight" ? -step : 0;
      const dy = e.key === "ArrowUp" ? step : e.key === "ArrowDown" ? -step : 0;
      setLook((l) => moveBy(l, dx, dy));
    } else return;
    e.preventDefault();
    e.stopPropagation();
  }

  const pane = (state: PictureState, label: string, missing: string, clip?: string) => (
    <figure class="compare-pane" style={{ aspectRatio: String(aspect), ...(clip ? { clipPath: clip } : {}) }}>
      {state.url ? (
        <img src={state.url} alt={label} draggable={false} style={{ transform: transform(look) }} class={look.zoom > 3 ? "crisp" : ""} />
      ) : (
        <div class="compare-none">{state.problem || missing || (state.loading ? t("loading") : "")}</div>
      )}
    </figure>
  );
  const source = t("compare.before");
  const result = t("compare.after");

  return (
    <div class="compare">
      <div class="compare-tools" role="toolbar" aria-label={t("compare.tools")}>
        <div class="chips" role="group" aria-label={t("compare.mode")}>
          {(["slider", "split", "toggle"] as const).map((m) => (
            <button key={m} class="chip" aria-pressed={mode === m} onClick={() => setMode(m)}>
              <Icon name={m === "slider" ? "result" : m} size={16} /> {t(`compare.${m}`)}
            </button>
          ))}
        </div>
        <span class="space" />
        <button class="plain" aria-label={t("compare.zoom_out")} title={t("compare.zoom_out")} onClick={() => setLook((l) => zoomAt(l, 1 / 1.5, 0.5, 0.5))}>
          −
        </button>
        <output>{Math.round(look.zoom * 100)} %</output>
        <button class="plain" aria-label={t("compare.zoom_in")} title={t("compare.zoom_in")} onClick={() => setLook((l) => zoomAt(l, 1.5, 0.5, 0.5))}>
          +
        </button>
        <button class="plain" aria-label={t("compare.whole")} title={t("compare.whole")} disabled={look.zoom === 1} onClick={() => setLook(WHOLE)}>
          <Icon name="zoom" size={18} />
        </button>
        {tools}
      </div>
      <div
        ref={frame}
        class={`compare-frame ${mode}${look.zoom > 1 ? " zoomed" : ""}`}
        style={mode === "split" ? {} : { maxWidth: `calc(${HEIGHT_VH}vh * ${aspect})` }}
        tabIndex={0}
        role="group"
        aria-label={t("compare.frame")}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerCancel={up}
        onWheel={wheel}
        onKeyDown={keys}
      >
        {mode === "slider" && (
          <>
            {pane(a, source, "")}
            {after || afterMissing ? pane(b, result, afterMissing ?? "", `inset(0 0 0 ${at * 100}%)`) : null}
            {after && (
              <>
                <div class="compare-line" style={{ left: `${at * 100}%` }} />
                <input
                  type="range"
                  min={0}
                  max={100}
                  value={Math.round(at * 100)}
                  aria-label={t("compare.slide")}
                  class="compare-range"
                  onInput={(e) => setAt(Number(e.currentTarget.value) / 100)}
                />
              </>
            )}
            <span class="compare-tag left">{source}</span>
            <span class="compare-tag right">{result}</span>
          </>
        )}
        {mode === "split" && (
          <>
            <div class="compare-half">
              {pane(a, source, "")}
              <span class="compare-tag left">{source}</span>
            </div>
            <div class="compare-half">
              {pane(b, result, afterMissing ?? "")}
              <span class="compare-tag right">{result}</span>
            </div>
          </>
        )}
        {mode === "toggle" && (
          <>
            {second ? pane(b, result, afterMissing ?? "") : pane(a, source, "")}
            <button class="compare-switch" aria-pressed={second} onClick={() => setSecond(!second)}>
              {second ? result : source} · {t("compare.switch")}
            </button>
          </>
        )}
      </div>
    </div>
  );
}
