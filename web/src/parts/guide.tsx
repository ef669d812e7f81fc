// The three steps for those who come for the first time.
import { useState } from "preact/hooks";
import { t, type Key } from "../texts/text.ts";
import { Dialog } from "./dialog.tsx";
import { Icon, type IconName } from "./icon.tsx";

const STORED = "terminalai.guide";
const STEPS: readonly IconName[] = ["upload", "restore", "result"];

export function guideIsNew(): boolean {
  try {
    return localStorage.getItem(STORED) === null;
  } catch {
    return false;
  }
}

export function Guide({ onClose }: { onClose: () => void }) {
  const [step, set] = useState(0);
  function end(): void {
    try {
      localStorage.setItem(STORED, "seen");
    } catch {
      // It is shown again next time.
    }
    onClose();
  }
  const last = step === STEPS.length - 1;
  return (
    <Dialog
      title={t("guide.title")}
      onClose={end}
      actions={
        <>
          <button class="link" onClick={end}>
            {t("guide.skip")}
          </button>
          <span class="space" />
          {step > 0 && <button onClick={() => set(step - 1)}>{t("guide.back")}</button>}
          <button class="primary" onClick={() => (last ? end() : set(step + 1))}>
            {last ? t("guide.end") : t("guide.next")}
          </button>
        </>
      }
    >
      <div class="guide" aria-live="polite">
        <div class="guide-picture">
          <Icon name={STEPS[step] ?? "film"} size={64} />
        </div>
        <p class="quiet">{t("guide.step", { step: step + 1, of: STEPS.length })}</p>
        <h3>{t(`guide.${step + 1}.title` as Key)}</h3>
        <p>{t(`guide.${step + 1}.text` as Key)}</p>
      </div>
    </Dialog>
  );
}
