// Serves the page from its sources, bundled at each loading, and hands all else on to a running service.
//
//   node dev.mjs [SERVICE [PORT]]      (http://127.0.0.1:7860, 7861)
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, stat } from "node:fs/promises";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const service = new URL(process.argv[2] ?? "http://127.0.0.1:7860");
const port = Number(process.argv[3] ?? 7861);
const out = await mkdtemp(join(tmpdir(), "terminalai-page-"));
const types = { html: "text/html; charset=utf-8", js: "text/javascript", css: "text/css", svg: "image/svg+xml" };

createServer(async (req, res) => {
  const path = new URL(req.url, "http://x").pathname;
  if (path.startsWith("/api/") || path === "/metrics") {
    const headers = { ...req.headers, host: service.host };
    delete headers.origin;
    const on = request({ host: service.hostname, port: service.port, method: req.method, path: req.url, headers }, (answer) => {
      res.writeHead(answer.statusCode, answer.headers);
      answer.pipe(res);
    });
    on.on("error", () => res.writeHead(502).end());
    res.on("close", () => on.destroy());
    req.pipe(on);
    return;
  }
  try {
    if (path === "/") await promisify(execFile)(process.execPath, [join(here, "build.mjs"), out]);
    const file = join(out, path === "/" ? "index.html" : path.slice(1));
    if (!file.startsWith(out)) throw new Error();
    await stat(file);
    res.writeHead(200, { "Content-Type": types[file.split(".").pop()] ?? "application/octet-stream", "Cache-Control": "no-store" });
    if (path === "/") res.end(await readFile(file));
    else createReadStream(file).pipe(res);
  } catch (error) {
    res.writeHead(path === "/" ? 500 : 404, { "Content-Type": "text/plain" }).end(String(error.stderr ?? "not found"));
  }
}).listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port} in front of ${service.href}`));
