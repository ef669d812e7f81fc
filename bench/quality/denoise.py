#!/usr/bin/env python3
"""Noise reduction against known originals: denoise.recursive and hqdn3d at the same strengths, side by side in one run.

    bench/quality/denoise.py [--build build] [--assets ../shared/assets] [--depth 8] [--noises 2,4,7,4l] [--speed-only | --no-speed]

Clips are procedural, with footage from the assets where present. Each gets Gaussian noise of several levels, white and
low-passed along rows as tapes have it. Prints Markdown: what recursive gains over hqdn3d, its worst case, and CPU time.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import figures  # noqa: E402

WIDTH, HEIGHT, FRAMES = 352, 288, 12
STRENGTHS = ("2:1:2:1", "3:2:3:2", "4:3:6:4.5", "8:6:12:9")
STAGES = ("denoise.hqdn3d", "denoise.recursive")
SIZE = "%dx%d" % (WIDTH, HEIGHT)

# name: input options of ffmpeg and a filter
PROCEDURAL = {
    "test card": (["-f", "lavfi", "-i", "testsrc2=s=%s:r=25" % SIZE], "null"),
    "zoom": (["-f", "lavfi", "-i", "mandelbrot=s=%s:r=25:start_scale=0.3:end_pts=150" % SIZE], "null"),
    "still": (["-f", "lavfi", "-i", "mandelbrot=s=%s:r=25:start_scale=0.01" % SIZE], "loop=-1:1:0"),
    "scroll": (["-f", "lavfi", "-i", "mandelbrot=s=704x576:r=25:start_scale=0.02"],
               "loop=-1:1:0,crop=%d:%d:3*n:n" % (WIDTH, HEIGHT)),
}
FOOTAGE = {
    "karma": ("karma_480p5994_truth.mkv", 0, "crop=352:288"),
    "bottle": ("intel_bottle_640x360.mp4", 2, "crop=352:288"),
    "car": ("intel_car_768x432.mp4", 5, "crop=352:288"),
    "bunny": ("bbb_480p24_30s.mp4", 8, "crop=352:288"),
    "park": ("vmaf_park_joy_480x270_50p.y4m", 0, "scale=384:288:flags=area,crop=352:288"),
}


def make(path, source, chain, frames=FRAMES):
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *source, "-vf", chain, "-frames:v", str(frames), "-pix_fmt",
                    "yuv420p", "-f", "rawvideo", path], check=True)
    return path


def tool(argv):
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def clips(folder, assets):
    for name, (source, chain) in PROCEDURAL.items():
        yield name, make(os.path.join(folder, name + ".yuv"), source, chain)
    for name, (file, start, chain) in FOOTAGE.items():
        path = os.path.join(assets, "video", file)
        if os.path.exists(path):
            yield name, make(os.path.join(folder, name + ".yuv"), ["-ss", str(start), "-i", path], chain)


def compare(binary, folder, assets, depth, noises):
    """{(clip, sigma, band, strength): {stage: scores}}"""
    results = {}
    for name, path in clips(folder, assets):
        for sigma, band in noises:
            for strength in STRENGTHS:
                lines = tool([binary, "score", str(WIDTH), str(HEIGHT), path, str(depth), str(sigma), str(band), strength, *STAGES])
                results[name, sigma, band, strength] = {line["stage"]: line for line in lines}
    return results


def gains(cells, key):
    return [c[STAGES[1]][key] - c[STAGES[0]][key] for c in cells if c[STAGES[0]][key] and c[STAGES[1]][key]]


def row(label, cells):
    text = "| %s " % label
    for key in ("psnr_y", "still", "moving", "psnr_c"):
        found = gains(cells, key)
        text += "| %+.2f (%+.2f) " % (statistics.mean(found), min(found)) if found else "| - "
    for key in ("ssim_y", "ssim_c"):
        found = gains(cells, key)
        text += "| %+.4f (%+.4f) " % (statistics.mean(found), min(found))
    print(text + "|")


def keep(results, kept):
    for strength in STRENGTHS:
        cells = [c for k, c in results.items() if k[3] == strength]
        for key, what in (("psnr_y", "luma"), ("psnr_c", "chroma")):
            found = gains(cells, key)
            kept.add("recursive over hqdn3d, %s: %s, mean" % (strength, what), statistics.mean(found), "dB", figures.MORE, exact=True)
            kept.add("recursive over hqdn3d, %s: %s, worst" % (strength, what), min(found), "dB", figures.MORE, exact=True)


def table(results):
    print("| dB over hqdn3d, mean (worst) | luma | of it still | moving | chroma | SSIM luma | SSIM chroma |")
    print("|---|---|---|---|---|---|---|")
    row("all %d" % len(results), list(results.values()))
    for strength in STRENGTHS:
        row(strength, [c for k, c in results.items() if k[3] == strength])
    for sigma, band in dict.fromkeys(k[1:3] for k in results):
        row("noise %g%s" % (sigma, ", low-passed" if band else ""), [c for k, c in results.items() if k[1:3] == (sigma, band)])
    for name in dict.fromkeys(k[0] for k in results):
        row(name, [c for k, c in results.items() if k[0] == name])
    white = [k[1] for k in results if not k[2]]
    if not white:
        return
    shown = 4 if 4 in white else max(white)
    print("\n| noise %g, luma and chroma in dB | noisy | hqdn3d | recursive |" % shown)
    print("|---|---|---|---|")
    for strength in STRENGTHS:
        cells = [c for k, c in results.items() if k[1:] == (shown, 0, strength)]
        text = "| %s " % strength
        for stage in ("noisy", *STAGES):
            text += "| %.2f, %.2f " % tuple(statistics.mean(c[stage][key] for c in cells) for key in ("psnr_y", "psnr_c"))
        print(text + "|")


def speed(binary, folder, kept):
    path = make(os.path.join(folder, "speed.yuv"), ["-f", "lavfi", "-i", "testsrc2=s=720x480:r=30"], "noise=alls=12:allf=t", 16)
    stages = ("libavfilter denoise.hqdn3d", *STAGES)
    print("\n| 720x480, CPU ms a frame, fastest of 15 | libavfilter's hqdn3d | hqdn3d | recursive | ratio to libavfilter's |")
    print("|---|---|---|---|---|")
    for depth in (8, 10):
        for line in tool([binary, "speed", "720", "480", path, str(depth), "60", "15", "3:2:3:2", *stages]):
            ms = [line[stage] * 1000 for stage in stages]
            for i in (1, 2):
                kept.add("%s, %d bit, %s: CPU against libavfilter's hqdn3d" % (stages[i], depth, line["cpu"]), ms[i] / ms[0], "", figures.LESS)
            print("| %d bit, %s | %.2f | %.2f | %.2f | %.2f, %.2f |" % (depth, line["cpu"], *ms, ms[1] / ms[0], ms[2] / ms[0]), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--assets", default=os.environ.get("TA_ASSETS", "../shared/assets"))
    parser.add_argument("--depth", type=int, choices=(8, 10, 16), default=8)
    parser.add_argument("--noises", default="2,4,7,4l", help="standard deviations; with an l: low-passed along the rows")
    parser.add_argument("--speed-only", action="store_true")
    parser.add_argument("--no-speed", action="store_true")
    figures.option(parser)
    args = parser.parse_args()
    kept = figures.Figures(args.figures)
    binary = os.path.join(args.build, "bench", "denoise_tool")
    if not os.path.exists(binary):
        sys.exit("denoise.py: %s is missing: build first" % binary)
    with tempfile.TemporaryDirectory() as folder:
        if not args.speed_only:
            noises = [(float(n.rstrip("l")), int(n.endswith("l"))) for n in args.noises.split(",")]
            results = compare(binary, folder, args.assets, args.depth, noises)
            table(results)
            keep(results, kept)
        if not args.no_speed:
            speed(binary, folder, kept)
    kept.save()


if __name__ == "__main__":
    main()
