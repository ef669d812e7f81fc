#!/usr/bin/env python3
"""Random faults for hours: runs are killed, their files garbled, disks fail; each must come to the same bytes in the end.
Memory, descriptors and what is left behind are watched. Prints its seed; the same seed does the same.

usage: soak.py --program build/terminalai [--hours N | --minutes N] [--seed N] [--keep FOLDER]
"""

import argparse
import collections
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import kit
import judge

CASES = [c for c in kit.CASES if c[1] != 'av1'] + [('progressive', 'av1', 'mkv')]


def slope(values):
    """(slope a step, half the width of its 95 % interval) by least squares."""
    n = len(values)
    if n < 8:
        return 0.0, float('inf')
    mean_x, mean_y = (n - 1) / 2, sum(values) / n
    sxx = sum((i - mean_x) ** 2 for i in range(n))
    b = sum((i - mean_x) * (y - mean_y) for i, y in enumerate(values)) / sxx
    rest = sum((y - mean_y - b * (i - mean_x)) ** 2 for i, y in enumerate(values)) / (n - 2)
    return b, 2 * (rest / sxx) ** 0.5


class Watch:
    """What processes hold while they run."""

    def __init__(self):
        self.memory, self.descriptors = [], []

    def look(self, pid):
        try:
            fields = Path(f'/proc/{pid}/statm').read_text().split()
            return int(fields[1]) * os.sysconf('SC_PAGESIZE'), len(os.listdir(f'/proc/{pid}/fd'))
        except (OSError, IndexError):
            return None

    def follow(self, running, until=None):
        memory = descriptors = 0
        while running.poll() is None and (until is None or time.monotonic() < until):
            seen = self.look(running.pid)
            if seen:
                memory, descriptors = max(memory, seen[0]), max(descriptors, seen[1])
            time.sleep(0.02)
        if until is None:
            self.memory.append(memory)
            self.descriptors.append(descriptors)


