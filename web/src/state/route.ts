// Where the page is: "#/queue", "#/job/12?frame=100". Behind the hash, so that every address loads the same file.
import { Store } from "./store.ts";

export interface Route {
  view: string;
  id: string;
  values: URLSearchParams;
}

export function readRoute(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [view = "", id = ""] = path.split("/");
  return { view: view || "restore", id: safeDecode(id), values: new URLSearchParams(search) };
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const route = new Store<Route>(readRoute(typeof location === "undefined" ? "" : location.hash));

export function followRoute(): void {
  addEventListener("hashchange", () => route.set(readRoute(location.hash)));
}

export function go(path: string): void {
  location.hash = `#/${path}`;
}
