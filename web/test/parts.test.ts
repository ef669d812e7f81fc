import assert from "node:assert/strict";
import { test } from "node:test";
import { moveBy, WHOLE, within, zoomAt } from "../src/parts/look.ts";
import { measureEach, type MeasuredOne } from "../src/parts/use_measured.ts";
import { visibleRows } from "../src/parts/virtual_list.tsx";
import { matches, waitsFor } from "../src/parts/option_form.tsx";
import { addresses, addressOutput } from "../src/state/draft.ts";
import { filtered, withLines, type LogLine } from "../src/state/log.ts";
import { readRoute } from "../src/state/route.ts";
import { counted, kinds, openOnes, suggest, suggestFor } from "../src/state/suggest.ts";
import { tapeWords } from "../src/state/tape_words.ts";
import { marked } from "../src/texts/foreign.ts";
import type { Planned } from "../src/service/calls.ts";
import { Problem } from "../src/service/problem.ts";
import type { Option } from "../src/service/types.ts";

test("zooming keeps the point under the pointer, and the picture over the frame", () => {
  const look = zoomAt(WHOLE, 4, 0.25, 0.75);
  // The picture's point under (0.25, 0.75) of the frame is the same as before.
  assert.ok(Math.abs(look.x + (0.25 - 0.5) / look.zoom - 0.25) < 1e-9);
  assert.ok(Math.abs(look.y + (0.75 - 0.5) / look.zoom - 0.75) < 1e-9);
  assert.deepEqual(zoomAt(look, 1e-9, 0, 0), WHOLE);
  assert.equal(zoomAt(WHOLE, 1e9, 0.5, 0.5).zoom, 16);
  const far = moveBy(look, 99, -99);
  assert.deepEqual(far, within(far));
  assert.equal(far.x, 0.125);
  assert.equal(far.y, 0.875);
});

test("of ten thousand rows few are drawn, at each place", () => {
  for (const scrolled of [0, 1, 480_000, 959_000, 5_000_000]) {
    const { first, end } = visibleRows(scrolled, 900, 96, 10_000);
    assert.ok(first >= 0 && end <= 10_000 && end - first <= 24, `${first} ${end}`);
    if (scrolled < 950_000) assert.ok(first * 96 <= scrolled && end * 96 >= scrolled + 900);
  }
  assert.deepEqual(visibleRows(0, 900, 96, 0), { first: 0, end: 0 });
});

const option = (name: string, more: Partial<Option> = {}): Option => ({ name, kind: "text", default: "", help: "", advanced: false, group: "What to make", scope: "recipe", ...more });

test("an option says what it waits for", () => {
  const options = [option("encoder", { default: "auto" }), option("crf", { depends: { encoder: ["auto", "h264"] } })];
  assert.equal(waitsFor(options[1]!, options, {}, {}), "");
  assert.equal(waitsFor(options[1]!, options, {}, { encoder: "ffv1" }), "encoder");
  assert.equal(waitsFor(options[1]!, options, { encoder: "h264" }, { encoder: "ffv1" }), "");
});

test("settings are found by words of their name and their help", () => {
  const o = option("denoise-strength", { help: "how much noise is taken away" });
  assert.ok(matches(o, "denoise"));
  assert.ok(matches(o, "noise STRENGTH"));
  assert.ok(!matches(o, "noise colour"));
});

test("addresses are found in what is pasted", () => {
  assert.deepEqual(addresses("see https://example.org/a.mp4\nhttp://b/c and https://example.org/a.mp4 ftp://x javascript:alert(1)"), ["https://example.org/a.mp4", "http://b/c"]);
});

test("what is fetched gets a name that is none but a name", () => {
  const name = (address: string): string => addressOutput(address, "/films/", ".mp4");
  assert.equal(name("https://example.org/a/Christmas%201994.avi?x=1"), "/films/Christmas 1994.restored.mp4");
  assert.equal(name("https://video.example/watch?v=abc"), "/films/abc.restored.mp4");
  assert.equal(name("https://example.org/"), "/films/example.org.restored.mp4");
  assert.equal(name("https://example.org/%2e%2e%2fetc"), "/films/_etc.restored.mp4");
  assert.equal(name("https://example.org/%E0%A4%A"), "/films/__example.org_%E0%A4%A.restored.mp4");
  assert.ok(name(`https://example.org/${"n".repeat(500)}`).length < 120);
});

test("the log is trimmed in batches and keeps its order", () => {
  const line = (id: number, level = "info"): LogLine => ({ n: id, time_ms: id, level, component: "jobs", text: `line ${id}` });
  let lines: readonly LogLine[] = [];
  let cuts = 0;
  for (let i = 0; i < 1000; i++) {
    const next = withLines(lines, [line(i), line(i)].slice(0, 1), 100);
    if (next.length < lines.length) cuts++;
    lines = next;
  }
  assert.ok(lines.length <= 120 && lines.length >= 100);
  assert.ok(cuts < 50, String(cuts));
  assert.equal(lines[lines.length - 1]?.n, 999);
  assert.equal(withLines(lines, [line(5)], 100), lines); // came before
  const some = [line(1, "error"), line(2, "warn"), line(3), line(4, "debug")];
  assert.deepEqual(filtered(some, "warn", "").map((l) => l.n), [1, 2]);
  assert.deepEqual(filtered(some, "debug", "LINE 4").map((l) => l.n), [4]);
});

test("addresses of the page", () => {
  assert.deepEqual({ ...readRoute("#/job/12?frame=3"), values: readRoute("#/job/12?frame=3").values.get("frame") }, { view: "job", id: "12", values: "3" });
  assert.equal(readRoute("").view, "restore");
  assert.equal(readRoute("#/job/%E0%A4%A").id, "%E0%A4%A"); // no valid text: as it stands
});

