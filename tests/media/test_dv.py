"""Raw DV: each frame says what it is; damage is found, mended and counted; sound keeps its pitch; recordings are chapters."""

import json
import random

import pytest

import judge
from dv_kit import BLOCK, NTSC, PAL, SEQUENCE, insert, lose, pitches, steepest, tape, type1_avi, zero

FRAMES = 12
RAW = ['--preset', 'clean', '--resolution', 'source', '--encoder', 'ffv1', '--quality', 'fast', '--progress', 'none']
FAST = ['--preset', 'clean', '--resolution', 'source', '--preset-speed', 'ultrafast', '--quality', 'fast', '--progress', 'none']


@pytest.fixture(scope='module')
def tapes(tmp_path_factory):
    folder = tmp_path_factory.mktemp('tapes')
    return {'pal': tape(folder / 'pal.dv'), 'ntsc': tape(folder / 'ntsc.dv', 0.4004, 'ntsc')}


def counted(report):
    return (judge.find_key(report, 'damaged') or 0) + (judge.concealed_frames(report) or 0)


def restored(program, folder, data, *args, code=0, name='out.mkv'):
    source = folder / 'tape.dv'
    source.write_bytes(data)
    out = folder / name
    result = program.restore(source, out, *args, code=code)
    return out, judge.report(out), result


DAMAGE = {
    'sector at a head': (lambda d, size: zero(d, 4 * size, 512), {4}),
    'sector inside': (lambda d, size: zero(d, 4 * size + 50000, 4096), {4}),
    'two frames gone': (lambda d, size: zero(d, 4 * size, 2 * size), {4, 5}),
    'file begins with zeros': (lambda d, size: zero(d, 0, 2048), {0}),
    'file ends with zeros': (lambda d, size: zero(d, len(d) - 512, 512), {11}),
    'bytes lost inside': (lambda d, size: lose(d, 4 * size + 40000, 3000), {4}),
    'bytes lost at a head': (lambda d, size: lose(d, 4 * size, 1234), {4}),
    'bytes lost at the start': (lambda d, size: lose(d, 0, 777), {0}),
    'bytes lost at the end': (lambda d, size: d[:-5000], {11}),
    'garbage': (lambda d, size: insert(d, 4 * size + 40000, 3001), {4}),
    'garbage at the start': (lambda d, size: insert(d, 0, 100001), set()),
    'several': (lambda d, size: insert(lose(zero(d, 9 * size + 300, 512), 6 * size + 20000, 90), 2 * size, 5000), {6, 9}),
}


NTSC_TOO = ('sector at a head', 'bytes lost inside', 'several')


@pytest.mark.parametrize('name, system', [(n, 'pal') for n in DAMAGE] + [(n, 'ntsc') for n in NTSC_TOO])
def test_damage(program, tmp_path, tapes, name, system):
    """No frame and no time is lost, frames that were not hit are as they were, the others are counted."""
    harm, hit = DAMAGE[name]
    size, rate = (PAL, '25/1') if system == 'pal' else (NTSC, '30000/1001')
    whole = tmp_path / 'whole.dv'
    whole.write_bytes(tapes[system])
    out, report, result = restored(program, tmp_path, harm(tapes[system], size), *RAW, code=3 if hit else 0)
    assert counted(report) == len(hit), result
    video = judge.video_stream(out)
    assert (video['r_frame_rate'], video['width']) == (rate, 720)
    sums, before = judge.picture_sums(out), judge.picture_sums(whole)
    assert len(sums) == FRAMES
    assert [i for i in range(FRAMES) if i not in hit and sums[i] != before[i]] == []
    start, end, seconds = judge.sound_span(out)
    length = FRAMES / 25 if system == 'pal' else FRAMES * 1001 / 30000
    assert judge.close(start, 0, 0.001) and judge.close(end, length, 0.002) and judge.close(seconds, length, 0.002)
    if hit and 'gone' not in name:
        assert steepest(judge.samples(out)[0]) < 1500


def test_damage_in_segments(program, tmp_path, tapes):
    """What is mended depends on nothing but the source, wherever a segment begins."""
    data = zero(zero(tapes['pal'] * 4, 20 * PAL, 512), 33 * PAL + 10000, 700)
    one = judge.picture_sums(restored(program, tmp_path, data, *RAW, code=3)[0])
    several, report, _ = restored(program, tmp_path, data, *RAW, '--segment-length', '0.64', code=3, name='several.mkv')
    assert len(judge.find_key(report['plan'], 'cuts')) > 3
    assert judge.picture_sums(several) == one and len(one) == 4 * FRAMES and counted(report) == 2


