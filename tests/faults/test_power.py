"""The power goes at any moment: from whatever the disk has kept, going on gives the same bytes."""

import os
import random
import shutil

import pytest

import judge
import kit
import power

LONG = bool(os.environ.get('TA_TEST_LONG'))


def recorded(program, shim, folder, *commands):
    """The record of runs on outputs in `folder`."""
    log = folder.parent / 'record'
    for command in commands:
        program(*command, code=0, env=shim('power', TA_POWER_ROOT=folder, TA_POWER_LOG=log))
    return power.read_record(log)


def check_states(program, folder, tmp_path, record, whole, args, source, moments, loose, seed=1):
    """Goes on from each state, in a folder of the same name: paths are part of the record."""
    checked = finished = 0
    kept = tmp_path / 'kept'
    for moment, kind, state in power.states(record, folder, kept, moments, seed, loose):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(state, folder)
        out = folder / 'out.mp4'
        there = judge.sha256(out) if out.exists() else None
        what = f'after {moment} of {len(record)}, {kind}: {sorted(p.name for p in folder.rglob("*"))}'
        # A name that is there without its content can only be: the name was not synced yet.
        assert there in (None, whole) or kind != 'strict', what
        result = program('restore', source, '-o', out, *args, '--progress', 'none', '--overwrite')
        assert result.code == 0, f'{what}\n{result}'
        assert judge.sha256(out) == whole, f'{what}\n{result}'
        left = {p.name for p in folder.iterdir() if not p.name.startswith('.ta-') and not p.name.endswith('.part')}
        assert left <= {'out.mp4', 'out.mp4.json'}, f'{what}: {left}'
        checked += 1
        finished += there == whole
    return checked, finished


def finished_segments(record, moment):
    """How many segments the journal had on disk for sure."""
    return sum(one[0] == 'S' for one in record[:moment])


@pytest.mark.parametrize('seed', range(4) if LONG else range(1))
def test_power_cut(program, folder, tmp_path, shim, seed):
    name, encoder = 'progressive', 'h264'
    args, source, out = kit.options(name, encoder), kit.source(name), folder / 'out.mp4'
    whole = kit.uninterrupted(program, name, encoder, 'mp4', tmp_path)[0]
    record = recorded(program, shim, folder, ('restore', source, '-o', out, *args, '--progress', 'none'))
    assert judge.sha256(out) == whole
    kinds = [one[0] for one in record]
    assert kinds.count('S') >= 8 and kinds.count('Y') >= 8 and 'M' in kinds and 'D' in kinds, kinds
    # Just before and behind each sync, rename and removal is where a state could be wrong.
    edges = [n + k for n, one in enumerate(record) if one[0] in 'SYMUDC' for k in (0, 1)]
    few = edges if LONG else random.Random(seed).sample(edges, 10)
    checked, _ = check_states(program, folder, tmp_path, record, whole, args, source, [m for m in few if m], 2 if LONG else 1, seed)
    assert checked >= 18


def test_synced_segments_survive(program, folder, tmp_path, shim):
    """The strict state loses no segment that was said to be finished."""
    name, encoder = 'progressive', 'h264'
    args, source, out = kit.options(name, encoder), kit.source(name), folder / 'out.mp4'
    record = recorded(program, shim, folder, ('restore', source, '-o', out, *args, '--progress', 'none'))
    journal = next(one[1] for one in record if one[0] == 'C' and one[2].endswith('journal.jsonl'))
    syncs = [n + 1 for n, one in enumerate(record) if one == ('S', journal)]
    moments = syncs[1:4]  # the first is the head
    for count, (moment, _, state) in enumerate(power.states(record, folder, tmp_path / 'kept', moments, loose=0), 1):
        done, _ = kit.journal(state / 'out.mp4.terminalai')
        assert len(done) == count, f'after {moment}: {sorted(state.rglob("*"))}'
        for k, entry in done.items():
            assert judge.sha256(state / 'out.mp4.terminalai' / f'seg-{k:05d}.nut') == entry['sha256']
    assert count == 3


def test_power_cut_after_a_restart(program, folder, tmp_path, shim):
    """Work of other settings is thrown away and begun anew: whatever a power cut leaves of the two is never mixed."""
    name, encoder = 'progressive', 'h264'
    source, out = kit.source(name), folder / 'out.mp4'
    old = [35 if a == 28 else a for a in kit.options(name, encoder)]
    args = kit.options(name, encoder)
    whole = kit.uninterrupted(program, name, encoder, 'mp4', tmp_path)[0]
    record = recorded(program, shim, folder,
        ('restore', source, '-o', out, *old, '--progress', 'none', '--keep-work'),
        ('restore', source, '-o', out, *args, '--progress', 'none', '--restart', '--overwrite'))
    assert judge.sha256(out) == whole
    first = max(n for n, one in enumerate(record) if one[0] == 'C' and one[2].endswith('journal.jsonl'))
    edges = [n for n, one in enumerate(record) if one[0] in 'SYMU' and first - 12 < n]
    few = edges if LONG else random.Random(5).sample(edges, 8)
    kept, checked = tmp_path / 'kept', 0
    for moment, kind, state in power.states(record, folder, kept, few, 3, 2 if LONG else 1):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(state, folder)
        what = f'after {moment} of {len(record)}, {kind}'
        command = ('restore', source, '-o', out, *args, '--progress', 'none', '--overwrite')
        result = program(*command)
        if result.code == 1:  # what is left is the old work: refused, thrown away
            assert 'another plan' in result.err or 'garbled' in result.err, f'{what}\n{result}'
            result = program(*command, '--restart')
        assert result.code == 0 and judge.sha256(out) == whole, f'{what}\n{result}'
        checked += 1
    assert checked >= 14
