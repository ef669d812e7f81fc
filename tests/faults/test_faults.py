"""Disks that are full, sources that can't be read, clocks and fsync() that fail: one line says what happened and one what
to do next, and going on gives the same bytes."""

import os
import shutil
import subprocess
import time

import pytest

import clips
import judge
import kit

CASE = ('progressive', 'h264', 'mp4')
NAME, ENCODER, SUFFIX = CASE
ARGS = kit.options(NAME, ENCODER)


@pytest.fixture(scope='module')
def whole(program, tmp_path_factory):
    return kit.uninterrupted(program, *CASE, tmp_path_factory.mktemp('whole'))[0]


def told(result, *words):
    """Failed with one error line that has one of `words`, and one line that says what to do next."""
    errors = [line for line in result.error_lines if line.startswith('error')]
    assert result.code == 1 and len(errors) == 1, result
    assert any(w in errors[0].lower() for w in words), result
    assert any(w in result.err for w in ('same command', 'make room', '--work-dir', '--restart')), result
    return errors[0]


def goes_on(program, out, whole, source=None):
    result = program.restore(source or kit.source(NAME), out, *ARGS, '--json')
    assert judge.sha256(out) == whole, result
    assert not judge.work_folder(out).exists()
    return result.json()['files'][0]['segments_reused']


def restore(program, out, *args, source=None, **kw):
    return program('restore', source or kit.source(NAME), '-o', out, *ARGS, '--progress', 'none', *args, **kw)


# Reading the source


@pytest.fixture(scope='module')
def large_source(program, tmp_path_factory):
    """A source that takes many reads, with its index in the cache; and what becomes of it."""
    where = tmp_path_factory.mktemp('large')
    source, out = where / 'tape.mkv', where / 'out.mp4'
    args = ['-f', 'lavfi', '-i', clips.first(50, clips.scene(kit.SIZE, clips.PAL)), '-f', 'lavfi', '-i', clips.tone(2)]
    clips.ffmpeg(*args, '-c:v', 'ffv1', '-c:a', 'pcm_s16le', '-threads:v', 1, *clips.BITEXACT, source)
    program.restore(source, out, *ARGS)
    return source, judge.sha256(out)


@pytest.mark.parametrize('share, times', [(0.1, 0), (2.2, 0), (3.5, 1), (4.6, 0), (6.2, 0), (7, 1)] + [pytest.param(share / 4,
    times, marks=pytest.mark.long) for share in range(40) for times in (0, 1)])
def test_read_errors(program, folder, large_source, shim, share, times):
    """The disk of the source fails once so much of it was read, for good or a single time, while it is planned, in the
    segments or in the join. Nothing is taken for damage of the film, nothing gets shorter; when the disk works again it
    is gone on."""
    (source, whole), out = large_source, folder / 'out.mp4'
    env = shim('fault', TA_FAULT_READ=f'tape.mkv:{int(source.stat().st_size * share)}:{times}')
    result = restore(program, out, source=source, env=env)
    if result.code:
        told(result, 'input/output', 'read')
        assert not out.exists()
        program.restore(source, out, *ARGS)
    assert judge.sha256(out) == whole, result


def test_vanished_source(program, folder, whole):
    """The disk of the source is pulled out in the middle; when it is back, it goes on."""
    source, out = folder / 'tape.mp4', folder / 'out.mp4'
    shutil.copy2(kit.source(NAME), source)
    running = program.start('restore', source, '-o', out, *ARGS, '--jobs', 1, '--preset-speed', 'superfast', '--progress',
        'none')
    end = time.monotonic() + 30
    while time.monotonic() < end and not judge.segment_files(judge.work_folder(out)) and running.poll() is None:
        time.sleep(0.002)
    away = source.rename(folder / 'away.mp4')
    err = running.communicate(timeout=60)[1].decode()
    away.rename(source)
    if running.returncode == 0:
        pytest.skip('it was too quick to be caught')
    assert running.returncode == 1 and 'tape.mp4' in err and 'same command' in err, err
    program.restore(source, out, *ARGS)
    assert judge.sha256(out) == whole


