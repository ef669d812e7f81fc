#!/usr/bin/env python3
"""The seed's five key figures, its use cases and its projected table: each claim beside what is measured here, before and now.

    bench/kpi.py --program build/terminalai [--only video,preload,queue,follow,memory,small] [--json kpi.json] [--write]

"Before" is the same program with the switch of that optimisation off (tuning.yaml), in runs that alternate with those of now.
--write puts the table between its marks in docs/performance.md. A machine that does other things besides shows in what is told
by the clock; ratios, processor time and counts say more then.
"""
import argparse
import csv
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import figures
import sound_networks

ROOT = Path(__file__).resolve().parents[1]
for folder in ("tests/service", "tests/media"):
    sys.path.insert(0, str(ROOT / folder))

CHAIN = ["--preset", "vhs", "--quality", "fast", "--denoise", "recursive", "--resolution", "1440x1080", "--scale-kernel", "spline36",
         "--jobs", "1", "--progress", "none", "-q"]


class Run:
    def __init__(self, argv, env, output=None):
        began = time.monotonic()
        with subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=output or subprocess.DEVNULL, stderr=subprocess.PIPE) as child:
            errors = child.stderr.read()
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in (0, 3):
            sys.exit("%s: %s" % (" ".join(map(str, argv)), errors.decode()[-2000:]))
        self.wall, self.cpu, self.rss = time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


class Bench:
    def __init__(self, args, folder):
        self.program, self.folder, self.args = str(Path(args.program).resolve()), folder, args
        self.build = Path(self.program).parent
        self.rows, self.figures = [], figures.Figures(args.figures)

    def env(self, *off):
        """The environment with these switches off."""
        config = self.folder / ("config-" + "-".join(off)) / "terminalai"
        config.mkdir(parents=True, exist_ok=True)
        (config / "tuning.yaml").write_text("version: 1\n" + "".join("%s: off\n" % name for name in off))
        return {**os.environ, "XDG_CONFIG_HOME": str(config.parent), "XDG_STATE_HOME": str(self.folder / "state"),
                "XDG_CACHE_HOME": str(self.folder / "cache")}

    def tape(self, frames):
        path = self.folder / ("tape%d.avi" % frames)
        if not path.exists():
            subprocess.run([self.program, "simulate", "-o", path, "--frames", str(frames), "-q"], check=True)
        return path

    def row(self, what, seed, before, now, ratio, command, holds):
        self.rows.append({"what": what, "seed": seed, "before": before, "now": now, "ratio": ratio, "command": command, "holds": holds})
        print("%-46s seed: %-26s before: %-22s now: %-26s %s  %s" % (what, seed, before, now, ratio, {True: "holds", False: "MISSED", None: ""}[holds]), flush=True)


    def record(self):
        """What the newest run has left in performance_metrics.jsonl."""
        return json.loads((self.folder / "state/terminalai/performance_metrics.jsonl").read_text().splitlines()[-1])


def median(values):
    return statistics.median(values)


def video(b):
    frames = 90
    tape, fields = b.tape(frames), 2 * frames
    off, on = b.env("video_pipeline_filters"), b.env()
    out = b.folder / "out.y4m"
    raw = [b.program, "restore", tape, "-o", out, "-y", "--restart", "--encoder", "raw", *CHAIN]
    before, now = [], []
    for _ in range(b.args.repeats):
        before.append(Run(raw, off))
        now.append(Run(raw, on))
    wall, cpu = (median(x.wall / y.wall for x, y in zip(before, now)), median(x.cpu / y.cpu for x, y in zip(before, now)))
    b.row("preprocessing, one pass for many", "2.5 times as fast", "%.1f s" % median(r.wall for r in before), "%.1f s" % median(r.wall for r in now),
          "%.1f of processor time (clock %.1f)" % (cpu, wall), "kpi.py --only video", cpu >= 2.5)
    b.figures.add("one pass against many, CPU", cpu, "times as fast", figures.MORE)
    b.figures.add("one pass against many, wall", wall, "times as fast", figures.MORE)
    out.unlink()
    share = 1 - median(r.wall for r in now) / median(r.wall for r in before)
    b.row("use case 1, a tape of 3 s to 1080p: preprocessing", "120 to 50 s (58 %)", "%.1f s" % median(r.wall for r in before), "%.1f s" % median(r.wall for r in now),
          "%.0f %% less" % (100 * share), "kpi.py --only video", share >= 0.58)
    one_tape(b, tape)
    pipe = [b.program, "restore", tape, "-o", "-", "--encoder", "raw", *CHAIN]
    alone = [Run(pipe, on) for _ in range(b.args.repeats)]
    coded = [Run([b.program, "restore", tape, "-o", b.folder / "out.mp4", "-y", "--restart", "--preset-speed", "veryfast", *CHAIN], on) for _ in range(b.args.repeats)]
    fps = [fields / median(r.wall for r in runs) for runs in (alone, coded)]
    work = [fields / median(r.cpu for r in runs) for runs in (alone, coded)]
    for i, how in enumerate(("without an encoder", "with x264 veryfast")):
        b.figures.add("1080p output %s" % how, fps[i], "frames/s", figures.MORE)
        b.figures.add("1080p output %s, a processor second" % how, work[i], "frames/s", figures.MORE)
    b.row("KPI 1: 1080p output, without the encoder", "30 to 60+ frames a second", "",
          "%.1f (%.0f a processor second)" % (fps[0], work[0]), "", "kpi.py --only video",
          fps[0] >= 60)
    b.row("KPI 1: the same with x264 veryfast", "as measured", "", "%.1f (%.0f a processor second)" % (fps[1], work[1]), "", "kpi.py --only video", None)


