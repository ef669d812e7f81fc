"""H.264, HEVC, AV1 and H.261 without a container, and Flash films: pictures that are missing are told of, what is behind them is there."""

import re

import pytest

import clips
import judge

ARGS = ['--resolution', 'source', '--encoder', 'ffv1', '--denoise', 'off', '--deinterlace', 'off', '--preset-speed', 'ultrafast', '--progress', 'none', '--overwrite', '--no-cache']
FRAMES = 100
ALL = {'h261': 120}
MAKERS = {
    'h264': ['-an', '-c:v', 'libx264', '-preset', 'veryfast', '-g', 50],
    'hevc': ['-an', '-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none:keyint=50:open-gop=0'],
    'obu': ['-an', '-c:v', 'libaom-av1', '-cpu-used', 8, '-g', 50, '-b:v', '300k', '-row-mt', 0],
    'h261': ['-an', '-s', '352x288', '-c:v', 'h261', '-g', 12, '-q:v', 6, '-r', '30000/1001'],
    'mjpeg': ['-an', '-c:v', 'mjpeg', '-q:v', 6],
    'swf': ['-c:v', 'flv1', '-c:a', 'libmp3lame', '-ar', 44100],
}


@pytest.fixture(scope='module')
def films(tmp_path_factory):
    folder, made = tmp_path_factory.mktemp('films'), {}
    for kind, args in MAKERS.items():
        path = folder / f'whole.{kind}'
        clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=r=25:s=160x128:d=4,noise=alls=15:all_seed=1', '-f', 'lavfi', '-i', 'sine=d=4', *args, '-threads:v', 1, path)
        made[kind] = path
    return made


def restored(program, source, code):
    out = source.with_suffix('.mkv')
    said = program('restore', source, '-o', out, *ARGS, code=code).err
    return judge.decoded_count(out), said


@pytest.mark.parametrize('kind', MAKERS)
def test_whole(program, films, kind):
    count, said = restored(program, films[kind], 0)
    assert count == ALL.get(kind, FRAMES) and 'warning' not in said, said


@pytest.mark.parametrize('change', ['zeros', 'lost', 'cut'])
@pytest.mark.parametrize('kind', MAKERS)
def test_damaged(program, tmp_path, films, kind, change):
    data = films[kind].read_bytes()
    at, source = len(data) // 3, tmp_path / f'x.{kind}'
    source.write_bytes({'zeros': data[:at] + bytes(3000) + data[at + 3000 :], 'lost': data[:at] + data[at + 2000 :], 'cut': data[: len(data) * 6 // 10]}[change])
    count, said = restored(program, source, 3)
    frames = ALL.get(kind, FRAMES)
    if change == 'cut':
        assert ('cut off' in said or kind == 'h261' and '1 frame decoded with errors' in said) and 0.4 * frames < count < 0.8 * frames, said
    else:
        assert ('damaged in 1 place' in said or 'decoded with errors' in said) and count >= frames - 6, said


@pytest.mark.parametrize('seed', range(4))
def test_h261_damaged_within_a_picture(program, tmp_path, films, seed):
    """No start code is hit: only what the decoder says tells of it."""
    data, source = films['h261'].read_bytes(), tmp_path / 'x.h261'
    at = len(data) * (2 + seed) // 8
    source.write_bytes(data[:at] + bytes(255 - b for b in data[at : at + 24]) + data[at + 24 :])
    count, said = restored(program, source, 3)
    assert count == ALL['h261'] and 'decoded with errors' in said, said


def test_av1_goes_on_at_the_next_key_picture(program, tmp_path, films):
    """The decoder takes nothing more once it has half of a picture: it is begun anew there."""
    data, source = films['obu'].read_bytes(), tmp_path / 'x.obu'
    at = len(data) // 3
    source.write_bytes(data[:at] + bytes(3000) + data[at + 3000 :])
    out = source.with_suffix('.mkv')
    program('restore', source, '-o', out, *ARGS, code=3)
    concealed = sum(s['concealed'] for s in judge.report(out)['segments'])
    assert judge.decoded_count(out) >= FRAMES - 6 and concealed <= 25, concealed


@pytest.mark.parametrize('lost', [True, False])
def test_nut_says_how_much_is_missing(program, tmp_path, lost):
    """Its demuxer goes on at the next mark in silence; marks say how far it is to earlier ones."""
    whole, source = tmp_path / 'whole.nut', tmp_path / 'x.nut'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=r=25:s=160x128:d=4,noise=alls=15:all_seed=1', '-f', 'lavfi', '-i', 'sine=d=4', '-c:v', 'mpeg4', '-g', 12,
        '-q:v', 6, '-c:a', 'libmp3lame', whole)
    count, said = restored(program, whole, 0)
    assert count == FRAMES and 'warning' not in said, said
    data = whole.read_bytes()
    at, size = len(data) // 3, len(data) // 5
    source.write_bytes(data[:at] + (b'' if lost else bytes(size)) + data[at + size :])
    said = restored(program, source, 3)[1]
    found = re.search(r'damaged in 1 place: ([\d.]+) s of pictures', said)
    assert found and 0.5 < float(found[1]) < 1.4, said


def test_vc2_lacks_bytes(program, tmp_path):
    """Units say how long they are; what the parser passes over is told."""
    whole, source = tmp_path / 'whole.drc', tmp_path / 'x.drc'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=r=25:s=160x128:d=2', '-c:v', 'vc2', '-b:v', '3M', whole)
    assert restored(program, whole, 0)[0] == 50
    data = whole.read_bytes()
    at = len(data) // 3
    for damaged, word in ((data[:at] + data[at + 2000 :], 'damaged in 1 place'), (data[: len(data) * 6 // 10], 'cut off')):
        source.write_bytes(damaged)
        count, said = restored(program, source, 3)
        assert word in said and count >= 25, said


@pytest.mark.parametrize('kind', ['h264', 'hevc'])
def test_cut_at_a_key_picture(program, tmp_path, films, kind):
    """Somebody took a second out between two groups of pictures: nothing is missing that should be there."""
    data = films[kind].read_bytes()
    key = b'\0\0\1\x67' if kind == 'h264' else b'\0\0\1\x40'
    places = [i for i in range(len(data)) if data.startswith(key, i)]
    assert len(places) == 2
    source = tmp_path / f'x.{kind}'
    source.write_bytes(data[: places[1]] + data)
    count, said = restored(program, source, 0)
    assert count == FRAMES * 3 // 2 and 'warning' not in said, said