class Soak:
    def __init__(self, program, folder, seed):
        self.program, self.folder, self.chance, self.watch = program, folder, random.Random(seed), Watch()
        self.counts = collections.Counter()

    def start(self, name, encoder, out, *more, env=None):
        return self.program.start('restore', kit.source(name), '-o', out, *kit.options(name, encoder), '--progress', 'none',
            *more, env=env, start_new_session=True)

    # Faults: each leaves the output unfinished, or not

    def killed(self, name, encoder, out, seconds):
        how = self.chance.choice(kit.SIGNALS)
        running = self.start(name, encoder, out)
        self.watch.follow(running, time.monotonic() + self.chance.uniform(0.02, 1.1) * seconds)
        kit.end(running, how)
        return how

    def shimmed(self, name, encoder, out, seconds):
        word, amount, times = self.chance.choice(['', 'terminalai', out.name, 'fault_']), self.chance.randrange(300000), \
            self.chance.choice([0, 1, 3])
        kind = self.chance.choice(['READ', 'WRITE', 'SYNC'])
        if kind == 'SYNC':
            amount = self.chance.randrange(30)
        env = {**kit.shim('fault'), f'TA_FAULT_{kind}': f'{word}:{amount}:{times}'}
        running = self.start(name, encoder, out, env=env)
        running.communicate(timeout=120)
        assert running.returncode in (0, 1, 2, 3), f'{env}: [{running.returncode}]'
        return f'{kind.lower()} fails'

    def limited(self, name, encoder, out, seconds):
        running = self.start(name, encoder, out, '--max-temp-size', self.chance.randrange(1, 200000))
        running.communicate(timeout=120)
        return 'limit'

    def together(self, name, encoder, out, seconds):
        runs = [self.start(name, encoder, out) for _ in range(2)]
        time.sleep(self.chance.uniform(0, seconds))
        kit.end(runs[0], 'KILL')
        runs[1].communicate(timeout=120)
        return 'two runs'

    def garbled(self, name, encoder, out, seconds):
        self.killed(name, encoder, out, seconds)
        work = judge.work_folder(out)
        files = [p for p in work.iterdir()] if work.exists() else []
        if files:
            victim = self.chance.choice(files)
            data = bytearray(victim.read_bytes())
            how = self.chance.choice(['cut', 'flip', 'empty', 'gone'])
            if how == 'gone':
                victim.unlink()
            elif how == 'empty' or not data:
                victim.write_bytes(b'')
            elif how == 'cut':
                victim.write_bytes(data[: self.chance.randrange(len(data))])
            else:
                data[self.chance.randrange(len(data))] ^= 1 << self.chance.randrange(8)
                victim.write_bytes(data)
        return 'garbled'

    def round(self, number):
        case = self.chance.choice(CASES)
        name, encoder, suffix = case
        whole, seconds = kit.uninterrupted(self.program, *case, self.folder)
        out = self.folder / f'out.{suffix}'
        faults = [self.killed, self.garbled, self.limited, self.together] + ([self.shimmed] * 2 if kit.shim('fault') else [])
        done = []
        for _ in range(self.chance.randrange(1, 5)):
            done.append(self.chance.choice(faults)(name, encoder, out, seconds))
            if out.exists():
                assert judge.sha256(out) == whole, f'{case}: {done}: another file is in place'
            if out.exists() and not judge.work_folder(out).exists():
                break
        self.counts.update(done)
        finished = out.exists() and judge.report_path(out).exists() and not judge.work_folder(out).exists()
        if not finished:
            if out.exists() and not judge.work_folder(out).exists():
                out.unlink()
            running = self.start(name, encoder, out)
            self.watch.follow(running)
            err = running.communicate()[1].decode(errors='replace')
            if running.returncode == 1 and ('garbled' in err or 'another plan' in err or 'exists' in err):
                self.counts['refused with advice'] += 1
                running = self.start(name, encoder, out, '--restart', '--overwrite')
                err = running.communicate()[1].decode(errors='replace')
            assert running.returncode == 0, f'{case}: {done}: [{running.returncode}] {err}'
        assert judge.sha256(out) == whole, f'{case}: {done}: other bytes'
        left = {p.name for p in self.folder.iterdir()} - {'home'}
        assert left <= {out.name, f'{out.name}.json'}, f'{case}: {done}: left behind {left}'
        for path in self.folder.iterdir():
            if path.name != 'home':
                path.unlink()

    def many_files(self):
        """One process that restores file after file: what it holds must not grow."""
        where = self.folder / 'home' / 'many'
        shutil.rmtree(where, ignore_errors=True)
        (where / 'in').mkdir(parents=True)
        for i in range(24):
            os.link(kit.source('progressive'), where / 'in' / f'{i:02}.mp4')
        running = self.program.start('restore', where / 'in', '-o', where / 'out', *kit.options('progressive', 'h264'), '--progress',
            'none', start_new_session=True)
        memory, descriptors, seen = [], [], 0
        while running.poll() is None:
            done = len(list((where / 'out').glob('*.json'))) if (where / 'out').exists() else 0
            now = self.watch.look(running.pid)
            if done > seen and now:
                seen = done
                memory.append(now[0] / 1e6)
                descriptors.append(now[1])
            time.sleep(0.01)
        assert running.returncode == 0, running.communicate()
        running.communicate()
        shutil.rmtree(where)
        return memory[4:], descriptors[4:]  # the first files fill pools and tables


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--program', required=True)
    parser.add_argument('--hours', type=float, default=0)
    parser.add_argument('--minutes', type=float, default=0)
    parser.add_argument('--seed', type=int, default=None)
    args = parser.parse_args()
    seed = args.seed if args.seed is not None else random.SystemRandom().randrange(1 << 31)
    end = time.monotonic() + args.hours * 3600 + args.minutes * 60
    print(f'seed {seed}', flush=True)
    scratch = Path(tempfile.mkdtemp(prefix='soak-'))
    temporary = scratch / 'home' / 'tmp'  # of the runs: nothing may stay there
    temporary.mkdir(parents=True)
    os.environ['TMPDIR'] = str(temporary)
    program = judge.Program(Path(args.program).resolve(), scratch / 'home')
    soak, rounds, memory, descriptors = Soak(program, scratch, seed), 0, [], []
    told = time.monotonic()
    try:
        while rounds == 0 or time.monotonic() < end:
            soak.round(rounds)
            rounds += 1
            if rounds % 40 == 5:
                m, d = soak.many_files()
                memory.append(slope(m))
                descriptors.append(slope(d))
                # Samples fall anywhere in a file's work, so they vary by what one file needs; a leak adds to each.
                rise, half = descriptors[-1]
                assert rise - half < 0.25, f'descriptors grow by {rise:.2f} +- {half:.2f} a file: {d}'
            if time.monotonic() - told > 60:
                told = time.monotonic()
                print(f'{rounds} rounds, {sum(soak.counts.values())} faults', flush=True)
    except (AssertionError, subprocess.TimeoutExpired) as error:
        print(f'round {rounds} of seed {seed} failed; its files are in {scratch}\n{error}')
        return 1
    left = list(temporary.iterdir())
    print(f'{rounds} rounds, faults: {dict(soak.counts)}')
    b, half = slope([m / 1e6 for m in soak.watch.memory])
    print(f'peak memory of runs: most {max(soak.watch.memory, default=0) / 1e6:.0f} MB, slope {b:.3f} +- {half:.3f} MB a run')
    print(f'descriptors of runs: most {max(soak.watch.descriptors, default=0)}')
    for (b, half), (db, _) in zip(memory, descriptors):
        print(f'one process, 24 files: memory {b:.3f} +- {half:.3f} MB a file, descriptors {db:.3f} a file')
    print(f'temporary files left: {sorted(p.name for p in left)}')
    grows = any(b - half > 1.0 for b, half in memory)
    shutil.rmtree(scratch)
    return 1 if left or grows else 0


if __name__ == '__main__':
    sys.exit(main())
