#!/usr/bin/env python3
"""Sound against known originals: what each processor of src/dsp/sound_* mends, beside untouched sound and the filters of
FFmpeg and SoX, in one run.

    bench/audio/restore.py [--build build] [--assets DIR] [--seconds 10] [--only hiss,hum,...]

Speech is made by espeak-ng where it is installed, with recordings of the assets where present; music and applause are made by
sound_tool. Networks are those of the assets, or what "terminalai models" has fetched. Where the assets have DNSMOS, and an ONNX
Runtime for Python is installed or in the build folder's engines, MOS is what it says of the overall quality of speech. Prints Markdown: SI-SDR, segmental SNR and log-spectral distance in dB, and speeds in times real time with their
ratio to afftdn's in the same run. afftdn is told the noise floor as the measures have it (nr 12 as `moderate`, 24 as
`aggressive`); SoX's noisered gets a profile of the noise alone, which no tape offers.
"""
import argparse
import array
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import figures  # noqa: E402
import sound_networks  # noqa: E402

RATE = 48000
TEXT = ("When we look at old films, we often see the faces of those who are no longer with us. The picture is soft, the colours are "
        "faded, and yet the voice comes through. My grandmother stood in the garden, laughing, and told us the story of the lost umbrella.")
FF = ["ffmpeg", "-v", "error", "-nostdin", "-y"]
SPOILS = (
    ("hiss", (("hiss", 20), ("hiss", 10), ("hiss", 0))),
    ("hum", (("hum50", 10), ("hum60", 20))),
    ("clicks", (("clicks", 300), ("clicks", 3000))),
    ("dropouts", (("dropouts", 60),)),
    ("buzz", (("buzz60", 10), ("buzz50", 20))),
    ("clipping", (("clip", 6),)),
)


def told(values):
    """The mean of what is known, as text."""
    values = [v for v in values if v is not None]
    return "%.2f" % statistics.mean(values) if values else ""


