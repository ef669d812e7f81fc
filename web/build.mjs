// Bundles the page into one folder: index.html, and script, style and drawings under names that change with their bytes.
//
//   node build.mjs [OUT]
//
// What shrinks has its .br beside it (tools/embed_pages.py makes the .gz). Prints the sizes.
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "dist");

const made = await build({
  entryPoints: [join(here, "src/main.tsx")],
  outdir: out,
  bundle: true,
  minify: true,
  write: false,
  format: "esm",
  target: ["es2022", "chrome120", "firefox115", "safari17"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  charset: "utf8",
  logLevel: "warning",
});

function named(name, bytes) {
  const dot = name.lastIndexOf(".");
  return `${name.slice(0, dot)}.${createHash("sha256").update(bytes).digest("hex").slice(0, 10)}${name.slice(dot)}`;
}

const files = new Map();
const script = made.outputFiles.find((f) => f.path.endsWith(".js"));
const style = made.outputFiles.find((f) => f.path.endsWith(".css"));
const icon = await readFile(join(here, "src/icon.svg"));
const names = { script: named("page.js", script.contents), style: named("page.css", style.contents), icon: named("icon.svg", icon) };
files.set(names.script, Buffer.from(script.contents));
files.set(names.style, Buffer.from(style.contents));
files.set(names.icon, icon);
const html = (await readFile(join(here, "src/index.html"), "utf8")).replace(/\{(\w+)\}/g, (_, name) => names[name]);
files.set("index.html", Buffer.from(html));

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
let sum = 0;
for (const [name, bytes] of files) {
  const br = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  const gz = gzipSync(bytes, { level: 9 });
  await writeFile(join(out, name), bytes);
  if (br.length < bytes.length) await writeFile(join(out, `${name}.br`), br);
  sum += Math.min(br.length, bytes.length);
  console.log(`${name}: ${bytes.length} bytes, ${gz.length} by gzip, ${br.length} by brotli`);
}
console.log(`all: ${sum} bytes compressed`);