def one_tape(b, tape):
    """Use case 1, and the projected time of the pipeline: a tape to 1080 lines with the encoder, part by part.

    The seed's encoder takes 11 % of the time before; of x264's speeds on a processor "ultrafast" comes nearest."""
    found = {"before": [], "now": []}
    for _ in range(b.args.repeats):
        for label, env in (("before", b.env("video_pipeline_filters")), ("now", b.env())):
            run = Run([b.program, "restore", tape, "-o", b.folder / "case.mp4", "-y", "--restart", "--preset-speed", "ultrafast", *CHAIN], env)
            found[label].append({**b.record(), "rss": run.rss / 1e6, "cpu": run.cpu, "wall": run.wall})
    before, now = ({key: median(run[key] for run in found[label]) for key in ("total_time_sec", "upscaling_time_sec", "encoding_time_sec", "rss", "cpu", "wall")}
                   for label in ("before", "now"))
    for what, seed, key in (("total", "180 to 85 s (53 %)", "total_time_sec"), ("scaling", "40 to 20 s (50 %)", "upscaling_time_sec"),
                            ("encoding", "20 to 15 s (25 %)", "encoding_time_sec")):
        share = 1 - now[key] / before[key] if before[key] else 0
        b.figures.add("one tape, %s" % what, now[key], "s", figures.LESS)
        b.row("use case 1, a tape of 3 s to 1080p: %s" % what, seed, "%.1f s" % before[key], "%.1f s" % now[key],
              "%.0f %% less" % (100 * share) if what == "total" else "no mechanism: the same work", "kpi.py --only video", share >= 0.53 if what == "total" else None)
    b.row("use case 1: peak memory", "4 to 2.5 GB", "%.0f MB" % before["rss"], "%.0f MB" % now["rss"], "", "kpi.py --only video", now["rss"] < 2500)
    cores = os.cpu_count()
    b.row("projected: use of the processor by the pipeline", "25 to 12 %", "", "%.1f of %d cores" % (now["cpu"] / now["wall"], cores),
          "no mechanism: cores that are free are used", "kpi.py --only video", None)


# ---- networks stay loaded ----

