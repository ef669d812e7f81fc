#!/usr/bin/env python3
"""Checks what the formatter can't see: no volatile, no polling by sleeping, no notes to be done later, the environment read
by the program and the recipe alone, limits on the size and branching of functions and files, header guards.

A wait that is meant to end by time (a progress line, a retry) is allowed when its line or the one before it says why:
"// timed wait: ...".

usage: source.py [--self-test] [--report] [ROOT]
"""

import pathlib
import re
import sys
import tempfile

from ctext import ROOT, functions, source_files, strip

MAX_FUNCTION_LINES = 150
MAX_BRANCHES = 50
MAX_FILE_LINES = 1000
MAX_COLUMNS = 120  # the formatter breaks code at 110; this also bounds what it can't break

SLEEPS = re.compile(r"\b(usleep|sleep|nanosleep|clock_nanosleep|sched_yield|pthread_cond_timedwait|pthread_cond_clockwait|thrd_sleep|(?<!void )ta_sleep_us)\s*\(")
ENVIRONMENT = re.compile(r"\b(secure_)?getenv\s*\(")
LATER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
THREADS = re.compile(r"\b(ta_thread|pthread)_create\(")
BRANCH = re.compile(r"\b(if|for|while|case)\b|&&|\|\||\?")


def check_file(path, name, in_library):
    text = path.read_text(encoding="utf-8")
    lines, bare = text.split("\n"), strip(text).split("\n")
    if len(lines) > MAX_FILE_LINES:
        yield "%s: %d lines (limit %d)" % (name, len(lines), MAX_FILE_LINES)
    for number, (line, code) in enumerate(zip(lines, bare), 1):
        if len(line) > MAX_COLUMNS:
            yield "%s:%d: %d columns (limit %d)" % (name, number, len(line), MAX_COLUMNS)
        if line != line.rstrip() or "\t" in line:
            yield "%s:%d: a tab or a space at the end" % (name, number)
        if LATER.search(line):
            yield "%s:%d: a note for later: do it or file it" % (name, number)
        if in_library and re.search(r"\bvolatile\b", code):
            if "sig_atomic_t" not in code:
                yield "%s:%d: volatile does not synchronise; use the queue, a lock or an atomic" % (name, number)
        if in_library and ENVIRONMENT.search(code) and not name.startswith(("src/cli/", "src/recipe/")):
            yield "%s:%d: only cli and recipe read the environment; hand it down" % (name, number)
        if in_library and SLEEPS.search(code):
            if "timed wait:" not in line and "timed wait:" not in lines[number - 2]:
                yield '%s:%d: a timed wait without "// timed wait: reason"' % (name, number)
    if name.startswith("tests/unit/test_") and THREADS.search(text) and "// suite: thread" not in lines:
        yield '%s: a test with threads needs the line "// suite: thread"' % name
    for function, first, last, body in functions(text):
        length, branches = last - first + 1, len(BRANCH.findall(body)) + 1
        if length > MAX_FUNCTION_LINES:
            yield "%s:%d: %s has %d lines (limit %d)" % (name, first, function, length, MAX_FUNCTION_LINES)
        if branches > MAX_BRANCHES:
            yield "%s:%d: %s branches %d times (limit %d)" % (name, first, function, branches, MAX_BRANCHES)
    if path.suffix == ".h" and not re.search(r"^#ifndef (TA|TERMINALAI)_\w+_H\n#define \1_\w+_H$", text, flags=re.M):
        yield "%s: no header guard of the form TA_FOLDER_FILE_H" % name


def problems(root):
    for path in source_files(root):
        name = str(path.relative_to(root))
        yield from check_file(path, name, name.startswith(("src/", "include/")))


def report(root):
    """The largest functions, for people."""
    rows = []
    for path in source_files(root, ("src",)):
        for function, first, last, body in functions(path.read_text(encoding="utf-8")):
            rows.append((last - first + 1, len(BRANCH.findall(body)) + 1, function, path.relative_to(root), first))
    for length, branches, function, path, first in sorted(rows, reverse=True)[:20]:
        print("%4d lines %3d branches  %s (%s:%d)" % (length, branches, function, path, first))


def self_test():
    guard = "#ifndef TA_BASE_X_H\n#define TA_BASE_X_H\n#endif\n"
    bad = {
        "src/base/volatile.c": "static volatile int done;\n",
        "src/base/poll.c": "static void wait(void)\n{\n    usleep(1000);\n}\n",
        "src/base/cond.c": "static void wait(void)\n{\n    pthread_cond_timedwait(&c, &l, &t);\n}\n",
        "src/base/later.c": "// TO" "DO: free it\n",
        "src/base/long.c": "int ta_f(int a)\n{\n" + "    a++;\n" * 160 + "    return a;\n}\n",
        "src/base/branchy.c": "int ta_g(int a)\n{\n" + "    if (a && a > 1)\n        a++;\n" * 30 + "    return a;\n}\n",
        "src/base/wide.c": "// " + "x" * 130 + "\n",
        "src/base/tab.c": "int\tta_x;\n",
        "src/base/guard.h": "int ta_h(void);\n",
        "src/media/environment.c": "static const char *home(void)\n{\n    return getenv(\"HOME\");\n}\n",
        "src/base/huge.c": "int ta_y;\n" * 1100,
        "tests/unit/test_y.c": "static void go(void)\n{\n    pthread_create(&t, NULL, run, NULL);\n}\n",
    }
    good = {
        "src/base/words.c": 'static const char *s = "volatile usleep(1)"; // volatile, usleep(1)\n',
        "src/base/reason.c": "static void tick(void)\n{\n    // timed wait: the progress line\n    nanosleep(&t, NULL);\n}\n",
        "src/recipe/environment.c": "static const char *home(void)\n{\n    return getenv(\"HOME\");\n}\n",
        "src/base/signal.c": "static volatile sig_atomic_t interrupted;\n",
        "src/base/x.h": guard,
        "tests/unit/test_z.c": "// suite: thread\nstatic void go(void)\n{\n    pthread_create(&t, NULL, run, NULL);\n}\n",
        "tests/unit/test_x.c": "static void nap(void)\n{\n    usleep(10);\n}\n",
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
    mode = args.pop(0) if args and args[0].startswith("--") else ""
    root = pathlib.Path(args[0]).resolve() if args else ROOT
    if mode == "--report":
        report(root)
        return
    found = self_test() if mode == "--self-test" else list(problems(root))
    for problem in found:
        print(problem)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
