"""Real footage, where it is there: ../shared/assets, or $TA_ASSETS."""

import os
from pathlib import Path

import pytest

import judge

ASSETS = Path(os.environ.get('TA_ASSETS', Path(__file__).resolve().parents[3] / 'shared' / 'assets')) / 'video'
FAST = ['--quality', 'fast', '--preset-speed', 'ultrafast', '--crf', '28']


def asset(name):
    path = ASSETS / name
    if not path.exists():
        pytest.skip(f'{path} is not there')
    return path


def test_real_tape(program, tmp_path):
    """DV from a camcorder: three frames, dark and noisy, bottom field first."""
    source = asset('dv_bavc2000005.dv')
    before = judge.sha256(source)
    out = tmp_path / 'tape.mp4'
    result = program.restore(source, out, '--preset', 'vhs', *FAST)
    assert judge.sha256(source) == before
    report = judge.report(out)
    assert judge.planned_frames(report) == judge.decoded_count(out) == 6, result
    assert {r['scan'] for r in report['plan']['video']['runs']} == {'bff'}
    video = judge.video_stream(out)
    assert (video['width'], video['height']) == (1440, 1080)
    times = judge.picture_times(out)
    assert all(judge.close(t - times[0], i * 1001 / 60000, 0.001) for i, t in enumerate(times)), times
    program('verify', '--full', out, code=0)


def test_real_tape_lossless(program, tmp_path):
    source = asset('dv_bavc2000005.dv')
    out = tmp_path / 'tape.mkv'
    program.restore(source, out, '--preset', 'clean', '--resolution', 'source', '--encoder', 'ffv1')
    assert judge.picture_sums(out) == judge.picture_sums(source)


def test_deinterlacing_against_the_truth(program, tmp_path):
    """The interlaced twin of a 59.94p recording: twice the frames, and near to what was there."""
    source, truth = asset('karma_480i2997_bff.mkv'), asset('karma_480p5994_truth.mkv')
    out = tmp_path / 'out.mkv'
    program.restore(source, out, '--preset', 'vhs', '--denoise', 'off', '--resolution', 'source', '--encoder', 'ffv1',
        '--quality', 'fast')
    assert judge.decoded_count(out) == judge.decoded_count(truth) == 2 * judge.decoded_count(source)
    again = judge.picture_sums(source, filters='bwdif=mode=send_field:parity=bff:deint=all')
    assert judge.picture_sums(out) == again
    assert judge.ssim(out, truth) > 0.9


@pytest.mark.parametrize('name', ['bbb_720p25_5s.mp4', 'intel_bottle_640x360.mp4', 'vmaf_park_joy_480x270_50p.y4m'])
def test_progressive_footage(program, tmp_path, name):
    """Not taken for interlaced, no frame lost, sound with its pictures."""
    source = asset(name)
    out = tmp_path / 'out.mp4'
    args = ['--preset', 'vhs', '--resolution', '480', *FAST]
    result = program.restore(source, out, *args)
    frames = judge.decoded_count(source)
    assert judge.decoded_count(out) == frames, result
    got, wanted = judge.picture_times(out), judge.picture_times(source)
    assert max(abs((g - got[0]) - (w - wanted[0])) for g, w in zip(got, wanted)) <= judge.SYNC
    for n in range(len(judge.streams(source, 'audio'))):
        a, b = judge.sound_span(source, n), judge.sound_span(out, n)
        assert judge.close(b[0] - got[0], a[0] - wanted[0])


@pytest.mark.long
@pytest.mark.parametrize('name', ['gopro_karma_480p30.mp4', 'bbb_480p24_30s.mp4', 'intel_car_768x432.mp4'])
def test_longer_footage(program, tmp_path, name):
    test_progressive_footage(program, tmp_path, name)


@pytest.mark.long
def test_similarity_of_real_footage(program, tmp_path):
    source = asset('bbb_720p25_5s.mp4')
    out = tmp_path / 'out.mp4'
    program.restore(source, out, '--preset', 'clean', '--resolution', 'source', '--crf', '10')
    assert judge.ssim(out, source) >= 0.995
