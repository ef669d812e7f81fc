// Makes one scene again with other settings; the rest of the film stays as it is.
import { useState } from "preact/hooks";
import { readOptions, redoScene } from "../service/calls.ts";
import type { Job, OptionValues } from "../service/types.ts";
import { Dialog } from "../parts/dialog.tsx";
import { OptionForm } from "../parts/option_form.tsx";
import { say, sayProblem } from "../parts/toast.tsx";
import { jobList, withChanges } from "../state/jobs.ts";
import { go } from "../state/route.ts";
import { useLoad } from "../parts/use_load.ts";
import { resultRate, type PlanFacts } from "../state/tape_words.ts";
import { clock } from "../texts/format.ts";
import { t } from "../texts/text.ts";

export function RedoDialog({ job, facts, range, onClose }: { job: Job; facts: PlanFacts; range: { start: number; end: number }; onClose: () => void }) {
  const options = useLoad(readOptions, []);
  const [values, setValues] = useState<OptionValues>({});
  const [sending, send] = useState(false);
  const fps = resultRate(facts);
  async function begin(): Promise<void> {
    send(true);
    try {
      const made = await redoScene(job.id, { range: `${(range.start / fps).toFixed(3)}-${((range.end + 1) / fps).toFixed(3)}`, options: values });
      jobList.update((l) => withChanges(l, new Map([[made.id, made]])));
      say(t("redo.sent"));
      go(`job/${made.id}`);
      onClose();
    } catch (error) {
      sayProblem(error);
      send(false);
    }
  }
  return (
    <Dialog
      title={t("redo.title", { from: clock(range.start / fps, true), to: clock(range.end / fps, true) })}
      wide
      onClose={onClose}
      actions={
        <>
          <span class="space" />
          <button onClick={onClose}>{t("cancel")}</button>
          <button class="primary" disabled={sending || !Object.keys(values).length} onClick={() => void begin()}>
            {t("redo.begin")}
          </button>
        </>
      }
    >
      <div class="stack">
        <p>{t("redo.why")}</p>
        {options.value && (
          <OptionForm
            options={options.value.filter((o) => o.scope === "recipe" && o.name !== "range")}
            preset={job.options}
            values={values}
            problems={{}}
            onChange={(name, value) =>
              setValues((old) => {
                const next = { ...old };
                if (value === undefined) delete next[name];
                else next[name] = value;
                return next;
              })
            }
          />
        )}
      </div>
    </Dialog>
  );
}
