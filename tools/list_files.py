#!/usr/bin/env python3
"""Prints the files of FOLDER (relative to the source root) that match PATTERN, sorted, one a line.

usage: list_files.py FOLDER PATTERN [LINE]

With LINE, only those that have it as a line of their own.
"""

import os
import pathlib
import sys


def main():
    folder, pattern = sys.argv[1:3]
    mark = sys.argv[3] if len(sys.argv) > 3 else None
    root = pathlib.Path(os.environ.get("MESON_SOURCE_ROOT", pathlib.Path(__file__).resolve().parent.parent))
    for path in sorted((root / folder).glob(pattern)):
        if mark is None or mark in path.read_text(encoding="utf-8").split("\n"):
            print(path.relative_to(root).as_posix())


if __name__ == "__main__":
    main()
