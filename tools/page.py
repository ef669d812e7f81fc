#!/usr/bin/env python3
"""Builds the page of the service (web/) and writes it as a C file, for src/server/pages.h.

usage: page.py [--need] [--depfile FILE] OUTPUT.c WORK_FOLDER

The page's sources are copied to WORK_FOLDER, the packages that package-lock.json names are installed there with npm (kept
while the lock stays the same), and the result is handed to embed_pages.py. Without Node, or without a network the first
time, the C file holds no page: the program says so where it would serve it. With --need that is an error. --depfile
writes down what the page is made of, folders too, so that a file more or less is seen by the next build.
"""

import argparse
import hashlib
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
NPM = ["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline",
    "--fetch-retries=1", "--fetch-timeout=20000"]
NPM_LIMIT = 300
FILES = ("package.json", "package-lock.json", ".npmrc", "build.mjs", "tsconfig.json")


def copy_sources(work):
    """The sources as they are now; what is no longer there goes."""
    shutil.rmtree(work / "src", ignore_errors=True)
    shutil.copytree(WEB / "src", work / "src")
    for name in FILES:
        shutil.copy2(WEB / name, work / name)


def install(work):
    """The packages of the lock, once for each lock. Says what went wrong, or nothing."""
    wanted = hashlib.sha256((work / "package-lock.json").read_bytes()).hexdigest()
    stamp = work / "installed"
    if stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
        return ""
    stamp.unlink(missing_ok=True)
    try:
        done = subprocess.run(NPM, cwd=work, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=NPM_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return "npm took longer than %d seconds" % NPM_LIMIT
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        return "npm: %s" % (lines[0] if lines else "status %d" % done.returncode)
    stamp.write_text(wanted, encoding="ascii")
    return ""


def bundle(work):
    done = subprocess.run(["node", "build.mjs", "dist"], cwd=work, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        sys.exit("page.py: the page can't be bundled")
    return work / "dist"


def make(work):
    """The folder with the page, or None and why."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            return None, "%s is not here; setup.sh installs it" % program
    work.mkdir(parents=True, exist_ok=True)
    copy_sources(work)
    problem = install(work)
    return (None, problem) if problem else (bundle(work), "")


def write_depfile(path, output):
    found = [WEB, *(WEB / n for n in FILES), WEB / "src", *sorted((WEB / "src").rglob("*"))]
    path.write_text("%s: %s\n" % (output, " ".join(str(f).replace(" ", "\\ ") for f in found)), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--need", action="store_true")
    parser.add_argument("--depfile", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path)
    args = parser.parse_args()
    if args.depfile:
        write_depfile(args.depfile, args.output)
    folder, problem = make(args.work.resolve())
    if problem:
        if args.need:
            sys.exit("page.py: " + problem)
        print("page.py: the program is built without its page: " + problem, file=sys.stderr)
    subprocess.run([sys.executable, str(ROOT / "tools/embed_pages.py"), str(args.output), *([str(folder)] if folder else [])], check=True)


if __name__ == "__main__":
    main()
