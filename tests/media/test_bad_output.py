"""Outputs that can't be written, full disks, and runs that are stopped: nothing is lost, nothing is left behind."""

import contextlib
import os
import random
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest

import clips
import judge
from bad_kit import FAST, LONG, copy, damage, folder, refused, uninterrupted, wait_for_segment  # noqa: F401


@pytest.mark.sanitizer
def test_output_exists(program, folder):
    source = copy('frames_3', folder)
    (folder / 'out.mp4').write_text('precious')
    refused(program, folder, source, names='out.mp4', words=['exists', 'overwrite'])
    program('restore', source, '-o', folder / 'out.mp4', *FAST, '--overwrite', code=0)
    assert judge.decoded_count(folder / 'out.mp4') == 3


def test_overwrite_keeps_the_old_file_until_the_end(program, folder):
    source = copy('frames_3', folder)
    damage(source, 0, 3)
    (folder / 'out.mp4').write_text('precious')
    program('restore', source, '-o', folder / 'out.mp4', *FAST, '--overwrite', '--strict', '-q', code=1)
    assert (folder / 'out.mp4').read_text() == 'precious'


@pytest.mark.parametrize('how', ['same', 'symlink', 'hardlink', 'dots', 'symlink_source', 'folder_link'])
def test_output_is_the_input(program, folder, how):
    source = copy('frames_3', folder, 'film.mp4')
    digest = judge.sha256(source)
    out, given = folder / 'other.mp4', source
    if how == 'same':
        out = source
    elif how == 'symlink':
        out.symlink_to(source)
    elif how == 'hardlink':
        os.link(source, out)
    elif how == 'dots':
        out = folder / '..' / folder.name / source.name
    elif how == 'symlink_source':
        given, out = folder / 'link.mp4', source
        given.symlink_to(source)
    else:
        (folder.parent / 'twin').symlink_to(folder)
        out = folder.parent / 'twin' / source.name
    for extra in ([], ['--overwrite']):
        refused(program, folder, given, *extra, out=out, names='', words=[('same file', 'the source', 'the input',
            'itself')])
    assert judge.sha256(source) == digest


def test_output_folder_missing(program, folder):
    source = copy('frames_1', folder)
    refused(program, folder, source, out=folder / 'no' / 'such' / 'out.mp4', names='no/such', words=[('no such',
        'not exist', 'missing', 'not found')])


def test_output_folder_read_only(program, folder):
    source = copy('frames_1', folder)
    target = folder / 'shelf'
    target.mkdir()
    if os.getuid() == 0:
        target = Path('/proc')  # root writes everywhere else
    else:
        target.chmod(0o555)
    refused(program, folder, source, out=target / 'out.mp4', names=str(target), words=[('permission', 'read-only',
        'written', 'write', 'create')])


def test_output_is_a_folder_that_is_a_file(program, folder):
    source = copy('frames_1', folder)
    (folder / 'file').write_text('x')
    refused(program, folder, source, out=folder / 'file' / 'out.mp4', names='file')


def test_unknown_container(program, folder):
    source = copy('frames_1', folder)
    refused(program, folder, source, out=folder / 'out.xyz', names='out.xyz', code=(1, 2), words=['mkv'])


def test_encoder_that_the_container_can_not_hold(program, folder):
    source = copy('frames_1', folder)
    refused(program, folder, source, '--encoder', 'ffv1', out=folder / 'out.webm', names='', code=(1, 2), words=['webm',
        'ffv1'])



def small_disk(tmp_path, size):
    """A file system of `size` bytes, or None where none can be mounted."""
    where = tmp_path / 'disk'
    where.mkdir()
    done = (subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size}', 'tmpfs', str(where)],
        stderr=subprocess.DEVNULL) if os.getuid() == 0 else None)
    if done is None or done.returncode:
        where.rmdir()
        return None
    return where


