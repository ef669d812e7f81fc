// Walks through the page with a browser, as a person would: node walk.mjs NAME '{"url": ..., "pictures": ...}'
//
// A walk is walks/NAME.mjs, whose default export is called with what a walk needs. It ends with a line of JSON on standard
// output, what it found; what goes wrong is an error on standard error and status 1. TA_PAGE_MODULES names the folder where
// playwright-core and axe-core are.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const modules = createRequire(join(process.env.TA_PAGE_MODULES, "package.json"));
const { chromium } = modules("playwright-core");
const [, , name, text] = process.argv;
const given = JSON.parse(text ?? "{}");
const walk = await import(pathToFileURL(join(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "walks", `${name}.mjs`)));

const SIZES = { phone: { width: 390, height: 844 }, laptop: { width: 1280, height: 800 }, wide: { width: 2560, height: 1440 } };

const browser = await chromium.launch({ executablePath: given.browser, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
const errors = [];

// A page of its own; what it logs as an error fails the walk, but for what `allow` matches.
async function open({ size = "laptop", scheme = "light", language = "en-GB", guide = false, path = "", allow = null, token = "" } = {}) {
  const context = await browser.newContext({ viewport: SIZES[size] ?? size, colorScheme: scheme, locale: language, acceptDownloads: true, reducedMotion: "reduce" });
  const page = await context.newPage();
  const note = (kind, what) => {
    if (!(allow && allow.test(what))) errors.push(`${kind}: ${what}`);
  };
  page.on("pageerror", (e) => note("script", e.stack ?? e.message));
  page.on("console", (m) => {
    if (m.type() === "error") note("console", `${m.text()} ${m.location().url}`);
  });
  page.on("dialog", (d) => {
    note("dialog", d.message()); // nothing of ours opens one: a name has become a script
    void d.dismiss();
  });
  page.on("request", (r) => {
    if (!r.url().startsWith(given.url) && !/^(blob|data):/.test(r.url())) note("request", r.url());
  });
  await page.addInitScript(
    ([seen, key]) => {
      if (seen) localStorage.setItem("terminalai.guide", "seen");
      if (key) sessionStorage.setItem("terminalai.token", key);
    },
    [!guide, token],
  );
  page.setDefaultTimeout(30_000);
  await page.goto(given.url + "/" + path);
  return page;
}

async function api(method, path, body) {
  const answer = await fetch(given.url + "/api/v1" + path, {
    method,
    headers: { ...(body ? { "Content-Type": "application/json" } : {}), ...(given.token ? { Authorization: `Bearer ${given.token}` } : {}) },
    body: body ? JSON.stringify(body) : undefined,
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

async function picture(page, title) {
  if (!given.pictures) return;
  mkdirSync(given.pictures, { recursive: true });
  await page.screenshot({ path: join(given.pictures, `${title}.png`) });
}

// Waits until `f` gives something true.
async function until(f, what, ms = 30_000) {
  const end = Date.now() + ms;
  for (;;) {
    const found = await f();
    if (found) return found;
    assert.ok(Date.now() < end, `waited in vain: ${what}`);
    await new Promise((r) => setTimeout(r, 100));
  }
}

// What axe finds wrong.
async function axe(page) {
  await page.evaluate(modules("axe-core").source);
  const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  return found.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(" | ")}`);
}

let status = 0;
try {
  const found = await walk.default({ open, api, picture, until, axe, assert, given, browser, errors, SIZES });
  assert.deepEqual(errors, [], "the page told errors");
  console.log(JSON.stringify(found ?? {}));
} catch (error) {
  console.error(error.stack ?? error);
  if (errors.length) console.error("the page told:", errors.slice(0, 10).join("\n"));
  status = 1;
  for (const context of browser.contexts()) for (const page of context.pages()) await page.screenshot({ path: join(given.pictures ?? "/tmp", `failed-${name}.png`) }).catch(() => undefined);
} finally {
  await browser.close();
}
process.exit(status);
