#!/usr/bin/env python3
"""Makes the pictures of docs/which-preset.md anew: sources that are drawn and spoilt here, "terminalai compare" on each, and of what
it shows a row of whole pictures over a row of details. And "demo", the picture of README: what "make demo" shows.

    tools/preset_pictures.py [--program build/terminalai] [--only worn,film]

Needs ffmpeg. A minute or two; the same program makes the same pictures, but for what encoders round differently.
"""
import argparse
import json
import math
import os
import subprocess
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PICTURES = os.path.join(TOP, "docs", "presets")
WIDTH, GAP = 1440, 8  # of a picture; between panes, as compare leaves it


def run(*argv):
    subprocess.run([str(a) for a in argv], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def ffmpeg(*argv):
    run("ffmpeg", "-v", "error", "-nostdin", "-y", *argv)


# ---- a cartoon ----


class Canvas:
    """Filled shapes with outlines, drawn as runs of pixels, large enough to be made smaller with soft edges."""

    def __init__(self, width, height):
        self.width, self.height = width, height
        self.rows = [bytearray(width * 3) for _ in range(height)]

    def span(self, y, left, right, colour):
        left, right = max(0, int(left + 0.5)), min(self.width, int(right + 0.5))
        if 0 <= y < self.height and left < right:
            self.rows[y][3 * left:3 * right] = bytes(colour) * (right - left)

    def ellipse(self, x, y, a, b, colour, line=0, ink=(34, 26, 40)):
        if line:
            self.ellipse(x, y, a + line, b + line, ink)
        for row in range(int(y - b), int(y + b) + 2):
            part = 1 - ((row - y) / b) ** 2
            if part > 0:
                self.span(row, x - a * math.sqrt(part), x + a * math.sqrt(part), colour)

    def polygon(self, points, colour, line=0, ink=(34, 26, 40)):
        if line:
            for (x, y), (u, v) in zip(points, points[1:] + points[:1]):
                self.stroke([(x, y), (u, v)], line, ink)
        for row in range(int(min(p[1] for p in points)), int(max(p[1] for p in points)) + 1):
            crossings = sorted(x + (row - y) * (u - x) / (v - y) for (x, y), (u, v) in zip(points, points[1:] + points[:1])
                               if (y <= row) != (v <= row))
            for left, right in zip(crossings[::2], crossings[1::2]):
                self.span(row, left, right, colour)

    def stroke(self, points, width, colour):
        for (x, y), (u, v) in zip(points, points[1:]):
            steps = max(1, int(math.hypot(u - x, v - y) / max(1, width / 3)))
            for i in range(steps + 1):
                self.ellipse(x + (u - x) * i / steps, y + (v - y) * i / steps, width, width, colour)


def curve(x, y, a, b, begin, end, count=24):
    """Points of an arc, in turns."""
    return [(x + a * math.cos(2 * math.pi * (begin + (end - begin) * i / count)), y + b * math.sin(2 * math.pi * (begin + (end - begin) * i / count)))
            for i in range(count + 1)]


def draw_cat(c, x, y, s, look):
    """A cat in a striped jersey that looks after something."""
    fur, dark, light = (238, 160, 74), (196, 108, 42), (252, 226, 184)
    line = 5 * s
    body = [(x - 120 * s, y + 420 * s), (x - 96 * s, y + 170 * s), (x + 96 * s, y + 170 * s), (x + 120 * s, y + 420 * s)]
    c.polygon(body, (238, 240, 244), line)
    for k in range(5):
        top, bottom = y + (190 + 48 * k) * s, y + (214 + 48 * k) * s
        c.polygon([(x - (98 + 5 * k) * s, top), (x + (98 + 5 * k) * s, top), (x + (101 + 5 * k) * s, bottom), (x - (101 + 5 * k) * s, bottom)], (40, 88, 168))
    for side in (-1, 1):
        c.polygon([(x + side * 150 * s, y - 40 * s), (x + side * 168 * s, y - 222 * s), (x + side * 34 * s, y - 140 * s)], fur, line)
        c.polygon([(x + side * 138 * s, y - 84 * s), (x + side * 150 * s, y - 184 * s), (x + side * 76 * s, y - 136 * s)], (240, 150, 150))
    c.ellipse(x, y, 190 * s, 158 * s, fur, line)
    for k in (-1, 0, 1):
        c.polygon([(x + (44 * k - 13) * s, y - (150 - 12 * abs(k)) * s), (x + (44 * k + 13) * s, y - (150 - 12 * abs(k)) * s), (x + 40 * k * s, y - 84 * s)], dark)
    c.ellipse(x, y + 72 * s, 104 * s, 70 * s, light)
    for side in (-1, 1):
        c.ellipse(x + side * 76 * s, y - 18 * s, 46 * s, 58 * s, (255, 255, 255), line * 0.8)
        c.ellipse(x + (side * 76 + 17 * look) * s, y - 14 * s, 24 * s, 36 * s, (62, 150, 86))
        c.ellipse(x + (side * 76 + 20 * look) * s, y - 14 * s, 13 * s, 27 * s, (18, 16, 24))
        c.ellipse(x + (side * 76 + 12 * look) * s, y - 30 * s, 8 * s, 10 * s, (255, 255, 255))
        for k in (-1, 0, 1):
            c.stroke([(x + side * 62 * s, y + (72 + 9 * k) * s), (x + side * 214 * s, y + (66 + 30 * k) * s)], 1.7 * s, (34, 26, 40))
        c.stroke(curve(x + side * 32 * s, y + 78 * s, 32 * s, 26 * s, 0, 0.5), 3 * s, (34, 26, 40))
    c.polygon([(x - 20 * s, y + 42 * s), (x + 20 * s, y + 42 * s), (x, y + 66 * s)], (224, 96, 110), line * 0.5)


def draw_cartoon(t):
    """At moment t (0..1) a kite crosses a hill behind the cat."""
    c = Canvas(1440, 1080)
    for y in range(c.height):
        c.span(y, 0, c.width, (96 + y * 90 // c.height, 186 + y * 40 // c.height, 240))
    c.ellipse(1180, 190, 96, 96, (255, 230, 120), 6, (250, 190, 70))
    for x, y, a in ((260 + 60 * t, 200, 1.0), (820 + 40 * t, 130, 0.7)):
        for dx, dy, r in ((-90, 20, 50), (-30, -10, 70), (50, 0, 62), (110, 24, 44)):
            c.ellipse(x + dx * a, y + dy * a, r * a, r * a * 0.8, (250, 252, 255))
    c.ellipse(300, 1300, 900, 620, (92, 172, 84), 6)
    c.ellipse(1250, 1340, 760, 560, (66, 144, 74), 6)
    for k in range(9):  # a fence
        x = 760 + 80 * k
        c.polygon([(x, 850), (x, 730), (x + 15, 705), (x + 30, 730), (x + 30, 850)], (248, 244, 232), 4)
    c.polygon([(740, 770), (1460, 770), (1460, 792), (740, 792)], (248, 244, 232), 4)
    x, y = 760 + 420 * t, 330 - 90 * math.sin(3 * t)
    c.stroke([(x, y + 120), (x - 60, y + 250), (x - 160, y + 420), (520, 930)], 1.6, (60, 50, 60))
    c.polygon([(x, y - 120), (x + 84, y), (x, y + 130), (x - 84, y)], (222, 52, 58), 6)
    c.polygon([(x, y - 120), (x + 84, y), (x, y)], (252, 206, 70))
    c.polygon([(x, y + 130), (x - 84, y), (x, y)], (252, 206, 70))
    c.stroke([(x - 84, y), (x + 84, y)], 3, (34, 26, 40))
    c.stroke([(x, y - 120), (x, y + 130)], 3, (34, 26, 40))
    draw_cat(c, 430, 610, 1.15, 0.4 + 0.6 * t)
    return b"".join(c.rows)


# ---- sources ----


def tape(program, path, shot, *worn):
    """Two seconds of the simulator's tape from frame `shot` on, as a capture card stores them."""
    whole = path + ".whole.avi"
    run(program, "-q", "simulate", "-o", whole, "--frames", shot + 60, "-y", *worn)
    ffmpeg("-ss", "%.3f" % (shot * 1001 / 30000), "-i", whole, "-frames:v", 60, "-c", "copy", path)
    os.unlink(whole)


def scene(program, path, shot, frames, *more):
    """Whole pictures of the simulator, without fields and nearly without noise."""
    run(program, "-q", "simulate", "-o", path, "--frames", shot + frames, "--field-order", "progressive", "-y", *more)


def make_good(program, folder):
    out = os.path.join(folder, "good.avi")
    tape(program, out, 180, "--noise", 1)
    return out


def make_worn(program, folder):
    out = os.path.join(folder, "worn.avi")
    tape(program, out, 70, "--noise", 9, "--jitter", 0.25, "--dropouts", 1)
    return out


def make_film(program, folder):
    """24 pictures a second, brought to 60 fields as on a DVD from America."""
    whole, out = os.path.join(folder, "film.mkv"), os.path.join(folder, "film.mpg")
    scene(program, whole, 150, 80, "--noise", 2)
    ffmpeg("-i", whole, "-vf", "trim=start_frame=150,setpts=(N)/(24000/1001)/TB,crop=720:464:0:0,scale=720:480,telecine=first_field=top,setfield=tff",
           "-an", "-r", "30000/1001", "-c:v", "mpeg2video", "-flags", "+ilme+ildct", "-b:v", "7M", "-maxrate", "9M", "-bufsize", "1835k", "-g", 15,
           "-pix_fmt", "yuv420p", "-aspect", "4:3", out)
    return out


def make_web(program, folder):
    """Small, and squeezed by an encoder of its time."""
    whole, out = os.path.join(folder, "web.mkv"), os.path.join(folder, "web.avi")
    scene(program, whole, 60, 60, "--noise", 3)
    ffmpeg("-i", whole, "-vf", "trim=start_frame=60,setpts=PTS-STARTPTS,crop=720:464:0:0,scale=320:240,fps=15", "-an", "-c:v", "mpeg4", "-b:v", "260k",
           "-g", 60, "-pix_fmt", "yuv420p", out)
    return out


def make_animation(program, folder):
    """The cartoon in twelve drawings a second, each shown twice, from a disc that had little room."""
    raw, out = os.path.join(folder, "cartoon.rgb"), os.path.join(folder, "animation.mpg")
    with open(raw, "wb") as f:
        for k in range(16):
            f.write(draw_cartoon(k / 15) * 2)
    ffmpeg("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "1440x1080", "-r", "24000/1001", "-i", raw, "-vf", "scale=720:480:flags=area,noise=alls=4:allf=t",
           "-c:v", "mpeg2video", "-b:v", "1600k", "-maxrate", "3M", "-bufsize", "1835k", "-g", 12, "-pix_fmt", "yuv420p", "-aspect", "4:3", out)
    os.unlink(raw)
    return out


# What shows each kind: the source, presets (names, or files of OWN), where its detail lies (centre, in parts of the picture)
# and how much the detail is enlarged.
KINDS = {
    "good": (make_good, ["clean", "vhs_clean"], (0.68, 0.33), 1.5),
    "worn": (make_worn, ["vhs_heavy+fast", "vhs_heavy"], (0.66, 0.62), 2),
    "film": (make_film, ["dvd", "dvd+ivtc"], (0.80, 0.42), 2),
    "web": (make_web, ["youtube", "youtube_old"], (0.56, 0.62), 1.5),
    "animation": (make_animation, ["vhs_heavy", "animation"], (0.37, 0.62), 1.5),
}
OWN = {"dvd+ivtc": "version: 1\nname: dvd-ivtc\nsummary: dvd with inverse telecine\noptions:\n  deinterlace: ivtc\n  denoise: recursive\n"
               "  denoise-strength: 2:1:2:1\n",
       "vhs_heavy+fast": "version: 1\nname: vhs-heavy-fast\nsummary: vhs_heavy as --quality fast makes it\noptions:\n  deinterlace: bwdif\n"
                         "  denoise: recursive\n  denoise-strength: auto\n  mask-torn: on\n  colour-stretch: on\n"}


# ---- pictures ----


def make_picture(program, folder, name):
    make, presets, (x, y), zoom = KINDS[name]
    source, compared = make(program, folder), os.path.join(folder, name)
    names = []
    for preset in presets:
        if preset in OWN:
            path = os.path.join(folder, preset + ".yaml")
            with open(path, "w", encoding="ascii") as f:
                f.write(OWN[preset])
            preset = path
        names.append(preset)
    run(program, "-q", "compare", source, "--presets", ",".join(names), "-o", compared, "--start", "40%", "--duration", "0.4", "--crf", 12)
    with open(os.path.join(compared, "report.json"), encoding="utf-8") as f:
        told = json.load(f)
    panes = told["grid"]["panes"]
    columns, wide, high = len(panes), panes[0]["width"], panes[0]["height"]
    across = (WIDTH - (columns - 1) * GAP) // columns // 2 * 2
    down = across * 3 // 4 // 2 * 2
    w, h = round(across / zoom), round(down / zoom)
    middle = told["grid"]["frames"] // 2
    parts = "".join("[1:v]trim=start_frame=%d:end_frame=%d,crop=%d:%d:%d:%d,scale=%d:%d:flags=lanczos,pad=%d:%d:0:0:0x181818[p%d];" % (
        middle, middle + 1, w, h, p["x"] + min(max(0, wide * x - w / 2), wide - w), p["y"] + min(max(0, high * y - h / 2), high - h), across, down,
        across + (GAP if i + 1 < columns else 0), down + GAP, i) for i, p in enumerate(panes))
    joined = "".join("[p%d]" % i for i in range(columns))
    out = os.path.join(PICTURES, name + ".jpg")
    ffmpeg("-i", os.path.join(compared, "contact.png"), "-i", os.path.join(compared, "grid.mp4"), "-filter_complex",
           "%s%shstack=%d[row];[0:v]scale=%d:-2:flags=lanczos[all];[row]scale=%d:-2[low];[all][low]vstack" % (
               parts, joined, columns, WIDTH, WIDTH), "-frames:v", 1, "-update", 1, "-pix_fmt", "yuvj420p", "-q:v", 4, out)
    print("%s: %d kB" % (out, os.path.getsize(out) // 1000))


def make_demo(program):
    build = os.path.dirname(program)
    run(os.path.join(TOP, "tools", "demo.sh"), build)
    out = os.path.join(TOP, "docs", "demo.jpg")
    ffmpeg("-i", os.path.join(build, "demo", "before-after.png"), "-vf", "scale=1600:-2:flags=lanczos", "-pix_fmt", "yuvj420p", "-q:v", 4, out)
    print("%s: %d kB" % (out, os.path.getsize(out) // 1000))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=os.path.join(TOP, "build", "terminalai"))
    parser.add_argument("--only", default=",".join(KINDS) + ",demo")
    args = parser.parse_args()
    os.makedirs(PICTURES, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in args.only.split(","):
            if name == "demo":
                make_demo(os.path.abspath(args.program))
            else:
                make_picture(os.path.abspath(args.program), folder, name)


if __name__ == "__main__":
    main()
