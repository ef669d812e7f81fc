#!/usr/bin/env python3
"""Deinterlacing by motion against known originals: progressive films made interlaced, and back.

    bench/quality/motion.py [--build build] [--assets ../shared/assets] [--frames 48] [--ffmpeg FFMPEG]
        [--peer 'NAME=PROGRAM {in} {out}.y4m --order {order}']... [--speed | --speed-only] [--hd]
    bench/quality/motion.py --two-cores
    bench/quality/motion.py --tapes ../shared/rig --python PYTHON [--only road,bottle] [--kinds tape,noise] [--keep FOLDER] [--write]

Clips are procedural, with footage from the assets where present, at 60 (50) pictures a second; each second line of each
picture is taken away. Prints Markdown: PSNR of luma and chroma and, where the ffmpeg that is named has libvmaf, VMAF NEG. A peer
is a program that makes a picture of each field; it is measured in the same run. --noise: noise
on the fields (ffmpeg's filter "noise", strength N), taken off again. --speed: CPU time a picture on one core, decoding taken off, of the peers as well.
--two-cores: by the clock, how much sooner two cores are done than one.
--tapes: whole simulated tapes and noise alone, deinterlaced and denoised, beside QTGMC (motion_tapes.py); --write puts
their table into docs/quality.md.
"""
import argparse
import json
import os
import pathlib
import re
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

import figures  # noqa: E402
import motion_tapes  # noqa: E402

HD = (1920, 1080, "60000/1001", "30000/1001", "1")
NTSC, PAL = (720, 480, "60000/1001", "30000/1001", "8/9"), (720, 576, "50", "25", "16/15")
# name: system, order, input options of ffmpeg, and a filter
PROCEDURAL = {
    "zoom": (NTSC, "tff", ["-f", "lavfi", "-i", "mandelbrot=s=720x480:r=60:start_scale=0.3:end_pts=400"], "null"),
    "scroll": (PAL, "bff", ["-f", "lavfi", "-i", "mandelbrot=s=1440x1152:r=50:start_scale=0.02"], "loop=-1:1:0,gblur=1.5,crop=720:576:3*n:n"),
}
FOOTAGE = {
    "karma": (NTSC, "bff", "karma_480p5994_truth.mkv", "null"),
    "animation": (NTSC, "tff", "bbb_480p24_30s.mp4", "trim=start_frame=240,setpts=N/24/TB,scale=720:480:flags=lanczos"),
    "road": (PAL, "bff", "intel_car_768x432.mp4", "trim=start_frame=60,setpts=N/24/TB,scale=720:576:flags=lanczos"),
    "bottle": (PAL, "tff", "intel_bottle_640x360.mp4", "trim=start_frame=60,setpts=N/24/TB,scale=720:576:flags=lanczos"),
}
OURS = {"bwdif": ["--deinterlace", "bwdif"], "motion, good": ["--deinterlace", "motion"],
        "motion, best": ["--deinterlace", "motion", "--deinterlace-effort", "best"]}


SPEED_LENGTHS = (24, 120)
THERE_AND_BACK = "split[a][b];[b]reverse[c];[a][c]concat,loop=-1:96,setpts=N/(60000/1001)/TB"  # karma has 48 pictures
OURS_A_ROUND = 3  # a peer takes ten times as long
TWO_CORES_LENGTH = 400
NOISE_OF_SPEED = 12

MOTION = ["--deinterlace", "motion"]
DENOISED = {"bwdif, hqdn3d": ["--deinterlace", "bwdif", "--denoise", "hqdn3d"],
            "motion, good": [*MOTION, "--denoise", "motion"], "motion, best": [*MOTION, "--denoise", "motion", "--quality", "best"], "motion alone, good": MOTION}


def ffmpeg(*args):
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, args)], check=True)


