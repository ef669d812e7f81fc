// One request to the service. Everything that the page asks goes through here: the token, problems, and the state
// "not allowed", at which the page asks for a token.
import { Store } from "../state/store.ts";
import { Problem, type ProblemBody } from "./problem.ts";

const KEY = "terminalai.token";

// "ok", or "token": the service asks for one (or for another one).
export const access = new Store<"ok" | "token">("ok");

export function token(): string {
  try {
    return sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

export function setToken(value: string, keep: boolean): void {
  try {
    sessionStorage.setItem(KEY, value);
    if (keep) localStorage.setItem(KEY, value);
    else localStorage.removeItem(KEY);
  } catch {
    // A browser without storage asks again after each loading.
  }
  access.set("ok");
  // A cookie that stands for it: for what the browser asks by itself (downloads).
  void send("POST", "/api/v1/session", { token: value }).catch(() => undefined);
}

export function headers(more: Record<string, string> = {}): Record<string, string> {
  const key = token();
  return key ? { ...more, Authorization: `Bearer ${key}` } : more;
}

// The answer of a fetch, or the problem that it tells.
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, { cache: "no-cache", ...init, headers: headers((init.headers as Record<string, string>) ?? {}) });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, { code: "unreachable", title: "the service does not answer" });
  }
  if (answer.ok || answer.status === 304) return answer;
  if (answer.status === 401) access.set("token");
  let body: ProblemBody = {};
  try {
    body = (await answer.json()) as ProblemBody;
  } catch {
    // Not ours (a proxy's page): the status has to do.
  }
  throw new Problem(answer.status, body);
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await ask(path, signal ? { signal } : {})).json()) as T;
}

export async function send<T>(method: "POST" | "PATCH" | "PUT" | "DELETE", path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const init: RequestInit = { method };
  if (signal) init.signal = signal;
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { "Content-Type": "application/json" };
  }
  const answer = await ask(path, init);
  const text = await answer.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

export function query(path: string, values: Record<string, string | number | boolean | undefined>): string {
  const q = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined && value !== "") q.set(name, String(value));
  const text = q.toString();
  return text ? `${path}?${text}` : path;
}
