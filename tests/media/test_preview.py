"""Previews: an excerpt of what would be delivered, beside its source."""

import subprocess

import pytest

import clips
import judge

STRIP = {480: 28, 1080: 60}  # height of the labels above pictures 720 or 1440 wide
GAP = 8


@pytest.fixture(scope='module')
def tape(program, tmp_path_factory):
    path = tmp_path_factory.mktemp('preview') / 'tape.avi'
    program('simulate', '-o', path, '--frames', 40, code=0)
    return path


RECIPE = ['--encoder', 'ffv1', '--resolution', 'source', '--denoise', 'off']


@pytest.fixture(scope='module')
def whole(program, tape):
    out = tape.with_name('whole.mkv')
    program.restore(tape, out, *RECIPE, '--segment-length', 0.6)
    return out


def crop(width, height, x, y):
    return f'crop={width}:{height}:{x}:{y}:exact=1'


def pane_of(layout):
    """Where the result is."""
    return {
        'side': crop(720, 480, 720 + GAP, STRIP[480]),
        'stack': crop(720, 480, 0, 2 * STRIP[480] + 480),
        'split': crop(56, 480, 664, STRIP[480]),  # the line never comes so far to the right
    }[layout]


@pytest.mark.parametrize('layout', ['side', 'split', 'stack'])
def test_shows_what_is_delivered(program, tape, whole, tmp_path, layout):
    """The result's pane is, to the bit, what restore makes of the whole file."""
    shown = tmp_path / 'shown.mkv'
    done = program('preview', tape, '-o', shown, *RECIPE, '--start', '20f', '--duration', 0.2, '--layout', layout, '--json', code=0).json()
    assert done['source_frame'] == 20 and done['frames'] == 12
    part = crop(56, 480, 664, 0) if layout == 'split' else None
    assert judge.picture_sums(shown, filters=pane_of(layout)) == judge.picture_sums(whole, filters=part)[40:52]
    # Its own times begin at 0 and go on as the output's do; sound comes along.
    assert judge.picture_times(shown) == [t - judge.picture_times(whole)[0] for t in judge.picture_times(whole)[:12]]
    assert judge.streams(shown, 'audio')
    assert not judge.work_folder(shown).exists()
    program('verify', shown, code=0)


def test_source_is_left_alone(program, tape, tmp_path):
    """The source's pane has the source's own lines: those of one field in each picture."""
    shown = tmp_path / 'shown.mkv'
    program('preview', tape, '-o', shown, '--encoder', 'ffv1', '--resolution', 'source', '--start', '10f', '--duration', 0.1, code=0)
    pane = crop(720, 480, 0, STRIP[480])
    for n, parity in ((0, 1), (1, 0)):  # the bottom field is the earlier one
        lines = f'format=gray10le,il=l=d,{crop(720, 240, 0, 240 * parity)}'
        mine = judge.picture_sums(shown, filters=f'{pane},{lines}')[n]
        source = judge.picture_sums(tape, filters=f'format=yuv422p10le,{lines}')[10]
        assert mine == source


@pytest.mark.parametrize('name', ['rotated_90', 'gray', 'rgb24', 'vfr_mkv'])
def test_kinds_of_sources(program, clip, tmp_path, name):
    out = tmp_path / 'out.mp4'
    done = program('preview', clip(name), '-o', out, '--preset', 'clean', '--preset-speed', 'ultrafast', '--resolution', 'source',
        '--start', '0', '--duration', 0.3, '--json', code=(0, 3)).json()
    stream = judge.video_stream(out)
    assert (stream['width'], stream['height']) == (done['width'], done['height'])
    width, height = clips.CLIPS[name].size
    if clips.CLIPS[name].rotate in (90, 270):
        width, height = height, width
    assert done['width'] >= 2 * width + GAP and height < done['height'] < height + 90
    assert judge.rotation(stream) == 0


def test_single_frame(program, tape, tmp_path):
    """Source, result, difference: three pictures side by side, the third one grey where nothing was done."""
    out = tmp_path / 'frame.png'
    done = program('preview', tape, '-o', out, '--start', '50%', '--json', code=0).json()
    assert (done['width'], done['height']) == (3 * 1440 + 2 * GAP, 1080 + STRIP[1080])
    assert done['source_frame'] == 20
    stream = judge.video_stream(out)
    assert (stream['codec_name'], stream['width'], stream['height']) == ('png', done['width'], done['height'])
    # The second picture is restore's frame, as far as one lossless file shows it.
    untouched = tmp_path / 'same.png'
    progressive = tmp_path / 'clean.mkv'
    subprocess.run(['ffmpeg', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=320x240:r=25', '-frames:v', '8', '-c:v', 'ffv1',
        '-pix_fmt', 'yuv444p', progressive], check=True)
    program('preview', progressive, '-o', untouched, '--preset', 'clean', '--resolution', 'source', '--encoder', 'ffv1', '--start', '4f', code=0)
    data = subprocess.run(['ffmpeg', '-v', 'error', '-i', untouched, '-vf', crop(320, 240, 2 * (320 + GAP), 20), '-f', 'rawvideo', '-pix_fmt', 'gray', '-'],
        stdout=subprocess.PIPE, check=True).stdout
    assert len(data) == 320 * 240 and max(data) - min(data) <= 1
    # What is cut off is no difference: the source is shown without it.
    cut = tmp_path / 'cut.png'
    program('preview', progressive, '-o', cut, '--preset', 'clean', '--resolution', 'source', '--encoder', 'ffv1', '--start', '4f', '--crop-left', 32,
        '--crop-top', 20, code=0)
    strip = judge.video_stream(cut)['height'] - 220
    data = subprocess.run(['ffmpeg', '-v', 'error', '-i', cut, '-vf', crop(288, 220, 2 * (288 + GAP), strip), '-f', 'rawvideo', '-pix_fmt', 'gray', '-'],
        stdout=subprocess.PIPE, check=True).stdout
    assert len(data) == 288 * 220 and max(data) - min(data) <= 1


def test_bad_calls(program, tape, tmp_path):
    out = tmp_path / 'out.mp4'
    png = tmp_path / 'there.png'
    png.write_bytes(b'mine')
    for args, code, word in [
        (['preview', tmp_path / 'none.avi', '-o', out], 1, 'none.avi'),
        (['preview', tape, '-o', out, '--start', '99:00'], 2, 'no frame to show'),
        (['preview', tape, '-o', out, '--start', 'x'], 2, 'start'),
        (['preview', tape, '-o', out, '--layout', 'sied'], 2, 'side'),
        (['preview', tape, '-o', out, '--preset', 'vsh'], 2, 'vhs'),
        (['preview', tape, '-o', tmp_path / 'no' / 'out.mp4'], 1, 'no folder'),
        (['preview', tape, '-o', tmp_path / 'no' / 'out.png'], 1, 'no folder'),
        (['preview', tape, '-o', tmp_path / 'out.gif'], 2, '.mp4'),
        (['preview', tape, '-o', png], 1, 'exists already'),
        (['preview', tape, '-o', tape], 1, tape.name),
    ]:
        done = program(*args, '--progress', 'none', code=code)
        assert word in done.err, done
        assert len([line for line in done.error_lines if not line.startswith('see ')]) == 1, done
    assert png.read_bytes() == b'mine'
    assert [p.name for p in tmp_path.iterdir()] == ['there.png']
