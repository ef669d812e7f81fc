"""Whole simulated tapes, and noise alone, for motion.py: both stages by motion beside bwdif with hqdn3d and QTGMC.

Needs the rig: a folder with score.py, qtgmc.py and, in the folder beside it, prototypes/vhsgen.py, and a Python that has what
they import. What does not depend on the program (originals, tapes, what peers make of them and how they score) is kept in a folder.
"""
import json
import os
import shutil
import subprocess

SIZE = ("720", "480")
# name: file of the assets, filter, seed and profile of the tape; the lower half chose no constant of the stages
FILMS = {
    "animation": ("bbb_480p24_30s.mp4", "trim=start_frame=240,setpts=N/24/TB", 31, ["ysig=5", "ja=1.0", "yc=2400000"]),
    "coast": ("karma_480p5994_truth.mkv", "null", 32, []),
    "road": ("intel_car_768x432.mp4", "trim=start_frame=60,setpts=N/24/TB", 33, []),
    "bottle": ("intel_bottle_640x360.mp4", "trim=start_frame=60,setpts=N/24/TB", 34, []),
    "animation, other": ("bbb_720p25_5s.mp4", "null", 35, []),
    "drone": ("gopro_karma_480p30.mp4", "trim=start_frame=90,setpts=N/30/TB", 36, []),
}
KINDS = {"tape": lambda seed, profile: ["all", f"seed={seed}", *profile], "noise": lambda seed, profile: ["none", "ysig=5", "csig=4", f"seed={seed}"]}
MOTION = ["--deinterlace", "motion", "--denoise", "motion"]
OURS = {"bwdif, hqdn3d": ["--deinterlace", "bwdif", "--denoise", "hqdn3d"], "motion, good": MOTION, "motion, best": [*MOTION, "--quality", "best"]}
QTGMC = {"QTGMC degrain": "degrain", "QTGMC tape": "tape"}
EDGE = 4  # pictures at each end that no figure counts


class Rig:
    def __init__(self, folder, python):
        self.python, self.folder = python, folder
        self.tape_maker = os.path.join(folder, "..", "prototypes", "vhsgen.py")
        if not os.path.exists(self.tape_maker):
            raise SystemExit(f"{folder} is no rig: {self.tape_maker} is not there")

    def run(self, script, *args):
        path = script if os.path.sep in script else os.path.join(self.folder, script)
        return subprocess.run([self.python, path, *map(str, args)], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout

    def score(self, truth, path):
        """PSNR of luma and of chroma after the best gain and offset, and NEG, without the borders"""
        active = json.loads(self.run("score.py", truth, path, "--edge", EDGE))["active"]
        return active["psnr_y_affine"], active["psnr_c_affine"], active["vmaf_neg"]


def made(path, make):
    """`path`, made by make(path to write) where it is not there yet"""
    if not os.path.exists(path):
        root, ext = os.path.splitext(path)
        make(root + ".part" + ext)
        os.rename(root + ".part" + ext, path)
    return path


def film(ffmpeg, rig, keep, assets, name, kind, frames):
    """the original, a picture a field, and its tape"""
    file, chain, seed, profile = FILMS[name]
    stem = os.path.join(keep, f"{name.replace(', ', '-')}-{frames}")
    raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "x".join(SIZE)]
    truth = made(stem + ".truth.mkv", lambda to: ffmpeg(
        "-i", os.path.join(assets, "video", file), "-vf", f"{chain},scale={':'.join(SIZE)}:flags=lanczos,setsar=8/9,setfield=prog,format=yuv420p",
        "-frames:v", frames, "-r", "60000/1001", "-fps_mode", "passthrough", "-c:v", "ffv1", to))

    def record(to):
        clean, dirty = to + ".clean.yuv", to + ".dirty.yuv"
        ffmpeg("-i", truth, "-fps_mode", "passthrough", *raw, clean)
        rig.run(rig.tape_maker, clean, dirty, *KINDS[kind](seed, profile))
        ffmpeg(*raw, "-r", "30000/1001", "-i", dirty, "-vf", "setfield=tff,setsar=8/9", "-c:v", "ffv1", to)
        for path in (clean, dirty, dirty + ".jit.npy"):
            if os.path.exists(path):
                os.remove(path)

    return truth, made(f"{stem}.{kind}.mkv", record)


