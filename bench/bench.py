#!/usr/bin/env python3
"""Speed and size as ratios against peers, measured side by side in one run.

Every number is a ratio of medians over interleaved runs (A B C A B C ...), because machines differ and are shared.
CPU is user + system time of the program and its children, wall the time on the clock, memory the peak resident set.

    bench/bench.py --program build/terminalai                 all groups
    bench/bench.py --program build/terminalai --only peers    one of: peers, chain, pipe, passes, speed, segments, memory, estimate, qualities

peers: a whole restore against ffmpeg, HandBrake and the encoder alone. chain: the same without an encoder. pipe: raw
pictures into another program, and how soon the first comes. passes: one pass against a pass for each step with files between. speed: frames a second at 1080 lines. segments: what cutting
costs. memory: peaks. estimate: what the plan says of size and time against what it came to. qualities: what --quality costs.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import figures

CHAIN = ("bwdif=mode=send_field:parity=auto:deint=interlaced,hqdn3d=3:2:3:2,"
         "zscale=w=1440:h=1080:filter=spline36,format=yuv420p,setsar=1")


class Run:
    """One measured process. `pipe`: its output goes into a pipe that is read as fast as it comes."""

    def __init__(self, argv, cwd, pipe=False):
        start = time.monotonic()
        self.first = 0.0  # seconds until the first byte, of a pipe
        with open(os.devnull, "wb") as null, tempfile.TemporaryFile() as messages:
            child = subprocess.Popen(argv, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if pipe else null, stderr=messages)
            while pipe and os.read(child.stdout.fileno(), 1 << 20):
                self.first = self.first or time.monotonic() - start
            _, status, usage = os.wait4(child.pid, 0)
            messages.seek(0)
            errors = messages.read()
        self.wall = time.monotonic() - start
        self.cpu = usage.ru_utime + usage.ru_stime
        self.rss = usage.ru_maxrss * 1024
        code = os.waitstatus_to_exitcode(status)
        if code not in (0, 3):
            sys.exit("%s failed with %d:\n%s" % (" ".join(argv), code, errors.decode(errors="replace")[-2000:]))


def measure(candidates, repeats, cwd, pipe=False):
    """Runs each candidate `repeats` times, interleaved. {name: {"cpu": median, "wall": median, "first": median, "rss": max, "all": [...]}}"""
    runs, order = {name: [] for name in candidates}, list(candidates)
    for i in range(repeats):
        for name in order:
            runs[name].append(Run(candidates[name], cwd, pipe))
            print("  %d/%d %-24s cpu %7.2f s  wall %7.2f s  peak %5.0f MB" % (
                i + 1, repeats, name, runs[name][-1].cpu, runs[name][-1].wall, runs[name][-1].rss / 1e6), flush=True)
        order.append(order.pop(0))  # nobody always runs behind the same other
    return {name: {"cpu": statistics.median(r.cpu for r in rs), "wall": statistics.median(r.wall for r in rs),
                   "first": statistics.median(r.first for r in rs), "rss": max(r.rss for r in rs), "all": [(r.cpu, r.wall) for r in rs]} for name, rs in runs.items()}


def make_tape(program, folder, seconds, noise=4):
    """The simulator's 480i tape as DV in AVI, `seconds` long; noise in 8 bit codes."""
    path = os.path.join(folder, "tape-%d-%g.avi" % (seconds, noise))
    if not os.path.exists(path):
        subprocess.run([program, "simulate", "-o", path, "--noise", str(noise), "--frames", str(round(seconds * 30000 / 1001))], check=True,
                       stdout=subprocess.DEVNULL)
    return path


def make_plan(program, folder, tape, *options):
    """A plan's file, for the tool that runs chains without an encoder."""
    path = os.path.join(folder, "plan.json")
    text = subprocess.run([program, "plan", tape, "-o", os.path.join(folder, "planned.mp4"), "--preset", "vhs", "--quality", "fast",
                           "--resolution", "1440x1080", "--scale-kernel", "spline36", "--json", *options], check=True, capture_output=True).stdout
    with open(path, "wb") as f:
        f.write(text)
    return path


def ours(program, source, output, *more):
    return [program, "restore", source, "-o", output, "--overwrite", "--restart", "--preset", "vhs", "--quality", "fast",
            "--resolution", "1440x1080", "--scale-kernel", "spline36", "--preset-speed", "veryfast", "--progress", "none", "-q", *more]


