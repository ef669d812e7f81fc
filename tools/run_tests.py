#!/usr/bin/env python3
"""Builds TerminalAI and runs its test suites one after another. The last line is "N passed, N failed, N skipped".

usage: run_tests.py [--long] [--only SUITE[,SUITE...]] [--list] [BUILD_FOLDER]

Suites, in this order:
  unit      unit tests, fuzz corpora, header and symbol checks (meson test)
  python    the program on generated clips, golden results, faults (pytest)
  address   unit tests and the tests marked "sanitizer" under AddressSanitizer and UndefinedBehaviorSanitizer
  thread    the unit tests with a line "// suite: thread", and the same of pytest's, under ThreadSanitizer
  fuzz      each fuzz target for a few seconds from a fixed seed (clang with libFuzzer)

--long runs all tests under the sanitizers, fuzzes longer, and sets TA_TEST_LONG=1, by which tests run their full counts.
What can't run here counts as skipped, with its reason. The summary is also written to BUILD_FOLDER/test-summary.txt.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parent.parent
SUITES = ("unit", "python", "address", "thread", "fuzz")
CMOCKA_LINE = re.compile(r"^\[\s*(OK|FAILED|SKIPPED)\s*\] (?!\d+ test)(\S+)", re.M)


class Count:
    """What was counted so far, and what to tell at the end."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.notes = []

    def fail(self, what):
        self.failed += 1
        self.notes.append("FAILED  " + what)

    def skip(self, what):
        self.skipped += 1
        self.notes.append("skipped " + what)

    def summary(self):
        return "%d passed, %d failed, %d skipped" % (self.passed, self.failed, self.skipped)


def say(text):
    print(text, flush=True)


def run(command, env=None, limit=None):
    """Runs a command whose output goes to ours; its status, 124 when it took longer than `limit` seconds."""
    sys.stdout.flush()
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                               stderr=subprocess.STDOUT, start_new_session=True)
    try:
        return process.wait(timeout=limit)
    except subprocess.TimeoutExpired:
        say("took longer than %d s" % limit)
        os.killpg(process.pid, signal.SIGINT)  # pytest still writes its report then
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            pass
        return 124
    finally:
        # Also what it may have started and left behind.
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


def build(folder, *options, env=None):
    say("--- building %s" % folder)
    return run([str(ROOT / "tools" / "build.sh"), str(folder), *options], env=env) == 0


def count_cmocka(count, label, entry):
    """Counts an executable's cases when it is cmocka's, else the executable itself. A crash is one failure more."""
    output = (entry.get("stdout") or "") + "\n" + (entry.get("stderr") or "")
    cases = CMOCKA_LINE.findall(output)
    # Failed and skipped cases are named twice, where they ran and in the list at the end.
    failed = sorted({name for kind, name in cases if kind == "FAILED"})
    skipped = {name for kind, name in cases if kind == "SKIPPED"}
    count.passed += sum(kind == "OK" for kind, _ in cases)
    count.skipped += len(skipped)
    result = entry["result"]
    if result in ("OK", "EXPECTEDFAIL"):
        if not cases:
            count.passed += 1
    elif result == "SKIP":
        if not cases:
            reason = [line for line in output.split("\n") if line.strip()]
            count.skip(label + (": " + reason[-1] if reason else ""))
    else:
        for name in failed or ["ended with: " + result.lower()]:
            count.fail("%s: %s" % (label, name))


def meson_test(count, label, folder, suites=(), env=None, multiplier=1):
    log = ROOT / folder / "meson-logs" / "testlog.json"
    if log.exists():
        log.unlink()
    command = ["meson", "test", "-C", str(folder), "--no-rebuild", "--print-errorlogs", "-t", str(multiplier)]
    for suite in suites:
        command += ["--suite", suite]
    status = run(command, env=env)
    if not log.exists():
        count.fail("%s: meson test ended with status %d" % (label, status))
        return
    entries = [json.loads(line) for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line]
    for entry in entries:
        count_cmocka(count, "%s: %s" % (label, entry["name"].split(" / ")[-1]), entry)
    if not entries:
        count.skip(label + ": no tests")