@pytest.mark.parametrize('container', ['mkv', 'mp4'])
@pytest.mark.parametrize('rates', [(32000, 48000), (48000, 44100, 32000, 48000)])
def test_rates_of_sound(program, tmp_path, rates, container):
    """440 Hz stays 440 Hz, in one piece and as long as the pictures."""
    data = b''.join(tape(tmp_path / f'{i}.dv', rate=rate) for i, rate in enumerate(rates))
    out, report, result = restored(program, tmp_path, data, *FAST, name=f'out.{container}')
    assert 'resampled to 48000 Hz' in json.dumps(report['plan']['decisions']), result
    pcm, _ = judge.samples(out)
    found = pitches(pcm[: int(len(rates) * 0.48 * 48000)])
    assert len(found) >= 5 * len(rates)
    assert all(abs(f - 440) < 2 for f in found), found
    start, end, _ = judge.sound_span(out)
    assert judge.close(start, 0, 0.025) and judge.close(end, len(rates) * 0.48, 0.025)
    assert judge.decoded_count(out) == len(rates) * FRAMES


def test_four_channels_of_12_bits(program, tmp_path):
    """32 kHz, two pairs in 12 bits that are not linear: all of it, as libav decodes it."""
    data, noise = bytearray(tape(tmp_path / 'tape.dv', rate=32000)), random.Random(1)
    for at in range(0, len(data), BLOCK):
        if data[at] >> 5 != 3:
            continue
        if data[at + 3] == 0x50:
            data[at + 7] |= 1
        # No sample is 0x800, the mark of one that could not be read.
        data[at + 8 : at + BLOCK] = b''.join(bytes([noise.randrange(0x78), noise.randrange(0x90, 256), noise.randrange(256)])
            for _ in range(24))
    source, out = tmp_path / 'twelve.dv', tmp_path / 'out.mkv'
    source.write_bytes(data)
    program.restore(source, out, *FAST)
    assert len(judge.streams(out, 'audio')) == 2
    for pair in range(2):
        ours, libav = (judge.run('ffmpeg', '-v', 'error', '-nostdin', '-i', path, '-map', f'0:a:{pair}', '-f', 's16le', '-')
            for path in (out, source))
        assert len(ours) == FRAMES * 1280 * 4 and ours == libav


def test_part_without_sound(program, tmp_path, tapes):
    """Silence where the tape has no sound: the block that describes it is empty there."""
    silent = bytearray(tapes['pal'])
    for at in range(0, len(silent), SEQUENCE):
        for k in range(9):
            block = at + (6 + 16 * k) * 80
            silent[block + 3 : block + 80] = b'\xff' * 77
    out, report, _ = restored(program, tmp_path, tapes['pal'] + bytes(silent) + tapes['pal'], *FAST)
    pcm, _ = judge.samples(out)
    parts = [pcm[int(t * 48000) : int((t + 0.4) * 48000)] for t in (0.03, 0.51, 0.99)]
    loud = [max(abs(s) for s in p) for p in parts]
    assert loud[0] > 2000 and loud[1] == 0 and loud[2] > 2000, loud
    assert all(abs(f - 440) < 2 for p in (parts[0], parts[2]) for f in pitches(p))


def test_two_systems(program, tmp_path, tapes):
    """Most frames decide the system; the others keep their time and are fitted in."""
    out, report, result = restored(program, tmp_path, tapes['pal'] + tapes['ntsc'][: 6 * NTSC], *FAST, code=(0, 3))
    video = judge.video_stream(out)
    assert (video['width'], video['height']) == (720, 576), result
    times = judge.picture_times(out)
    wanted = [i / 25 for i in range(12)] + [0.48 + i * 1001 / 30000 for i in range(6)]
    assert len(times) == 18 and all(judge.close(t, w, 0.002) for t, w in zip(times, wanted)), times
    assert 'another system' in json.dumps(report['plan']['decisions'])
    assert judge.close(judge.sound_span(out)[1], 0.48 + 6 * 1001 / 30000, 0.03)


def test_stray_frame_of_another_system(program, tmp_path, tapes):
    """One frame of the other system in the middle is damage."""
    data = tapes['pal'][: 5 * PAL] + tapes['ntsc'][:NTSC] + tapes['pal'][5 * PAL :]
    out, report, _ = restored(program, tmp_path, data, *FAST, code=3)
    assert counted(report) == 1
    assert judge.video_stream(out)['r_frame_rate'] == '25/1'


def test_parts_of_another_aspect(program, tmp_path, tapes):
    """The wide mark is each frame's own: black at the sides of what is 4:3 among what is 16:9."""
    data = tapes['pal'] + tape(tmp_path / 'wide.dv', wide=True) * 2
    out, report, _ = restored(program, tmp_path, data, *FAST)
    assert judge.display_aspect(judge.video_stream(out)) == pytest.approx(16 / 9, rel=0.01)
    left = judge.run('ffmpeg', '-v', 'error', '-nostdin', '-i', out, '-vf', 'crop=64:480:8:48,scale=1:1:flags=area,format=gray',
        '-f', 'rawvideo', '-')
    assert len(left) == 3 * FRAMES
    assert max(left[:FRAMES]) < 20 and min(left[FRAMES:]) > 30, list(left)
    assert 'shown as 4:3' in json.dumps(report['plan']['decisions'])


# AVI of type 1: the frames as they are, sound and all, in chunks