class Report:
    def __init__(self, path):
        self.rows, self.figures = [], figures.Figures(path)

    def ratio(self, what, value, limit, unit="x"):
        ok = value <= limit
        self.rows.append({"what": what, "value": round(value, 4), "limit": limit, "ok": ok})
        self.figures.add(what, value, unit.strip().replace("x", ""), figures.LESS)
        print("%-66s %8.3f%s  limit %.3f  %s" % (what, value, unit, limit, "ok" if ok else "MISSED"), flush=True)


X264 = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18"]


def bench_peers(args, folder, report):
    """A clean tape is judged: there the programs differ most. On a noisy one x264 takes nearly all the time of each."""
    return {"clean": compare_peers(args, folder, report, 0), "noisy": compare_peers(args, folder, None, 4)}


def compare_peers(args, folder, report, noise):
    tape = make_tape(args.program, folder, args.seconds if report else min(args.seconds, 10), noise)
    raw = os.path.join(folder, "restored.y4m")
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", tape, "-vf", CHAIN, "-an", "-f", "yuv4mpegpipe", "-strict", "-1", raw], check=True)
    candidates = {
        "terminalai": ours(args.program, tape, "ours.mp4", "--denoise", "hqdn3d"),
        "terminalai, recursive": ours(args.program, tape, "recursive.mp4", "--denoise", "recursive"),
        "ffmpeg": ["ffmpeg", "-v", "error", "-y", "-i", tape, "-vf", CHAIN, *X264, "-c:a", "aac", "-b:a", "192k", "ffmpeg.mp4"],
        "encoder alone": ["ffmpeg", "-v", "error", "-y", "-i", raw, *X264, "encoder.mp4"],
    }
    if shutil.which("HandBrakeCLI"):
        candidates["HandBrake"] = ["HandBrakeCLI", "-i", tape, "-o", "handbrake.mp4", "-e", "x264", "--encoder-preset", "veryfast", "-q", "18",
                                   "--bwdif=bob", "--hqdn3d=y-spatial=3:cb-spatial=2:cr-spatial=2:y-temporal=3:cb-temporal=2:cr-temporal=2",
                                   "--crop", "0:0:0:0", "-w", "1440", "-l", "1080", "--non-anamorphic", "--vfr", "-E", "av_aac", "-B", "192"]
    else:
        print("HandBrakeCLI is not installed: setup.sh --bench installs it")
    m = measure(candidates, args.repeats if report else (args.repeats + 1) // 2, folder)
    os.unlink(raw)
    outputs = {}
    for name, out in (("terminalai", "ours.mp4"), ("terminalai, recursive", "recursive.mp4"), ("ffmpeg", "ffmpeg.mp4"), ("HandBrake", "handbrake.mp4")):
        if name in m:
            outputs[name] = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-count_packets", "-show_entries",
                                            "stream=nb_read_packets,width,height", "-of", "csv=p=0", os.path.join(folder, out)],
                                           check=True, capture_output=True, text=True).stdout.strip()
            print("  %s: %s (width, height, frames), %.2f MB" % (name, outputs[name], os.path.getsize(os.path.join(folder, out)) / 1e6))
    us, fast, ffmpeg, encoder, handbrake = (m.get(n) for n in ("terminalai", "terminalai, recursive", "ffmpeg", "encoder alone", "HandBrake"))
    for what, of, against, cost, limit in (
            ("CPU against ffmpeg (bwdif, hqdn3d, 1440x1080, x264 veryfast)", us, ffmpeg, "cpu", 1.02),
            ("CPU against HandBrake", us, handbrake, "cpu", 0.95),
            ("wall against ffmpeg", us, ffmpeg, "wall", 1.0),
            ("wall against the encoder alone, fed raw frames", us, encoder, "wall", 1.2),
            ("CPU against ffmpeg, recursive denoiser", fast, ffmpeg, "cpu", 0.95),
            ("CPU against HandBrake, recursive denoiser", fast, handbrake, "cpu", 0.88),
            ("wall against the encoder alone, recursive denoiser", fast, encoder, "wall", 1.12)):
        if against and report:
            report.ratio(what, of[cost] / against[cost], limit)
        elif against:
            print("%-66s %8.3fx  (noisy tape)" % (what, of[cost] / against[cost]))
    return {"times": m, "outputs": outputs}


def chain_tool(args):
    return os.path.join(os.path.dirname(args.program), "bench", "chain_tool")


