"""DV in containers that know nothing of its blocks: what is missing of a frame comes from the one before, and is counted."""

import pytest

import clips
import judge
from dv_kit import PAL, lose, tape, zero
from test_dv import FRAMES, RAW, counted

CONTAINERS = ['avi', 'mov', 'mkv', 'mxf']


def frames(data):
    """Where frames begin: a head, and the block behind it."""
    return [i for i in range(len(data) - 240) if data[i : i + 3] == b'\x1f\x07\0' and data[i + 80 : i + 82] == b'\x3f\x07']


@pytest.fixture(scope='module')
def contained(tmp_path_factory):
    """The same still picture in each frame, PAL, as bytes: what is mended from a neighbour is as it was."""
    folder = tmp_path_factory.mktemp('contained')
    tape(folder / 'still.dv', pictures='smptebars')

    def make(kind):
        out = folder / f'still.{kind}'
        if not out.exists():
            clips.ffmpeg('-i', folder / 'still.dv', '-c:v', 'copy', '-c:a', 'pcm_s16le', '-movflags', 'faststart', out)
        return out.read_bytes()

    return make


HOLES = {'a sector': (30000, 512), 'a head': (0, 512), 'many blocks': (20000, 30000), 'all of it': (0, PAL)}


@pytest.mark.parametrize('hole', HOLES)
@pytest.mark.parametrize('kind', CONTAINERS)
def test_holes_in_other_containers(program, tmp_path, contained, kind, hole):
    data, (offset, size) = contained(kind), HOLES[hole]
    heads = frames(data)
    assert len(heads) == FRAMES
    source, out = tmp_path / f'hit.{kind}', tmp_path / 'out.mkv'
    source.write_bytes(zero(data, heads[7] + offset, size))
    program.restore(source, out, *RAW, code=3)
    (tmp_path / f'good.{kind}').write_bytes(data)
    before = judge.picture_sums(tmp_path / f'good.{kind}')
    assert judge.picture_sums(out) == before and len(before) == FRAMES
    assert counted(judge.report(out)) == 1
    several = tmp_path / 'several.mkv'
    program.restore(source, several, *RAW, '--segment-length', '0.16', code=3)
    assert judge.picture_sums(several) == before


@pytest.mark.parametrize('kind', ['avi', 'mkv'])
def test_bytes_lost_in_other_containers(program, tmp_path, contained, kind):
    """One frame is shorter: the blocks behind the loss are found where they are."""
    data = contained(kind)
    heads = frames(data)
    source, out = tmp_path / f'hit.{kind}', tmp_path / 'out.mkv'
    source.write_bytes(lose(data, heads[5] + 50000, 1000))
    program.restore(source, out, *RAW, code=3)
    sums = judge.picture_sums(out)
    assert len(sums) >= FRAMES - 1 and len(set(sums)) == 1, sums


@pytest.mark.parametrize('kind', ['dv', 'mov'])
@pytest.mark.parametrize('size, rate', [('720x576', '25'), ('720x480', '30000/1001'), ('1440x1080', '25')])
def test_systems_of_more_channels(program, tmp_path, kind, size, rate):
    """DVCPRO50 and DVCPRO HD: two and four channels of blocks a frame."""
    source, out = tmp_path / f'good.{kind}', tmp_path / 'out.mkv'
    clips.ffmpeg('-f', 'lavfi', '-i', f'smptebars=s={size}:r={rate}', '-f', 'lavfi', '-i', 'sine=440:r=48000:d=0.25', '-t', 0.25, '-c:v', 'dvvideo',
        '-pix_fmt', 'yuv422p', '-ar', 48000, '-ac', 2, source)
    before = judge.picture_sums(source)
    program.restore(source, out, *RAW, code=0)
    assert judge.picture_sums(out) == before and len(before) >= 6
    data = source.read_bytes()
    hit = tmp_path / f'hit.{kind}'
    hit.write_bytes(zero(data, len(data) * 11 // 20, 700))
    program.restore(hit, tmp_path / 'mended.mkv', *RAW, code=3)
    assert judge.picture_sums(tmp_path / 'mended.mkv') == before
    assert counted(judge.report(tmp_path / 'mended.mkv')) == 1


# ---- files that list where each packet is ----

LOSSES = {'a little': [(0.5, 1000)], 'an odd number': [(0.3, 4001)], 'about a frame': [(0.5, PAL)], 'two frames': [(0.4, 2 * PAL + 77)], 'two places': [(0.3, 1234), (0.6, 4321)]}


def without(data, losses):
    for place, count in reversed(losses):
        data = lose(data, int(len(data) * place), count)
    return data


@pytest.mark.parametrize('losses, index', [(l, 'behind') for l in LOSSES] + [('two frames', 'before'), ('two places', 'before')])
def test_bytes_lost_in_mov(program, tmp_path, index, losses):
    """All behind the place stands before where it is listed, and so does the list itself."""
    tape(tmp_path / 'still.dv', pictures='smptebars')
    good, source, out = tmp_path / 'good.mov', tmp_path / 'hit.mov', tmp_path / 'out.mkv'
    clips.ffmpeg('-i', tmp_path / 'still.dv', '-c:v', 'copy', '-c:a', 'pcm_s16le', *(['-movflags', 'faststart'] if index == 'before' else []), good)
    source.write_bytes(without(good.read_bytes(), LOSSES[losses]))
    done = program.restore(source, out, *RAW, code=3)
    places = len(LOSSES[losses])
    assert f'damaged in {places} place' in done.err
    assert judge.picture_sums(out) == judge.picture_sums(good)
    assert counted(judge.report(out)) <= 4
    several = tmp_path / 'several.mkv'
    program.restore(source, several, *RAW, '--segment-length', '0.16', code=3)
    assert judge.picture_sums(several) == judge.picture_sums(out)


@pytest.mark.parametrize('codec', ['libx264', 'libx265'])
@pytest.mark.parametrize('index', ['before', 'behind'])
def test_bytes_lost_in_mp4(program, tmp_path, codec, index):
    """Frames are known by the lengths of their units."""
    good, source, out = tmp_path / 'good.mp4', tmp_path / 'hit.mp4', tmp_path / 'out.mkv'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=160x128:r=25', '-f', 'lavfi', '-i', 'sine=440:r=48000', '-t', 2, '-c:v', codec, '-preset', 'ultrafast', '-g', 12,
        '-c:a', 'aac', *(['-movflags', 'faststart'] if index == 'before' else []), good)
    source.write_bytes(without(good.read_bytes(), [(0.6, 500)]))
    program.restore(source, out, *RAW, code=3)
    before, after = judge.picture_sums(good), judge.picture_sums(out)
    assert len(after) == len(before) == 50
    assert sum(a != b for a, b in zip(before, after)) <= 16 and before[-1] == after[-1]


@pytest.mark.parametrize('keep', [0.4, 0.97])
def test_mov_that_is_cut_off(program, tmp_path, keep):
    """Nothing is behind it: that is another damage."""
    tape(tmp_path / 'still.dv', pictures='smptebars')
    good, source, out = tmp_path / 'good.mov', tmp_path / 'cut.mov', tmp_path / 'out.mkv'
    clips.ffmpeg('-i', tmp_path / 'still.dv', '-c:v', 'copy', '-c:a', 'pcm_s16le', '-movflags', 'faststart', good)
    data = good.read_bytes()
    source.write_bytes(data[: int(len(data) * keep)])
    done = program.restore(source, out, *RAW, code=3)
    assert 'cut off' in done.err and ' place' not in done.err, done.err
    assert abs(len(judge.picture_sums(out)) - FRAMES * keep) <= 1