def preload(b):
    from test_neural import twice
    (b.folder / "any.onnx").write_bytes(twice())
    (b.folder / "engine.dummy").write_text("terminalai dummy engine\nload_ms 400\n")
    sources = []
    for i in range(10):
        sources.append(b.folder / ("n%d.mkv" % i))
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=32x32:r=25:d=0.4", "-c:v", "ffv1", sources[-1]], check=True)
    found, walls = {}, {}
    for label, env in (("before", b.env("audio_model_preload")), ("now", b.env())):
        out = b.folder / label
        run = Run([b.program, "restore", *sources, "-o", out, "--preset", "clean", "--encoder", "ffv1", "--resolution", "64x64", "--scale", "neural",
                   "--scale-model", b.folder / "any.onnx", "--engine", "dummy", "--engine-library", b.folder / "engine.dummy", "--progress", "none", "-q"], env)
        last = max((json.loads(p.read_text())["networks"] for p in out.glob("*.json")), key=lambda n: n["loads"])
        found[label] = (last["loads"], last["load_seconds"])
        walls[label] = run.wall
    share = found["now"][1] / found["before"][1]
    b.figures.add("loads for ten files", found["now"][0], "", figures.LESS, exact=True)
    b.figures.add("loading against that of before", share, "", figures.LESS)
    b.row("KPI 2: loading a network (stand-in, 0.4 s), ten files", "50 s to 5 s (95 % less)", "%d loads, %.2f s" % found["before"], "%d load, %.2f s" % found["now"],
          "%.0f %% of it" % (100 * share), "kpi.py --only preload", found["now"][0] == 1 and share <= 0.12)
    b.row("use case 2: ten short films with a network, all of it", "350 to 255 s (27 %)", "%.1f s" % walls["before"], "%.1f s" % walls["now"],
          "%.0f %% less" % (100 * (1 - walls["now"] / walls["before"])), "kpi.py --only preload", walls["now"] <= 0.73 * walls["before"])
    # The first sound of a file: the whole of a short one is an upper bound.
    sounds = []
    for i in range(10):
        sounds.append(b.folder / ("s%d.wav" % i))
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "anoisesrc=d=2:a=0.1", sounds[-1]], check=True)
    run = Run([b.program, "audio", *sounds, "-o", b.folder / "mended", "--audio-enhance", "moderate", "--progress", "none", "-q"], b.env())
    each = [json.loads(p.read_text())["run"]["wall_seconds"] for p in (b.folder / "mended").glob("*.json")]
    b.figures.add("a sound of 2 s, the longest of ten", max(each), "s", figures.LESS)
    b.figures.add("ten sounds of 2 s", run.wall, "s", figures.LESS)
    b.row("projected: sound", "35 to 25 s", "", "%.1f s for ten of 2 s" % run.wall, "no mechanism: nothing of it is switched", "kpi.py --only preload", None)
    b.row("projected: use of the processor by sound", "15 to 12 %", "", "%.1f of %d cores" % (run.cpu / run.wall, os.cpu_count()),
          "no mechanism: cores that are free are used", "kpi.py --only preload", None)
    b.row("KPI 2: first sound of a file", "5 s to under 1 s", "", "%.2f s at most, for all of 2 s" % max(each), "", "kpi.py --only preload", max(each) < 1)


# ---- the queue ----

def queue(b):
    done = subprocess.run([b.build / "bench/queue_bench", "reads", "2"], capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)
    runs = {(r["lock"], r["receiver_ms"] > 0, r["pauses"], r["what"]): r for r in found["runs"]}
    before, now = runs[("mutex", True, True, "status")], runs[("rwlock", True, True, "status")]
    b.figures.add("concurrent reads beside a slow receiver", now["reads_per_second"], "1/s", figures.MORE)
    b.figures.add("concurrent reads against those with one mutex", found["ratios"]["status"], "times as many", figures.MORE)
    b.figures.add("workers blocked", 100 * now["workers_blocked"], "%", figures.LESS)
    b.row("KPI 3: concurrent reads, beside a receiver of 5 ms", "100 to 400+ a second (4 times)", "%.0f a second" % before["reads_per_second"],
          "%.0f a second" % now["reads_per_second"], "%.1f, on %d cores" % (found["ratios"]["status"], found["cores"]), "queue_bench reads 2",
          found["ratios"]["status"] >= 4 and now["reads_per_second"] >= 400)
    b.row("use case 3: workers blocked", "40 % to 10 % of their time", "%.1f %%" % (100 * before["workers_blocked"]), "%.2f %%" % (100 * now["workers_blocked"]),
          "", "queue_bench reads 2", now["workers_blocked"] <= 0.1)


# ---- pages that look on ----

class Page(threading.Thread):
    """As the page does: reads the whole list by 200 each so many seconds, or follows events."""

    def __init__(self, port, seconds, stop):
        super().__init__(daemon=True)
        self.port, self.seconds, self.stop, self.asked = port, seconds, stop, 0

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        if not self.seconds:
            connection.request("GET", "/api/v1/events", headers={"Accept": "text/event-stream"})
            answer = connection.getresponse()
            while not self.stop.is_set() and answer.fp.readline():
                self.asked += 1
            return
        while not self.stop.wait(self.seconds):
            path = "/api/v1/jobs?limit=200"
            while path:
                connection.request("GET", path)
                page = json.loads(connection.getresponse().read())
                self.asked += 1
                path = "/api/v1/jobs?limit=200&after=%s" % page["next"] if page.get("next") else None


def rss_of(pid):
    return int(next(l for l in Path("/proc/%d/status" % pid).read_text().splitlines() if l.startswith("VmRSS")).split()[1]) / 1e3


def followed(service, seconds, last, pages=10):
    stop = threading.Event()
    pages = [Page(service.port, seconds, stop) for _ in range(pages)]
    for p in pages:
        p.start()
    time.sleep(1)
    # What the pages cost, less what the changes cost that they look at.
    begin, began = figures.cpu_seconds(service.process.pid), time.monotonic()
    for i in range(int(last)):  # what happens: a job changes each second
        service.ask("PATCH", "/api/v1/jobs/%d" % (1 + i % 50), {"priority": i % 50})
        time.sleep(1)
    spent = (figures.cpu_seconds(service.process.pid) - begin) / (time.monotonic() - began)
    stop.set()
    return spent


