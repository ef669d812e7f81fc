"""Sources that are missing, damaged or no videos: one clear line, the right exit status, nothing left behind."""

import json
import os
import random
import socket

import pytest

import clips
import judge
from bad_kit import FAST, copy, damage, folder, refused  # noqa: F401


@pytest.mark.sanitizer
def test_missing(program, folder):
    refused(program, folder, folder / 'gone.avi', words=[('no such', 'not found', 'does not exist')])


def test_empty(program, folder):
    (folder / 'empty.avi').touch()
    refused(program, folder, folder / 'empty.avi', words=['empty'])


def test_empty_folder(program, folder):
    inner = folder / 'album.avi'
    inner.mkdir()
    refused(program, folder, inner, out=folder / 'restored', words=[('no video', 'folder')])


def test_folder_for_other_commands(program, folder):
    result = program('probe', folder, '-q', code=1)
    assert len(result.error_lines) == 1 and ('folder' in result.err or 'directory' in result.err), result


@pytest.mark.parametrize('device', ['/dev/zero', '/dev/null', '/dev/tty'])
def test_device(program, folder, device):
    refused(program, folder, device, words=[('device', 'regular file', 'not a file')])


def test_pipe(program, folder):
    os.mkfifo(folder / 'pipe.avi')
    refused(program, folder, folder / 'pipe.avi', words=[('pipe', 'device', 'regular file', 'not a file')])


def test_socket(program, folder):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(folder / 's.avi'))
        refused(program, folder, folder / 's.avi')


def test_text_file(program, folder):
    (folder / 'letter.avi').write_text('Dear family,\nthis is no film at all.\n' * 200)
    refused(program, folder, folder / 'letter.avi', words=[('video', 'media', 'demuxer')])


def test_random_bytes(program, folder):
    (folder / 'noise.mkv').write_bytes(random.Random(1).randbytes(200000))
    refused(program, folder, folder / 'noise.mkv')


def test_picture(program, folder):
    """A photo is a video of one frame for libav; whatever is said of it, nothing may be left behind by a refusal."""
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=64x64', '-frames:v', 1, folder / 'photo.png')
    result = program('restore', folder / 'photo.png', '-o', folder / 'out.mp4', *FAST, '-q')
    assert result.code in (0, 1, 3), result
    if result.code == 1:
        assert len(result.error_lines) == 1 and set(judge.listing(folder)) == {'photo.png'}, result


def test_mp4_without_index(program, folder):
    source = copy('h264', folder, 'cut.mp4')
    data = source.read_bytes()
    source.write_bytes(data[: data.find(b'moov') - 4])
    refused(program, folder, source, words=[('index', 'moov')])


