#!/usr/bin/env python3
"""What the page costs: how soon a click is answered while a restore runs, and what pages that only look on cost the service.

    bench/page.py --program build/terminalai [--pages 10] [--seconds 30] [--only reaction,follow,idle]

follow: the service's processor time with open pages in three ways: "before" (the list is read each second, everything is drawn
at once), "poll" (each two seconds) and "events" (server-sent events), interleaved, while a job reports progress. idle: the same
with one page and nothing to do. Needs node, chromium and the packages of web/package-lock.json (the tests' fixture installs
them into build/page-tests).
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
for folder in ("tests/service", "tests/faults", "tests/media"):
    sys.path.insert(0, str(ROOT / folder))

from service import Service  # noqa: E402
import figures  # noqa: E402
import kit  # noqa: E402

SLOW = {"denoise": "nlmeans", "resolution": "1440x1080", "preset-speed": "slow"}


class Program:
    def __init__(self, path):
        self.path = str(Path(path).resolve())


class Walks:
    def __init__(self, args):
        self.modules = Path(args.modules).resolve()
        self.browser = shutil.which("chromium") or shutil.which("chromium-browser")
        if not self.browser or not (self.modules / "node_modules/playwright-core").exists():
            sys.exit("page.py: chromium and %s are needed; run the tests of tests/web once" % (self.modules / "node_modules"))

    def start(self, name, service, **given):
        given = {"url": "http://127.0.0.1:%d" % service.port, "browser": self.browser, "files": str(service.files), **given}
        return subprocess.Popen(["node", str(ROOT / "tests/web/walk.mjs"), name, json.dumps(given)],
            env={**os.environ, "TA_PAGE_MODULES": str(self.modules)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @staticmethod
    def end(process):
        out, errors = process.communicate(timeout=900)
        if process.returncode:
            sys.exit("page.py: a walk failed:\n" + errors[-3000:])
        return json.loads(out.splitlines()[-1])


def put(service, count):
    names = ["tape%d.mkv" % i for i in range(count)]
    for name in names:
        shutil.copy(kit.source("interlaced"), service.files / name)
    return names


def with_service(program, act):
    with tempfile.TemporaryDirectory(prefix="terminalai-page-bench-") as folder:
        service = Service(program, Path(folder))
        try:
            return act(service, Path(folder))
        finally:
            service.stop()


def reaction(program, walks, _args):
    def act(service, _folder):
        return walks.end(walks.start("reaction", service, names=put(service, 6), options=SLOW, turns=15))

    found = with_service(program, act)
    print("reaction: %d clicks while %d restore runs: median %.0f ms, p95 %.0f ms (aim 100)" %
          (found["clicks"], found["running"], found["median_ms"], found["p95_ms"]))
    return found


def followed(program, walks, mode, pages, seconds, jobs):
    """Service's processor time a second with so many pages that look on."""

    def act(service, folder):
        name = put(service, 1)[0]
        for i in range(jobs):
            service.submit(name, output=str(service.files / ("out%d.mkv" % i)), options=SLOW)
        if not pages:
            time.sleep(1)
            begin, began = figures.cpu_seconds(service.process.pid), time.monotonic()
            time.sleep(seconds)
            return (figures.cpu_seconds(service.process.pid) - begin) / (time.monotonic() - began)
        ready = folder / "ready"
        process = walks.start("follow", service, mode=mode, pages=pages, seconds=seconds, ready=str(ready))
        while not ready.exists() and process.poll() is None:
            time.sleep(0.1)
        begin, began = figures.cpu_seconds(service.process.pid), time.monotonic()
        while not Path(str(ready) + ".done").exists() and process.poll() is None:
            time.sleep(0.05)
        spent = (figures.cpu_seconds(service.process.pid) - begin) / (time.monotonic() - began)
        walks.end(process)
        return spent

    return with_service(program, act)


def follow(program, walks, args):
    """What the pages cost: less what the service spends while nobody looks."""
    modes = {"nobody": [], "before": [], "poll": [], "events": []}
    for _ in range(args.repeats):
        for mode, list_ in modes.items():
            list_.append(followed(program, walks, mode, args.pages if mode != "nobody" else 0, args.seconds, args.jobs))
            print("  %-7s %.3f %% of a core" % (mode, 100 * list_[-1]), flush=True)
    medians = {mode: statistics.median(values) for mode, values in modes.items()}
    floor, whole = medians["nobody"], medians["before"] - medians["nobody"]
    for mode, aim in (("poll", 0.6), ("events", 0.2)):
        print("follow: %d pages, %d jobs, %s: %.2f of what pages cost the service in the way of \"before\" (aim %.1f)" %
              (args.pages, args.jobs, mode, (medians[mode] - floor) / whole if whole > 0 else 0, aim))
    return medians


def idle(program, walks, args):
    spent = followed(program, walks, "events", 1, max(args.seconds, 30), 0)
    print("idle: one open page, nothing to do: %.3f %% of a core (aim 0.1)" % (100 * spent))
    return spent


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", default=str(ROOT / "build/terminalai"))
    parser.add_argument("--modules", default=str(ROOT / "build/page-tests"))
    parser.add_argument("--pages", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=100, help="in the list; one is at work (default 100)")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="reaction,follow,idle")
    args = parser.parse_args()
    walks, program = Walks(args), Program(args.program)
    for name in args.only.split(","):
        {"reaction": reaction, "follow": follow, "idle": idle}[name](program, walks, args)


if __name__ == "__main__":
    main()
