// Looking through the folders that the service may read.
import { useEffect, useState } from "preact/hooks";
import { joinPath, readFolder } from "../service/calls.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Foreign } from "../parts/foreign.tsx";
import { Icon } from "../parts/icon.tsx";
import { useLoad } from "../parts/use_load.ts";
import { bytes, when } from "../texts/format.ts";
import { problemText } from "../texts/problem.ts";
import { t } from "../texts/text.ts";

interface Chosen {
  path: string;
  folder: boolean;
}

interface Props {
  onClose: () => void;
  onTake: (chosen: Chosen[]) => void;
  folderOnly?: boolean; // the folder that one has gone to is taken, and nothing in it
}

let last = ""; // where one was when the window was closed

export function FolderBrowser({ onClose, onTake, folderOnly = false }: Props) {
  const [path, setPath] = useState(last);
  const [taken, setTaken] = useState<ReadonlyMap<string, Chosen>>(new Map());
  const [text, setText] = useState("");
  const folder = useLoad((signal) => readFolder(path, signal), [path]);
  useEffect(() => void (last = path), [path]);
  const here = folder.value;
  const at = here?.path ?? null;
  const part = text.trim().toLocaleLowerCase();
  // Above the roots there is only their list.
  const all = at === null ? (here?.roots ?? []).map((r) => ({ name: r, path: r, folder: true, bytes: 0, changed_ms: 0 })) : (here?.entries ?? []).filter((e) => e.kind === "folder" || e.video).map((e) => ({ ...e, path: joinPath(at, e.name), folder: e.kind === "folder" }));
  const entries = all.filter((e) => e.name.toLocaleLowerCase().includes(part));
  const files = entries.filter((e) => !e.folder);
  const allTaken = files.every((f) => taken.has(f.path));
  const others = at === null ? 0 : (here?.entries.length ?? 0) - all.length;

  function open(to: string): void {
    setPath(to);
    setText("");
  }
  function toggle(chosen: Chosen): void {
    setTaken((old) => {
      const next = new Map(old);
      if (!next.delete(chosen.path)) next.set(chosen.path, chosen);
      return next;
    });
  }

  return (
    <Dialog
      title={t(folderOnly ? "browse.folder_title" : "browse.title")}
      wide
      onClose={onClose}
      actions={
        <>
          {!folderOnly && <span class="quiet">{t("browse.chosen", { n: taken.size })}</span>}
          <span class="space" />
          <button onClick={onClose}>{t("cancel")}</button>
          {folderOnly ? (
            <button class="primary" disabled={at === null} onClick={() => at !== null && (onTake([{ path: at, folder: true }]), onClose())}>
              {t("browse.this")}
            </button>
          ) : (
            <button class="primary" disabled={!taken.size} onClick={() => (onTake([...taken.values()]), onClose())}>
              {t("browse.take", { n: taken.size })}
            </button>
          )}
        </>
      }
    >
      <div class="stack">
        <div class="bar">
          <button disabled={at === null} onClick={() => open(here?.parent ?? "")}>
            <Icon name="up" size={18} /> {t("browse.up")}
          </button>
          <strong class="browse-path">
            <Foreign text={at ?? t("browse.roots")} />
          </strong>
          <label class="search">
            <Icon name="search" size={18} />
            <input type="search" value={text} placeholder={t("browse.search")} aria-label={t("browse.search")} onInput={(e) => setText(e.currentTarget.value)} />
          </label>
        </div>
        {folder.error !== null && <p class="note bad">{problemText(folder.error)}</p>}
        <ul class="browse" aria-busy={folder.loading}>
          {entries.map((e) => (
            <li key={e.path}>
              {!folderOnly && <input type="checkbox" id={`take-${e.path}`} checked={taken.has(e.path)} aria-label={e.folder ? t("browse.whole", { name: e.name }) : e.name} title={e.folder ? t("browse.whole", { name: e.name }) : undefined} onChange={() => toggle(e)} />}
              {e.folder ? (
                <button class="browse-row" onClick={() => open(e.path)}>
                  <Icon name="folder" />
                  <Foreign text={e.name} />
                  <Icon name="right" size={16} />
                </button>
              ) : folderOnly ? (
                <span class="browse-row quiet">
                  <Icon name="film" />
                  <Foreign text={e.name} />
                </span>
              ) : (
                <label class="browse-row" for={`take-${e.path}`}>
                  <Icon name="film" />
                  <Foreign text={e.name} />
                  <span class="quiet">
                    {bytes(e.bytes)} · {when(e.changed_ms)}
                  </span>
                </label>
              )}
            </li>
          ))}
          {!entries.length && !folder.loading && folder.error === null && <li class="quiet">{at === null ? t("system.no_roots") : t("browse.none")}</li>}
        </ul>
        {files.length > 1 && !folderOnly && (
          <button class="link" onClick={() => setTaken(new Map(allTaken ? [...taken].filter(([p]) => !files.some((f) => f.path === p)) : [...taken, ...files.map((f) => [f.path, f] as const)]))}>
            {allTaken ? t("browse.no_file") : t("browse.all", { n: files.length })}
          </button>
        )}
        {others > 0 && <p class="quiet">{t("browse.left_out", { n: others })}</p>}
        {here?.more && <p class="quiet">{t("browse.more")}</p>}
      </div>
    </Dialog>
  );
}