def test_avi_of_type_1(program, tmp_path, tapes):
    data = tapes['pal'] + tape(tmp_path / 'slow.dv', rate=32000, wide=True)
    avi = zero(type1_avi(data), 5 * PAL + 4000, 512)
    source, out = tmp_path / 'tape.avi', tmp_path / 'out.mkv'
    source.write_bytes(avi)
    program.restore(source, out, *FAST, code=3)
    assert judge.decoded_count(out) == 2 * FRAMES and counted(judge.report(out)) == 1
    found = pitches(judge.samples(out)[0])
    assert len(found) >= 10 and all(abs(f - 440) < 2 for f in found), found
    assert judge.close(judge.sound_span(out)[1], 0.96, 0.002)
    assert program('probe', source, code=0).out.count('Audio Video Interleaved') == 1


def test_avi_with_frames_that_were_missed(program, tmp_path, tapes):
    """Chunks without data keep their time."""
    avi = type1_avi(tapes['pal'])
    at = avi.index(b'00__', avi.index(b'movi')) + 5 * (PAL + 8)
    (tmp_path / 'tape.avi').write_bytes(avi[:at] + (b'00__' + bytes(4)) * 2 + avi[at:])
    out = tmp_path / 'out.mkv'
    program.restore(tmp_path / 'tape.avi', out, *FAST, code=3)
    assert judge.decoded_count(out) == FRAMES + 2 and counted(judge.report(out)) == 2
    assert judge.close(judge.sound_span(out)[1], (FRAMES + 2) / 25, 0.002)


# Recordings


@pytest.fixture(scope='module')
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp('recordings')
    dates = ('2003-05-17T14:22:05', '2003-05-17T18:00:00', '2003-12-24T20:15:30')
    return b''.join(tape(folder / f'{i}.dv', date=d, timecode=f'00:1{i}:00:00') for i, d in enumerate(dates))


def chapters(path):
    found = json.loads(judge.run('ffprobe', '-v', 'error', '-show_chapters', '-of', 'json', path))['chapters']
    return [(round(float(c['start_time']), 2), c['tags']['title']) for c in found]


def tags(path):
    found = json.loads(judge.run('ffprobe', '-v', 'error', '-show_format', '-show_streams', '-of', 'json', path))
    merged = dict(found['format'].get('tags', {}))
    for stream in found['streams']:
        merged.update({k: v for k, v in stream.get('tags', {}).items() if k == 'timecode'})
    return {k.lower(): v for k, v in merged.items()}


@pytest.mark.parametrize('container', ['mp4', 'mkv'])
def test_recordings(program, tmp_path, recordings, container):
    out, report, _ = restored(program, tmp_path, recordings, *FAST, name=f'out.{container}')
    assert chapters(out) == [(0, '2003-05-17 14:22:05'), (0.48, '2003-05-17 18:00:00'), (0.96, '2003-12-24 20:15:30')]
    found = tags(out)
    assert found['creation_time'].startswith('2003-05-17T14:22:05')
    assert found['timecode'] == '00:10:00:00'
    assert '3 on the tape' in json.dumps(report['plan']['decisions'])


def test_recordings_in_a_range(program, tmp_path, recordings):
    out, _, _ = restored(program, tmp_path, recordings, *FAST, '--range', '0.6-1.2')
    assert chapters(out) == [(0, '2003-05-17 18:00:00'), (0.36, '2003-12-24 20:15:30')]
    assert tags(out)['timecode'] == '00:11:00:03'


@pytest.mark.parametrize('choice', ['off', 'source'])
def test_recordings_without_chapters(program, tmp_path, recordings, choice):
    out, _, _ = restored(program, tmp_path, recordings, *FAST, '--chapters', choice)
    assert chapters(out) == []
    assert tags(out)['timecode'] == '00:10:00:00'


def test_recordings_in_a_container(program, tmp_path, recordings):
    """The same where the packets of an AVI hold them."""
    (tmp_path / 'raw.dv').write_bytes(recordings)
    source, out = tmp_path / 'tape.avi', tmp_path / 'out.mkv'
    judge.run('ffmpeg', '-v', 'error', '-nostdin', '-f', 'dv', '-i', tmp_path / 'raw.dv', '-c', 'copy', '-map', '0', source)
    program.restore(source, out, *FAST)
    assert [t for _, t in chapters(out)] == ['2003-05-17 14:22:05', '2003-05-17 18:00:00', '2003-12-24 20:15:30']


def test_wrong_dates_of_a_frame_are_no_recording(program, tmp_path, recordings):
    """A date that was misread for a frame or two."""
    data = bytearray(recordings[: 12 * PAL])
    for at in range(5 * PAL, 7 * PAL, 80):
        for k in range(3, 76):
            if data[at + k] in (0x62, 0x52) and data[at] >> 5 in (2, 3):
                data[at + k + 2 : at + k + 5] = bytes([0x11, 0x11, 0x11])
    out, _, _ = restored(program, tmp_path, bytes(data), *FAST)
    assert chapters(out) == []


def test_avi_of_type_2_begins_with_its_first_frame(program, tmp_path):
    """Looking whether it is of type 1 leaves the demuxer where it was: no frame is found in the head."""
    path = tmp_path / 'tape.avi'
    program('simulate', '-o', path, '--frames', 8, code=0)
    plan = program('plan', path, '--json', code=0).json()
    assert plan['diagnosis']['index']['frames'] == 8