def has_modules(python, *names):
    probe = [python, "-c", "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, sys.argv[1:])))", *names]
    try:
        return subprocess.run(probe, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def find_pytest():
    """A Python that has pytest: it need not be the first in PATH. One that can use all cores comes first."""
    pythons = (sys.executable, "/usr/bin/python3", "python3")
    for names in (("pytest", "xdist"), ("pytest",)):
        for python in pythons:
            if has_modules(python, *names):
                return python
    return None


def cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pytest(count, label, folder, env=None, args=(), limit=3600):
    python = find_pytest()
    if not python:
        count.skip(label + ": no Python with pytest")
        return
    folders = sorted({str(p.parent.relative_to(ROOT)) for p in (ROOT / "tests").rglob("test_*.py")})
    if not folders:
        count.skip(label + ": no tests")
        return
    with tempfile.TemporaryDirectory(prefix="ta-test-") as scratch:
        report = pathlib.Path(scratch) / "report.xml"
        env = {
            "TERMINALAI": str((ROOT / folder / "terminalai").resolve()),
            "TA_BUILD": str((ROOT / folder).resolve()),
            "PYTHONDONTWRITEBYTECODE": "1",
            **(env or {}),
        }
        command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", "-rfE", "--durations=10", "--continue-on-collection-errors", "--junitxml", str(report),
                   "--basetemp", scratch + "/base", *args, *folders]
        if has_modules(python, "xdist") and cores() > 1:
            command += ["-n", str(min(cores(), 8))]
        status = run(command, env=env, limit=limit)
        if not report.exists():
            if status == 5:  # nothing was selected
                count.skip(label + ": no tests selected")
            else:
                count.fail("%s: pytest ended with status %d" % (label, status))
            return
        before = count.failed
        for case in xml.parse(report).getroot().iter("testcase"):
            name = "%s: %s::%s" % (label, case.get("classname", "").replace(".", "/"), case.get("name"))
            kinds = {child.tag for child in case}
            if kinds & {"failure", "error"}:
                count.fail(name)
            elif "skipped" in kinds:
                count.skip("%s: %s" % (name, case.find("skipped").get("message", "")))
            else:
                count.passed += 1
        # 0: all passed, 5: none selected; anything else must show as a failure, if not of a test, then as one of its own.
        if status == 124 or (status not in (0, 5) and count.failed == before):
            count.fail("%s: pytest ended with status %d" % (label, status))


def fuzz_compiler():
    """The clang that can link libFuzzer, or None."""
    for clang in ("clang-14", "clang"):
        if not shutil.which(clang):
            continue
        with tempfile.TemporaryDirectory() as scratch:
            source = pathlib.Path(scratch) / "f.c"
            source.write_text("int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return d && n ? 0 : 0; }\n")
            command = [clang, "-fsanitize=fuzzer,address,undefined", str(source), "-o", scratch + "/f"]
            if subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
                return clang
    return None


def links(flag):
    """Can the C compiler link and run a program with this sanitizer?"""
    with tempfile.TemporaryDirectory() as scratch:
        source = pathlib.Path(scratch) / "f.c"
        source.write_text("int main(void) { return 0; }\n")
        compiler = os.environ.get("CC", "cc").split()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        if subprocess.run([*compiler, "-fsanitize=" + flag, str(source), "-o", scratch + "/f"], **quiet).returncode:
            return False
        return subprocess.run([scratch + "/f"], **quiet).returncode == 0


def suite_unit(count, folder, _long):
    meson_test(count, "unit", folder)


def suite_python(count, folder, long):
    pytest(count, "python", folder, env={"TA_TEST_LONG": "1"} if long else None, limit=14400 if long else 3000)


# The status of a found error must be none that the program itself may end with: tests take it for a crash.
SANITIZER_ENV = {
    "ASAN_OPTIONS": "exitcode=134:detect_stack_use_after_return=1:strict_string_checks=1:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "exitcode=134:print_stacktrace=1:halt_on_error=1",
    "LSAN_OPTIONS": "exitcode=134:suppressions=%s:print_suppressions=0" % (ROOT / "tests/checks/lsan.supp"),
    "TSAN_OPTIONS": "exitcode=134:second_deadlock_stack=1:suppressions=%s" % (ROOT / "tests/checks/tsan.supp"),
    "TA_SANITIZER": "1",  # tests give slow builds more time by it
}


def suite_sanitizer(count, folder, long, name, flag, units):
    if not links(flag):
        count.skip("%s: the compiler lacks -fsanitize=%s" % (name, flag))
        return
    sub = folder / name
    if not build(sub, "-Db_sanitize=" + flag, "-Db_lundef=false", "-Doptimization=1", "-Dgenerated=disabled", "-Dpage=disabled",
            "-Dwerror=false", "-Dunit_tests=" + ("thread" if units == "thread" and not long else "all")):
        count.fail("%s: build" % name)
        return
    meson_test(count, name, sub, suites=["unit" if long else units], env=SANITIZER_ENV, multiplier=5)
    env = dict(SANITIZER_ENV, TA_TEST_LONG="1") if long else SANITIZER_ENV
    pytest(count, name, sub, env=env, args=[] if long else ["-m", "sanitizer"], limit=14400 if long else 1800)