@pytest.mark.parametrize(
    'name', ['dv_ntsc', 'h264_mkv', 'mpeg2_480i_tff', 'h264_1080i', 'wmv', 'flv', 'vp9', 'mpeg4_packed']
)
def test_truncated(program, folder, name):
    """The end is missing: what is there is restored, all of it, or the one line says why not."""
    source = copy(name, folder)
    source.write_bytes(source.read_bytes()[: source.stat().st_size * 3 // 5])
    digest = judge.sha256(source)
    result = program('restore', source, '-o', folder / 'out.mkv', *FAST, '-q', code=(0, 1, 3))
    assert judge.sha256(source) == digest
    if result.code == 1:
        assert (
            len(result.error_lines) == 1 and source.name in result.err and set(judge.listing(folder)) == {source.name}
        ), result
        return
    wanted = judge.decoded_count(source)
    assert judge.decoded_count(folder / 'out.mkv') >= wanted - (1 if result.code == 0 else 0), result
    assert judge.planned_frames(judge.report(folder / 'out.mkv')) == judge.decoded_count(folder / 'out.mkv'), result


@pytest.mark.parametrize('name, size', [('h264', 40), ('h264_mkv', 300), ('dv_ntsc', 2000), ('mpeg2_480i_tff', 500)])
def test_truncated_to_nothing(program, folder, name, size):
    source = copy(name, folder)
    source.write_bytes(source.read_bytes()[:size])
    refused(program, folder, source)


# How much of a packet is left: what lies ahead of it in the file, or enough for a decoder to find the damage only on its
# way.
DESTROYED = {'mjpeg': 8, 'h264': 0, 'hevc': 0, 'h264_mkv': 8, 'mpeg4_bframes': 8, 'prores': 0, 'vp9': 8, 'dv_ntsc': 8}
DAMAGED = {'h264': 40, 'h264_mkv': 40, 'checked': 40, 'mpeg4_bframes': 40}


@pytest.mark.sanitizer
@pytest.mark.parametrize('name, skip', [*DESTROYED.items(), *DAMAGED.items()])
def test_damage_in_the_middle(program, folder, name, skip):
    """Pictures that can't be decoded are concealed and counted, so nothing gets shorter; exit status 3. With --strict it
    is a failure."""
    source = copy(name, folder)
    damage(source, 6, 9, skip)
    digest = judge.sha256(source)
    out = folder / 'out.mp4'
    frames, rate = clips.CLIPS[name].frames, clips.CLIPS[name].rate
    result = program('restore', source, '-o', out, *FAST, code=3)
    assert judge.sha256(source) == digest
    assert judge.decoded_count(out) == frames, result
    report = judge.report(out)
    assert judge.planned_frames(report) == frames
    counted = (judge.concealed_frames(report) or 0) + (judge.find_key(report, 'damaged') or 0)
    assert counted >= 1, json.dumps(report)[:3000]
    assert result.err.strip(), 'it must be said'
    times = judge.picture_times(out)
    assert judge.close(times[-1] - times[0], (frames - 1) / float(rate)), times
    for path in (out, judge.report_path(out)):
        path.unlink()
    refused(program, folder, source, '--strict')


def test_damage_is_not_the_jobs_business(program, folder):
    """Concealment too is the same for every number of jobs."""
    source = copy('steady', folder)
    damage(source, 40, 44)
    found = set()
    for jobs in (1, 4):
        out = folder / 'out.mp4'
        program('restore', source, '-o', out, *FAST, '--segment-length', 1, '--jobs', jobs, '--overwrite', code=3)
        found.add(judge.sha256(out))
    assert len(found) == 1


def test_damaged_bytes_in_a_transport_stream(program, folder):
    source = copy('mpeg2_open_gop', folder)
    data = bytearray(source.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3000] = random.Random(5).randbytes(3000)
    source.write_bytes(data)
    out = folder / 'out.mp4'
    result = program('restore', source, '-o', out, *FAST, code=(0, 3))
    times = judge.picture_times(out)
    assert judge.close(times[-1] - times[0], 35 / 25, 0.05), result
    start, end, _ = judge.sound_span(out)
    assert judge.close(start - times[0], -0.01, 0.01) and judge.close(end - times[0], 1.43, 0.05), result


def test_sound_only(program, folder):
    source = copy('sound_only', folder)
    refused(program, folder, source, words=[('no video', 'no picture', 'sound')])


def test_one_pixel(program, folder):
    source = copy('one_pixel', folder)
    refused(program, folder, source, words=['1x1'])


def test_one_pixel_scaled(program, folder):
    """With a size for the output there is nothing wrong with it; if something is, one line says so."""
    source = copy('one_pixel', folder)
    result = program('restore', source, '-o', folder / 'out.mp4', *FAST, '--resolution', '64x64', '-q', code=(0, 1))
    if result.code:
        assert (
            len(result.error_lines) == 1 and source.name in result.err and set(judge.listing(folder)) == {source.name}
        ), result
    else:
        assert judge.decoded_count(folder / 'out.mp4') == 4


def test_very_wide(program, folder):
    source = copy('very_wide', folder)
    result = program('restore', source, '-o', folder / 'out.mp4', *FAST, '-q', code=(0, 1))
    if result.code:
        assert len(result.error_lines) == 1 and '16384' in result.err, result
        assert set(judge.listing(folder)) == {source.name}
    else:
        assert judge.decoded_count(folder / 'out.mp4') == 2


def test_size_that_no_encoder_takes(program, folder):
    source = copy('frames_1', folder)
    refused(program, folder, source, '--resolution', '20000x20000', code=(1, 2), words=['20000x20000'])


def test_unreadable(program, folder):
    if os.getuid() == 0:
        pytest.skip('root reads everything')
    source = copy('h264', folder)
    source.chmod(0)
    before = set(os.listdir(folder))
    result = program('restore', source, '-o', folder / 'out.mp4', *FAST, '-q', code=1)
    assert len(result.error_lines) == 1 and 'permission' in result.err and set(os.listdir(folder)) == before


def test_source_changes_under_way(program, folder):
    """A file that is still being written is no source for a plan that was made from less of it."""
    source = copy('steady', folder)
    out = folder / 'out.mp4'
    program('restore', source, '-o', out, *FAST, '--segment-length', 1, '--keep-work', code=0)
    for path in (out, judge.report_path(out)):
        path.unlink()
    with open(source, 'ab') as f:
        f.write(b'\0' * 100)
    result = program('restore', source, '-o', out, *FAST, '--segment-length', 1, '-q', code=1)
    assert len(result.error_lines) == 1, result
    assert not out.exists()
