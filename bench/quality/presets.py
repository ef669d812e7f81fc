#!/usr/bin/env python3
"""What each preset makes of clean and of noisy tapes, against known originals, beside bwdif alone.

    bench/quality/presets.py [--build build] [--assets ../shared/assets] [--frames 40] [--ffmpeg FFMPEG] [--sigmas 0,2,4,8,12]

A progressive film, of which each picture gives one field; noise of a known strength on the fields, low-passed along the lines as
tapes have it, half as strong in chroma; and a tape as `terminalai simulate` draws one. Prints Markdown: PSNR of luma and chroma and,
where the ffmpeg that is named has libvmaf, VMAF NEG. Then the rules: heavy is never worse than vhs above a noise of 4, nothing is
worse than bwdif alone, and a clean source loses no more than presets that sharpen say. The quality "fast" is shown, and not held
to the rules for a clean source. What breaks one is listed, and the exit status is 1.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import motion
from motion import figures

CLIPS = {"zoom": motion.PROCEDURAL["zoom"], "karma": motion.FOOTAGE["karma"], "animation": motion.FOOTAGE["animation"]}
ALONE = "bwdif alone"
PRESETS = {ALONE: ["--preset", "vhs", "--deinterlace", "bwdif", "--denoise", "off"], "vhs": ["--preset", "vhs"], "vhs, fast": ["--preset", "vhs", "--quality", "fast"],
           "vhs_heavy": ["--preset", "vhs_heavy"], "dvd_interlaced": ["--preset", "dvd_interlaced"]}
# What may be lost: rounding, and what the measure itself varies by.
SLACK = {"luma": 0.02, "chroma": 0.05, "NEG": 0.15}
# Presets that sharpen where there is hardly any noise say so; it costs a clean source up to this.
SHARPENED = {"luma": 0.7, "chroma": 0, "NEG": 0.6}
SHARPENING = ("dvd_interlaced",)


def dirty(build, clean, path, sigma):
    """Noise of `sigma` in luma and half of it in chroma on a woven film."""
    if not sigma:
        return clean
    raw = path + ".y4m"
    motion.ffmpeg("-i", clean, "-pix_fmt", "yuv420p", raw)
    with open(raw, "rb") as source:
        noisy = subprocess.Popen([os.path.join(build, "bench", "noise_tool"), str(sigma), str(sigma / 2), "tape"], stdin=source, stdout=subprocess.PIPE)
        subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", "-f", "yuv4mpegpipe", "-i", "-", "-vf", "setfield=tff" if "tff" in path else "setfield=bff", "-c:v",
                        "ffv1", path], stdin=noisy.stdout, check=True)
        noisy.stdout.close()
        if noisy.wait():
            raise SystemExit("noise_tool failed")
    os.remove(raw)
    return path


def restored(build, woven, out, args):
    subprocess.run([os.path.join(build, "terminalai"), "restore", woven, "-o", out, "--encoder", "ffv1", "--resolution", "source", "--overwrite", "--progress", "none",
                    "--no-colour-stretch", *args], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return out


def broken(name, sigma, got):
    """The rules that a row breaks, in words."""
    for preset, figures in got.items():
        if not sigma and preset == "vhs, fast":  # works in 8 bits
            continue
        for (what, slack), value, alone, vhs in zip(SLACK.items(), figures, got[ALONE], got["vhs"]):
            if value is None:
                continue
            more = SHARPENED[what] if not sigma and preset in SHARPENING else 0
            if value < alone - slack - more:
                yield f"{name}, noise {sigma}: {preset} is below bwdif alone in {what}: {value:.2f} for {alone:.2f}"
            if preset == "vhs_heavy" and sigma > 4 and value < vhs - slack:
                yield f"{name}, noise {sigma}: {preset} is below vhs in {what}: {value:.2f} for {vhs:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--assets", default="../shared/assets")
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--ffmpeg", default="ffmpeg", help="that scores; with libvmaf for NEG")
    parser.add_argument("--sigmas", default="0,2,4,8,12")
    parser.add_argument("--clips", default=",".join(CLIPS))
    figures.option(parser)
    a = parser.parse_args()
    faults, kept = [], figures.Figures(a.figures)
    print("| clip, noise: PSNR luma / chroma / NEG | " + " | ".join(PRESETS) + " |\n|---|" + "---|" * len(PRESETS))
    with tempfile.TemporaryDirectory(prefix="presets.") as folder:
        for name in a.clips.split(","):
            system, order, source, chain = CLIPS[name]
            if isinstance(source, str):
                source = ["-i", os.path.join(a.assets, "video", source)]
                if not os.path.exists(source[1]):
                    continue
            truth, woven = motion.make(folder, name, system, order, source, chain, a.frames)
            for sigma in (float(s) for s in a.sigmas.split(",")):
                tape = dirty(a.build, woven, os.path.join(folder, f"{name}-{order}-{sigma:g}.mkv"), sigma)
                got = {p: motion.score(a.ffmpeg, system, truth, restored(a.build, tape, os.path.join(folder, "out.mkv"), args)) for p, args in PRESETS.items()}
                cells = [f"{y:.2f} / {c:.2f}" + (f" / {neg:.2f}" if neg is not None else "") for y, c, neg in got.values()]
                print(f"| {name}, {sigma:g} | " + " | ".join(cells) + " |", flush=True)
                for preset, values in got.items():
                    for what, value in zip(SLACK, values):
                        if value is not None:
                            kept.add(f"{name}, noise {sigma:g}, {preset}: {what}", value, "dB" if what != "NEG" else "", figures.MORE, exact=True)
                faults += broken(name, sigma, got)
    kept.save()
    print("\n" + ("\n".join(faults) if faults else "All rules hold."))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
