"""What the scripts measure, for `terminalai perf bench`: name, value, unit, and which way is better."""
import json
import time

LESS, MORE, NEITHER = "less", "more", "neither"


class Figures:
    """`exact`: the same each time it is measured, on any machine (a picture's quality, a count)."""

    def __init__(self, path):
        self.path, self.rows = path, []

    def add(self, name, value, unit, better, exact=False):
        self.rows.append({"name": name, "value": value, "unit": unit, "better": better, "exact": exact})

    def save(self):
        if self.path:
            with open(self.path, "w", encoding="utf-8") as f:
                json.dump({"figures": self.rows}, f, indent=1)


def cpu_seconds(pid):
    """Of one process, to the nanosecond, with threads that have ended; its children are processes of their own."""
    return time.clock_gettime((~pid << 3) | 2)  # the clock of another process: clock_getcpuclockid(3)


def put_into(path, maker, lines):
    """Puts lines of Markdown between the marks that `maker` has in a document."""
    begin, end = ("<!-- made by %s: %s -->" % (maker, which) for which in ("begin", "end"))
    with open(path, encoding="utf-8") as f:
        text = f.read()
    if begin not in text or end not in text:
        raise SystemExit("%s has no place for %s: %s and %s" % (path, maker, begin, end))
    before, after = text[:text.index(begin) + len(begin)], text[text.index(end):]
    with open(path, "w", encoding="utf-8") as f:
        f.write(before + "\n\n" + "\n".join(lines) + "\n\n" + after)


def option(parser):
    parser.add_argument("--figures", metavar="FILE", help="also write the values there, for terminalai perf bench")
