"""DV in containers that know nothing of its blocks: what is missing of a frame comes from the one before, and is counted."""

import pytest

import clips
import judge
from dv_kit import NTSC, PAL, lose, pitches, tape, type1_avi, zero
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


def parts(program, source):
    tree = program('plan', source, '--json', code=0).json()
    return [d['why'] for d in tree['decisions'] if 'in a row' in d['why']]


@pytest.mark.parametrize('system', ['pal', 'ntsc'])
@pytest.mark.parametrize('kind', ['type 1', 'avi', 'mov', 'mkv', 'mxf'])
def test_shapes_that_change_in_containers(program, tmp_path, kind, system):
    """What the container says of all pictures may be what some of them say."""
    a, b = (tape(tmp_path / f'{wide}.dv', seconds=s, wide=wide, system=system) for wide, s in ((False, 0.6), (True, 0.4)))
    (tmp_path / 'both.dv').write_bytes(a + b)
    source = tmp_path / ('t1.avi' if kind == 'type 1' else f'in.{kind}')
    if kind == 'type 1':
        source.write_bytes(type1_avi(a + b, PAL if system == 'pal' else NTSC))
    else:
        clips.ffmpeg('-i', tmp_path / 'both.dv', '-c:v', 'copy', '-c:a', 'pcm_s16le', source)
    said = parts(program, source)
    assert len(said) == 2 and '4:3: they are the frame' in said[0] and 'shown as 16:9' in said[1], said
    assert parts(program, tmp_path / 'both.dv') == said


@pytest.mark.parametrize('kind', ['avi', 'mov', 'mkv'])
def test_systems_that_change_in_containers(program, tmp_path, kind):
    names = [tmp_path / f'{system}.mov' for system in ('pal', 'ntsc')]
    for name in names:
        tape(name.with_suffix('.dv'), seconds=0.6 if 'pal' in name.name else 0.3, system=name.stem)
        clips.ffmpeg('-i', name.with_suffix('.dv'), '-c:v', 'copy', '-c:a', 'pcm_s16le', name)
    (tmp_path / 'list').write_text(''.join(f"file '{name}'\n" for name in names))
    source, out = tmp_path / f'in.{kind}', tmp_path / 'o.mkv'
    clips.ffmpeg('-f', 'concat', '-safe', 0, '-i', tmp_path / 'list', '-c', 'copy', source)
    said = parts(program, source)
    assert len(said) == 2 and '720x576' in said[0] and 'they are the frame' in said[0] and '720x480' in said[1], said
    program.restore(source, out, *RAW, code=0)
    assert {(s['width'], s['height']) for s in judge.streams(out) if s['codec_type'] == 'video'} == {(720, 576)}


@pytest.mark.parametrize('system, size, rate', [('pal', '720x576', '25'), ('ntsc', '720x480', '30000/1001')])
def test_four_channels_of_16_bits(program, tmp_path, system, size, rate):
    """DVCPRO50 has two pairs, each in blocks of its own."""
    source, out, tones = tmp_path / 'in.dv', tmp_path / 'o.mkv', (300, 420, 560, 700)
    sines = [f'aevalsrc=0.3*sin(2*PI*{a}*t)|0.3*sin(2*PI*{b}*t):s=48000:d=0.6' for a, b in (tones[:2], tones[2:])]
    clips.ffmpeg('-f', 'lavfi', '-i', f'smptebars=s={size}:r={rate}:d=0.6', *[x for s in sines for x in ('-f', 'lavfi', '-i', s)], '-map', '0:v', '-map', '1:a', '-map', '2:a',
        '-c:v', 'dvvideo', '-pix_fmt', 'yuv422p', '-f', 'dv', source)
    for hit in (False, True):
        if hit:
            data = source.read_bytes()
            source.write_bytes(zero(data, len(data) // 2 + 30000, 2000))
        program.restore(source, out, '--preset', 'archive', '--overwrite', '--resolution', 'source', code=3 if hit else 0)
        for i, tone in enumerate(tones):
            raw = clips.ffmpeg('-i', out, '-map', f'0:a:{i // 2}', '-af', f'pan=mono|c0=c{i % 2}', '-f', 's16le', '-')
            pcm = [int.from_bytes(raw[k:k + 2], 'little', signed=True) for k in range(0, len(raw), 2)]
            assert len(pcm) > 0.5 * 48000 and all(abs(f - tone) < 8 for f in pitches(pcm)[:-1]), (i, pitches(pcm))


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