def bench_chain(args, folder, report):
    """Bob, noise reduction and scaling, decoding included, nothing encoded."""
    tape = make_tape(args.program, folder, args.seconds)
    candidates = {"ffmpeg": ["ffmpeg", "-v", "error", "-y", "-i", tape, "-vf", CHAIN, "-an", "-f", "null", "-"]}
    for denoise in ("recursive", "hqdn3d"):
        plan = make_plan(args.program, folder, tape, "--denoise", denoise)
        os.rename(plan, plan + "." + denoise)
        candidates[denoise] = [chain_tool(args), plan + "." + denoise]
    m = measure(candidates, args.repeats, folder)
    frames = 2 * round(args.seconds * 30000 / 1001)
    for name in m:
        report.figures.add("output frames a CPU second, %s" % name, frames / m[name]["cpu"], "1/s", figures.MORE if name != "ffmpeg" else figures.NEITHER)
    print("  output frames a CPU second: " + ", ".join("%s %.0f" % (name, frames / m[name]["cpu"]) for name in m))
    report.ratio("CPU of the chain with the recursive denoiser against ffmpeg's", m["recursive"]["cpu"] / m["ffmpeg"]["cpu"], 0.75)
    report.ratio("CPU of the chain with hqdn3d against ffmpeg's", m["hqdn3d"]["cpu"] / m["ffmpeg"]["cpu"], 1.02)
    return {"times": m, "frames": frames}


def bench_pipe(args, folder, report):
    """The same chain, raw pictures into a pipe: their cost, and when the first comes, also from a longer tape."""
    tape, longer = make_tape(args.program, folder, args.seconds), make_tape(args.program, folder, 3 * args.seconds)
    ours_to_pipe = {denoise: ours(args.program, tape, "-", "--encoder", "raw", "--denoise", denoise) for denoise in ("recursive", "hqdn3d")}
    for argv in ours_to_pipe.values():
        del argv[argv.index("--preset-speed") : argv.index("--preset-speed") + 2]  # there is no encoder
    m = measure({"ffmpeg": ["ffmpeg", "-v", "error", "-i", tape, "-vf", CHAIN, "-an", "-f", "yuv4mpegpipe", "-"], **ours_to_pipe},
                args.repeats, folder, pipe=True)
    first = measure({"longer": [longer if a == tape else a for a in ours_to_pipe["recursive"]]}, 1, folder, pipe=True)["longer"]["first"]
    print("  first byte after: " + ", ".join("%s %.2f s" % (name, m[name]["first"]) for name in m) + ", three times the length %.2f s" % first)
    report.ratio("CPU to a pipe with the recursive denoiser against ffmpeg's", m["recursive"]["cpu"] / m["ffmpeg"]["cpu"], 0.75)
    report.ratio("CPU to a pipe with hqdn3d against ffmpeg's", m["hqdn3d"]["cpu"] / m["ffmpeg"]["cpu"], 0.75)
    report.ratio("wall to a pipe with the recursive denoiser against ffmpeg's", m["recursive"]["wall"] / m["ffmpeg"]["wall"], 1.0)
    report.ratio("first byte, as a part of the whole time", m["recursive"]["first"] / m["recursive"]["wall"], 0.2)
    return {"times": m, "first_of_longer": first}


class Passes:
    """A step a process, a lossless file between each two: how scripts that call ffmpeg several times do it."""

    def __init__(self, tape):
        keep = ["-c:v", "utvideo", "-an"]  # the fastest lossless codec of libav, in favour of the passes
        self.steps = [
            ["-i", tape, "-vn", "-c:a", "pcm_s16le", "sound.wav"],
            ["-i", tape, "-vf", "bwdif=mode=send_field:parity=auto:deint=interlaced,format=yuv420p", *keep, "1.mkv"],
            ["-i", "1.mkv", "-vf", "hqdn3d=3:2:3:2", *keep, "2.mkv"],
            ["-i", "2.mkv", "-vf", "eq=saturation=1.1", *keep, "3.mkv"],
            ["-i", "3.mkv", "-vf", "zscale=w=1440:h=1080:filter=spline36,setsar=1", *keep, "4.mkv"],
        ]

    def argv(self):
        return ["sh", "-ec", " && ".join("ffmpeg -v error -y " + " ".join("'%s'" % a for a in step) for step in self.steps)]


