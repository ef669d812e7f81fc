#!/usr/bin/env python3
"""Checks the direction of #includes against the table of layers in docs/architecture.md (section 2).

usage: layers.py [--self-test] [ROOT]
"""

import pathlib
import re
import sys
import tempfile

from ctext import ROOT, includes, source_files

# Folders in the order of the drawing in docs/architecture.md; a folder may include from the ones named, besides itself and
# <terminalai/...>.
PIECES = ("base", "dsp", "media", "infer", "draw", "video", "audio", "diagnose", "simulate")
PLAN = PIECES + ("recipe", "plan")
RESTORE = PLAN + ("pictures", "metrics", "restore")
LAYERS = {
    "base": (),
    "dsp": ("base",),
    "media": ("base", "dsp"),
    "infer": ("base", "media"),
    "draw": ("base", "media"),
    "video": ("base", "media", "dsp", "infer"),
    "audio": ("base", "media", "dsp", "infer"),
    "diagnose": ("base", "media", "dsp"),
    "simulate": ("base", "media", "dsp", "draw"),
    "recipe": ("base", "media", "infer", "video", "audio"),
    "plan": ("base", "media", "infer", "video", "audio", "diagnose", "recipe"),
    "pictures": PLAN,
    "metrics": ("base",),
    "restore": RESTORE,
    "show": RESTORE,
    "jobs": RESTORE + ("show",),
    "server": RESTORE + ("show", "jobs"),
    "perf": RESTORE + ("show", "jobs", "server"),
    "cli": RESTORE + ("show", "jobs", "server", "perf"),
}
# What a folder may not include although its row allows the folder. A plan is decided from facts: nothing is opened.
REFUSED = {
    "plan": (r"(unistd|fcntl|sys/stat)\.h$", r"base/(file|dir)\.h$", r"media/(source|reader)\.h$", r"media/picture/graph\.h$"),
}

# Libraries behind doors: a header's pattern and the folders that may include it. libavutil (frames, formats, rationals) is
# the common language above base. The program only prints versions of the rest of libav.
LIBRARIES = (
    (r"libav(format|filter|device)/", ("media", "cli")),
    (r"libav(codec|util)/|libsw", ("media", "dsp", "infer", "video", "audio", "draw", "diagnose", "simulate", "recipe", "plan", "pictures", "restore",
                                        "show", "jobs", "perf", "cli")),
    (r"yaml\.h$", ("base",)),
    (r"uthash\.h$|utlist\.h$|utarray\.h$", ("base",)),
    (r"onnxruntime|nvvfx|nvVideoEffects", ("infer",)),
    (r"sqlite3\.h$", ("jobs",)),
    (r"microhttpd\.h$", ("server",)),
    (r"curl/", ("infer", "jobs")),
    (r"ebur128\.h$", ("audio",)),
    (r"clang-c/", ("perf",)),
)

# What a public header may include: the language and its own kind.
PUBLIC_SYSTEM = re.compile(r"terminalai/|(stdarg|stdbool|stddef|stdint|stdio|inttypes|limits)\.h$")


def check_public(where, name, system):
    if not system or not PUBLIC_SYSTEM.match(name):
        yield "%s: a public header includes only <terminalai/...> and plain C headers, not %s" % (where, name)


def check_internal(root, folder, where, name, system):
    for pattern in REFUSED.get(folder, ()):
        if re.match(pattern, name):
            yield "%s: src/%s may not include %s: what it decides is decided from facts" % (where, folder, name)
    if system:
        for pattern, allowed in LIBRARIES:
            if re.match(pattern, name) and folder not in allowed:
                yield "%s: src/%s may not include <%s> (only %s)" % (where, folder, name, ", ".join(allowed))
        return
    if name == "config.h":
        return
    target = name.split("/")[0]
    if name.startswith(".") or "/" not in name:
        yield '%s: write "folder/file.h", not "%s"' % (where, name)
    elif name.startswith("terminalai/"):
        yield "%s: write <%s>" % (where, name)
    elif target not in LAYERS:
        yield "%s: %s is in no known layer" % (where, name)
    elif target != folder and target not in LAYERS[folder]:
        yield "%s: src/%s may not include from src/%s (%s)" % (where, folder, target, name)
    elif not (root / "src" / name).exists():
        yield "%s: src/%s does not exist" % (where, name)


def reached(root, folder, name, seen):
    """Headers of other folders that a file includes, however far, by lawful ways; with the one that includes each."""
    path = root / "src" / name
    if not path.exists():
        return
    for _, below, system in includes(path.read_text(encoding="utf-8")):
        home = below.split("/")[0]
        if system or below in seen or (home != folder and home not in LAYERS[folder]):
            continue
        seen.add(below)
        if not name.startswith(folder + "/"):
            yield below, name
        yield from reached(root, folder, below, seen)


