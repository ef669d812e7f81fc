#!/usr/bin/env python3
"""Writes a C file that holds the files of the page as the table ta_page_files (see src/server/pages.h).

usage: embed_pages.py OUTPUT.c [FOLDER]

FOLDER is what the page's build has made; without one, or without an index.html in it, the table is empty. A name such as
"app.0f3a9c21.js", with eight or more hexadecimal digits before its extension, names its bytes and may be kept for ever by
browsers. A file beside it with ".br" at the end is the same by brotli.
"""

import gzip
import hashlib
import pathlib
import re
import sys

TYPES = {
    ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon", ".woff2": "font/woff2", ".json": "application/json",
    ".webmanifest": "application/manifest+json", ".txt": "text/plain; charset=utf-8",
}
HASHED = re.compile(r"[.-][0-9a-zA-Z]{8,}\.[a-z0-9]+$")


def array(name, data):
    rows = (data[i:i + 24] for i in range(0, len(data), 24))
    return "static const unsigned char %s[] = {\n%s\n};\n" % (name, "\n".join("    " + ",".join(map(str, r)) + "," for r in rows))


def table(folder):
    arrays, rows = [], []
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix not in (".br", ".map"))
    for number, path in enumerate(files):
        if path.suffix not in TYPES:
            sys.exit("%s: no media type is known for it" % path)
        data = path.read_bytes()
        packed = path.with_name(path.name + ".br")
        forms = {"plain": data, "gzip": gzip.compress(data, 9, mtime=0), "brotli": packed.read_bytes() if packed.exists() else b""}
        row = []
        for form, content in forms.items():
            small = form == "plain" or 0 < len(content) < len(data)
            if small and content:
                arrays.append(array("%s_%d" % (form, number), content))
            row.append(("%s_%d" % (form, number), len(content)) if small and content else ("0", 0))
        name = "/" + path.relative_to(folder).as_posix()
        served = "/" if name == "/index.html" else name
        rows.append('    {"%s", "%s", "%s", %s, %s, %s},' % (served, TYPES[path.suffix], hashlib.sha256(data).hexdigest()[:16],
            "true" if HASHED.search(path.name) else "false", ", ".join(r[0] for r in row), ", ".join(str(r[1]) for r in row)))
    return arrays, sorted(rows)


def main():
    output, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
    arrays, rows = table(folder) if folder and (folder / "index.html").exists() else ([], [])
    text = ["// Made by tools/embed_pages.py; changes are lost.", '#include "server/pages.h"', "", *arrays,
        "const struct ta_page_file ta_page_files[] = {", *rows, "    {0},", "};"]
    output.write_text("\n".join(text) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