def make(folder, name, system, order, source, chain, frames, noise=0):
    """The original, a picture a field, and its fields woven."""
    width, height, fields, rate, sar = system
    truth, woven = os.path.join(folder, name + ".truth.mkv"), os.path.join(folder, name + ".mkv")
    ffmpeg(*source, "-vf", f"{chain},setsar={sar},setfield=prog,format=yuv420p", "-frames:v", frames, "-r", fields, "-fps_mode",
           "passthrough", "-c:v", "ffv1", truth)
    dirt = f",noise=alls={noise}:allf=t:all_seed=1" if noise else ""
    ffmpeg("-i", truth, "-vf", f"setpts=N/({fields})/TB,interlace=lowpass=0:scan={order}{dirt}", "-r", rate, "-c:v", "ffv1", woven)
    return truth, woven


def clips(folder, assets, frames, noise):
    for name, (system, order, source, chain) in PROCEDURAL.items():
        yield name, order, system, *make(folder, name, system, order, source, chain, frames, noise)
    for name, (system, order, file, chain) in FOOTAGE.items():
        path = os.path.join(assets, "video", file)
        if os.path.exists(path):
            yield name, order, system, *make(folder, name, system, order, ["-i", path], chain, frames, noise)


def samples(path, raw):
    """As 8 bits, to the nearest: swscale's pattern of dots would hide what is closer; tags that differ must not make a converter change them."""
    ffmpeg("-i", path, "-vf", "setparams=field_mode=prog:color_primaries=unknown:color_trc=unknown:colorspace=unknown,zscale=dither=none,format=yuv420p", "-fps_mode", "passthrough", "-f", "rawvideo", raw)
    return raw


def score(binary, system, truth, path):
    """PSNR of luma, of chroma, NEG or None"""
    vmaf = "libvmaf" in subprocess.run([binary, "-hide_banner", "-filters"], stdout=subprocess.PIPE, text=True, check=True).stdout
    graph = "[0:v]split[a][c];[1:v]split[b][d];[a][b]psnr"
    log = path + ".vmaf.json"
    graph += f";[c][d]libvmaf=model='version=vmaf_v0.6.1neg':log_fmt=json:log_path={log}" if vmaf else ";[c]nullsink;[d]nullsink"
    inputs = []
    for p in (path, truth):
        inputs += ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "%dx%d" % system[:2], "-r", "25", "-i", samples(p, p + ".yuv")]
    if os.path.getsize(inputs[9]) != os.path.getsize(inputs[19]):
        raise SystemExit(f"{path}: not as many pictures as there are fields")
    done = subprocess.run([binary, "-hide_banner", "-nostdin", *inputs, "-lavfi", graph, "-f", "null", "-"],
                          stderr=subprocess.PIPE, text=True, check=True)
    y, u, v = (float(re.search(rf"PSNR.* {p}:([0-9.inf]+)", done.stderr).group(1)) for p in "yuv")
    return y, (u + v) / 2, json.load(open(log))["pooled_metrics"]["vmaf"]["mean"] if vmaf else None


