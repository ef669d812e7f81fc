#!/usr/bin/env python3
"""Lists the symbols that the public headers declare, as the list of what the shared library exports.

usage: exports.py [--map | --darwin | --plain] [-o OUTPUT] HEADER...
"""

import argparse
import pathlib
import re
import sys


def strip(text):
    """C text without comments, strings and preprocessor lines."""
    text = re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', " ", text, flags=re.S)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", " ", text, flags=re.M)


def declared(text):
    """Names of the functions and extern variables that a header declares; bodies of inline functions, structs and
    enums are skipped."""
    names, depth, statement = set(), 0, ""
    text = re.sub(r"\bextern\s*\{", " ", strip(text))  # extern "C" {
    for token in re.findall(r"[{};]|[^{};]+", text):
        if token == "{":
            if depth == 0 and "(" in statement:
                statement = ""  # an inline function: nothing to export
            depth += 1
        elif token == "}":
            depth = max(0, depth - 1)  # also the closing brace of extern "C"
        elif depth == 0 and token == ";":
            one = " ".join(statement.split())
            statement = ""
            if not one or one.startswith(("typedef", "static")):
                continue
            one = re.sub(r"__attribute__\s*\(\(.*?\)\)", "", one)
            found = re.search(r"\b(ta_\w+)\s*\(", one)
            if not found and one.startswith("extern"):
                found = re.search(r"\b(ta_\w+)\s*(?:\[[^]]*\])*$", one)
            if found:
                names.add(found.group(1))
        elif depth == 0:
            statement += token
    return names


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--map", action="store_const", dest="form", const="map", default="map")
    parser.add_argument("--darwin", action="store_const", dest="form", const="darwin")
    parser.add_argument("--plain", action="store_const", dest="form", const="plain")
    parser.add_argument("-o", dest="output")
    parser.add_argument("headers", nargs="+")
    args = parser.parse_args()

    names = set()
    for header in args.headers:
        names |= declared(pathlib.Path(header).read_text(encoding="utf-8"))
    if not names:
        sys.exit("exports.py: the headers declare nothing")
    if args.form == "map":
        text = "{\nglobal:\n" + "".join("    %s;\n" % n for n in sorted(names)) + "local:\n    *;\n};\n"
    else:
        prefix = "_" if args.form == "darwin" else ""
        text = "".join("%s%s\n" % (prefix, n) for n in sorted(names))
    if args.output:
        pathlib.Path(args.output).write_text(text, encoding="ascii")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
