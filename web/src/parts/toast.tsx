// Short messages at the edge, some with a way to undo. Read out once, politely.
import { Store, useStore } from "../state/store.ts";
import { t } from "../texts/text.ts";
import { Icon } from "./icon.tsx";
import { problemText } from "../texts/problem.ts";

interface Toast {
  id: number;
  kind: "done" | "error";
  text: string;
  undo?: () => void;
  timer: ReturnType<typeof setTimeout>;
  ended?: () => void;
}

const toasts = new Store<readonly Toast[]>([]);
let next = 1;

function take(id: number): Toast | undefined {
  const found = toasts.value.find((x) => x.id === id);
  if (found) {
    clearTimeout(found.timer);
    toasts.update((all) => all.filter((x) => x.id !== id));
  }
  return found;
}

export function say(text: string): void {
  show("done", text, 5000);
}

export function sayProblem(error: unknown): void {
  if (error instanceof DOMException && error.name === "AbortError") return;
  show("error", problemText(error), 12_000);
}

// Tells what is about to happen and does it when the time to undo has passed (or the page is left).
export function sayWithUndo(text: string, act: () => void, undo: () => void, ms = 6000): void {
  show("done", text, ms, undo, act);
}

function show(kind: Toast["kind"], text: string, ms: number, undo?: () => void, ended?: () => void): void {
  const id = next++;
  const timer = setTimeout(() => take(id)?.ended?.(), ms);
  const toast: Toast = { id, kind, text, timer };
  if (undo) toast.undo = undo;
  if (ended) toast.ended = ended;
  toasts.update((all) => [...all.filter((x) => x.text !== text || x.undo), toast].slice(-4));
}

// What waits for its time is done now.
export function finishToasts(): void {
  for (const toast of toasts.value) take(toast.id)?.ended?.();
}

export function Toasts() {
  const all = useStore(toasts);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {all.map((x) => (
        <div key={x.id} class={`toast ${x.kind}`}>
          <Icon name={x.kind === "error" ? "error" : "check"} />
          <span class="text">{x.text}</span>
          {x.undo && (
            <button
              class="link"
              onClick={() => {
                take(x.id);
                x.undo?.();
              }}
            >
              {t("undo")}
            </button>
          )}
          <button class="plain" aria-label={t("close")} onClick={() => take(x.id)?.ended?.()}>
            <Icon name="close" size={16} />
          </button>
        </div>
      ))}
    </div>
  );
}

