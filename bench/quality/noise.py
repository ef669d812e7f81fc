#!/usr/bin/env python3
"""The noise measure against known noise: what `terminalai plan` reads from clips that noise of a known strength was added to.

    bench/quality/noise.py [--build build] [--assets ../shared/assets] [--quick]

Scenes are drawn, with footage from the assets where present, flat, textured, still, moving, dark, progressive and
interlaced; the noise is white, or low-passed along the lines as tapes have it. They are kept without loss, and as MPEG-2 of
6 Mbit/s. Prints Markdown: the measured strength over the true one. --left: what MPEG-2 leaves of luma's noise instead, by how
much farther noisy pictures are from the clean ones than clean ones that were coded.
"""
import argparse
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import figures  # noqa: E402

SIZE = "720x480"
FRAMES = 25
SIGMAS = (1, 2, 4, 8, 12)
DARK = "lutyuv=y='16+(val-16)*0.15':u='128+(val-128)*0.3':v='128+(val-128)*0.3'"
WEAVE = "tinterlace=interleave_top"
# name: input options of ffmpeg, a filter; frames of it for one that is shown
DRAWN = {
    "flat": (["-f", "lavfi", "-i", "color=0x707a68:s=%s:r=30" % SIZE], "null", 1),
    "still texture": (["-f", "lavfi", "-i", "mandelbrot=s=%s:r=30:start_scale=0.02" % SIZE], "loop=-1:1:0", 1),
    "test card, moving": (["-f", "lavfi", "-i", "testsrc2=s=%s:r=30" % SIZE], "null", 1),
    "zoom, interlaced": (["-f", "lavfi", "-i", "mandelbrot=s=%s:r=60:start_scale=0.3:end_pts=300" % SIZE], WEAVE, 2),
    "pan, interlaced": (["-f", "lavfi", "-i", "mandelbrot=s=1440x960:r=60:start_scale=0.02"], "loop=-1:1:0,crop=720:480:2*n:n," + WEAVE, 2),
    "dark": (["-f", "lavfi", "-i", "mandelbrot=s=%s:r=30:start_scale=0.3:end_pts=150" % SIZE], DARK, 1),
}
FOOTAGE = {
    "karma": ("karma_480p5994_truth.mkv", 0, "crop=704:480," + WEAVE, 2),
    "karma, dark": ("karma_480p5994_truth.mkv", 0, "crop=704:480," + DARK, 1),
    "bottle": ("intel_bottle_640x360.mp4", 2, "null", 1),
    "car": ("intel_car_768x432.mp4", 5, "null", 1),
    "bunny": ("bbb_480p24_30s.mp4", 8, "null", 1),
    "park": ("vmaf_park_joy_480x270_50p.y4m", 0, "null", 1),
}
MPEG2 = ["-c:v", "mpeg2video", "-b:v", "6M", "-maxrate", "8M", "-bufsize", "1835k", "-g", "15", "-bf", "2", "-pix_fmt", "yuv420p"]
LOSSLESS = ["-c:v", "ffv1"]


def scenes(assets):
    for name, (source, chain, every) in DRAWN.items():
        yield name, source, chain, every
    for name, (file, start, chain, every) in FOOTAGE.items():
        path = os.path.join(assets, "video", file)
        if os.path.exists(path):
            yield name, ["-ss", str(start), "-i", path], chain, every


def make(tool, path, clean, luma, chroma, kind, codec):
    """Noise is added to pictures that may have been woven from fields."""
    woven = ["-flags", "+ildct+ilme", "-top", "1"] if "mpeg2video" in codec and "interlaced" in str(path) else []
    with open(clean, "rb") as source:
        noisy = subprocess.Popen([tool, str(luma), str(chroma), kind], stdin=source, stdout=subprocess.PIPE)
        subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", "-f", "yuv4mpegpipe", "-i", "-", *codec, *woven, path], stdin=noisy.stdout, check=True)
        noisy.stdout.close()
        assert noisy.wait() == 0


