// Files from the reader's own device, sent in pieces: what breaks off goes on where it was.
import { t } from "../texts/text.ts";
import { ask, query, send } from "./request.ts";
import { Problem } from "./problem.ts";

const PIECE = 8 << 20;
const TRIES = 6;

export interface Upload {
  id: string;
  path?: string; // where the file lies on the service's machine, once it is whole
  offset: number; // bytes that have come
  size: number;
}

export function begin(name: string, size: number): Promise<Upload> {
  return send<Upload>("POST", "/api/v1/uploads", { name, size });
}

async function stateOf(id: string, signal: AbortSignal): Promise<Upload> {
  return (await (await ask(`/api/v1/uploads/${id}`, { signal })).json()) as Upload;
}

// Sends the file; `told` hears the part that is there, 0..1. Answers the path on the service's machine.
export async function upload(file: File, told: (part: number) => void, signal: AbortSignal): Promise<string> {
  const it = await begin(file.name, file.size);
  let state = it;
  let at = it.offset;
  let failures = 0;
  while (at < file.size) {
    try {
      const answer = await ask(query(`/api/v1/uploads/${it.id}`, { offset: at }), {
        method: "PATCH",
        signal,
        headers: { "Content-Type": "application/octet-stream" },
        body: file.slice(at, at + PIECE),
      });
      state = (await answer.json()) as Upload;
      at = state.offset;
      failures = 0;
      told(file.size ? at / file.size : 1);
    } catch (error) {
      if (signal.aborted) {
        await send("DELETE", `/api/v1/uploads/${it.id}`).catch(() => undefined);
        throw error;
      }
      const passing = error instanceof Problem && (error.status === 0 || error.status === 409 || error.status >= 500);
      if (!passing || ++failures >= TRIES || (error instanceof Problem && error.status === 507)) throw error;
      await new Promise((r) => setTimeout(r, 500 * 2 ** failures));
      state = await stateOf(it.id, signal).catch(() => state);
      at = state.offset;
    }
  }
  if (!state.path) throw new Problem(0, { code: "upload-lost", detail: t("upload.lost") });
  return state.path;
}