def suite_address(count, folder, long):
    suite_sanitizer(count, folder, long, "address", "address,undefined", "unit")


def suite_thread(count, folder, long):
    # Unit tests that say something about threads; the others would only repeat what "address" runs.
    suite_sanitizer(count, folder, long, "thread", "thread", "thread")


def run_fuzzer(sub, name, long):
    """One target for a few seconds or a number of inputs, whichever ends first: its name, status and output."""
    corpus = ROOT / "tests/fuzz/corpus" / name[len("fuzz_"):]
    with tempfile.TemporaryDirectory(prefix="ta-fuzz-") as scratch:
        (pathlib.Path(scratch) / "new").mkdir()
        log = pathlib.Path(scratch) / "log"
        command = [str(ROOT / sub / "tests/fuzz" / name), "-seed=1", "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1",
                   "-artifact_prefix=%s/" % (ROOT / sub),
                   "-max_total_time=%d" % (600 if long else 6), "-runs=%d" % (-1 if long else 50000), scratch + "/new"]
        command += [str(corpus)] if corpus.is_dir() else []
        with open(log, "wb") as output:
            status = subprocess.run(command, cwd=scratch, env={**os.environ, **SANITIZER_ENV}, stdin=subprocess.DEVNULL,
                                    stdout=output, stderr=subprocess.STDOUT).returncode
        return name, status, log.read_text(encoding="utf-8", errors="replace")


def suite_fuzz(count, folder, long):
    targets = sorted((ROOT / "tests/fuzz").glob("fuzz_*.c"))
    if not targets:
        count.skip("fuzz: no targets")
        return
    clang = fuzz_compiler()
    if not clang:
        for target in targets:
            count.skip("fuzz: %s: no clang with libFuzzer" % target.stem)
        return
    sub = folder / "fuzz"
    options = ["-Dfuzz=true", "-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dgenerated=disabled", "-Dpage=disabled", "-Doptimization=1",
               "-Dtests=disabled", "-Dprogram=disabled"]
    if not build(sub, *options, env={"CC": clang}):
        count.fail("fuzz: build")
        return
    with concurrent.futures.ThreadPoolExecutor(cores()) as pool:
        for name, status, text in pool.map(lambda target: run_fuzzer(sub, target.stem, long), targets):
            runs = re.search(r"number_of_executed_units:\s*(\d+)", text)
            if status == 0 and runs:
                count.passed += 1
                say("ok      %s: %s inputs" % (name, runs.group(1)))
            else:
                say(text[-6000:])
                count.fail("fuzz: %s (status %d; the input is kept in %s)" % (name, status, sub))


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("folder", nargs="?", default="build")
    args = parser.parse_args()
    if args.help or args.list:
        print("\n".join(SUITES) if args.list else __doc__.strip())
        return 0
    chosen = [s for s in args.only.split(",") if s] or list(SUITES)
    for name in chosen:
        if name not in SUITES:
            sys.exit("run_tests.py: no suite %s (%s)" % (name, ", ".join(SUITES)))

    folder, count = pathlib.Path(args.folder), Count()
    os.environ.setdefault("TA_CLIPS", str((ROOT / folder).resolve() / "clips"))  # made once for all suites
    started = time.monotonic()
    if build(folder, "-Dwerror=true"):
        for name in chosen:
            say("=== %s" % name)
            begin = time.monotonic()
            try:
                globals()["suite_" + name](count, folder, args.long)
            except Exception as error:  # one suite's trouble must not hide the others' results
                count.fail("%s: %s: %s" % (name, type(error).__name__, error))
            say("    %s: %.0f s; so far %s" % (name, time.monotonic() - begin, count.summary()))
    else:
        count.fail("build")

    say("")
    for note in sorted(count.notes, key=lambda n: n.startswith("FAILED")):
        say(note)
    say("%.0f s" % (time.monotonic() - started))
    (ROOT / folder).mkdir(parents=True, exist_ok=True)
    (ROOT / folder / "test-summary.txt").write_text(count.summary() + "\n", encoding="ascii")
    say(count.summary())
    return 1 if count.failed or not count.passed else 0


if __name__ == "__main__":
    sys.exit(main())