def follow(b):
    from service import Service

    class Program:
        path = b.program

    (b.folder / "pages").mkdir()
    service = Service(Program, b.folder / "pages", "--workers", "1")
    try:
        service.ask("POST", "/api/v1/queue/pause")
        (service.files / "a.mkv").write_bytes(b"tape")
        for _ in range(400):
            service.submit("a.mkv")
        spent = {"before": [], "poll": [], "events": []}
        for _ in range(b.args.repeats):
            nobody = followed(service, 0, 12, 0)  # what the changes themselves cost
            for label, seconds in (("before", 1), ("poll", 2), ("events", 0)):
                spent[label].append(max(0, followed(service, seconds, 12) - nobody))
        memory = rss_of(service.process.pid)
        for _ in range(3000):
            service.ask("GET", "/api/v1/jobs?limit=200")
        grown = rss_of(service.process.pid) - memory
    finally:
        service.stop()
    before, poll, events = (median(spent[k]) for k in ("before", "poll", "events"))
    b.figures.add("ten pages asking each 2 s", 100 * poll, "% of a core", figures.LESS)
    b.figures.add("ten pages that are told", 100 * events, "% of a core", figures.LESS)
    b.figures.add("memory of the idle service, 400 jobs", memory, "MB", figures.LESS)
    b.row("use case 4: ten pages, asking each 2 s", "60 % less processor time", "%.2f %% of a core" % (100 * before), "%.2f %%" % (100 * poll),
          "%.0f %% less" % (100 * (1 - poll / before)), "kpi.py --only follow", poll / before <= 0.6)
    b.row("use case 4: ten pages that are told", "50 % less", "%.2f %% of a core" % (100 * before), "%.2f %%" % (100 * events),
          "%.0f %% less" % (100 * (1 - events / before)), "kpi.py --only follow", events / before <= 0.2)
    b.figures.add("memory that 3,000 lists of 200 jobs leave", grown, "MB", figures.LESS)
    b.row("use case 4: growth of memory, 3,000 lists of 200 jobs", "50 to 15 MB an hour", "", "%.1f MB" % grown, "", "kpi.py --only follow", grown < 15)
    b.row("projected: use of the processor by ten pages", "15 to 6 %", "%.2f %% of a core" % (100 * before), "%.2f %%" % (100 * events), "", "kpi.py --only follow", events <= 0.06)
    b.row("projected: memory of the idle page's service", "300 to 200 MB", "", "%.0f MB, 400 jobs" % memory, "", "kpi.py --only follow", memory < 200)


# ---- memory, and what is small ----

def memory(b):
    def peak(what, seed, most, name, *argv, env=None):
        """Of the whole tree of processes, as `perf memory` takes it."""
        out = b.folder / "memory.svg"
        Run([b.program, "perf", "memory", "-o", out, "-q", "--", b.program, *argv], env or b.env())
        with open(out.with_suffix(".csv"), encoding="utf-8") as f:
            mb = max(float(row["bytes"]) for row in csv.DictReader(f)) / 1e6
        b.figures.add(name, mb, "MB", figures.LESS)
        b.row(what, seed, "", "%.0f MB (our aim: %d)" % (mb, most), "", "terminalai perf memory -- terminalai %s" % " ".join(
            str(a.name if isinstance(a, Path) else a) for a in argv if a not in ("-q", "-y", "--restart")), mb < most)

    tape = b.tape(90)
    peak("KPI 5: memory of a 1080p run", "4 to 2.5 GB", 600, "1080p, preset vhs: peak memory",
         "restore", tape, "-o", b.folder / "memory.mp4", "-y", "--restart", "--preset", "vhs", "--resolution", "1080p", "-q")
    networks = sound_networks.put(b.program, b.args.assets, b.folder / "data")
    if networks:
        peak("projected: memory of sound, with networks", "2 to 1.2 GB", 1200, "sound with networks: peak memory",
             "audio", tape, "-o", b.folder / "memory.mka", "-y", "--audio-enhance", "neural", "--audio-model", "deepfilternet3", "--audio-extend", "always", "-q",
             env=networks)
    path = b.folder / "profile.json"
    subprocess.run([b.program, "perf", "profile", "-q", "--no-allocations", "--module", "all", "-o", path], check=True, env=b.env())
    for m in json.loads(path.read_text())["modules"]:
        mb = m["peak_rss"] / 1e6
        b.figures.add("%s: peak memory" % m["module"], mb, "MB", figures.LESS)
        claim = {"audio_processing": ("projected: memory of sound", "2 to 1.2 GB", 1200),
                 "queue_manager": ("projected: memory of the queue, 100 jobs", "200 to 150 MB", 150)}.get(m["module"])
        if claim:
            b.row(claim[0], claim[1], "", "%.0f MB (our aim: %d)" % (mb, claim[2]), "", "terminalai perf profile", mb < claim[2])
        if m["module"] == "queue_manager":
            share = (m["user"] + m["system"]) / m["wall"]
            b.row("projected: use of the processor by the queue", "5 to 3 %", "", "%.0f %% of a core, with four readers that never rest" % (100 * share),
                  "no mechanism: readers take what they get", "terminalai perf profile", None)
        if m["module"] == "rtx_video_sdk":
            b.row("use of a device", "45 to 85 %", "", "none here; the stand-in: %.1f frames a second" % m["items_a_second"], "", "terminalai perf profile", None)
        if m["module"] == "gui":
            b.figures.add("a request is answered", m["facts"]["request_ms"], "ms", figures.LESS)
            b.row("KPI 4: a request is answered", "1 to 2 s to under 100 ms", "", "%.1f ms" % m["facts"]["request_ms"], "", "terminalai perf profile",
                  m["facts"]["request_ms"] < 100)