test("what was measured becomes words", () => {
  const keys = (plan: Parameters<typeof tapeWords>[0]): string[] => tapeWords(plan).map((w) => w.key);
  assert.deepEqual(keys({ diagnosis: { scan_type: { type: "bff" }, noise: { value: { luma: 8 } }, head_switching: { value: { lines: 8 } } } }), ["tape.interlaced_bottom", "tape.noise_strong", "tape.torn"]);
  assert.deepEqual(keys({ diagnosis: { scan_type: { type: "tff", telecine_suspected: true }, noise: { value: null } } }), ["tape.film"]);
  assert.deepEqual(keys({ diagnosis: { scan_type: { type: "progressive" }, noise: { value: { luma: 0.4 } } } }), ["tape.progressive", "tape.noise_none"]);
  assert.deepEqual(keys({}), []);
});

test("what is invisible in a name is shown", () => {
  assert.equal(marked("rtl \u202egpm.exe.avi"), "rtl [U+202E]gpm.exe.avi");
  assert.equal(marked("a\nb\u0000\u200bc"), "a[U+000A]b[U+0000][U+200B]c");
  for (const plain of ["عيد الميلاد \u200f1994", "👨\u200d👩\u200d👧 Oma", "<img src=x>", "naïve"]) assert.equal(marked(plain), plain);
});

test("of a box of tapes each gets the kind that fits it, or the one that was chosen for all", () => {
  const found = new Map([
    ["/a", "vhs"],
    ["/b", "clean"],
    ["/c", "vhs"],
  ]);
  assert.deepEqual(kinds(["/a", "/b", "/c", "/d"], "", found, "dvd"), ["vhs", "clean", "vhs", "vhs"]);
  assert.deepEqual(kinds(["/a", "/b"], "archive", found, "dvd"), ["archive", "archive"]);
  assert.deepEqual(kinds(["/a"], "", new Map(), "dvd"), ["dvd"]);
  assert.deepEqual(counted(["b", "a", "", "a", "c"]), [
    { name: "a", n: 2 },
    { name: "b", n: 1 },
    { name: "c", n: 1 },
  ]);
});

test("a box is begun once each of its first recordings is measured, and what is not measured is counted", () => {
  const one = (loading: boolean) => ({ loading });
  const box = ["/a", "/b", "/c", "/d"];
  assert.deepEqual(openOnes(box, new Map(), 60), { measuring: 4, left: 0 });
  assert.deepEqual(openOnes(box, new Map([["/a", one(false)], ["/b", one(true)]]), 3), { measuring: 2, left: 1 });
  assert.deepEqual(openOnes(box, new Map(box.map((path) => [path, one(false)])), 4), { measuring: 0, left: 0 });
});

const planned = { seconds: 1 } as Planned;

test("what could not be measured is tried again, at once where the service was busy, else when the box changes", async () => {
  const known = new Map<string, MeasuredOne>();
  const asked: string[] = [];
  const answers: Record<string, unknown[]> = { "/a": [new Problem(429, {}), new Problem(0, {}), planned], "/b": [new Problem(422, {}), planned], "/c": [planned] };
  const read = (path: string): Promise<Planned> => {
    asked.push(path);
    const next = answers[path]?.shift();
    return next === planned ? Promise.resolve(planned) : Promise.reject(next as Error);
  };
  const measure = () => measureEach(["/a", "/b", "/c"], known, read, () => undefined, new AbortController().signal, 0);
  await measure();
  assert.deepEqual(asked, ["/a", "/b", "/c", "/a", "/a"]);
  assert.deepEqual([known.get("/a")?.value, known.get("/b")?.value, known.get("/b")?.error instanceof Problem], [planned, null, true]);
  await measure();
  assert.deepEqual(asked.slice(5), ["/b"]);
  assert.equal(known.get("/b")?.value, planned);
});

test("measuring that is given up takes nothing from the one that follows it", async () => {
  const known = new Map<string, MeasuredOne>();
  const stop = new AbortController();
  const first = measureEach(["/a", "/b"], known, () => new Promise((_, fail) => stop.signal.addEventListener("abort", () => fail(new Error("aborted")))), () => undefined, stop.signal);
  let finish: (one: Planned) => void = () => undefined;
  stop.abort();
  const second = measureEach(["/a"], known, () => new Promise((done) => (finish = done)), () => undefined, new AbortController().signal);
  await first;
  assert.equal(known.get("/a")?.loading, true, "still on its way");
  finish(planned);
  await second;
  assert.equal(known.get("/a")?.value, planned);
  // Alone, it leaves nothing that would be taken for measured.
  const other = new AbortController();
  const alone = measureEach(["/c"], known, () => new Promise((_, fail) => other.signal.addEventListener("abort", () => fail(new Error("aborted")))), () => undefined, other.signal);
  other.abort();
  await alone;
  assert.equal(known.has("/c"), false);
});

test("what is suggested follows what was measured", () => {
  const presets = ["vhs", "vhs_heavy", "clean", "broadcast_1080i"].map((name) => ({ name, summary: "", from: "built in", values: {} }));
  const of = (scan: string, noise: number, height: number): string => suggest(presets, { scan, noise, height });
  assert.equal(of("bff", 2, 576), "vhs");
  assert.equal(of("bff", 9, 576), "vhs_heavy");
  assert.equal(of("tff", 2, 1080), "broadcast_1080i");
  assert.equal(of("progressive", 1, 480), "clean");
  assert.equal(suggestFor(presets, null), "");
});
