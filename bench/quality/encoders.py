#!/usr/bin/env python3
"""What `--crf` and `--preset-speed` mean for each encoder: the same number, the same picture; the same word, about the same time.

    bench/quality/encoders.py [--program build/terminalai] [--assets ../shared/assets] [--frames 60] [--repeats 3]

Clips are the simulator's scene, with footage from the assets where present. Prints Markdown: at each crf (speed medium) what
x265 and SVT-AV1 lack or have more in SSIM than x264 and how large their files are; at each speed (crf 20) the CPU time a
frame against x264's at medium, the median of the repeats, and the file's size against the same encoder's at medium.
"""
import argparse
import json
import math
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import figures  # noqa: E402

ENCODERS = ("h264", "hevc", "av1")
CRFS = (16, 18, 20, 23, 26, 30)
SPEEDS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
FOOTAGE = {"coast": ("gopro_karma_480p30.mp4", 4), "bunny": ("bbb_480p24_30s.mp4", 8)}


def ffmpeg(*args):
    return subprocess.run(["ffmpeg", "-hide_banner", "-nostdin", "-y", *map(str, args)], check=True, stderr=subprocess.PIPE, text=True).stderr


def clips(program, folder, assets, frames):
    tape = os.path.join(folder, "scene.mkv")
    subprocess.run([program, "simulate", "-o", tape, "--field-order", "progressive", "--noise", "1", "--frames", str(frames)], check=True,
                   stdout=subprocess.DEVNULL)
    sources = {"scene": ["-i", tape]}
    for name, (file, start) in FOOTAGE.items():
        path = os.path.join(assets, "video", file)
        if os.path.exists(path):
            sources[name] = ["-ss", start, "-i", path]
    for name, source in sources.items():
        out = os.path.join(folder, name + ".y4m")
        ffmpeg(*source, "-frames:v", frames, "-an", "-vf", "setsar=1,format=yuv420p", "-fps_mode", "passthrough", out)
        yield name, out


def encode(program, source, encoder, crf, speed):
    """(CPU seconds, bytes of the pictures, mean SSIM of all planes)"""
    out = source + ".mkv"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([program, "restore", source, "-o", out, "--preset", "clean", "--resolution", "source", "--encoder", encoder, "--crf",
                    str(crf), "--preset-speed", speed, "--overwrite", "--restart", "-q"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    text = ffmpeg("-i", out, "-i", source, "-lavfi", "[0:v]settb=1,setpts=N,format=yuv420p10le[a];[1:v]settb=1,setpts=N,format=yuv420p10le[b];"
                  "[a][b]ssim", "-f", "null", "-")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, os.path.getsize(out), float(re.search(r"All:([0-9.]+)", text).group(1))


def decibel(ssim):
    return -10 * math.log10(max(1e-9, 1 - ssim))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/terminalai")
    parser.add_argument("--assets", default="../shared/assets")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", help="also write the figures there")
    figures.option(parser)
    args = parser.parse_args()
    program = os.path.abspath(args.program)
    found, kept = {}, figures.Figures(args.figures)
    with tempfile.TemporaryDirectory(prefix="ta-bench-") as folder:
        sources = dict(clips(program, folder, args.assets, args.frames))
        print("clips: %s; %d frames each\n" % (", ".join(sources), args.frames))
        for crf in CRFS:
            for e in ENCODERS:
                found["crf", crf, e] = [encode(program, s, e, crf, "medium") for s in sources.values()]
        print("| crf | x264 SSIM, dB | x265, dB more | SVT-AV1, dB more | x265's size | SVT-AV1's size |\n|---|---|---|---|---|---|")
        for crf in CRFS:
            db = {e: statistics.mean(decibel(one[2]) for one in found["crf", crf, e]) for e in ENCODERS}
            size = {e: statistics.geometric_mean(one[1] for one in found["crf", crf, e]) for e in ENCODERS}
            for e in ENCODERS:
                kept.add("%s, crf %d: SSIM" % (e, crf), db[e], "dB", figures.MORE)
                kept.add("%s, crf %d: size against h264" % (e, crf), size[e] / size["h264"], "", figures.LESS if e != "h264" else figures.NEITHER)
            print("| %d | %.2f | %+.2f | %+.2f | %.2f | %.2f |" % (crf, db["h264"], db["hevc"] - db["h264"], db["av1"] - db["h264"],
                                                               size["hevc"] / size["h264"], size["av1"] / size["h264"]), flush=True)
        for speed in SPEEDS:
            for e in ENCODERS:
                runs = [[encode(program, s, e, 20, speed) for s in sources.values()] for _ in range(args.repeats)]
                found["speed", speed, e] = (statistics.median(sum(one[0] for one in run) for run in runs),
                                            statistics.geometric_mean(one[1] for one in runs[0]),
                                            statistics.mean(decibel(one[2]) for one in runs[0]))
        unit = found["speed", "medium", "h264"][0]
        print("\n| speed | x264 CPU | x265 CPU | SVT-AV1 CPU | x264 size, dB | x265 size, dB | SVT-AV1 size, dB |\n|---|---|---|---|---|---|---|")
        for speed in SPEEDS:
            row = [found["speed", speed, e] for e in ENCODERS]
            for e, r in zip(ENCODERS, row):
                kept.add("%s, %s: CPU against h264 at medium" % (e, speed), r[0] / unit, "", figures.LESS)
            at_medium = [found["speed", "medium", e] for e in ENCODERS]
            print("| %s | %s | %s |" % (speed, " | ".join("%.2f" % (r[0] / unit) for r in row), " | ".join(
                "%.2f, %+.2f" % (r[1] / m[1], r[2] - m[2]) for r, m in zip(row, at_medium))), flush=True)
        print("\nx264 at medium: %.1f ms of CPU a frame" % (1000 * unit / args.frames / len(sources)))
    kept.save()
    if args.json:
        with open(args.json, "w") as f:
            json.dump([[*key, value] for key, value in found.items()], f, indent=1)


if __name__ == "__main__":
    main()
