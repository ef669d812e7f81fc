#!/usr/bin/env python3
"""Checks symbol names with nm.

usage: symbols.py exports SHARED_LIBRARY HEADER...   the library exports what the headers declare, no more and no less
       symbols.py names ARCHIVE_OR_OBJECT...         nothing that isn't static lacks the prefix ta_ (main excepted)

Exit status 77 when nm is missing.
"""

import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools"))
import exports  # noqa: E402 (the list that the build itself uses)


def defined(path, dynamic):
    command = ["nm", "--defined-only", "--extern-only"] + (["--dynamic"] if dynamic else []) + [path]
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return set(re.findall(r"^[0-9a-f]+ [A-Za-z] (\S+)$", output, flags=re.M))


def main():
    if not shutil.which("nm"):
        print("nm is missing")
        sys.exit(77)
    mode, paths = sys.argv[1], sys.argv[2:]
    problems = []
    if mode == "exports":
        found = {name.split("@")[0] for name in defined(paths[0], dynamic=True)}
        declared = set()
        for header in paths[1:]:
            declared |= exports.declared(pathlib.Path(header).read_text(encoding="utf-8"))
        problems += ["declared, but not exported: " + n for n in sorted(declared - found)]
        problems += ["exported, but not declared: " + n for n in sorted(found - declared)]
        print("%d declared, %d exported" % (len(declared), len(found)))
        if not declared:
            problems.append("the headers declare nothing")
    else:
        seen = 0
        for path in paths:
            names = defined(path, dynamic=False)
            seen += len(names)
            problems += ["%s: %s lacks the prefix ta_" % (path, n) for n in sorted(names)
                         if not n.startswith("ta_") and n != "main" and not n.startswith("__")]
        print("%d symbols" % seen)
        if not seen:
            problems.append("no symbols found")
    for line in problems:
        print(line)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