def cpu(argv, cores=None):
    """Seconds of processor time; only `cores` are there for it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=cores and (lambda: os.sched_setaffinity(0, cores)))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def restore(build, woven, out, args):
    return [os.path.join(build, "terminalai"), "restore", woven, "-o", out, "--preset", "clean", "--encoder", "ffv1", "--resolution",
            "source", "--overwrite", "--progress", "none", *args]


def quality(a, folder, peers):
    ours = DENOISED if a.noise else OURS
    names = [*ours, *peers]
    print("| PSNR luma / chroma / NEG | " + " | ".join(names) + " |\n|---|" + "---|" * len(names))
    for name, order, system, truth, woven in clips(folder, a.assets, a.frames, a.noise):
        cells = []
        for who in names:
            out = os.path.join(folder, "out." + ("mkv" if who in ours else "y4m"))
            argv = restore(a.build, woven, out, ours[who]) if who in ours else [
                w.format(**{"in": woven, "out": out[:-4], "order": order}) for w in peers[who]]
            cpu(argv)
            y, c, neg = score(a.ffmpeg, system, truth, out)
            cells.append(f"{y:.2f} / {c:.2f}" + (f" / {neg:.2f}" if neg is not None else ""))
            for what, value in (("luma", y), ("chroma", c), ("NEG", neg)):
                if value is not None:
                    a.kept.add(f"{name}, {who}: {what}", value, "dB" if what != "NEG" else "", figures.MORE, exact=who in ours)
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def planned(a, woven, args):
    argv = [x for x in restore(a.build, woven, os.path.join(a.folder, "x.mkv"), args) if x not in ("--overwrite", "--progress", "none")]
    return [argv[0], "plan", *argv[2:], "--json"]


def chain(a, folder, woven, who, args):
    """The command that runs the chain alone, without an encoder, on one thread of the pool."""
    path = os.path.join(folder, f"{os.path.basename(woven)}.{who.replace(',', '')}.json")
    with open(path, "wb") as f:
        f.write(subprocess.run(planned(a, woven, args), stdout=subprocess.PIPE, check=True).stdout)
    return [os.path.join(a.build, "bench", "chain_tool"), path]


def speed_clips(a, folder, noise):
    """Name, order, and the clip in its two lengths."""
    _, order, source, chain = PROCEDURAL["zoom"]
    clips_of = {"zoom": (HD, order, [x.replace("720x480", "1920x1080") for x in source], chain) if a.hd else PROCEDURAL["zoom"]}
    path = os.path.join(a.assets, "video", FOOTAGE["karma"][2])
    if os.path.exists(path) and not a.hd:
        system, order, _, chain = FOOTAGE["karma"]
        clips_of["karma"] = (system, order, ["-i", path], f"{chain},{THERE_AND_BACK}")
    for name, clip in clips_of.items():
        yield name, clip[1], [make(folder, f"speed{frames}", *clip, frames, noise)[1] for frames in SPEED_LENGTHS]


def speed(a, folder, ours, peers, noise=0):
    """CPU of all threads for a picture, on one core: of two lengths the difference, so that nobody's start counts, less decoding. A
    round runs all of them one after the other and gives a ratio, the peers' to the second of ours; the middle of the rounds is told."""
    core = sorted(os.sched_getaffinity(0))[-1:]
    names = ["decoding", *ours, *peers]
    yardstick = list(ours)[1]
    print(f"\n| CPU ms a picture, {'1080i' if a.hd else '720x480'}{', noisy' if noise else ''} | " + " | ".join(names) + f" | peers to {yardstick} |\n|---|" + "---|" * (len(names) + 1))
    for name, order, lengths in speed_clips(a, folder, noise):
        runs = {who: [chain(a, folder, woven, who, ours.get(who, ["--deinterlace", "off"])) for woven in lengths] for who in ("decoding", *ours)}
        for who, words in peers.items():
            runs[who] = [[w.format(**{"in": woven, "out": os.path.join(folder, "out"), "order": order}) for w in words] for woven in lengths]
        alone, ratios = {who: [] for who in names}, {who: [] for who in peers}
        for _ in range(a.rounds):
            for who in names:
                times = 1 if who in peers else OURS_A_ROUND
                few, many = (sum(cpu(argv, core) for _ in range(times)) / times for argv in runs[who])
                ms = 1000 * (many - few) / (SPEED_LENGTHS[1] - SPEED_LENGTHS[0])
                alone[who].append(ms - (alone["decoding"][-1] if who != "decoding" else 0))
            for who in peers:
                ratios[who].append(alone[who][-1] / alone[yardstick][-1])
        middle = {who: statistics.median(values) for who, values in alone.items()}
        for who in names:
            a.kept.add(f"{name}{', 1080i' if a.hd else ''}{', noisy' if noise else ''}, {who}: CPU a picture", middle[who], "ms", figures.LESS if who in ours else figures.NEITHER)
        cells = [f"{statistics.median(r):.1f} ({min(r):.1f} to {max(r):.1f})" for r in ratios.values()]
        print(f"| {name} | " + " | ".join(f"{middle[who]:.1f}" for who in names) + f" | {', '.join(cells) or '-'} |", flush=True)


