"""WTV recordings that were cut off or damaged: their directory lies behind everything, and what was recorded is found without it."""

import random
import re

import pytest

import clips

ARGS = ['--resolution', 'source', '--encoder', 'ffv1', '--denoise', 'off', '--progress', 'none', '--overwrite', '--no-cache', '--segment-length', 2, '--deinterlace', 'off', '--preset-speed', 'ultrafast']
SECTOR, BLOCK = 4096, 256 << 10
FRAMES = 100
TIMESTAMP = bytes.fromhex('5b05e61b97a9494388171a655a298a97')  # how a chunk with the time of the next one begins


@pytest.fixture(scope='module')
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp('film') / 'film.wtv'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=r=25:s=256x192:d=4,noise=alls=20:all_seed=1', '-f', 'lavfi', '-i', 'sine=d=4:r=48000', '-c:v', 'mpeg2video', '-q:v', 2, '-g', 12,
                 '-c:a', 'mp2', '-threads:v', 1, path)
    return path


def pictures(path):
    raw = clips.ffmpeg('-i', path, '-map', '0:v', '-f', 'framemd5', '-')
    return [line.split(b',')[-1] for line in raw.splitlines() if not line.startswith(b'#')]


@pytest.fixture(scope='module')
def whole(program, film):
    out = film.with_name('whole.mkv')
    said = program('restore', film, '-o', out, *ARGS, code=0).err
    assert 'warning' not in said, said
    right = pictures(out)
    assert len(right) == FRAMES
    return right


def restored(program, source, data, code=3):
    source.write_bytes(data)
    out = source.with_suffix('.mkv')
    said = program('restore', source, '-o', out, *ARGS, code=code).err
    return pictures(out), said


# What is done to the file ahead of where it is cut.
CUTS = {
    'plain': lambda d: d,
    # Other files of the file system stand between two blocks.
    'moved': lambda d: d[: SECTOR + 2 * BLOCK] + random.Random(3).randbytes(2 * SECTOR) + d[SECTOR + 2 * BLOCK :],
    'later': lambda d: d[:SECTOR] + bytes(10 * SECTOR) + d[SECTOR:],
}


@pytest.mark.parametrize('kind', CUTS)
def test_recording_that_was_cut_off(program, tmp_path, film, whole, kind):
    data = CUTS[kind](film.read_bytes())
    got, said = restored(program, tmp_path / 'cut.wtv', data[: len(data) * 6 // 10])
    assert 'cut off' in said and 'damaged' not in said, said
    assert 0.5 * FRAMES < len(got) < 0.7 * FRAMES
    # Those at the end were predicted from some that are missing.
    assert got[:-3] == whole[: len(got) - 3], 'other pictures than of the whole recording'


def test_only_the_directory_is_missing(program, tmp_path, film, whole):
    data = film.read_bytes()
    got, said = restored(program, tmp_path / 'half.wtv', data[: len(data) - 3 * SECTOR])
    assert got == whole and 'cut off' in said, said


def test_nothing_was_recorded(program, tmp_path, film):
    source = tmp_path / 'head.wtv'
    source.write_bytes(film.read_bytes()[:SECTOR])
    said = program('restore', source, '-o', tmp_path / 'o.mkv', *ARGS, code=1).err
    assert 'directory' in said and 'cut off' in said and len(said.strip().splitlines()) == 1, said


@pytest.mark.parametrize('kind', ['zeros', 'lost', 'extra'])
def test_damage_in_the_middle(program, tmp_path, film, whole, kind):
    data = film.read_bytes()
    at = data.index(TIMESTAMP, len(data) // 2) - 1000
    change = {'zeros': bytes(1150) + data[at + 1150 :], 'lost': data[at + 333 :], 'extra': bytes(777) + data[at:]}
    got, said = restored(program, tmp_path / 'x.wtv', data[:at] + change[kind])
    assert re.search(r'damaged in 1 place', said), said
    assert FRAMES - 1 <= len(got) <= FRAMES, 'one picture is hit, and those that refer to it'
    assert got[:40] == whole[:40] and got[-40:] == whole[-40:], said
