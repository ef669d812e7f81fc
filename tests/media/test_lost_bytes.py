"""MP4 and MOV with bytes missing or too many in the middle: all behind them stands elsewhere than its list, or each of its
fragments, says, and is found."""

import pytest

import clips

ARGS = ['--resolution', 'source', '--encoder', 'ffv1', '--denoise', 'off', '--preset-speed', 'ultrafast', '--progress', 'none', '--overwrite']
KINDS = {'jpeg': ('mov', '-c:v', 'mjpeg', '-q:v', 5), 'prores': ('mov', '-c:v', 'prores'), 'dnxhd': ('mov', '-c:v', 'dnxhd', '-profile:v', 'dnxhr_lb', '-pix_fmt', 'yuv422p'),
    'h263': ('3gp', '-c:v', 'h263', '-g', 5), 'mpeg2': ('mov', '-c:v', 'mpeg2video', '-g', 5),
    'mpeg4': ('mp4', '-c:v', 'mpeg4', '-g', 5), 'h264': ('mp4', '-c:v', 'libx264', '-preset', 'ultrafast', '-g', 5)}
FRAGMENTS = ['-g', 5, '-c:v', 'libx264', '-preset', 'ultrafast', '-movflags', 'frag_keyframe+empty_moov']
# Fragments that say where in the file they are; that don't; of which each begins with a list of all; that say it in another way.
FRAGMENTED = {'placed': ('mp4', *FRAGMENTS), 'floating': ('mp4', *FRAGMENTS[:-1], FRAGMENTS[-1] + '+default_base_moof'),
    'listed': ('mp4', *FRAGMENTS[:-1], FRAGMENTS[-1] + '+dash+global_sidx'), 'smooth': ('ismv', *FRAGMENTS[:-2])}


@pytest.fixture(scope='module')
def films(tmp_path_factory):
    """Of each kind, with its list behind and in front."""
    folder, made = tmp_path_factory.mktemp('films'), {}
    for kind, (suffix, *codec) in KINDS.items():
        size = '256x120' if kind == 'dnxhd' else '176x144'
        for front in (False, True):
            path = folder / f'{kind}{int(front)}.{suffix}'
            clips.ffmpeg('-f', 'lavfi', '-i', f'testsrc2=r=25:s={size}:d=1.6', '-f', 'lavfi', '-i', 'sine=d=1.6:r=48000', *codec, '-c:a', 'pcm_s16le' if suffix == 'mov' else 'aac',
                         '-threads:v', 1, *(['-movflags', 'faststart'] if front else []), *clips.BITEXACT, path)
            made[kind, front] = path
    return made


def pictures(path):
    raw = clips.ffmpeg('-i', path, '-map', '0:v', '-f', 'framemd5', '-')
    return [line.split(b',')[-1] for line in raw.splitlines() if not line.startswith(b'#')]


@pytest.mark.parametrize('front', [False, True])
@pytest.mark.parametrize('change', ['lost', 'extra'])
@pytest.mark.parametrize('kind', KINDS)
def test_pictures_behind_the_place(program, tmp_path, films, kind, change, front):
    whole, good, out = films[kind, front], tmp_path / 'good.mkv', tmp_path / 'out.mkv'
    data, count = whole.read_bytes(), 333
    at = len(data) // 2
    source = tmp_path / ('x' + whole.suffix)
    source.write_bytes(data[:at] + (data[at + count:] if change == 'lost' else bytes((i * 37 + 11) & 255 for i in range(count)) + data[at:]))
    program('restore', whole, '-o', good, *ARGS, code=0)
    done = program('restore', source, '-o', out, *ARGS, code=3)
    assert 'damaged in 1 place' in done.err, done.err
    right, got = pictures(good), pictures(out)
    assert len(got) == len(right)
    wrong = [i for i, (a, b) in enumerate(zip(right, got)) if a != b]
    # The one that was hit; and those that refer to it, up to the next key picture.
    most = 1 if kind in ('jpeg', 'prores', 'dnxhd') else 5
    assert len(wrong) <= most and (not wrong or wrong[-1] - wrong[0] < most), wrong


@pytest.mark.parametrize('count', [333, 9000])
@pytest.mark.parametrize('change', ['lost', 'extra'])
@pytest.mark.parametrize('kind', FRAGMENTED)
def test_fragments_behind_the_place(program, tmp_path, kind, change, count):
    """Also where the bytes are more than a fragment has: then what they held is missing, and no more."""
    suffix, *codec = FRAGMENTED[kind]
    whole, source, good, out = (tmp_path / f'{name}' for name in ('whole.' + suffix, 'x.' + suffix, 'good.mkv', 'out.mkv'))
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=r=25:s=176x144:d=4', '-f', 'lavfi', '-i', 'sine=d=4:r=48000', '-c:a', 'aac', *codec, '-threads:v', 1, *clips.BITEXACT, whole)
    data = whole.read_bytes()
    at = len(data) // 2
    source.write_bytes(data[:at] + (data[at + count:] if change == 'lost' else bytes((i * 37 + 11) & 255 for i in range(count)) + data[at:]))
    program('restore', whole, '-o', good, *ARGS, code=0)
    done = program('restore', source, '-o', out, *ARGS, code=3)
    assert 'damaged in 1 place' in done.err, done.err
    right, got = pictures(good), pictures(out)
    lost = round(len(right) * count / len(data)) if change == 'lost' else 0
    assert len(right) == 100 and len(right) - len(got) <= lost + 5, (len(got), lost, done.err)
    # From both ends: those of the fragments that were hit are not.
    front = next(i for i in range(len(got)) if got[i] != right[i])
    back = next(i for i in range(len(got)) if got[-1 - i] != right[-1 - i])
    assert len(right) - front - back <= lost + 10, (front, back, lost, done.err)
