#!/usr/bin/env python3
"""Speed and size as ratios against peers, measured side by side in one run.

Every number is a ratio of medians over interleaved runs (A B C A B C ...), because machines differ and are shared.
CPU is user + system time of the program and its children, wall the time on the clock, memory the peak resident set.

    bench/bench.py --program build/terminalai                 all groups
    bench/bench.py --program build/terminalai --only peers    one of: peers, segments, memory
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

CHAIN = ("bwdif=mode=send_field:parity=auto:deint=interlaced,hqdn3d=3:2:3:2,"
         "zscale=w=1440:h=1080:filter=spline36,format=yuv420p,setsar=1")


class Run:
    """One measured process."""

    def __init__(self, argv, cwd):
        start = time.monotonic()
        with open(os.devnull, "wb") as null:
            child = subprocess.Popen(argv, cwd=cwd, stdin=subprocess.DEVNULL, stdout=null, stderr=subprocess.PIPE)
            errors = child.stderr.read()
            _, status, usage = os.wait4(child.pid, 0)
        self.wall = time.monotonic() - start
        self.cpu = usage.ru_utime + usage.ru_stime
        self.rss = usage.ru_maxrss * 1024
        code = os.waitstatus_to_exitcode(status)
        if code not in (0, 3):
            sys.exit("%s failed with %d:\n%s" % (" ".join(argv), code, errors.decode(errors="replace")[-2000:]))


def measure(candidates, repeats, cwd):
    """Runs each candidate `repeats` times, interleaved. {name: {"cpu": median, "wall": median, "rss": max, "all": [...]}}"""
    runs = {name: [] for name in candidates}
    for i in range(repeats):
        for name, argv in candidates.items():
            runs[name].append(Run(argv, cwd))
            print("  %d/%d %-24s cpu %7.2f s  wall %7.2f s  peak %5.0f MB" % (
                i + 1, repeats, name, runs[name][-1].cpu, runs[name][-1].wall, runs[name][-1].rss / 1e6), flush=True)
    return {name: {"cpu": statistics.median(r.cpu for r in rs), "wall": statistics.median(r.wall for r in rs),
                   "rss": max(r.rss for r in rs), "all": [(r.cpu, r.wall) for r in rs]} for name, rs in runs.items()}


def make_tape(program, folder, seconds):
    """The simulator's noisy 480i tape as DV in AVI, `seconds` long."""
    path = os.path.join(folder, "tape-%d.avi" % seconds)
    if not os.path.exists(path):
        subprocess.run([program, "simulate", "-o", path, "--frames", str(round(seconds * 30000 / 1001))], check=True, stdout=subprocess.DEVNULL)
    return path


def ours(program, source, output, *more):
    return [program, "restore", source, "-o", output, "--overwrite", "--restart", "--preset", "vhs", "--quality", "fast",
            "--resolution", "1440x1080", "--preset-speed", "veryfast", "--progress", "none", "-q", *more]


class Report:
    def __init__(self):
        self.rows = []

    def ratio(self, what, value, limit, unit="x"):
        ok = value <= limit
        self.rows.append({"what": what, "value": round(value, 4), "limit": limit, "ok": ok})
        print("%-66s %8.3f%s  limit %.3f  %s" % (what, value, unit, limit, "ok" if ok else "MISSED"), flush=True)