def bench_passes(args, folder, report):
    """Everything before the encoder: five passes with files between, against one."""
    tape = make_tape(args.program, folder, args.seconds)
    plan = make_plan(args.program, folder, tape, "--denoise", "recursive", "--colour-saturation", "1.1")
    m = measure({"five passes": Passes(tape).argv(), "one pass": [chain_tool(args), plan]}, args.repeats, folder)
    between = sum(os.path.getsize(os.path.join(folder, f)) for f in ("sound.wav", "1.mkv", "2.mkv", "3.mkv", "4.mkv"))
    source = os.path.getsize(tape)
    print("  files between: %.0f MB written and %.0f MB read again for a source of %.0f MB; one pass: none" % (
        between / 1e6, (between + source) / 1e6, source / 1e6))
    report.ratio("wall of one pass against five, before the encoder", m["one pass"]["wall"] / m["five passes"]["wall"], 0.4)
    report.ratio("CPU of one pass against five, before the encoder", m["one pass"]["cpu"] / m["five passes"]["cpu"], 0.4)
    return {"times": m, "bytes_between": between}


def bench_speed(args, folder, report):
    """Output frames of 1440x1080 a second of the clock, chain and encoder, on a clean and on a noisy tape."""
    found = {}
    for label, noise in (("clean", 0), ("noisy", 4)):
        tape = make_tape(args.program, folder, args.seconds, noise)
        m = measure({label: ours(args.program, tape, "speed.mp4", "--denoise", "recursive")}, args.repeats, folder)
        found[label] = 2 * round(args.seconds * 30000 / 1001) / m[label]["wall"]
        print("  %s tape: %.1f output frames a second on %d cores" % (label, found[label], os.cpu_count()))
    report.ratio("seconds for 60 output frames at 1080 lines, clean tape", 60 / found["clean"], 1.0, " s")
    return {"fps": found}


def bench_segments(args, folder, report):
    seconds = args.segment_seconds
    tape = make_tape(args.program, folder, seconds, 0)  # clean: what is done twice at the seams weighs most
    m = measure({"segments of 30 s": ours(args.program, tape, "many.mp4"),
                 "one segment": ours(args.program, tape, "one.mp4", "--segment-length", "36000")}, max(1, min(3, args.repeats)), folder)
    sizes = [os.path.getsize(os.path.join(folder, f)) for f in ("many.mp4", "one.mp4")]
    report.ratio("CPU of segments of 30 s against one segment (%d s)" % seconds, m["segments of 30 s"]["cpu"] / m["one segment"]["cpu"], 1.02)
    report.ratio("size of segments of 30 s against one segment", sizes[0] / sizes[1], 1.02)
    return {"times": m, "sizes": sizes}


def bench_memory(args, folder, report):
    short, long = make_tape(args.program, folder, 40), make_tape(args.program, folder, 400)
    medium = [args.program, "restore", short, "-o", "medium.mp4", "--overwrite", "--restart", "--preset", "vhs", "--resolution", "1440x1080",
              "--preset-speed", "medium", "--progress", "none", "-q"]
    # Short segments: after some twenty the heap is as large as it becomes.
    quick = ["--resolution", "480", "--preset-speed", "ultrafast", "--segment-length", "2", "--jobs", "2"]
    m = measure({"medium, 1440x1080": medium, "short": ours(args.program, short, "short.mp4", *quick),
                 "ten times longer": ours(args.program, long, "long.mp4", *quick)}, 1, folder)
    report.ratio("peak memory at 1440x1080, x264 medium, in units of 600 MB", m["medium, 1440x1080"]["rss"] / 600e6, 1.0)
    report.ratio("peak memory of ten times longer input", m["ten times longer"]["rss"] / m["short"]["rss"], 1.05)
    return {"times": m}


def told(text, line, pattern, units):
    """The number in a line of the plan, in the base unit."""
    value, unit = re.search(r"^%s +(?:about )?%s" % (line, pattern), text, re.M).groups()
    parts = [float(p) for p in value.split(":")]
    return (parts[0] + (parts[1] / 60 if len(parts) > 1 else 0)) * units[unit]


