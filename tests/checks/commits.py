#!/usr/bin/env python3
"""Checks the messages of the last commits: a subject "area: lower-case imperative" of at most 72 columns without a full
stop, and an empty second line.

usage: commits.py [--self-test] [COUNT]
"""

import re
import subprocess
import sys

MAX_SUBJECT = 72
# Commits that came in before this check ran on them; history is not rewritten for it.
ACCEPTED = (
    "408027dd27530fded8d9600eabd045dfb0a72f3b",
    "749243c09f6d32725cbbb71bf15144f47b8a5995",
)


def problems_of(message):
    lines = message.rstrip("\n").split("\n")
    subject = lines[0]
    if len(subject) > MAX_SUBJECT:
        yield "the subject has %d columns (limit %d)" % (len(subject), MAX_SUBJECT)
    match = re.match(r"[a-z0-9][a-z0-9_./-]*(?:, [a-z0-9][a-z0-9_./-]*)*: (.+)$", subject)
    if not match:
        yield 'the subject is not "area: imperative"'
    elif re.match(r"[A-Z][a-z]", match.group(1)):
        yield "the subject begins with a capital"
    if subject.endswith("."):
        yield "the subject ends with a full stop"
    if len(lines) > 1 and lines[1].strip():
        yield "the second line is not empty"


def self_test():
    good = ("base: add the log", "media, video: move av_log\n\nwhy\n", "ci: run lint too", "base/log.c: fix it", "docs: TSan runs")
    bad = ("Base: add", "add the log", "base: Add the log", "base: add the log.", "base: " + "x" * 80, "base: add\nwhy", "")
    return ["wrongly refused: " + m for m in good if list(problems_of(m))] + ["passed: " + m for m in bad if not list(problems_of(m))]


def main():
    if sys.argv[1:2] == ["--self-test"]:
        found = self_test()
    else:
        count = sys.argv[1] if len(sys.argv) > 1 else "50"
        log = subprocess.run(["git", "log", "--no-merges", "-z", "-n", count, "--format=%H %B"],
                             stdout=subprocess.PIPE, text=True, check=True).stdout
        found = []
        for entry in filter(None, log.split("\0")):
            commit, message = entry.split(" ", 1)
            if commit not in ACCEPTED:
                found += ["commit %.10s: %s: %s" % (commit, p, message.split("\n")[0]) for p in problems_of(message)]
    for line in found:
        print(line)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
