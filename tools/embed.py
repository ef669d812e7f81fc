#!/usr/bin/env python3
"""Writes a C file that holds the given files as the table SYMBOL (see src/recipe/embedded.h).

usage: embed.py OUTPUT.c SYMBOL FILE...

An entry's name is the file's name without its extension. Data is followed by a NUL that `size` does not count.
"""

import pathlib
import sys


def c_string(data):
    """Bytes as C string literals, one a source line, at most 4000 characters each."""
    special = {0x0A: "\\n", 0x09: "\\t", 0x22: '\\"', 0x5C: "\\\\"}
    lines, line = [], ""
    for byte in data:
        if byte in special:
            line += special[byte]
        elif 0x20 <= byte < 0x7F and byte != 0x3F:  # not "?": no trigraphs
            line += chr(byte)
        else:
            line += "\\%03o" % byte
        if byte == 0x0A or len(line) > 4000:
            lines.append('"%s"' % line)
            line = ""
    lines.append('"%s"' % line)
    return "\n     ".join(lines)


def main():
    output, symbol, inputs = pathlib.Path(sys.argv[1]), sys.argv[2], [pathlib.Path(name) for name in sys.argv[3:]]
    text = ["// Made by tools/embed.py; changes are lost.", '#include "recipe/embedded.h"', ""]
    text.append("const struct ta_embedded_file %s[] = {" % symbol)
    for path in sorted(inputs, key=lambda p: p.stem):
        data = path.read_bytes()
        text.append('    {"%s",\n     %s,\n     %d},' % (path.stem, c_string(data), len(data)))
    text.append("    {0, 0, 0},")
    text.append("};")
    output.write_text("\n".join(text) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
