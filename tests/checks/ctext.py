"""What the source checks share: C text without comments and strings, functions, and the list of source files."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDERS = ("include", "src", "tests", "examples", "bench")


def source_files(root, folders=FOLDERS, suffixes=(".c", ".h")):
    """Sorted paths of C files under the given folders of `root`."""
    found = []
    for folder in folders:
        found += [p for p in (root / folder).rglob("*") if p.suffix in suffixes and p.is_file()]
    return sorted(found)


def _blank(match):
    """Spaces for a comment or literal, line breaks kept, so that line numbers stay true."""
    return re.sub(r"[^\n]", " ", match.group(0))


def strip(text):
    """C text with comments, strings and character constants blanked out; places and line numbers stay."""
    return re.sub(r"""/\*.*?\*/|//(?:[^\n\\]|\\.)*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", _blank, text, flags=re.S)


def includes(text):
    """(line number, name, is <system>) of each #include."""
    without_comments = re.sub(r"/\*.*?\*/|//[^\n]*", _blank, text, flags=re.S)
    found = []
    for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', without_comments, flags=re.M):
        found.append((without_comments.count("\n", 0, match.start()) + 1, match.group(2), match.group(1) == "<"))
    return found


def functions(text):
    """(name, first line, last line, body) of each function, by the style rule that a function's braces stand alone in the
    first column. `body` is stripped."""
    lines = strip(text).split("\n")
    found, start = [], None
    for number, line in enumerate(lines):
        if line.rstrip() == "{":
            start = number
        elif start is not None and re.match(r"\}\s*$", line):
            head, place = "", start - 1
            while place >= 0 and lines[place].strip() and not lines[place].rstrip().endswith((";", "}")) \
                    and not lines[place].startswith("#"):
                head = lines[place] + " " + head
                place -= 1
            name = re.search(r"(\w+)\s*\(", head)
            found.append((name.group(1) if name else "?", start + 1, number + 1, "\n".join(lines[start:number + 1])))
            start = None
    return found
