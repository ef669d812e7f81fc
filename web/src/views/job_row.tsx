// One job in the list.
import { Foreign } from "../parts/foreign.tsx";
import { memo } from "../parts/memo.ts";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../parts/icon.tsx";
import { detail, fraction, stateWord, tone } from "../parts/job_words.ts";
import { Menu, type Action } from "../parts/menu.tsx";
import { Meter } from "../parts/meter.tsx";
import { Thumbnail } from "../parts/picture.tsx";
import { act, remove, setPriority } from "../state/job_actions.ts";
import { go } from "../state/route.ts";
import { possible } from "../state/selection.ts";
import { isWorking, type Job } from "../service/types.ts";
import { marked } from "../texts/foreign.ts";
import { fileName, folderName, percent } from "../texts/format.ts";
import { t } from "../texts/text.ts";

interface Props {
  job: Job;
  height: number;
  chosen: boolean;
  focused: boolean; // is the one that Tab comes to
  takesFocus: boolean;
  dragged: boolean;
  place: number; // in the queue, from 1; 0: does not wait
  onChoose: (range: boolean) => void;
  onKeys: (e: KeyboardEvent) => void;
  onGrip: (e: PointerEvent) => void;
  onShift: (by: number) => void;
}

export const JobRow = memo(JobRowNow, (a, b) => {
  return (
    a.job === b.job && a.height === b.height && a.chosen === b.chosen && a.focused === b.focused && a.takesFocus === b.takesFocus && a.dragged === b.dragged && a.place === b.place
  );
});

function JobRowNow({ job, height, chosen, focused, takesFocus, dragged, place, onChoose, onKeys, onGrip, onShift }: Props) {
  const ref = useRef<HTMLDivElement>(null);
  const can = possible(job);
  const name = marked(fileName(job.input));
  const working = isWorking(job);
  useEffect(() => {
    if (takesFocus && !ref.current?.contains(document.activeElement)) ref.current?.focus({ preventScroll: true });
  }, [takesFocus]);

  const actions: Action[] = [{ label: t("act.open"), icon: "result", run: () => go(`job/${job.id}`) }];
  if (can.pause) actions.push({ label: t("act.pause"), icon: "pause", run: () => void act([job.id], "pause") });
  if (can.resume) actions.push({ label: t("act.resume"), icon: "play", run: () => void act([job.id], "resume") });
  if (can.retry) actions.push({ label: t("act.retry"), icon: "retry", run: () => void act([job.id], "retry") });
  if (can.move) {
    actions.push(
      { label: t("act.earlier"), icon: "up", run: () => onShift(-1) },
      { label: t("act.later"), icon: "down", run: () => onShift(1) },
      { label: t("act.first"), icon: "up", run: () => onShift(-1e6) },
      { label: t("act.priority_up"), icon: "up", run: () => void setPriority([job.id], 10) },
      { label: t("act.priority_down"), icon: "down", run: () => void setPriority([job.id], -10) },
    );
  }
  actions.push({ label: t("act.again"), icon: "restore", run: () => go(`restore?from=${job.id}`) });
  if (can.cancel) actions.push({ label: t("act.cancel"), icon: "stop", run: () => void act([job.id], "cancel"), danger: true });
  if (can.remove) actions.push({ label: t("act.remove"), icon: "remove", run: () => remove([job.id]), danger: true });

  return (
    <div
      ref={ref}
      role="listitem"
      class={`job ${tone(job)}${chosen ? " chosen" : ""}${dragged ? " dragged" : ""}`}
      style={{ height: `${height - 8}px` }}
      tabIndex={focused ? 0 : -1}
      aria-label={`${name}, ${stateWord(job)}${working ? `, ${percent(fraction(job))}` : ""}`}
      onKeyDown={onKeys}
      onDblClick={() => go(`job/${job.id}`)}
    >
      <input type="checkbox" checked={chosen} tabIndex={-1} aria-label={t("queue.choose", { name })} onClick={(e) => onChoose(e.shiftKey)} />
      {can.move ? (
        <span class="grip" onPointerDown={onGrip} title={t("queue.drag")}>
          <Icon name="grip" />
        </span>
      ) : (
        <span class="grip none" />
      )}
      <a href={`#/job/${job.id}`} tabIndex={-1} class="job-picture" aria-hidden="true">
        <Thumbnail input={job.input.startsWith("/") ? job.input : ""} label="" />
      </a>
      <div class="job-text">
        <a class="job-name" href={`#/job/${job.id}`} tabIndex={-1} title={marked(job.input)}>
          <bdi>{name}</bdi>
        </a>
        <span class="job-folder">
          <Foreign text={folderName(job.input)} />
          {job.batch && (
            <span class="tag">
              <Foreign text={job.batch} />
            </span>
          )}
          {job.priority !== 0 && <span class="tag">{t("job.priority", { n: job.priority })}</span>}
        </span>
        {working && <Meter fraction={fraction(job)} label={name} busy={job.progress.total <= 0} />}
      </div>
      <div class="job-state">
        <span class={`badge ${tone(job)}`}>
          {stateWord(job)}
          {working && job.progress.total > 0 ? ` ${percent(fraction(job))}` : ""}
          {place > 0 ? ` · ${place}` : ""}
        </span>
        <span class="job-detail" title={marked(detail(job))}>
          <Foreign text={detail(job)} />
        </span>
      </div>
      <div class="job-actions">
        {can.pause && (
          <button class="plain" tabIndex={-1} aria-label={`${t("act.pause")}: ${name}`} title={t("act.pause")} onClick={() => void act([job.id], "pause")}>
            <Icon name="pause" />
          </button>
        )}
        {can.resume && (
          <button class="plain" tabIndex={-1} aria-label={`${t("act.resume")}: ${name}`} title={t("act.resume")} onClick={() => void act([job.id], "resume")}>
            <Icon name="play" />
          </button>
        )}
        {job.state === "done" && (
          <button class="plain" tabIndex={-1} aria-label={`${t("act.open")}: ${name}`} title={t("act.open")} onClick={() => go(`job/${job.id}`)}>
            <Icon name="result" />
          </button>
        )}
        {can.retry && (
          <button class="plain" tabIndex={-1} aria-label={`${t("act.retry")}: ${name}`} title={t("act.retry")} onClick={() => void act([job.id], "retry")}>
            <Icon name="retry" />
          </button>
        )}
        <Menu label={t("act.more", { name })} actions={actions} />
      </div>
    </div>
  );
}
