// Bundles the tests of the page's logic (TypeScript) and runs them with node's test runner.
//
//   node test/run.mjs [NAME...]
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2);
const names = readdirSync(here).filter((n) => n.endsWith(".test.ts") && (!wanted.length || wanted.some((w) => n.includes(w))));
const out = mkdtempSync(join(tmpdir(), "terminalai-page-test-"));
try {
  buildSync({ entryPoints: names.map((n) => join(here, n)), outdir: out, outExtension: { ".js": ".mjs" }, bundle: true, platform: "node", format: "esm", jsx: "automatic", jsxImportSource: "preact", sourcemap: "inline" });
  const run = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...names.map((n) => join(out, n.replace(/\.ts$/, ".mjs")))], { stdio: "inherit" });
  process.exitCode = run.status ?? 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
