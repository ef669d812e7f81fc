// What the keys do.
import { t, type Key } from "../texts/text.ts";
import { Dialog } from "./dialog.tsx";

const ROWS: readonly [string, Key][] = [
  ["1 – 6", "keys.views"],
  ["/", "keys.search"],
  ["?", "keys.help"],
  ["↑ ↓", "keys.rows"],
  ["Alt ↑ ↓", "keys.move"],
  ["␣", "keys.choose"],
  ["Ctrl A", "keys.choose_all"],
  ["Enter", "keys.open"],
  ["P", "keys.pause"],
  ["+ −", "keys.priority"],
  ["Del", "keys.remove"],
  [", .", "keys.frames"],
  ["X", "keys.toggle"],
  ["+ − 0", "keys.zoom"],
];

export function Keys({ onClose, onGuide }: { onClose: () => void; onGuide: () => void }) {
  return (
    <Dialog
      title={t("keys.title")}
      onClose={onClose}
      actions={
        <button class="link" onClick={onGuide}>
          {t("keys.guide")}
        </button>
      }
    >
      <dl class="keys">
        {ROWS.map(([key, text]) => (
          <div key={text}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{t(text)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