def bench_estimate(args, folder, report):
    """What "plan" says, from excerpts, against the run between two of it; time by the clock, and by the processors where others have them too.

    The clock of a shared machine changes from one minute to the next by more than the limit: what is said just before and just
    after the run is averaged, and the median of the rounds counts."""
    found = {}
    for label, noise in (("clean", 0), ("noisy", 8)):
        tape = make_tape(args.program, folder, args.seconds, noise)
        rows = []
        for _ in range(max(1, min(5, args.repeats))):
            argv = ours(args.program, tape, "estimate.mp4")
            plan = [a for a in argv if a not in ("--restart", "--overwrite", "--progress", "none", "-q")]
            plan[plan.index("restore")] = "plan"
            plan.append("-v")
            def say():
                return subprocess.run(plan, check=True, capture_output=True, text=True, cwd=folder).stdout
            texts = [say()]
            run = Run(ours(args.program, tape, "estimate.mp4"), folder)
            texts.append(say())
            times = {"second": 1, "seconds": 1, "minutes": 60, "hours": 3600}
            rows.append({"size": told(texts[0], "size", r"([\d.]+) (kB|MB|GB)", {"kB": 1e3, "MB": 1e6, "GB": 1e9}) / os.path.getsize(os.path.join(folder, "estimate.mp4")),
                         "time": statistics.mean(told(t, "time", r"([\d:]+) (seconds?|minutes|hours)", times) for t in texts) / run.wall,
                         "work": statistics.mean(float(re.search(r"^work .*\(([\d.]+) seconds\)", t, re.M).group(1)) for t in texts) / run.cpu})
            print("  %s: told / real: %s (wall %.1f s, cpu %.1f s)" % (label, ", ".join("%s %.2f" % r for r in rows[-1].items()), run.wall, run.cpu), flush=True)
        found[label] = rows
        for what in ("size", "time", "work"):
            ratio = statistics.median(row[what] for row in rows)
            print("  %s tape: %s told / real %.2f" % (label, what, ratio))
            report.ratio("%s of the plan against the run, %s tape, off by" % ({"work": "time of processors"}.get(what, what), label), max(ratio, 1 / ratio), 1.25)
    return found


def bench_qualities(args, folder, report):
    """What "good" and "best" cost beside "fast", everything else as the preset has it."""
    tape = make_tape(args.program, folder, min(args.seconds, 4))
    found = {}
    for preset in ("vhs", "webcam"):
        candidates = {quality: [args.program, "restore", tape, "-o", quality + ".mp4", "--overwrite", "--restart", "--preset", preset,
                                "--quality", quality, "--progress", "none", "-q"] for quality in ("fast", "good", "best")}
        rows = measure(candidates, max(1, min(3, args.repeats)), folder)
        for quality, row in rows.items():
            row["size"] = os.path.getsize(os.path.join(folder, quality + ".mp4"))
            print("  %s, %s: %.1f s of CPU (%.2f of fast's), %.1f s by the clock (%.2f), %.2f MB" % (preset, quality, row["cpu"], row["cpu"] / rows["fast"]["cpu"],
                row["wall"], row["wall"] / rows["fast"]["wall"], row["size"] / 1e6), flush=True)
            report.figures.add("%s, %s: size" % (preset, quality), row["size"] / 1e6, "MB", figures.NEITHER)
            if quality != "fast":
                report.figures.add("%s, %s: CPU against fast" % (preset, quality), row["cpu"] / rows["fast"]["cpu"], "", figures.LESS)
        found[preset] = rows
    return found


GROUPS = {"peers": bench_peers, "chain": bench_chain, "pipe": bench_pipe, "passes": bench_passes, "speed": bench_speed,
          "segments": bench_segments, "memory": bench_memory, "estimate": bench_estimate,
          "qualities": bench_qualities}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/terminalai")
    parser.add_argument("--only", choices=sorted(GROUPS))
    parser.add_argument("--seconds", type=int, default=30, help="length of the tape for peers, chain, pipe, passes and speed")
    parser.add_argument("--segment-seconds", type=int, default=90)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", help="also write the figures there")
    figures.option(parser)
    args = parser.parse_args()
    args.program = os.path.abspath(args.program)
    report, details = Report(args.figures), {}
    with tempfile.TemporaryDirectory(prefix="ta-bench-") as folder:
        for name, run in GROUPS.items():
            if args.only in (None, name):
                print("== %s" % name)
                details[name] = run(args, folder, report)
    report.figures.save()
    if args.json:
        with open(args.json, "w") as f:
            json.dump({"rows": report.rows, "details": details, "cores": os.cpu_count()}, f, indent=2)
    missed = [r["what"] for r in report.rows if not r["ok"]]
    print("%d of %d limits hold%s" % (len(report.rows) - len(missed), len(report.rows), "" if not missed else "; missed: " + "; ".join(missed)))


if __name__ == "__main__":
    main()