def chain_wall(a, plan, cores):
    argv = [os.path.join(a.build, "bench/chain_tool"), plan, str(len(cores))]
    done = subprocess.run(argv, stdout=subprocess.PIPE, check=True, preexec_fn=lambda: os.sched_setaffinity(0, cores))
    return json.loads(done.stdout)["wall"]


def two_cores(a, folder):
    """Wall clock of the chain on one core and on two, in turns; the median of the ratios. Raw pictures, so that decoding is no part of it."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("there is but one core here")
    print("\n| 720x480, one core to two | as fast |\n|---|---|")
    for name, noise, args in (("motion, good", 0, MOTION), ("motion, good, noise off", NOISE_OF_SPEED, DENOISED["motion, good"])):
        woven, raw, plan = make(folder, "two", *PROCEDURAL["zoom"], TWO_CORES_LENGTH, noise)[1], os.path.join(folder, "raw.mkv"), os.path.join(folder, "two.json")
        ffmpeg("-i", woven, "-c:v", "rawvideo", "-allow_raw_vfw", 1, raw)
        with open(plan, "wb") as f:
            f.write(subprocess.run(planned(a, raw, args), stdout=subprocess.PIPE, check=True).stdout)
        ratios = []
        for _ in range(2 * a.rounds - 1):
            walls = [chain_wall(a, plan, cores[:n]) for n in (1, 2)]
            ratios.append(walls[0] / walls[1])
        a.kept.add(f"two cores: {name}", statistics.median(ratios), "times as fast as one", figures.MORE)
        print(f"| {name} | {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) |", flush=True)


def tapes(a):
    def make(tape, out, args):
        cpu(restore(a.build, tape, out, args))

    lines, short = motion_tapes.table(motion_tapes.Rig(a.tapes, a.python), make, ffmpeg, a, a.kept)
    if a.write:
        figures.put_into(ROOT / "docs/quality.md", "bench/quality/motion.py --tapes", lines)
    print("\n" + ("\n".join(short) if short else "Within the aims of the best QTGMC mode everywhere."))


def commands(peers):
    return {p.split("=", 1)[0]: shlex.split(p.split("=", 1)[1]) for p in peers}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--assets", default="../shared/assets")
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--ffmpeg", default="ffmpeg", help="that scores; with libvmaf for NEG")
    parser.add_argument("--peer", action="append", default=[])
    parser.add_argument("--peer-denoising", action="append", default=[], help="one that takes noise off as well, for --speed")
    parser.add_argument("--noise", type=int, default=0)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--speed-only", action="store_true")
    parser.add_argument("--rounds", type=int, default=3, help="of --speed")
    parser.add_argument("--hd", action="store_true", help="1080i in place of 720x480, for --speed")
    parser.add_argument("--two-cores", action="store_true")
    parser.add_argument("--tapes", metavar="RIG", help="the folder of the rig: tapes instead of clean films")
    parser.add_argument("--python", default="python3", help="that has what the rig needs")
    parser.add_argument("--only", help="films of the tapes, with commas between")
    parser.add_argument("--kinds", default="tape,noise")
    parser.add_argument("--keep", help="where what peers make is kept for the next time")
    parser.add_argument("--write", action="store_true", help="the table of the tapes into docs/quality.md")
    figures.option(parser)
    a = parser.parse_args()
    a.kept = figures.Figures(a.figures)
    peers = commands(a.peer)
    with tempfile.TemporaryDirectory(prefix="motion.") as folder:
        a.folder = folder
        if a.two_cores:
            two_cores(a, folder)
        elif a.tapes:
            tapes(a)
        elif not a.speed_only:
            quality(a, folder, peers)
        if a.speed or a.speed_only:
            speed(a, folder, OURS, peers)
            speed(a, folder, DENOISED, commands(a.peer_denoising), noise=NOISE_OF_SPEED)
    a.kept.save()


if __name__ == "__main__":
    main()
