"""Caches and reports that are garbled: made anew or refused, never believed. Work folders: tests/faults/test_work.py."""

import shutil

import pytest

import judge
from bad_kit import FAST, copy, folder  # noqa: F401

WORK = [*FAST, '--segment-length', 1]


def test_broken_cache(program, folder, tmp_path):
    """An index in the cache that is garbled is made anew."""
    cache = tmp_path / 'cache'
    source = copy('h264', folder)
    env = {'XDG_CACHE_HOME': str(cache)}
    first = program('plan', source, '--json', env=env, code=0).out
    files = [p for p in cache.rglob('*') if p.is_file()]
    for path in files:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 255
        path.write_bytes(data)
    assert program('plan', source, '--json', env=env, code=0).out == first
    for path in files:
        path.write_bytes(b'short')
    assert program('plan', source, '--json', env=env, code=0).out == first


def test_cache_can_not_be_written(program, folder):
    source = copy('frames_1', folder)
    program('restore', source, '-o', folder / 'out.mp4', *FAST, env={'XDG_CACHE_HOME': '/proc/none'}, code=0)


def test_work_folder_elsewhere(program, folder, tmp_path):
    source = copy('steady', folder)
    scratch = tmp_path / 'scratch'
    scratch.mkdir()
    out = folder / 'out.mp4'
    program.restore(source, out, *WORK, '--work-dir', scratch, '--keep-work')
    assert set(judge.listing(folder)) == {source.name, 'out.mp4', 'out.mp4.json'}
    assert len(list(scratch.iterdir())) == 1
    shutil.rmtree(scratch)
    result = program('restore', source, '-o', folder / 'other.mp4', *WORK, '--work-dir', scratch / 'none' / 'such',
        '-q', code=(0, 1))
    assert result.code == 0 or len(result.error_lines) == 1


# verify


def test_verify_of_nothing(program, folder):
    result = program('verify', folder / 'gone.mp4', '-q', code=1)
    assert result.err.count('\n') == 1 and 'gone.mp4: there is no such file' in result.err, result.err


def test_verify(program, folder):
    source = copy('h264', folder)
    out = folder / 'out.mp4'
    program.restore(source, out, *FAST)
    program('verify', out, code=0)
    data = bytearray(out.read_bytes())
    data[len(data) * 2 // 3] ^= 8
    out.write_bytes(data)
    result = program('verify', out, '-q', code=1)
    assert len(result.error_lines) >= 1 and 'out.mp4' in result.err, result
    out.write_bytes(data[: len(data) // 2])
    result = program('verify', out, '-q', code=1)
    assert 'out.mp4' in result.err
    out.unlink()
    result = program('verify', out, '-q', code=1)
    assert len(result.error_lines) == 1 and 'out.mp4' in result.err


@pytest.mark.parametrize('text', [b'', b'{', b'{}', b'[]', bytes(range(256))])
def test_verify_with_a_broken_report(program, folder, text):
    source = copy('frames_3', folder)
    out = folder / 'out.mp4'
    program.restore(source, out, *FAST)
    judge.report_path(out).write_bytes(text)
    result = program('verify', out, '-q', code=1)
    assert len(result.error_lines) >= 1 and 'out.mp4.json' in result.err, result