def measured(program, path):
    done = subprocess.run([program, "plan", "--json", "-q", "--preset", "clean", path], stdout=subprocess.PIPE, check=True,
                          env={**os.environ, "TERMINALAI_NO_CACHE": "1"})
    return json.loads(done.stdout)["diagnosis"]["noise"]


def apart(path, clean):
    """Mean square by which luma of coded pictures is off."""
    graph = "[0:v]setpts=N/25/TB,setparams=field_mode=prog[a];[1:v]setpts=N/25/TB,setparams=field_mode=prog[b];[a][b]psnr=stats_file=-"
    said = subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-i", path, "-i", clean, "-lavfi", graph, "-fps_mode", "passthrough", "-f", "null", "-"], stdout=subprocess.PIPE, text=True, check=True)
    pictures = [float(x) for x in re.findall(r"mse_y:([0-9.]+)", said.stdout)]
    return sum(pictures) / len(pictures)


def left(tool, path, clean, sigma, kind):
    make(tool, path, clean, 0, 0, kind, MPEG2)
    before = apart(path, clean)
    make(tool, path, clean, sigma, sigma / 2, kind, MPEG2)
    return math.sqrt(max(0, apart(path, clean) - before))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--assets", default=os.environ.get("TA_ASSETS", "../shared/assets"))
    parser.add_argument("--only", help="scenes whose name has this in it")
    parser.add_argument("--sigmas", help="e.g. 2,8")
    parser.add_argument("--raw", action="store_true", help="all that was measured")
    parser.add_argument("--left", action="store_true", help="what MPEG-2 leaves, over what was there")
    figures.option(parser)
    args = parser.parse_args()
    kept = figures.Figures(args.figures)
    tool, program = os.path.join(args.build, "bench/noise_tool"), os.path.join(args.build, "terminalai")
    sigmas = [float(s) for s in args.sigmas.split(",")] if args.sigmas else SIGMAS
    print("| scene | noise | kept | " + " | ".join("sigma %g" % s for s in sigmas) + " | confidence |")
    print("|---|---|---|" + "---|" * (len(sigmas) + 1))
    with tempfile.TemporaryDirectory() as folder:
        for name, source, chain, every in scenes(args.assets):
            if args.only and args.only not in name:
                continue
            clean = os.path.join(folder, "clean.y4m")
            subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *source, "-vf", chain + ",format=yuv420p", "-frames:v", str(FRAMES), clean], check=True)
            path = os.path.join(folder, "%s.mkv" % ("interlaced" if every == 2 else "whole"))
            for kind in ("white", "tape") if args.left else ():
                cells = ["%.2f" % (left(tool, path, clean, sigma, kind) / sigma) for sigma in sigmas]
                print("| %s | %s | MPEG-2, left | %s | |" % (name, kind, " | ".join(cells)), flush=True)
            for kind, kept_as, codec in () if args.left else (("white", "lossless", LOSSLESS), ("tape", "lossless", LOSSLESS), ("tape", "MPEG-2", MPEG2)):
                cells, confidence = [], []
                for sigma in sigmas:
                    make(tool, path, clean, sigma, sigma / 2, kind, codec)
                    m = measured(program, path)
                    cells.append("%.2f, %.2f" % (m["value"]["luma"] / sigma, m["value"]["chroma"] / sigma * 2))
                    confidence.append(m["confidence"])
                    ratio = m["value"]["luma"] / sigma
                    kept.add("%s, %s, %s, sigma %g: luma off by" % (name, kind, kept_as, sigma), max(ratio, 1 / ratio) if ratio > 0 else 1e3, "times", figures.LESS, exact=True)
                    if args.raw:
                        print(json.dumps(m["value"]))
                print("| %s | %s | %s | %s | %.2f |" % (name, kind, kept_as, " | ".join(cells), min(confidence)), flush=True)
    kept.save()


if __name__ == "__main__":
    main()
