"""What once failed after all the work: starts that a container's clock does not hit, covers that are none, tracks without sound."""

import random
import re

import pytest

import clips
import judge
from bad_kit import FAST, folder  # noqa: F401
from test_damaged_files import avi_chunks

LATE = 3  # pictures at the start that can't be decoded


def late_pictures(path, rate, sound):
    """Sound from the start, pictures from the fourth on."""
    clips.ffmpeg('-f', 'lavfi', '-i', f'testsrc2=size=64x48:rate={rate}', '-f', 'lavfi', '-i', f'sine=sample_rate={sound}',
        '-t', 0.9, '-c:v', 'mpeg4', '-g', LATE, '-q:v', 9, '-c:a', 'libmp3lame', path)
    data = bytearray(path.read_bytes())
    for at, size in list(avi_chunks(data))[:LATE]:
        data[at : at + size] = bytes(size)
    path.write_bytes(data)


@pytest.mark.parametrize('suffix', ['mp4', 'mov', 'mkv'])
@pytest.mark.parametrize(
    'rate, sound', [('24000/1001', 44100), ('2397/100', 44100), ('30000/1001', 44100), ('30000/1001', 48000), ('12.5', 22050),
        ('60000/1001', 44100)]
)
def test_late_pictures_at_any_rate(program, folder, rate, sound, suffix):
    source, out = folder / 'late.avi', folder / f'out.{suffix}'
    late_pictures(source, rate, sound)
    program('restore', source, '-o', out, *FAST, code=0)
    top, _, bottom = rate.partition('/')
    step = float(bottom or 1) / float(top)
    times = judge.picture_times(out)
    assert len(times) == judge.decoded_count(source)
    start = judge.sound_span(out)[0]
    assert abs(times[0] - start - LATE * step) < 0.0011 + (0.03 if suffix == 'mkv' else 0.001), (times[0], start)


def test_cover_that_is_no_picture(program, folder):
    cover, source, out = folder / 'cover.jpg', folder / 'film.mkv', folder / 'out.mp4'
    cover.write_bytes(bytes(range(7, 107)))
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=25', '-t', 1, '-c:v', 'mpeg4', '-attach', cover,
        '-metadata:s:t', 'mimetype=image/jpeg', source)
    result = program('restore', source, '-o', out, *FAST, code=0)
    assert len(re.findall('cover.*left out', result.err)) == 1, result
    assert judge.decoded_count(out) == 25
    assert len(judge.streams(out)) == 1, result


def test_cover_that_is_one_stays(program, folder):
    cover, source, out = folder / 'cover.jpg', folder / 'film.mkv', folder / 'out.mp4'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=64x48', '-frames:v', 1, cover)
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=25', '-t', 1, '-c:v', 'mpeg4', '-attach', cover,
        '-metadata:s:t', 'mimetype=image/jpeg', source)
    program('restore', source, '-o', out, *FAST, code=0)
    assert len(judge.streams(out)) == 2


@pytest.mark.parametrize('suffix', ['mp4', 'mkv'])
def test_range_behind_the_sound(program, folder, suffix):
    """Nothing of the sound lies in the range: the pictures are delivered all the same."""
    source, out = folder / 'short_sound.mkv', folder / f'out.{suffix}'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=25:duration=3', '-f', 'lavfi', '-i', 'sine=duration=1', '-c:v',
        'mpeg4', '-g', 12, '-c:a', 'aac', source)
    program('restore', source, '-o', out, '--range', '2-2.8', *FAST, code=0)
    assert judge.decoded_count(out) == 20


def test_encrypted(program, folder):
    """The right word, and no work done."""
    source = folder / 'film.mp4'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=25', '-t', 1, '-c:v', 'mpeg4', '-encryption_scheme',
        'cenc-aes-ctr', '-encryption_key', '00112233445566778899aabbccddeeff', '-encryption_kid',
        '00000000000000000000000000000001', source)
    result = program('restore', source, '-o', folder / 'out.mp4', *FAST, '-q', code=1)
    assert len(result.error_lines) == 1 and 'the file is encrypted' in result.err, result
    assert set(judge.listing(folder)) == {'film.mp4'}


def test_protected_by_a_shop(program, folder):
    source = folder / 'film.mp4'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=25', '-t', 1, '-c:v', 'libx264', source)
    data = source.read_bytes()
    at = data.index(b'avc1', data.index(b'stsd'))
    source.write_bytes(data[:at] + b'drmi' + data[at + 4 :])
    result = program('restore', source, '-o', folder / 'out.mp4', *FAST, '-q', code=1)
    assert len(result.error_lines) == 1 and 'the file is encrypted' in result.err, result


def test_scrambled_transport_stream(program, folder):
    source = folder / 'film.ts'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=25', '-t', 1, '-c:v', 'mpeg2video', source)
    data = bytearray(source.read_bytes())
    for at in range(0, len(data), 188):
        if (data[at + 1] & 31) << 8 | data[at + 2] == 0x100:
            data[at + 3] |= 0x80
    source.write_bytes(data)
    result = program('restore', source, '-o', folder / 'out.mp4', *FAST, '-q', code=1)
    assert 'encrypted' in result.err, result


def test_sound_that_the_container_refuses(program, folder):
    """E-AC-3 that is none: mp4 needs to look into it. Found while planning, and no reason to lose the film."""
    source, out = folder / 'film.mkv', folder / 'out.mp4'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=25', '-f', 'lavfi', '-i', 'sine=sample_rate=48000', '-t', 1,
        '-c:v', 'mpeg4', '-c:a', 'eac3', source)
    data = bytearray(source.read_bytes())
    noise = random.Random(1)
    for p in judge.probe(source, '-select_streams', 'a', '-show_packets', '-show_entries', 'packet=pos,size')['packets']:
        at, size = int(p['pos']), int(p['size'])
        data[at + 8 : at + size] = bytes(noise.randrange(256) for _ in range(size - 8))
    source.write_bytes(data)
    result = program('plan', source, '-o', out, *FAST, code=0)
    assert re.search(r'audio +eac3 +transcode to aac: (the container refuses|it changes on the way)', result.out), result
    program('restore', source, '-o', out, *FAST, code=3)
    assert judge.decoded_count(out) == 25


@pytest.mark.parametrize('suffix', ['mkv', 'mp4'])
def test_times_nearer_than_a_millisecond(program, folder, suffix):
    """Matroska counts milliseconds: two pictures that lie closer are there all the same."""
    source, out = folder / 'film.mp4', folder / f'out.{suffix}'
    clips.ffmpeg('-f', 'lavfi', '-i', "testsrc2=size=64x48:rate=25,settb=1/90000,setpts='if(eq(N,10),PTS-3580,PTS)'", '-t', 1,
        '-vsync', 'passthrough', '-enc_time_base', '1/90000', '-c:v', 'mjpeg', '-video_track_timescale', 90000, source)
    program('restore', source, '-o', out, *FAST, code=0)
    assert judge.decoded_count(out) == 25
