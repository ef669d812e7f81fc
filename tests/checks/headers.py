#!/usr/bin/env python3
"""Every header compiles alone: public ones as C11 and C++17, those of src/ as C11.

usage: headers.py public|internal ROOT COMPILER... [-- FLAG...]

`public` takes two compilers (C and C++; "" for a missing one), `internal` one. Each may be several words. Flags (include
folders of libraries) are used for internal headers only: a public header must not need any. Exit status 77 when a compiler
is missing.
"""

import pathlib
import shlex
import subprocess
import sys
import tempfile

WARNINGS = ["-Wall", "-Wextra", "-Wundef", "-Werror", "-fsyntax-only"]


def compile_alone(compiler, language, header, flags):
    """The compiler's messages, or "" if a file that includes nothing else compiles. Twice, so that a guard is needed."""
    with tempfile.NamedTemporaryFile("w", suffix=".cpp" if language == "c++" else ".c") as source:
        source.write("#include <%s>\n#include <%s>\n" % (header, header))
        if language == "c":
            source.write("extern int ta_not_empty;\n")
        source.flush()
        command = compiler + flags + WARNINGS + [source.name]
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return result.stdout or "failed without a message" if result.returncode else ""


def main():
    kind, root = sys.argv[1], pathlib.Path(sys.argv[2])
    rest = sys.argv[3:]
    flags = rest[rest.index("--") + 1:] if "--" in rest else []
    compilers = [shlex.split(c) for c in (rest[:rest.index("--")] if "--" in rest else rest)]

    if kind == "public":
        base = root / "include"
        runs = [("c", compilers[0], ["-std=c11", "-Wstrict-prototypes", "-Wpedantic", "-I" + str(base)])]
        if compilers[1:] and compilers[1]:
            runs.append(("c++", compilers[1], ["-std=c++17", "-Wpedantic", "-I" + str(base)]))
    else:
        base = root / "src"
        runs = [("c", compilers[0], ["-std=c11", "-D_GNU_SOURCE", "-I" + str(root / "include"), "-I" + str(base)] + flags)]

    headers = sorted(p.relative_to(base).as_posix() for p in base.rglob("*.h"))
    failed = 0
    for header in headers:
        for language, compiler, own in runs:
            message = compile_alone(compiler, language, header, own)
            if message:
                failed += 1
                print("%s does not compile alone as %s:\n%s" % (header, own[0][5:], message))
    print("%d headers, %d failures" % (len(headers), failed))
    if failed or not headers:
        sys.exit(1)
    if kind == "public" and len(runs) < 2:
        print("no C++ compiler: C++17 not tried")
        sys.exit(77)


if __name__ == "__main__":
    main()
