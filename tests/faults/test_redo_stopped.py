"""A part made again over a kept work folder, stopped anywhere: the output is the old file or the new one, whole, and the
same command comes to the new one."""

import os
import random
import shutil
import time

import pytest

import judge
import kit
import power

LONG = bool(os.environ.get('TA_TEST_LONG'))
SOURCES = ['progressive', 'interlaced', 'vfr', 'telecine']


class Kept:
    """An output with its work folder and a change to be made to a part of it."""

    def __init__(self, program, name, folder):
        self.program, self.folder, self.name = program, folder, name
        self.source, self.out = kit.source(name), folder / 'out.mp4'
        self.args = kit.options(name, 'h264')
        if name == 'telecine':
            self.args += ['--deinterlace', 'ivtc']
        self.change = ['--redo', '10f-25f', '--crf', 34, '--overwrite', '--progress', 'none']
        program.restore(self.source, self.out, *self.args, '--keep-work')
        self.old = judge.sha256(self.out)
        self.work = judge.work_folder(self.out)
        self.files = {p.name: judge.sha256(p) for p in judge.segment_files(self.work)}

    def command(self):
        return ['restore', self.source, '-o', self.out, *self.change]

    def redo(self, code=0, **kw):
        return self.program(*self.command(), code=code, **kw)

    def make_new(self):
        """The new file's checksum; everything is as before afterwards."""
        before = self.folder.parent / 'before'
        shutil.copytree(self.folder, before)
        self.redo()
        new = judge.sha256(self.out)
        assert new != self.old
        shutil.rmtree(self.folder)
        before.rename(self.folder)
        return new

    def check_untouched(self):
        """What was finished before is there, byte for byte."""
        now = {p.name: judge.sha256(p) for p in judge.segment_files(self.work)}
        assert {k: now.get(k) for k in self.files} == self.files


def ends_in_new(kept, new, what):
    assert judge.sha256(kept.out) in (kept.old, new), f'{what}: another file than the old or the new one'
    kept.check_untouched()
    result = kept.redo(code=None)
    assert result.code == 0 and judge.sha256(kept.out) == new, f'{what}\n{result}'
    kept.check_untouched()
    kept.program('verify', kept.out, code=0)


@pytest.mark.parametrize('name', SOURCES)
def test_each_source(program, folder, name):
    """And taken back, the old file is there again."""
    kept = Kept(program, name, folder)
    new = kept.make_new()
    ends_in_new(kept, new, name)
    told = judge.report(kept.out)['plan']['video']['redo']
    assert len(told) == 1 and told[0]['changes']['crf'] == {'was': '28', 'is': '34'}
    kept.program('restore', kept.source, '-o', kept.out, *kept.args, '--overwrite', '--progress', 'none', code=0)
    assert judge.sha256(kept.out) == kept.old


@pytest.mark.parametrize('seed', range(12 if LONG else 3))
def test_killed(program, folder, seed):
    chance = random.Random(seed)
    kept = Kept(program, SOURCES[seed % len(SOURCES)], folder)
    started = time.monotonic()
    new = kept.make_new()
    seconds = time.monotonic() - started
    shutil.copytree(folder, folder.parent / 'before')
    for n in range(4):
        shutil.rmtree(folder)
        shutil.copytree(folder.parent / 'before', folder)
        moment = chance.uniform(0.02, 1) * seconds
        running = program.start(*kept.command(), start_new_session=True)
        kit.runs_on(running, moment)
        kit.end(running, 'KILL')
        assert judge.sha256(kept.out) in (kept.old, new), f'seed {seed}, stop {n}'
        by_resume = chance.random() < 0.5 and kept.work.joinpath('plan.json').exists()
        if by_resume:  # goes on with whichever plan is there: both are whole
            program('resume', kept.out, '--overwrite', '--keep-work', '--progress', 'none', code=0)
        ends_in_new(kept, new, f'seed {seed}, stop {n} after {moment:.3f} s')


@pytest.mark.parametrize('how', ['TERM', 'INT'])
def test_stopped(program, folder, how):
    kept = Kept(program, 'interlaced', folder)
    new = kept.make_new()
    running = program.start(*kept.command(), start_new_session=True)
    kit.runs_on(running, 0.15)
    kit.end(running, how)
    ends_in_new(kept, new, how)


@pytest.mark.parametrize('kilobytes', [0, 4, 10, 20, 30, 60])
def test_full_disk(program, folder, shim, kilobytes):
    kept = Kept(program, 'progressive', folder)
    new = kept.make_new()
    result = kept.redo(code=None, env=shim('fault', TA_FAULT_WRITE=f'out.mp4:{kilobytes << 10}'))
    if result.code == 0:
        pytest.skip('so much was not written')
    assert len([line for line in result.error_lines if line.startswith('error')]) == 1, result
    ends_in_new(kept, new, f'{kilobytes} KB')


@pytest.mark.parametrize('word', ['', 'seg-', 'journal', 'out.mp4.part', 'out.mp4.terminalai', 'plan'])
def test_fsync_fails(program, folder, shim, word):
    kept = Kept(program, 'progressive', folder)
    new = kept.make_new()
    result = kept.redo(code=None, env=shim('fault', TA_FAULT_SYNC=f'{word}:0:0'))
    assert result.code in (0, 1), result
    ends_in_new(kept, new, word)


@pytest.mark.parametrize('seed', range(4) if LONG else range(1))
def test_power_cut(program, folder, tmp_path, shim, seed):
    """From each state that the disk may be in, the command comes to the new file."""
    name = 'progressive'
    source, out, args = kit.source(name), folder / 'out.mp4', kit.options(name, 'h264')
    log = tmp_path / 'record'
    env = shim('power', TA_POWER_ROOT=folder, TA_POWER_LOG=log)
    program('restore', source, '-o', out, *args, '--keep-work', '--progress', 'none', code=0, env=env)
    old, begin = judge.sha256(out), len(power.read_record(log))
    change = ['--redo', '10f-25f', '--crf', 34, '--overwrite', '--progress', 'none']
    program('restore', source, '-o', out, *change, code=0, env=env)
    new, record = judge.sha256(out), power.read_record(log)
    edges = [n + k for n, one in enumerate(record) if n >= begin and one[0] in 'SYMUDC' for k in (0, 1)]
    moments = edges if LONG else random.Random(seed).sample(edges, 10)
    checked, seen = 0, set()
    for moment, kind, state in power.states(record, folder, tmp_path / 'kept', moments, seed, 2 if LONG else 1):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(state, folder)
        there = judge.sha256(out) if out.exists() else None
        what = f'after {moment} of {len(record)}, {kind}: {sorted(p.name for p in folder.rglob("*"))}'
        assert there in (old, new) or kind != 'strict', what
        result = program('restore', source, '-o', out, *change)
        assert result.code == 0, f'{what}\n{result}'
        assert judge.sha256(out) == new, f'{what}\n{result}'
        seen.add(there)
        checked += 1
    assert checked >= 15 and old in seen