def test_source_changes_while_running(program, folder):
    """A file that is being written is not cut into segments of two states."""
    source, out = folder / 'tape.mp4', folder / 'out.mp4'
    shutil.copy2(kit.source(NAME), source)
    running = program.start('restore', source, '-o', out, *ARGS, '--progress', 'none')
    end = time.monotonic() + 30
    while time.monotonic() < end and not judge.segment_files(judge.work_folder(out)) and running.poll() is None:
        time.sleep(0.002)
    os.utime(source, (1, 1))
    err = running.communicate(timeout=60)[1].decode()
    if running.returncode == 0:
        pytest.skip('it was too quick to be caught')
    assert running.returncode == 1 and 'changed' in err and '--restart' in err, err
    assert not out.exists()
    program.restore(source, out, *ARGS, '--restart')


# Writing


@pytest.mark.parametrize('kilobytes', [0, 8, 24, 40, 60, 100])
def test_full_disk(program, folder, shim, whole, kilobytes):
    """No space left at any point: in a segment, in the journal, in the joined file, in the report."""
    out = folder / 'out.mp4'
    env = shim('fault', TA_FAULT_WRITE=f'out.mp4:{kilobytes << 10}')
    result = restore(program, out, env=env)
    if result.code == 0:
        pytest.skip('so much was not written')
    told(result, 'no space', 'full')
    assert not list(folder.glob('*.part'))
    if not judge.report_path(out).exists() and out.exists():
        assert judge.sha256(out) == whole  # only the report is missing
    goes_on(program, out, whole)


def test_small_disk(program, tmp_path, whole):
    with kit.SmallDisk(tmp_path / 'disk', '80k') as disk:
        if not disk:
            pytest.skip('no file system can be mounted here')
        out = disk / 'out.mp4'
        result = restore(program, out)
        told(result, 'space', 'full')
        assert 'make room' in result.err
        subprocess.run(['mount', '-o', 'remount,size=40m', str(disk)], check=True)
        goes_on(program, out, whole)


def test_limits(program, folder, tmp_path, whole):
    """--max-temp-size counts segments and joined file; --max-work-size what lies beside as well."""
    out, scratch = folder / 'out.mp4', tmp_path / 'scratch'
    scratch.mkdir()
    told(restore(program, out, '--max-temp-size', '1k'), '--max-temp-size')
    size = sum(p.stat().st_size for p in judge.segment_files(judge.work_folder(out))) if judge.work_folder(out).exists() else 0
    told(restore(program, out, '--max-temp-size', 40 << 10), '--max-temp-size')  # the segments alone are fewer
    assert judge.segment_files(judge.work_folder(out)) and size < 40 << 10
    goes_on(program, out, whole)
    for path in (out, judge.report_path(out)):
        path.unlink()
    other = scratch / 'other.mp4-000000000000.terminalai'
    other.mkdir()
    (other / 'seg-00000.nut').write_bytes(b'x' * 100000)
    pool = ['--work-dir', scratch, '--max-work-size', 110000]
    error = told(restore(program, out, *pool), '--max-work-size')
    assert 'together' in error
    shutil.rmtree(other)
    program('restore', kit.source(NAME), '-o', out, *ARGS, *pool, code=0)
    assert judge.sha256(out) == whole and not list(scratch.iterdir())
    report = judge.report(out)
    assert 1000 < report['run']['work_bytes'] < 110000


@pytest.mark.parametrize('word, calls, times', [('', 0, 0), ('seg-', 0, 0), ('seg-', 1, 0), ('journal', 1, 1),
    ('journal', 2, 0), ('*/out.mp4.????????.part', 0, 0), ('out.mp4.terminalai', 4, 1), ('plan', 0, 0), ('index', 0, 0)])