def peer_score(rig, truth, tape, mode):
    """of QTGMC, or None where it can't be had"""
    out = f"{os.path.splitext(tape)[0]}.{mode}.y4m"

    def scored(to):
        with open(to, "w", encoding="utf-8") as f:
            json.dump(rig.score(truth, made(out, lambda y4m: rig.run("qtgmc.py", tape, y4m, "--mode", mode, "--threads", 1))), f)
        os.remove(out)

    try:
        with open(made(f"{os.path.splitext(tape)[0]}.{mode}.json", scored), encoding="utf-8") as f:
            return tuple(json.load(f))
    except subprocess.CalledProcessError:
        return None


def cell(values, best):
    return " / ".join(("**%s**" if b is not None and v >= b else "%s") % f"{v:.2f}" for v, b in zip(values, best))


def table(rig, restore, ffmpeg, options, kept):
    """`restore`(tape, out, arguments) makes ours; prints Markdown and returns it by lines, and what falls short of the aims, in words"""
    keep = options.keep or os.path.join(options.folder, "tapes")
    os.makedirs(keep, exist_ok=True)
    wanted = options.only.split(",") if options.only else list(FILMS)
    names = [*OURS, *QTGMC]
    lines, short = [], []

    def say(line):
        print(line, flush=True)
        lines.append(line)
    say("| PSNR luma / chroma / NEG | " + " | ".join(names) + " |")
    say("|---|" + "---|" * len(names))
    for kind in options.kinds.split(","):
        for name in wanted:
            if not os.path.exists(os.path.join(options.assets, "video", FILMS[name][0])):
                continue
            truth, tape = film(ffmpeg, rig, keep, options.assets, name, kind, options.frames)
            out = os.path.join(options.folder, "out.mkv")
            got = {}
            for who, args in OURS.items():
                restore(tape, out, args)
                got[who] = rig.score(truth, out)
            for who, mode in QTGMC.items():
                peer = peer_score(rig, truth, tape, mode)
                if peer:
                    got[who] = peer
            best = [max(v[i] for v in got.values()) for i in range(3)]
            say(f"| {name}, {kind} | " + " | ".join(cell(got[w], best) if w in got else "-" for w in names) + " |")
            for who, values in got.items():
                for what, value in zip(("luma", "chroma", "NEG"), values):
                    kept.add(f"{name}, {kind}, {who}: {what}", value, "dB" if what != "NEG" else "", "more", exact=who in OURS)
            short += falls_short(f"{name}, {kind}", kind, got)
    if not options.keep:
        shutil.rmtree(keep)
    return lines, short


# What `best` may lie behind the best QTGMC mode by: luma, chroma, NEG.
BEHIND = {"tape": (0.2, 0.2, 1.5), "noise": (0, None, 0)}


def falls_short(name, kind, got):
    ours = got["motion, best"]
    peers = [got[w] for w in QTGMC if w in got]
    for i, what in enumerate(("luma", "chroma", "NEG")):
        if ours[i] < got["bwdif, hqdn3d"][i]:
            yield f"{name}: below bwdif and hqdn3d in {what}: {ours[i]:.2f} for {got['bwdif, hqdn3d'][i]:.2f}"
        if peers and BEHIND[kind][i] is not None and ours[i] < max(p[i] for p in peers) - BEHIND[kind][i]:
            yield f"{name}: {what} {ours[i]:.2f} for QTGMC's {max(p[i] for p in peers):.2f}"