def check_reached(root, folder):
    """What is refused may not come in by way of another header either."""
    told = set()
    for path in source_files(root, ("src/" + folder,)):
        name = str(path.relative_to(root / "src"))
        for below, by in reached(root, folder, name, set()):
            if (below, by) not in told and any(re.match(p, below) for p in REFUSED[folder]):
                told.add((below, by))
                yield "src/%s: it reaches %s by way of %s, which src/%s may not" % (name, below, by, folder)


def problems(root):
    for folder in REFUSED:
        yield from check_reached(root, folder)
    for path in source_files(root, ("include", "src", "examples")):
        parts = path.relative_to(root).parts
        for line, name, system in includes(path.read_text(encoding="utf-8")):
            where = "%s:%d" % (path.relative_to(root), line)
            if parts[0] == "include":
                yield from check_public(where, name, system)
            elif parts[0] == "examples":
                if not system:
                    yield "%s: an example uses the public headers only, not %s" % (where, name)
            elif parts[1] in LAYERS:
                yield from check_internal(root, parts[1], where, name, system)
            else:
                yield "%s: src/%s is in no known layer" % (where, parts[1])


def self_test():
    """Planted violations must be found, one each; lawful includes must pass."""
    bad = {
        "src/base/a.c": '#include "media/index.h"\n',
        "src/media/b.c": "  #  include \"video/stage.h\"\n",
        "src/video/c.c": '/* #include "cli/x.h" */\n#include "restore/plan.h"\n',
        "src/restore/d.h": '#include "cli/command.h"\n',
        "src/video/e.c": '#include "../base/log.h"\n',
        "src/video/f.c": '#include "log.h"\n',
        "src/restore/g.c": '#include "terminalai/log.h"\n',
        "src/restore/h.c": "#include <libavfilter/avfilter.h>\n",
        "src/base/i.h": "#include <libavutil/frame.h>\n",
        "src/odd/j.c": "#include <stdio.h>\n",
        "src/cli/k.c": '#include "base/missing.h"\n',
        "src/plan/p.c": "#include <unistd.h>\n",
        "src/plan/q.c": '#include "base/file.h"\n',
        "src/plan/u.h": '#include "media/u.h"\n',
        "src/plan/r.c": '#include "restore/run.h"\n',
        "src/restore/s.c": '#include "show/preview.h"\n',
        "src/pictures/t.c": '#include "restore/run.h"\n',
        "src/media/l.c": "#include <yaml.h>\n",
        "include/terminalai/m.h": "#include <libavutil/frame.h>\n",
        "include/terminalai/n.h": '#include "base/log.h"\n',
        "examples/o.c": '#include "restore/plan.h"\n',
    }
    good = {
        "src/base/file.h": "",
        "src/media/u.h": '#include "media/source.h"\n',
        "src/restore/run.h": '#include "pictures/frames.h"\n',
        "src/pictures/frames.h": '#include "plan/plan.h"\n#include "media/source.h"\n',
        "src/media/source.h": "",
        "src/show/preview.h": '#include "restore/run.h"\n#include "pictures/frames.h"\n',
        "src/plan/plan.h": "#include <string.h>\n",
        "src/base/log.h": "#include <terminalai/log.h>\n#include <jansson.h>\n",
        "src/media/index.h": '#include "base/log.h"\n#include <libavformat/avformat.h>\n',
        "src/video/stage.h": '#include "media/index.h"\n// #include "cli/x.h"\n#include <libavutil/frame.h>\n',
        "src/restore/plan.h": '#include "video/stage.h"\n',
        "src/cli/command.h": '#include "restore/plan.h"\n',
        "include/terminalai/log.h": "#include <stdint.h>\n#include <terminalai/error.h>\n",
        "examples/good.c": "#include <terminalai/log.h>\n#include <stdio.h>\n",
    }
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in {**bad, **good}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        found = {}
        for problem in problems(root):
            found.setdefault(problem.split(":")[0], []).append(problem)
    failures = ["not found: " + name for name in bad if len(found.get(name, [])) != 1]
    failures += ["wrongly found: " + p for name in good for p in found.get(name, [])]
    return failures


def main():
    args = sys.argv[1:]
    if args and args[0] == "--self-test":
        found = self_test()
    else:
        found = list(problems(pathlib.Path(args[0]).resolve() if args else ROOT))
    for problem in found:
        print(problem)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
