#!/usr/bin/env python3
"""Prints the files of FOLDER (relative to the source root) that match PATTERN, sorted, one a line.

usage: list_files.py FOLDER PATTERN
"""

import os
import pathlib
import sys


def main():
    folder, pattern = sys.argv[1:]
    root = pathlib.Path(os.environ.get("MESON_SOURCE_ROOT", pathlib.Path(__file__).resolve().parent.parent))
    for path in sorted((root / folder).glob(pattern)):
        print(path.relative_to(root).as_posix())


if __name__ == "__main__":
    main()