def small(b):
    def tool(*args):
        return json.loads(subprocess.run([b.build / "tests/perf_tool", *args], capture_output=True, text=True, check=True).stdout)

    on, off = tool("texts", "on", "100000"), tool("texts", "off", "100000")
    b.figures.add("a text of a filter chain", on["us_each"], "us", figures.LESS)
    b.row("filter_chain_cache", "5 to 10 % of preprocessing", "%.2f us a text" % off["us_each"], "%.2f us a text" % on["us_each"],
          "no mechanism: a text a file", "perf_tool texts on 100000", None)
    on, off = tool("progress", "on"), tool("progress", "off")
    b.figures.add("reports of 1,000 frames in 10 s", on["reports"], "", figures.LESS, exact=True)
    b.row("progress_throttle, 1,000 frames in 10 s", "10 to 15 % less", "%d reports" % off["reports"], "%d reports" % on["reports"],
          "%.1f" % (off["reports"] / on["reports"]), "perf_tool progress on", on["reports"] <= 104)


GROUPS = {"video": video, "preload": preload, "queue": queue, "follow": follow, "memory": memory, "small": small}


def write(rows, load):
    cpu = next((l.split(":")[1].strip() for l in Path("/proc/cpuinfo").read_text().splitlines() if l.startswith("model name")), "unknown processor")
    table = ["Machine: %s, %d cores, %.0f GB; load %.0f at the end of the run." % (
             cpu, os.cpu_count(), os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, load), "", "| what | the seed's claim | before, here | now, here | ratio | holds | command |",
             "|---|---|---|---|---|---|---|"]
    for r in rows:
        table.append("| %s | %s | %s | %s | %s | %s | `%s` |" % (r["what"], r["seed"], r["before"], r["now"], r["ratio"],
                     {True: "yes", False: "**no**", None: ""}[r["holds"]], r["command"]))
    figures.put_into(ROOT / "docs/performance.md", "bench/kpi.py", table)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--program", default=str(ROOT / "build/terminalai"))
    parser.add_argument("--only", default=",".join(GROUPS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", help="also write the figures there")
    parser.add_argument("--assets", default="../shared/assets", help="with networks of sound")
    parser.add_argument("--having", nargs="*", default=[], help="figures of earlier calls (--json), to be put with these")
    parser.add_argument("--write", action="store_true")
    figures.option(parser)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="terminalai-kpi-") as folder:
        b = Bench(args, Path(folder))
        for name in args.having:
            b.rows += json.loads(Path(name).read_text())["rows"]
        for name in filter(None, args.only.split(",")):
            GROUPS[name](b)
    b.rows = list({r["what"]: r for r in b.rows}.values())  # what is measured again stands in its old place
    if args.json:
        Path(args.json).write_text(json.dumps({"rows": b.rows, "cores": os.cpu_count(), "load": os.getloadavg()[0]}, indent=2))
    if args.write:
        write(b.rows, os.getloadavg()[0])
    b.figures.save()
    # Who takes figures judges by them: a claim that does not hold is no failure to measure it.
    sys.exit(0 if args.figures or all(r["holds"] is not False for r in b.rows) else 1)


if __name__ == "__main__":
    main()