def test_fsync_fails(program, folder, shim, whole, word, calls, times):
    """What the disk does not confirm is not done."""
    out = folder / 'out.mp4'
    result = restore(program, out, env=shim('fault', TA_FAULT_SYNC=f'{word}:{calls}:{times}'))
    if result.code:
        told(result, 'input/output', 'disk')
        assert not out.exists() or word.endswith('.part')
        goes_on(program, out, whole)
    assert judge.sha256(out) == whole


def test_clock_set_back(program, folder, shim, whole):
    """Times on the wall mean nothing to a run."""
    out = folder / 'out.mp4'
    result = restore(program, out, '--keep-work', '--json', env=shim('fault', TA_FAULT_CLOCK='86400:3'), code=0)
    assert judge.sha256(out) == whole and 0 < result.json()['files'][0]['wall_seconds'] < 100
    state = program('clean', folder, '--json', code=0, env=shim('fault', TA_FAULT_CLOCK='86400:0')).json()[0]
    assert state['age_seconds'] == 0
    os.utime(judge.work_folder(out) / 'journal.jsonl', (4e9, 4e9))
    for path in (out, judge.report_path(out), judge.segment_files(judge.work_folder(out))[0]):
        path.unlink()
    assert goes_on(program, out, whole) == 2


# Folders that can't be used


def test_work_folder_on_a_read_only_disk(program, folder, tmp_path, whole):
    with kit.SmallDisk(tmp_path / 'disk', '1m') as disk:
        if not disk:
            pytest.skip('no file system can be mounted here')
        subprocess.run(['mount', '-o', 'remount,ro', str(disk)], check=True)
        out = folder / 'out.mp4'
        told(restore(program, out, '--work-dir', disk), 'read-only')
        told(restore(program, disk / 'out.mp4'), 'written', 'read-only')
        assert not list(folder.iterdir()) and not list(disk.iterdir())
        goes_on(program, out, whole)


def test_full_work_disk(program, folder, tmp_path, whole):
    """The place for work is full, the output's is not."""
    with kit.SmallDisk(tmp_path / 'disk', '16k') as disk:
        if not disk:
            pytest.skip('no file system can be mounted here')
        out = folder / 'out.mp4'
        told(restore(program, out, '--work-dir', disk), 'space', 'full')
        assert not list(folder.iterdir())
        goes_on(program, out, whole)


def test_no_room_for_the_joined_file(program, tmp_path, whole):
    """All segments are done, and the output's disk has less room than they need: said before it is filled."""
    scratch = tmp_path / 'scratch'
    scratch.mkdir()
    with kit.SmallDisk(tmp_path / 'disk', '12k') as disk:
        if not disk:
            pytest.skip('no file system can be mounted here')
        out = disk / 'out.mp4'
        error = told(restore(program, out, '--work-dir', scratch), 'full')
        assert 'joined file' in error and not list(disk.iterdir())
        subprocess.run(['mount', '-o', 'remount,size=4m', str(disk)], check=True)
        result = program('resume', out, '--work-dir', scratch, '--json', code=0)
        assert result.json()['files'][0]['segments_reused'] == 3 and judge.sha256(out) == whole


def test_whoever_reads_the_output_sees_all_of_it(program, folder, whole):
    """Another program that looks at the name all the time sees nothing or the complete file."""
    out = folder / 'out.mp4'
    seen = set()
    running = program.start('restore', kit.source(NAME), '-o', out, *ARGS, '--progress', 'none')
    while running.poll() is None:
        if out.exists():
            seen.add(judge.sha256(out))
    assert running.returncode == 0 and seen <= {whole}
    running.communicate()


def test_estimate(program, folder):
    """The plan tells what it will take; of raw video exactly enough to refuse."""
    text = program('plan', kit.source(NAME), '-o', folder / 'out.mp4', *ARGS, code=0).out
    assert 'disk' in text and 'segments and joined file' in text