def limited_files(size):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def test_full_disk_at_once(program, tmp_path):
    """There is no room from the start: said before or at the first write, nothing is left."""
    source = clips.path('steady_interlaced')
    args = ['--preset', 'clean', '--resolution', 'source', '--encoder', 'ffv1', '-q']
    disk = small_disk(tmp_path, '300k')
    try:
        where = disk or tmp_path
        limit = None if disk else limited_files(100000)
        result = program('restore', source, '-o', where / 'out.mkv', *args, code=1, preexec_fn=limit)
        assert len(result.error_lines) == 1, result
        assert any(w in result.err.lower() for w in ('space', 'full', 'too large')), result
        assert not judge.listing(where), result
    finally:
        if disk:
            subprocess.run(['umount', str(disk)], check=True)


def test_full_disk_later(program, tmp_path, uninterrupted):
    """The disk fills up under way: finished segments stay, a line says how to go on, which gives the same file."""
    disk = small_disk(tmp_path, '30m')
    if not disk:
        pytest.skip('no file system can be mounted here (needs root)')
    try:
        source = clips.path('long_run')
        out = disk / 'out.mp4'
        running = program.start('restore', source, '-o', out, *LONG)
        wait_for_segment(running, judge.work_folder(out))
        free = os.statvfs(disk)
        filler = disk / 'filler'
        # The program writes on meanwhile: where it was faster, this is what finds the disk full.
        with contextlib.suppress(OSError), open(filler, 'wb', buffering=0) as f:
            f.write(b'x' * max(0, free.f_bavail * free.f_bsize - 20000))
        err = running.communicate(timeout=120)[1].decode()
        assert running.returncode == 1, err
        told = [line for line in err.splitlines() if 'error' in line]
        assert len(told) == 1 and any(w in told[0] for w in ('space', 'full')) and out.name in told[0], err
        assert judge.segment_files(judge.work_folder(out)) and not out.exists()
        assert 'resume' in err.lower() or 'same command' in err.lower() or 'go on' in err.lower(), err
        filler.unlink()
        program.restore(source, out, *LONG)
        assert judge.sha256(out) == uninterrupted
        assert {p.name for p in disk.iterdir()} == {'out.mp4', 'out.mp4.json'}
    finally:
        subprocess.run(['umount', str(disk)], check=True)


# Interruption


@pytest.mark.parametrize(
    'number', [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=['ctrl-c', 'terminated', 'killed']
)
def test_interrupted(program, folder, uninterrupted, number):
    out = folder / 'out.mp4'
    running = program.start('restore', clips.path('long_run'), '-o', out, *LONG)
    wait_for_segment(running, judge.work_folder(out), 2)
    before = {p.name: p.stat().st_mtime_ns for p in judge.segment_files(judge.work_folder(out))}
    running.send_signal(number)
    started = time.monotonic()
    err = running.communicate(timeout=60)[1].decode()
    if number == signal.SIGKILL:
        assert running.returncode == -9
    else:
        assert running.returncode == 130, err
        assert time.monotonic() - started < 15
        assert 'out.mp4' in err and any(w in err.lower() for w in ('resume', 'same command', 'go on', 'continue')), err
        assert not [p for p in judge.work_folder(out).iterdir() if p.suffix == '.part'], 'unfinished pieces'
    assert not out.exists() and not judge.report_path(out).exists()
    assert set(before) <= {p.name for p in judge.segment_files(judge.work_folder(out))}
    result = program.restore(clips.path('long_run'), out, *LONG)
    assert judge.sha256(out) == uninterrupted, result
    assert set(judge.listing(folder)) == {'out.mp4', 'out.mp4.json'}


def test_interrupted_early_leaves_nothing(program, folder):
    """Before the first segment is finished there is nothing worth keeping."""
    out = folder / 'out.mp4'
    args = ['--preset', 'vhs', '--resolution', 'source', '--preset-speed', 'slow', '--segment-length', 30, '--jobs', 1]
    running = program.start('restore', clips.path('long_run'), '-o', out, *args)
    end = time.monotonic() + 30
    while not judge.work_folder(out).exists() and time.monotonic() < end and running.poll() is None:
        time.sleep(0.02)
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)
    err = running.communicate(timeout=60)[1].decode()
    assert running.returncode == 130, err
    assert not judge.listing(folder), err
