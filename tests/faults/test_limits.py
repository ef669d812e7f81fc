"""Limits of the system are told as what they are, and what is finished is kept."""

import os
import resource
import shutil

import pytest

import judge
import kit

ARGS = kit.options('progressive', 'h264')
NOBODY = 65534


@pytest.mark.parametrize('kilobytes', [4, 12, 20, 40])
def test_size_of_files(program, folder, kilobytes):
    """ulimit -f: no signal ends it; the limit is named, and with a higher one it goes on to the same file."""
    whole, _ = kit.uninterrupted(program, 'progressive', 'h264', 'mp4', folder)
    out = folder / 'v.mp4'

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes << 10, kilobytes << 10))

    result = program('restore', kit.source('progressive'), '-o', out, *ARGS, code=1, preexec_fn=limit)
    assert f'{kilobytes << 10} bytes' in result.err and 'ulimit -f' in result.err, result
    assert not out.exists() and not list(folder.glob('*.part'))
    kept = judge.segment_files(judge.work_folder(out))
    result = program('restore', kit.source('progressive'), '-o', out, *ARGS, '--json', code=0)
    assert judge.sha256(out) == whole
    assert result.json()['files'][0]['segments_reused'] == len(kept)


@pytest.mark.parametrize('encoder', ['h264', 'hevc', 'ffv1'])
@pytest.mark.parametrize('threads', [1, 3, 6])
def test_threads(program, tmp_path, encoder, threads):
    """ulimit -u: neither out of memory nor a hang."""
    home = tmp_path / 'home'
    home.mkdir()
    source = shutil.copy2(kit.source('progressive'), home / 'tape.mp4')
    for path in (home, *home.parents):
        if str(path).startswith('/tmp/') and os.access(path, os.W_OK):
            path.chmod(path.stat().st_mode | 0o755)

    def limit():
        resource.setrlimit(resource.RLIMIT_NPROC, (threads, threads))
        if not os.geteuid():  # there is no limit for root
            os.setgid(NOBODY)
            os.setuid(NOBODY)

    if not os.geteuid():
        os.chown(home, NOBODY, NOBODY)
    env = {name: str(home / name) for name in ('XDG_CONFIG_HOME', 'XDG_CACHE_HOME', 'XDG_STATE_HOME')}
    env['OPENBLAS_NUM_THREADS'] = '1'  # a library of libavfilter's may be OpenBLAS, which ends a program that may have no threads
    result = program('restore', source, '-o', home / 'v.mkv', *kit.options('progressive', encoder), env=env, timeout=60,
        preexec_fn=limit)
    if result.code:
        assert 'memory' not in result.err and 'threads' in result.err and 'ulimit' in result.err, result


@pytest.mark.parametrize('encoder', ['h264', 'hevc', 'av1', 'ffv1', 'prores'])
@pytest.mark.parametrize('size', ['32767x32767', '32768x32768', '16384x16384'])
def test_sizes(program, folder, encoder, size):
    out = folder / ('v.mov' if encoder == 'prores' else 'v.mkv')
    result = program('plan', kit.source('progressive'), '-o', out, '--encoder', encoder, '--resolution', size)
    if result.code:
        assert 'memory' not in result.err and 'usy' not in result.err and 'Invalid' not in result.err, result
        assert 'pictures' in result.err and size in result.err, result


def test_size_of_a_source(program, folder):
    """Pictures that nobody can hold are called that, and not busy."""
    source = folder / 'large.y4m'
    source.write_bytes(b'YUV4MPEG2 W32767 H32767 F25:1 Ip A1:1 C420jpeg\nFRAME\n' + bytes(1000))
    for command in (['probe', source], ['restore', source, '-o', folder / 'v.mkv']):
        result = program(*command, code=1)
        assert 'its pictures are too large' in result.err and 'usy' not in result.err, result
