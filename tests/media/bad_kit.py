"""What the tests of bad input share."""

import random
import time
from pathlib import Path

import pytest

import clips
import judge

FAST = ['--preset', 'clean', '--resolution', 'source', '--quality', 'fast', '--preset-speed', 'ultrafast', '--crf',
    '30']


def refused(program, folder, source, *args, names=None, words=(), code=1, out=None):
    """Runs a restore that must fail: one line with `names` (the source's name) and `words` in it, the folder as before."""
    before = judge.listing(folder)
    target = out if out is not None else folder / 'out.mp4'
    result = program('restore', source, '-o', target, *FAST, *args, '-q', code=code, cwd=folder)
    assert len(result.error_lines) == 1, f'one line, please: {result}'
    line = result.error_lines[0]
    name = names if names is not None else Path(source).name
    assert name in line, f'the line does not name {name}: {result}'
    for word in words:
        options = word if isinstance(word, tuple) else (word,)
        assert any(w in line.lower() for w in options), f'the line should say "{word}": {result}'
    assert not result.out
    assert judge.listing(folder) == before, f'changed: {result}'
    return line


@pytest.fixture
def folder(tmp_path):
    """A folder with a good file to work on."""
    where = tmp_path / 'films'
    where.mkdir()
    return where


def copy(name, folder, new=None):
    source = clips.path(name)
    target = folder / (new or source.name)
    target.write_bytes(source.read_bytes())
    return target


LONG = ['--preset', 'clean', '--resolution', 'source', '--preset-speed', 'medium', '--crf', '20', '--segment-length', 2,
    '--jobs', 2]


def wait_for_segment(running, folder, count=1, timeout=60):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if len(judge.segment_files(folder)) >= count:
            return
        if running.poll() is not None:
            pytest.fail(f'it ended [{running.returncode}] before a segment was finished: {running.communicate()}')
        time.sleep(0.01)
    running.kill()
    pytest.fail('no segment in time')


@pytest.fixture(scope='module')
def uninterrupted(program, tmp_path_factory):
    out = tmp_path_factory.mktemp('whole') / 'out.mp4'
    program.restore(clips.path('long_run'), out, *LONG)
    return judge.sha256(out)


def packets(path):
    found = judge.probe(path, '-select_streams', 'v', '-show_packets', '-show_entries',
        'packet=pos,size,flags')['packets']
    return [(int(p['pos']), int(p['size']), p['flags']) for p in found if 'pos' in p]


def damage(source, first, last, skip=40, seed=3):
    """Overwrites packets first..last-1 of the video with noise, all but their first `skip` bytes."""
    data = bytearray(source.read_bytes())
    noise = random.Random(seed)
    for pos, size, _ in packets(source)[first:last]:
        data[pos + skip : pos + size] = noise.randbytes(max(0, size - skip))
    source.write_bytes(data)
