#!/usr/bin/env python3
"""Photos made small and enlarged again, by networks and by resizing. Prints Markdown: PSNR of luma, VMAF NEG where the ffmpeg that
is named has libvmaf, and seconds a picture; --sheet makes a contact sheet of a part of each photo, a row a photo: the original, then the
methods in the order of the table.

With --batches a network runs on a device instead, 1, 8, 16 and 32 pictures at a time: frames a second, how much of the time the engine
is busy, how many of the buffers are pinned memory, and the memory of the card while it runs, where nvidia-smi tells it.

usage: bench/neural.py --build build --photos DIR --models DIR [--ffmpeg FFMPEG] [--count N] [--blur] [--noise S] [--sheet FILE.png [--at X,Y]]
       bench/neural.py --build build --batches NETWORK.onnx [--device gpu] [--library LIBRARY] [--seconds N] [--size 720x480]
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

NETWORKS = {2: ("FSRCNN-small_x2", "FSRCNN_x2", "ESPCN_x2", "span_ch48_x2_fp32", "upconv7_photo_noise1_x2"),
            4: ("realesr-general-x4v3_w16", "realesr-general-wdn-x4v3_w16", "realesr-animevideov3")}
KERNELS = ("spline36", "lanczos")
TILE = 256  # side of a cell of the contact sheet


def run(*args):
    return subprocess.run([str(a) for a in args], stderr=subprocess.PIPE, stdout=subprocess.PIPE, check=True)


def size_of(path):
    text = run("ffprobe", "-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0", path).stdout
    return tuple(int(n) for n in text.decode().split(","))


def score(a, made, truth, folder):
    """(PSNR of luma, VMAF NEG or None)."""
    log = folder / "vmaf.json"
    vmaf = f";[c][d]libvmaf=model='version=vmaf_v0.6.1neg':log_fmt=json:log_path={log}" if a.vmaf else ";[c]nullsink;[d]nullsink"
    graph = "[0:v]format=yuv420p,split[a][c];[1:v]format=yuv420p,split[b][d];[a][b]psnr" + vmaf
    text = run(a.ffmpeg, "-hide_banner", "-i", made, "-i", truth, "-lavfi", graph, "-f", "null", "-").stderr.decode()
    neg = json.loads(log.read_text())["pooled_metrics"]["vmaf"]["mean"] if a.vmaf else None
    return float(re.search(r"PSNR y:(\S+)", text).group(1)), neg


def methods(a, factor):
    for kernel in KERNELS:
        yield kernel, ["--scale", "resize", "--scale-kernel", kernel]
    for name in NETWORKS[factor]:
        file = pathlib.Path(a.models) / f"{name}.onnx"
        if file.exists():
            yield name, ["--scale", "neural", "--scale-model", file, "--engine-library", a.library or f"{a.build}/engines"]


def enlarge(a, small, out, size, how):
    begun = time.monotonic()
    run(f"{a.build}/terminalai", "restore", small, "-o", out, "-y", "--preset", "clean", "--encoder", "ffv1", "--progress", "none",
        "--resolution", f"{size[0]}x{size[1]}", *how)
    return time.monotonic() - begun


def make_small(a, photo, factor, folder):
    w, h = (n // (2 * factor) * 2 * factor for n in size_of(photo))
    truth, small = folder / "truth.mkv", folder / "small.mkv"
    to_yuv = "scale=out_color_matrix=bt709:out_range=tv,format=yuv444p"
    tags = ("-c:v", "ffv1", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv")
    worse = "".join((",gblur=sigma=0.7" if a.blur else "", f",noise=alls={a.noise}:all_seed=7" if a.noise else ""))
    run("ffmpeg", "-y", "-i", photo, "-vf", f"crop={w}:{h}:0:0,{to_yuv}", *tags, truth)
    run("ffmpeg", "-y", "-i", photo, "-vf", f"crop={w}:{h}:0:0,scale={w // factor}:{h // factor}:flags=area{worse},{to_yuv}", *tags, small)
    return truth, small, (w, h)


def cut(a, path, size, cell):
    """A part of a picture into `cell`, which is returned."""
    x, y = (int(n) for n in a.at.split(",")) if a.at else ((size[0] - TILE) // 2, (size[1] - TILE) // 2)
    run("ffmpeg", "-y", "-i", path, "-frames:v", 1, "-pix_fmt", "rgb24", "-vf", f"crop={TILE}:{TILE}:{x}:{y}", cell)
    return cell


def card_memory():
    """Bytes in use on the card; None: nobody tells."""
    try:
        text = subprocess.run(["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20, check=True).stdout
        return sum(int(n) for n in text.split()) << 20
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def run_batch(a, folder, batch):
    """(pictures a second, share that the engine is busy, buffers, of them pinned, bytes on the card at most or None)."""
    log, before, most = folder / "log", card_memory(), None
    command = [f"{a.build}/terminalai", "restore", folder / "in.mkv", "-o", folder / "out.mkv", "-y", "--preset", "clean", "--quality", "fast", "--encoder", "ffv1", "--progress", "none", "--jobs", "1",
               "--segment-length", "3600", "--resolution", "source", "--scale", "neural", "--scale-model", a.batches, "--device", a.device, "--batch", batch, "--log-file", log, "--no-cache"]
    command[command.index("source")] = "x".join(str(int(n) * 2) for n in a.size.split("x"))
    log.unlink(missing_ok=True)
    with subprocess.Popen([str(c) for c in command + (["--engine-library", a.library] if a.library else [])], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as p:
        while p.poll() is None:
            now = card_memory()
            most = now if most is None or (now or 0) > most else most
            time.sleep(0.2)
        if p.returncode:
            sys.exit(p.stderr.read().decode())
    found = re.findall(r"pictures (\d+), calls \d+, engine busy (\S+) s of (\S+), buffers (\d+) of the engine's (\d+)", log.read_text())
    pictures, busy, seconds, buffers, pinned = (float(n) for n in found[-1])
    return pictures / seconds, busy / seconds, int(buffers), int(pinned), None if None in (most, before) else most - before


def batches(a):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        run("ffmpeg", "-f", "lavfi", "-i", f"testsrc2=s={a.size}:r=25:d={a.seconds},format=yuv420p", "-c:v", "ffv1", folder / "in.mkv")
        plan = run(f"{a.build}/terminalai", "plan", folder / "in.mkv", "-o", folder / "out.mkv", "--json", "--no-cache", "--scale", "neural", "--scale-model", a.batches, "--device", a.device,
                   *(("--engine-library", a.library) if a.library else ()))
        options = next(s["options"] for s in json.loads(plan.stdout)["video"]["stages"] if s["stage"] == "scale.neural")
        print(f"\n{pathlib.Path(a.batches).stem}, {a.size}, {options['engine']} {options['runtime']}, {options['provider']}\n")
        print("| pictures at a time | frames a second | engine busy | buffers, of them pinned | memory of the card |\n| ---: | ---: | ---: | ---: | ---: |")
        for batch in (1, 8, 16, 32):
            rate, busy, buffers, pinned, most = run_batch(a, folder, batch)
            print(f"| {batch} | {rate:.2f} | {100 * busy:.1f} % | {buffers}, {pinned} | {'' if most is None else f'{most >> 20} MB'} |", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--build", default="build")
    p.add_argument("--batches", metavar="NETWORK", help="measure this network on a device, by the number of pictures at a time")
    p.add_argument("--device", default="gpu", help="with --batches: as the program's --device")
    p.add_argument("--seconds", type=float, default=8, help="with --batches: of the film")
    p.add_argument("--size", default="720x480", help="with --batches: of its pictures")
    p.add_argument("--photos", help="a folder of .png files")
    p.add_argument("--models", help="a folder of .onnx files")
    p.add_argument("--library", help="ONNX Runtime; without it that of the build folder")
    p.add_argument("--ffmpeg", default="ffmpeg", help="that scores; with libvmaf for NEG")
    p.add_argument("--count", type=int, default=24)
    p.add_argument("--blur", action="store_true", help="soft before it is made small, as lenses and tapes are")
    p.add_argument("--noise", type=int, default=0, help="of the small picture, as ffmpeg's noise filter has it")
    p.add_argument("--factors", type=int, nargs="*", default=list(NETWORKS))
    p.add_argument("--sheet", metavar="FILE.png")
    p.add_argument("--at", metavar="X,Y", help="corner of the part that the sheet shows; without it the middle")
    a = p.parse_args()
    if a.batches:
        return batches(a)
    if not a.photos or not a.models:
        p.error("--photos and --models are needed, or --batches")
    a.vmaf = b"libvmaf" in run(a.ffmpeg, "-hide_banner", "-filters").stdout
    photos = sorted(pathlib.Path(a.photos).glob("*.png"))[:a.count]
    if not photos:
        sys.exit("no photos: nothing is measured")
    with tempfile.TemporaryDirectory() as name:
        folder, cells = pathlib.Path(name), []
        for factor in a.factors:
            sums = {}
            for photo in photos:
                truth, small, size = make_small(a, photo, factor, folder)
                if a.sheet:
                    cells.append(cut(a, truth, size, folder / f"{len(cells)}.png"))
                for what, how in methods(a, factor):
                    out = folder / "out.mkv"
                    seconds = enlarge(a, small, out, size, how)
                    sums.setdefault(what, []).append((*score(a, out, truth, folder), seconds))
                    if a.sheet:
                        cells.append(cut(a, out, size, folder / f"{len(cells)}.png"))
            print(f"\n| {factor}x, mean of {len(photos)} | PSNR-Y | NEG | s a picture |\n| --- | ---: | ---: | ---: |")
            for what, rows in sums.items():
                y, neg, seconds = (None if None in column else sum(column) / len(column) for column in zip(*rows))
                print(f"| {what} | {y:.2f} | {'' if neg is None else format(neg, '.1f')} | {seconds:.1f} |", flush=True)
        if a.sheet:
            columns = 1 + len(list(methods(a, a.factors[0])))
            run("ffmpeg", "-y", "-start_number", 0, "-i", folder / "%d.png", "-vf", f"tile={columns}x{-(-len(cells) // columns)}", "-frames:v", 1, a.sheet)


if __name__ == "__main__":
    main()
