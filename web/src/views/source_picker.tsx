// Where the recordings come from: dropped or chosen files, the service's folders, an address.
import { useEffect, useRef, useState } from "preact/hooks";
import { expandFolders } from "../service/calls.ts";
import { upload } from "../service/upload.ts";
import { Icon } from "../parts/icon.tsx";
import { sayProblem } from "../parts/toast.tsx";
import { addresses, addSources, changeSource, draft, newSource } from "../state/draft.ts";
import { fileName } from "../texts/format.ts";
import { problemText } from "../texts/problem.ts";
import { t } from "../texts/text.ts";
import { FolderBrowser } from "./folder_browser.tsx";

// Uploads that run, by the key of their source.
const running = new Map<number, AbortController>();

export function stopUpload(key: number): void {
  running.get(key)?.abort();
  running.delete(key);
}

// One after the other: two at once are not faster, and the first is ready sooner.
let chain: Promise<void> = Promise.resolve();

function takeFiles(files: readonly File[]): void {
  const sources = files.map((f) => newSource({ name: f.name, kind: "upload", sent: 0 }));
  addSources(sources);
  files.forEach((file, i) => {
    const source = sources[i];
    if (!source) return;
    const stop = new AbortController();
    running.set(source.key, stop);
    chain = chain.then(async () => {
      if (stop.signal.aborted || !draft.value.sources.some((s) => s.key === source.key)) return;
      try {
        const path = await upload(file, (sent) => changeSource(source.key, { sent }), stop.signal);
        changeSource(source.key, { path, sent: 1 });
      } catch (error) {
        if (!stop.signal.aborted) changeSource(source.key, { problem: problemText(error) });
      } finally {
        running.delete(source.key);
      }
    });
  });
}

// All files of what was dropped, folders with all that is in them.
async function dropped(items: DataTransferItemList): Promise<File[]> {
  const entries = [...items].map((i) => i.webkitGetAsEntry()).filter((e) => e !== null);
  const files: File[] = [];
  async function walk(entry: FileSystemEntry): Promise<void> {
    if (entry.isFile) {
      files.push(await new Promise<File>((done, fail) => (entry as FileSystemFileEntry).file(done, fail)));
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    for (;;) {
      const some = await new Promise<FileSystemEntry[]>((done, fail) => reader.readEntries(done, fail));
      if (!some.length) return;
      for (const e of some) await walk(e);
    }
  }
  for (const e of entries) await walk(e);
  return files;
}

async function takePaths(chosen: { path: string; folder: boolean }[]): Promise<void> {
  try {
    const files = await expandFolders(chosen);
    addSources(files.map((path) => newSource({ path, name: fileName(path), kind: "file" })));
  } catch (error) {
    sayProblem(error);
  }
}

export function SourcePicker({ small }: { small: boolean }) {
  const [over, setOver] = useState(false);
  const [browsing, browse] = useState(false);
  const [address, setAddress] = useState("");
  const input = useRef<HTMLInputElement>(null);

  // Anywhere on the page: what is dropped beside the frame must not be opened by the browser.
  useEffect(() => {
    const hover = (e: DragEvent): void => {
      if (!e.dataTransfer?.types.includes("Files")) return;
      e.preventDefault();
      setOver(e.type === "dragover");
    };
    const drop = (e: DragEvent): void => {
      if (!e.dataTransfer?.types.includes("Files")) return;
      e.preventDefault();
      setOver(false);
      dropped(e.dataTransfer.items).then(takeFiles, sayProblem);
    };
    addEventListener("dragover", hover);
    addEventListener("dragleave", hover);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", hover);
      removeEventListener("dragleave", hover);
      removeEventListener("drop", drop);
    };
  }, []);

  function giveAddress(e: Event): void {
    e.preventDefault();
    const found = addresses(address);
    if (!found.length) return;
    addSources(found.map((path) => newSource({ path, name: path, kind: "address" })));
    setAddress("");
  }

  return (
    <div class={`picker${over ? " over" : ""}${small ? " small" : ""}`}>
      <div class="picker-drop">
        {!small && <Icon name="upload" size={44} />}
        {!small && <p class="picker-words">{t("pick.drop")}</p>}
        <div class="row">
          <button class={small ? "" : "primary"} onClick={() => browse(true)}>
            <Icon name="folder" size={18} /> {t("pick.browse")}
          </button>
          <button onClick={() => input.current?.click()}>
            <Icon name="upload" size={18} /> {t("pick.files")}
          </button>
          <input
            ref={input}
            type="file"
            multiple
            hidden
            onChange={(e) => {
              takeFiles([...(e.currentTarget.files ?? [])]);
              e.currentTarget.value = "";
            }}
          />
          <form class="picker-address" onSubmit={giveAddress}>
            <input type="text" inputMode="url" value={address} placeholder={t("pick.address")} aria-label={t("pick.address")} onInput={(e) => setAddress(e.currentTarget.value)} />
            <button disabled={!addresses(address).length}>{t("pick.add")}</button>
          </form>
        </div>
        {!small && <p>{t("pick.safe")}</p>}
      </div>
      {browsing && <FolderBrowser onClose={() => browse(false)} onTake={(paths) => void takePaths(paths)} />}
    </div>
  );
}
