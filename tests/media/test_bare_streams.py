"""H.264 and HEVC without a container, and Flash films: pictures that are missing are told of, what is behind them is there."""

import pytest

import clips
import judge

ARGS = ['--resolution', 'source', '--encoder', 'ffv1', '--denoise', 'off', '--deinterlace', 'off', '--preset-speed', 'ultrafast', '--progress', 'none', '--overwrite', '--no-cache']
FRAMES = 100
MAKERS = {
    'h264': ['-an', '-c:v', 'libx264', '-preset', 'veryfast', '-g', 50],
    'hevc': ['-an', '-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none:keyint=50:open-gop=0'],
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
    assert count == FRAMES and 'warning' not in said, said


@pytest.mark.parametrize('change', ['zeros', 'lost', 'cut'])
@pytest.mark.parametrize('kind', MAKERS)
def test_damaged(program, tmp_path, films, kind, change):
    data = films[kind].read_bytes()
    at, source = len(data) // 3, tmp_path / f'x.{kind}'
    source.write_bytes({'zeros': data[:at] + bytes(3000) + data[at + 3000 :], 'lost': data[:at] + data[at + 2000 :], 'cut': data[: len(data) * 6 // 10]}[change])
    count, said = restored(program, source, 3)
    if change == 'cut':
        assert 'cut off' in said and 0.4 * FRAMES < count < 0.8 * FRAMES, said
    else:
        assert ('damaged in 1 place' in said or 'decoded with errors' in said) and count >= FRAMES - 6, said


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