class Listener:
    """DNSMOS P.835 (sig_bak_ovr.onnx): 9.01 seconds at 16 kHz, a second on each time."""
    LENGTH, OVERALL = 144160, (-0.06766283, 1.11546468, 0.04602535)

    def __init__(self, options):
        self.session = None
        path = os.path.join(options.assets, "models/audio/dnsmos/sig_bak_ovr.onnx")
        sys.path.append(os.path.join(options.build, "engines"))
        try:
            import numpy
            import onnxruntime
        except ImportError:
            return
        if os.path.exists(path):
            settings = onnxruntime.SessionOptions()
            settings.intra_op_num_threads = 1
            self.numpy, self.session = numpy, onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])

    def overall(self, raw):
        """Of one channel of floats at 16 kHz; None: it can't be told."""
        if not self.session:
            return None
        x = self.numpy.frombuffer(raw, dtype=self.numpy.float32)
        x = self.numpy.tile(x, -(-self.LENGTH // max(1, len(x))))
        starts = range(0, len(x) - self.LENGTH + 1, 16000)
        told = [float(self.session.run(None, {"input_1": x[None, i:i + self.LENGTH]})[0][0][2]) for i in starts]
        return statistics.mean(self.OVERALL[0] * t * t + self.OVERALL[1] * t + self.OVERALL[2] for t in told)


class Bench:
    def __init__(self, options, folder):
        self.env = dict(os.environ)
        self.tool, self.folder, self.options = os.path.join(options.build, "bench", "sound_tool"), folder, options
        self.figures, self.listener = figures.Figures(options.figures), Listener(options)

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *argv):
        done = subprocess.run([self.tool, *map(str, argv)], stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(done.stdout) if done.stdout else None

    def raw(self, channels):
        return ["-f", "f32le", "-ar", str(RATE), "-ac", str(channels)]

    def sources(self):
        """Name, channels."""
        length = str(self.options.seconds)
        if shutil.which("espeak-ng"):
            subprocess.run(["espeak-ng", "-v", "en", "-s", "150", "-w", self.path("espeak.wav"), TEXT], check=True)
            self.convert(self.path("espeak.wav"), "speech, made", length)
            yield "speech, made", 1
        for name, file in (("speech, broadcast", "jfk.wav"), ("speech, studio", "dfn_clean_freesound_33711.wav")):
            path = os.path.join(self.options.assets, "audio", file)
            if os.path.exists(path):
                self.convert(path, name, length)
                yield name, 1
        for name in ("music", "applause"):
            self.run("make", name, RATE, 2, length, 1, self.path(name))
            yield name, 2

    def convert(self, path, name, length):
        subprocess.run([*FF, "-i", path, "-t", length, "-ac", "1", "-ar", str(RATE), "-f", "f32le", self.path(name)], check=True)

    def filtered(self, channels, text):
        raw = self.raw(channels)
        subprocess.run([*FF, *raw, "-i", self.path("spoilt"), "-af", text, "-f", "f32le", self.path("out")], check=True)

    def native(self, channels, processor, *settings):
        return self.run("run", processor, RATE, channels, self.path("spoilt"), self.path("out"), *settings)

    def noisered(self, source, channels):
        """By a profile of the noise alone."""
        raw = ["-t", "f32", "-r", str(RATE), "-c", str(channels)]
        with open(self.path(source), "rb") as f, open(self.path("spoilt"), "rb") as g:
            clean, noisy = array.array("f", f.read()), array.array("f", g.read())
        array.array("f", (y - x for x, y in zip(clean[:RATE * channels], noisy))).tofile(open(self.path("noise"), "wb"))
        subprocess.run(["sox", *raw, self.path("noise"), "-n", "noiseprof", self.path("profile")], check=True)
        subprocess.run(["sox", "-D", *raw, self.path("spoilt"), *raw, self.path("out"), "noisered", self.path("profile"), "0.3"],
                       check=True, stderr=subprocess.DEVNULL)

    def score(self, source, channels, speech):
        """What the tool says of "out", and MOS of speech."""
        score = self.run("score", RATE, channels, self.path(source), self.path("out"))
        raw = subprocess.run([*FF, *self.raw(channels), "-i", self.path("out"), "-ac", "1", "-ar", "16000", "-f", "f32le", "-"], stdout=subprocess.PIPE,
                             check=True).stdout if speech else None
        return {**score, "mos": self.listener.overall(raw) if speech else None}

    def methods(self, what, kind, source, channels):
        """Name and what makes "out" of "spoilt"."""
        yield "untouched", lambda: shutil.copy(self.path("spoilt"), self.path("out"))
        if what == "hiss":
            heard = self.run("hear", RATE, channels, self.path("spoilt"))
            floor = max(-80, min(-20, heard["noise"][0]))
            yield "**native**, 24 dB", lambda: self.native(channels, "hiss", "reduction=24")
            yield "**native**, 12 dB", lambda: self.native(channels, "hiss", "reduction=12")
            yield "afftdn, nr 24", lambda: self.filtered(channels, "afftdn=nr=24:nf=%.1f" % floor)
            yield "afftdn, nr 12", lambda: self.filtered(channels, "afftdn=nr=12:nf=%.1f" % floor)
            yield "anlmdn", lambda: self.filtered(channels, "anlmdn=s=0.0005")
            model = self.options.rnnoise
            if model:
                yield "arnndn", lambda: self.filtered(channels, "arnndn=m=%s" % model)
            if shutil.which("sox"):
                yield "SoX noisered", lambda: self.noisered(source, channels)
        elif what == "hum":
            yield "**native**", lambda: self.native(channels, "hum")
            notches = ",".join("bandreject=f=%d:width_type=h:w=4" % (int(kind[3:]) * k) for k in range(1, 13))
            yield "12 notches of 4 Hz", lambda: self.filtered(channels, notches)
        elif what in ("clicks", "dropouts"):
            yield "**native**", lambda: self.native(channels, "clicks")
            yield "adeclick", lambda: self.filtered(channels, "adeclick")
        elif what == "buzz":
            yield "**native**", lambda: self.native(channels, "buzz", "fields=%s" % ("50" if kind == "buzz50" else "59.94005994"))
        elif what == "clipping":
            yield "adeclip", lambda: self.filtered(channels, "adeclip")

    def table(self, what, spoils, sources):
        print("\n### %s\n\n| amount | method | SI-SDR: %s | mean | seg. SNR | LSD | MOS |" % (what, ", ".join(n for n, _ in sources)))
        print("|---|---|---|---|---|---|---|")
        for kind, amount in spoils:
            rows = {}
            for name, channels in sources:
                self.run("spoil", kind, RATE, channels, self.path(name), self.path("spoilt"), 3, amount)
                for method, make in self.methods(what, kind, name, channels):
                    make()
                    rows.setdefault(method, []).append(self.score(name, channels, "speech" in name))
            for method, scores in rows.items():
                mean = [statistics.mean(s[k] for s in scores) for k in ("si_sdr", "seg_snr", "lsd")]
                for measure, value, better in zip(("SI-SDR", "segmental SNR", "log-spectral distance"), mean, (figures.MORE, figures.MORE, figures.LESS)):
                    self.figures.add("%s %s, %s: %s" % (kind, amount, method.replace("*", ""), measure), value, "dB", better)
                print("| %s %s | %s | %s | %.1f | %.1f | %.1f | %s |" % (kind, amount, method, ", ".join("%.1f" % s["si_sdr"] for s in scores), *mean,
                                                                     told([s["mos"] for s in scores])), flush=True)

    def clean(self, sources):
        print("\n### Clean sound, SI-SDR of what comes out\n\n| processor | %s |\n|---|%s" % (" | ".join(n for n, _ in sources),
                                                                                       "---|" * len(sources)))
        for processor, settings in (("hum", ()), ("hum", ("frequency=50",)), ("hum", ("frequency=60",)), ("clicks", ()),
                                    ("buzz", ()), ("buzz", ("fields=50",)), ("hiss", ("reduction=12",))):
            row = []
            for name, channels in sources:
                shutil.copy(self.path(name), self.path("spoilt"))
                self.native(channels, processor, *settings)
                score = self.run("score", RATE, channels, self.path(name), self.path("out"))["si_sdr"]
                row.append("same" if score >= 129 else "%.1f" % score)
            print("| %s %s | %s |" % (processor, " ".join(settings), " | ".join(row)), flush=True)

    def speed(self):
        self.run("make", "music", RATE, 2, 60, 1, self.path("spoilt"))

        def seconds(text):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            self.filtered(2, text)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        base = seconds("anull")
        times = {"afftdn": seconds("afftdn") - base, "anlmdn": seconds("anlmdn=s=0.0005") - base,
                 "adeclick": seconds("adeclick") - base}
        for processor in ("hiss", "hum", "clicks", "buzz"):
            times["**%s**" % processor] = self.native(2, processor)["cpu_seconds"]
        print("\n### Speed, stereo at 48 kHz, one core\n\n| | times real time | afftdn's time / its |\n|---|---|---|")
        for name, time in times.items():
            self.figures.add("%s: speed" % name.replace("*", ""), 60 / time, "times real time", figures.MORE if "*" in name else figures.NEITHER)
            print("| %s | %.0f | %.2f |" % (name, 60 / time, times["afftdn"] / time))

    def wow(self, sources):
        """What is told of a speed that swings, beside what was made."""
        print("\n### Wow and flutter: RMS in percent and confidence, as told\n\n| made | %s |\n|---|%s" % (" | ".join(n for n, _ in sources),
                                                                                                  "---|" * len(sources)))
        for kind, percent in (("wow", 0), ("wow", 0.1), ("wow", 0.3), ("flutter", 0.1), ("flutter", 0.3)):
            row = []
            for name, channels in sources:
                self.run("spoil", kind, RATE, channels, self.path(name), self.path("spoilt"), 3, percent)
                heard = self.run("hear", RATE, channels, self.path("spoilt"))["wow"]
                row.append("%.2f (%.1f)" % (heard["percent"], heard["confidence"]))
            print("| %s %s | %s |" % (kind, percent, " | ".join(row)), flush=True)

    def modes(self):
        """Whole runs as users have them, of ten minutes: read, listened to, restored in one piece, kept below the ceiling, and written."""
        self.run("make", "music", RATE, 2, 120, 1, self.path("short"))
        subprocess.run([*FF, "-stream_loop", "4", *self.raw(2), "-i", self.path("short"), "-c:a", "pcm_s16le", self.path("in.wav")], check=True)
        print("\n### Whole runs, ten minutes of stereo at 48 kHz as PCM, a core\n\n| | times real time |\n|---|---|")
        for mode in ("light", "moderate", "aggressive", "voice", "music", "auto"):
            times = 600 / self.program("--audio-enhance", mode)
            self.figures.add("%s: whole run" % mode, times, "times real time", figures.MORE)
            print("| %s | %.0f |" % (mode, times), flush=True)

    def take_networks(self):
        self.env = sound_networks.put(os.path.join(self.options.build, "terminalai"), self.options.assets, os.path.join(self.folder, "data")) or self.env

    def program(self, *args):
        """The program as users call it, without a cache; its user and system seconds."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([os.path.join(self.options.build, "terminalai"), "audio", self.path("in.wav"), "-o", self.path("out.wav"), "--overwrite", "--audio-codec",
                        "pcm", "--progress", "none", *args], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.env)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def networks(self):
        """Real noise as loud as the speech (the assets' pair), by what is fetched: terminalai models."""
        noisy, clean = (os.path.join(self.options.assets, "audio", n) for n in ("dfn_noisy_snr0.wav", "dfn_clean_freesound_33711.wav"))
        shutil.copy(noisy, self.path("in.wav"))
        for path, name in ((clean, "clean"), (noisy, "spoilt")):
            subprocess.run([*FF, "-i", path, "-ac", "1", "-ar", str(RATE), "-f", "f32le", self.path(name)], check=True)
        length = os.path.getsize(self.path("clean")) / 4 / RATE
        copy = self.program("--audio-gain", "0.001")
        print("\n### Noise as loud as speech\n\n| method | SI-SDR | seg. SNR | LSD | MOS | times real time |\n|---|---|---|---|---|---|")
        methods = [("untouched", None), ("afftdn, nr 24", "afftdn=nr=24:nf=-35"), ("**native** hiss, 24 dB", "hiss")]
        methods += [("**%s**" % m, ["--audio-enhance", "neural", "--audio-model", m]) for m in ("deepfilternet3", "gtcrn", "rnnoise-sh", "rnnoise-bd", "rnnoise-mp")]
        for name, how in methods:
            speed = ""
            if how is None:
                shutil.copy(self.path("spoilt"), self.path("out"))
            elif how == "hiss":
                self.native(1, "hiss", "reduction=24")
            elif isinstance(how, str):
                self.filtered(1, how)
            else:
                speed = "%.0f" % (length / max(1e-3, self.program(*how) - copy))
                self.convert(self.path("out.wav"), "out", "60")
            score = self.score("clean", 1, True)
            print("| %s | %.1f | %.1f | %.1f | %s | %s |" % (name, score["si_sdr"], score["seg_snr"], score["lsd"], told([score["mos"]]), speed), flush=True)
        self.treble(clean)

    def treble(self, clean):
        """Speech that has lost all above 8 kHz, and what is put there again."""
        print("\n### Treble lost, speech\n\n| method | SI-SDR | LSD | times real time |\n|---|---|---|---|")
        subprocess.run([*FF, "-i", clean, "-ac", "1", "-ar", "16000", self.path("in.wav")], check=True)
        length, copy = os.path.getsize(self.path("clean")) / 4 / RATE, self.program("--audio-gain", "0.001")
        for name, args in (("at 16 kHz", None), ("**flashsr-lite**", ["--audio-extend", "always"])):
            speed = "%.1f" % (length / (self.program(*args) - copy)) if args else ""
            self.convert(self.path("out.wav" if args else "in.wav"), "out", "60")
            score = self.score("clean", 1, False)
            print("| %s | %.1f | %.1f | %s |" % (name, score["si_sdr"], score["lsd"], speed), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--assets", default="../shared/assets")
    parser.add_argument("--rnnoise", help="a model for arnndn")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--only", help="of hiss, hum, clicks, dropouts, buzz, clipping, clean, speed, wow; modes, networks by name alone")
    figures.option(parser)
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else None
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, folder)
        bench.take_networks()
        sources = list(bench.sources())
        for what, spoils in SPOILS:
            if not wanted or what in wanted:
                bench.table(what, spoils, sources)
        if not wanted or "clean" in wanted:
            bench.clean(sources)
        if not wanted or "speed" in wanted:
            bench.speed()
        if not wanted or "wow" in wanted:
            bench.wow(sources)
        if wanted and "modes" in wanted:
            bench.modes()
        if wanted and "networks" in wanted:
            bench.networks()
    bench.figures.save()


if __name__ == "__main__":
    main()