def bench_peers(args, folder, report):
    tape = make_tape(args.program, folder, args.seconds)
    raw = os.path.join(folder, "restored.y4m")
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", tape, "-vf", CHAIN, "-an", "-f", "yuv4mpegpipe", "-strict", "-1", raw], check=True)
    x264 = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18"]
    candidates = {
        "terminalai": ours(args.program, tape, "ours.mp4"),
        "ffmpeg": ["ffmpeg", "-v", "error", "-y", "-i", tape, "-vf", CHAIN, *x264, "-c:a", "aac", "-b:a", "192k", "ffmpeg.mp4"],
        "encoder alone": ["ffmpeg", "-v", "error", "-y", "-i", raw, *x264, "encoder.mp4"],
    }
    if shutil.which("HandBrakeCLI"):
        candidates["HandBrake"] = ["HandBrakeCLI", "-i", tape, "-o", "handbrake.mp4", "-e", "x264", "--encoder-preset", "veryfast", "-q", "18",
                                   "--bwdif=bob", "--hqdn3d=y-spatial=3:cb-spatial=2:cr-spatial=2:y-temporal=3:cb-temporal=2:cr-temporal=2",
                                   "--crop", "0:0:0:0", "-w", "1440", "-l", "1080", "--non-anamorphic", "--vfr", "-E", "av_aac", "-B", "192"]
    else:
        print("HandBrakeCLI is not installed: setup.sh --bench installs it")
    m = measure(candidates, args.repeats, folder)
    frames = {}
    for name, out in (("terminalai", "ours.mp4"), ("ffmpeg", "ffmpeg.mp4"), ("HandBrake", "handbrake.mp4")):
        if name in m:
            text = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-count_packets", "-show_entries",
                                   "stream=nb_read_packets,width,height", "-of", "csv=p=0", os.path.join(folder, out)],
                                  check=True, capture_output=True, text=True).stdout.strip()
            frames[name] = text
            print("  %s: %s (width, height, frames), %.2f MB" % (name, text, os.path.getsize(os.path.join(folder, out)) / 1e6))
    us = m["terminalai"]
    report.ratio("CPU against ffmpeg (bwdif, hqdn3d, 1440x1080, x264 veryfast)", us["cpu"] / m["ffmpeg"]["cpu"], 1.02)
    report.ratio("wall against ffmpeg", us["wall"] / m["ffmpeg"]["wall"], 1.0)
    if "HandBrake" in m:
        report.ratio("CPU against HandBrake", us["cpu"] / m["HandBrake"]["cpu"], 0.95)
    report.ratio("wall against the encoder alone, fed raw frames", us["wall"] / m["encoder alone"]["wall"], 1.2)
    return {"times": m, "outputs": frames}


def bench_segments(args, folder, report):
    seconds = args.segment_seconds
    tape = make_tape(args.program, folder, seconds)
    m = measure({"segments of 30 s": ours(args.program, tape, "many.mp4"),
                 "one segment": ours(args.program, tape, "one.mp4", "--segment-length", "36000")}, max(1, min(3, args.repeats)), folder)
    sizes = [os.path.getsize(os.path.join(folder, f)) for f in ("many.mp4", "one.mp4")]
    report.ratio("CPU of segments of 30 s against one segment (%d s)" % seconds, m["segments of 30 s"]["cpu"] / m["one segment"]["cpu"], 1.02)
    report.ratio("size of segments of 30 s against one segment", sizes[0] / sizes[1], 1.02)
    return {"times": m, "sizes": sizes}


def bench_memory(args, folder, report):
    short, long = make_tape(args.program, folder, args.seconds), make_tape(args.program, folder, 10 * args.seconds)
    medium = [args.program, "restore", short, "-o", "medium.mp4", "--overwrite", "--restart", "--preset", "vhs", "--resolution", "1440x1080",
              "--preset-speed", "medium", "--progress", "none", "-q"]
    quick = ["--resolution", "480", "--preset-speed", "ultrafast", "--segment-length", "5"]
    m = measure({"medium, 1440x1080": medium, "short": ours(args.program, short, "short.mp4", *quick),
                 "ten times longer": ours(args.program, long, "long.mp4", *quick)}, 1, folder)
    report.ratio("peak memory at 1440x1080, x264 medium, in units of 600 MB", m["medium, 1440x1080"]["rss"] / 600e6, 1.0)
    report.ratio("peak memory of ten times longer input", m["ten times longer"]["rss"] / m["short"]["rss"], 1.05)
    return {"times": m}


GROUPS = {"peers": bench_peers, "segments": bench_segments, "memory": bench_memory}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/terminalai")
    parser.add_argument("--only", choices=sorted(GROUPS))
    parser.add_argument("--seconds", type=int, default=20, help="length of the tape for peers and memory")
    parser.add_argument("--segment-seconds", type=int, default=90)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", help="also write the figures there")
    args = parser.parse_args()
    args.program = os.path.abspath(args.program)
    report, details = Report(), {}
    with tempfile.TemporaryDirectory(prefix="ta-bench-") as folder:
        for name, run in GROUPS.items():
            if args.only in (None, name):
                print("== %s" % name)
                details[name] = run(args, folder, report)
    if args.json:
        with open(args.json, "w") as f:
            json.dump({"rows": report.rows, "details": details, "cores": os.cpu_count()}, f, indent=2)
    missed = [r["what"] for r in report.rows if not r["ok"]]
    print("%d of %d limits hold%s" % (len(report.rows) - len(missed), len(report.rows), "" if not missed else "; missed: " + "; ".join(missed)))


if __name__ == "__main__":
    main()
