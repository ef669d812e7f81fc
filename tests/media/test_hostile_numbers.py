"""Heads with numbers as large or as small as their fields hold: refused or planned, but never worked with beyond what a number can hold. Under the sanitizers each
overflow, and each fraction that becomes a whole number that it does not fit, ends the program."""

import struct

import pytest

import clips

BIG = [1, 0x7fffffff, 0xffffffff]
OPTIONS = ['--preset', 'clean', '--quality', 'fast', '--progress', 'none']

pytestmark = pytest.mark.sanitizer


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    folder, files = tmp_path_factory.mktemp('hostile'), {}
    for suffix, codecs in (('mp4', 'mpeg4 aac'), ('avi', 'mpeg4 pcm_s16le'), ('mkv', 'mpeg4 pcm_s16le'), ('nut', 'mpeg4 pcm_s16le')):
        video, sound = codecs.split()
        path = folder / f'a.{suffix}'
        clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc=s=32x32:r=25:d=0.4', '-f', 'lavfi', '-i', 'sine=d=0.4', '-c:v', video, '-c:a', sound, *clips.BITEXACT, path)
        files[suffix] = path.read_bytes()
    return files


def try_all(program, tmp_path, suffix, variants):
    for number, data in enumerate(variants):
        path = tmp_path / f'{number}.{suffix}'
        path.write_bytes(data)
        program('plan', path, '-o', tmp_path / 'o.mkv', *OPTIONS[:4], code=(0, 1, 3))
    # What was planned is made, too, for the last of them.
    program('restore', path, '-o', tmp_path / 'o.mkv', *OPTIONS, '--resolution', 'source', code=(0, 1, 3))


def patched(data, at, value, form='>I'):
    return data[:at] + struct.pack(form, value) + data[at + 4:]


@pytest.mark.parametrize('box, offsets', [(b'mdhd', (12, 16)), (b'mvhd', (12, 16)), (b'stts', (8, 12)), (b'elst', (8, 12)), (b'tkhd', (76, 80))])
def test_mp4(program, made, tmp_path, box, offsets):
    """Clocks, durations, edits, sizes."""
    at = made['mp4'].index(box) + 4
    try_all(program, tmp_path, 'mp4', [patched(made['mp4'], at + offset, value) for offset in offsets for value in BIG])


@pytest.mark.parametrize('chunk, offsets', [(b'avih', (0, 32, 36)), (b'strh', (20, 24, 32)), (b'strf', (4, 8))])
def test_avi(program, made, tmp_path, chunk, offsets):
    """Scale and rate, sizes."""
    at = made['avi'].index(chunk) + 8
    try_all(program, tmp_path, 'avi', [patched(made['avi'], at + offset, value, '<I') for offset in offsets for value in BIG[1:]])


@pytest.mark.parametrize('rate', ['2147483647:1', '1:2147483647', '2147483647:2147483646', '1000000007:3', '0:0', '4294967295:1'])
def test_y4m(program, tmp_path, rate):
    frames = (b'FRAME\n' + bytes(32 * 32 * 3 // 2)) * 20
    try_all(program, tmp_path, 'y4m', [b'YUV4MPEG2 W32 H32 F%s Ip A%s C420jpeg\n' % (rate.encode(), shape) + frames
                                       for shape in (b'1:1', b'2147483647:1', b'1:2147483647')])


@pytest.mark.parametrize('element, size', [(b'\x2a\xd7\xb1', 3), (b'\x44\x89', 8), (b'\x23\xe3\x83', 4), (b'\xb5', 8)])
def test_matroska(program, made, tmp_path, element, size):
    """The unit of time, the duration, a frame's duration, the sampling rate."""
    at = made['mkv'].find(element + bytes([0x80 | size]))
    if at < 0:
        pytest.skip('not written by this version of ffmpeg')
    at += len(element) + 1
    fills = [b'\x00' * size, b'\xff' * size, b'\x7f' + b'\xff' * (size - 1), b'\x7f\xef' + b'\xff' * (size - 2), b'\x00' * (size - 1) + b'\x01', b'\x7f\xf0' + b'\0' * (size - 2)]
    try_all(program, tmp_path, 'mkv', [made['mkv'][:at] + f + made['mkv'][at + size:] for f in fills])
