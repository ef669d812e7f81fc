"""Files that hold less than they say, and files with damage inside: what is there is restored, all of it, what is missing is said
once, and the exit status is 3."""

import random
import re
import shutil
import struct

import pytest

import clips
import judge
from bad_kit import FAST, folder, packets  # noqa: F401

SECONDS, RATE = 4, 25
MAKERS = {
    'avi': ['-c:v', 'mjpeg', '-q:v', 5, '-c:a', 'pcm_s16le'],
    'mkv': ['-c:v', 'mpeg2video', '-q:v', 5, '-g', 12, '-c:a', 'ac3'],
    'webm': ['-c:v', 'libvpx', '-deadline', 'realtime', '-b:v', '300k', '-g', 12, '-c:a', 'libvorbis'],
    'mov': ['-c:v', 'mpeg4', '-q:v', 5, '-g', 12, '-c:a', 'pcm_s16be', '-movflags', 'faststart'],
    '3gp': ['-c:v', 'h263', '-s', '128x96', '-q:v', 5, '-c:a', 'aac', '-movflags', 'faststart'],
    'flv': ['-c:v', 'flv', '-q:v', 5, '-g', 12, '-c:a', 'libmp3lame'],
    'wmv': ['-c:v', 'wmv2', '-q:v', 5, '-g', 12, '-c:a', 'wmav2'],
    'mxf': ['-c:v', 'mpeg2video', '-q:v', 5, '-g', 12, '-c:a', 'pcm_s16le', '-ar', 48000],
    'ogv': ['-c:v', 'libtheora', '-q:v', 5, '-g', 12, '-c:a', 'libvorbis'],
    'rm': ['-c:v', 'rv20', '-s', '128x96', '-q:v', 5, '-g', 12, '-c:a', 'ac3'],
    'cpk': ['-c:v', 'cinepak', '-s', '64x48', '-c:a', 'pcm_s16be_planar', '-f', 'film_cpk'],
    'ts': ['-c:v', 'mpeg2video', '-q:v', 5, '-g', 12, '-c:a', 'mp2'],
}
# Their heads do not say how long they are.
SILENT = ('ogv', 'ts')


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """made(kind): a good file of that kind, SECONDS long."""
    where = tmp_path_factory.mktemp('good')

    def make(kind):
        path = where / f'good.{kind}'
        if not path.exists():
            clips.ffmpeg('-f', 'lavfi', '-i', f'testsrc2=size=160x128:rate={RATE},noise=alls=20:all_seed=1', '-f', 'lavfi',
                '-i', 'sine=frequency=440:sample_rate=44100', '-t', SECONDS, *MAKERS[kind], path)
        return path

    return make


def restored(program, source, folder, *, suffix='mkv'):
    """The output, and the lines of warning."""
    out = folder / f'out.{suffix}'
    result = program('restore', source, '-o', out, *FAST, code=3)
    assert judge.decoded_count(out) == judge.planned_frames(judge.report(out)), result
    return out, [line for line in result.err.splitlines() if line.startswith('warning:')]


@pytest.mark.parametrize('kind', sorted(MAKERS))
def test_good_files_are_not_complained_of(program, folder, made, kind):
    out = folder / 'out.mkv'
    result = program('restore', made(kind), '-o', out, *FAST, code=0)
    assert 'warning' not in result.err, result
    assert judge.decoded_count(out) == judge.decoded_count(made(kind)), result


@pytest.mark.parametrize('kind', ['mov', 'mp4'])
def test_what_lies_behind_the_pictures_is_no_damage(program, folder, kind):
    """The index, and what makers of cameras leave there."""
    source = folder / f'late.{kind}'
    clips.ffmpeg('-f', 'lavfi', '-i', f'testsrc2=size=160x128:rate={RATE}', '-t', SECONDS, '-c:v', 'mpeg4', '-q:v', 5, source)
    with source.open('ab') as f:
        f.write(struct.pack('>I4s', 20000, b'free') + bytes(19992))
    result = program('restore', source, '-o', folder / 'out.mkv', *FAST, code=0)
    assert 'warning' not in result.err, result


@pytest.mark.parametrize('kind', sorted(MAKERS))
def test_cut_off(program, folder, made, kind):
    data = made(kind).read_bytes()
    source = folder / f'cut.{kind}'
    size = len(data) // 2
    source.write_bytes(data[: size + (size % 188 == 0)])
    out, lines = restored(program, source, folder)
    said = [line for line in lines if 'cut off' in line]
    assert len(said) == 1, lines
    if kind not in SILENT:
        found = re.search(r'says ([\d.]+) s, holds ([\d.]+) s', said[0])
        assert found, said
        says, holds = (float(x) for x in found.groups())
        assert abs(says - SECONDS) < 0.15, said
        assert abs(holds - max(judge.picture_times(out)) - 1 / RATE) < 0.5, said
    assert judge.decoded_count(out) >= judge.decoded_count(source), lines
    assert judge.decoded_count(out) > 0.3 * SECONDS * RATE


def holed(data, how, at, size):
    noise = random.Random(5)
    if how == 'lost':
        return data[:at] + data[at + size :]
    return data[:at] + (bytes(size) if how == 'zeros' else noise.randbytes(size)) + data[at + size :]


@pytest.mark.parametrize('how', ['zeros', 'noise', 'lost'])
@pytest.mark.parametrize('kind', ['flv', 'wmv', 'ogv', 'mxf', 'mkv', 'webm', 'avi'])
def test_hole(program, folder, made, kind, how):
    """Some 20 pictures' worth of the file is gone: the rest is there, at its time, and it is said."""
    data = made(kind).read_bytes()
    source = folder / f'hole.{kind}'
    size = len(data) // 12
    source.write_bytes(holed(data, how, len(data) // 3, size))
    out, lines = restored(program, source, folder)
    said = [line for line in lines if 'the file is damaged in' in line]
    assert len(said) == 1, lines
    assert judge.decoded_count(out) >= judge.decoded_count(made(kind)) - 1.2 * RATE, lines
    if kind not in ('avi', 'mxf'):  # these count pictures and have no times
        end = max(judge.picture_times(out)) - min(judge.picture_times(out))
        assert abs(end - (SECONDS - 1 / RATE)) < 0.1, (end, lines)


def beyond_the_end(data, track, entry):
    """The chunk offset number `entry` of the track with that handler points behind the end of the file."""
    data = bytearray(data)
    at = data.index(b'stco', data.index(track))
    struct.pack_into('>I', data, at + 12 + 4 * entry, len(data) + 100000)
    return bytes(data)


@pytest.mark.parametrize('track', [b'soun', b'vide'])
def test_chunk_beyond_the_end(program, folder, made, track):
    """Reading goes on behind a chunk that is not there."""
    source = folder / 'chunk.mov'
    source.write_bytes(beyond_the_end(made('mov').read_bytes(), track, 2))
    out, lines = restored(program, source, folder)
    wanted = SECONDS * RATE
    assert len(lines) == 1 and 'the file is damaged in' in lines[0], lines
    assert ('of sound' in lines[0]) == (track == b'soun'), lines
    if track == b'soun':
        assert judge.decoded_count(out) == wanted, lines
    else:
        assert wanted - RATE <= judge.decoded_count(out) < wanted, lines
    start, end, _ = judge.sound_span(out)
    assert end - start > SECONDS - 0.1, lines


def test_chunks_in_the_middle_of_the_sound(program, folder, made):
    """Several places, transcoded sound: it stays in step, and what is missing is silent."""
    data = made('mov').read_bytes()
    for entry in (1, 3):
        data = beyond_the_end(data, b'soun', entry)
    source = folder / 'chunks.mov'
    source.write_bytes(data)
    out, lines = restored(program, source, folder, suffix='mp4')
    assert len(lines) == 1 and 'damaged in 2 places' in lines[0], lines
    assert judge.decoded_count(out) == SECONDS * RATE
    start, end, _ = judge.sound_span(out)
    assert end - start > SECONDS - 0.1, lines


def avi_chunks(data):
    """(position, size) of each chunk of the video."""
    at = data.index(b'movi') + 4
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack_from('<I', data, at + 4)[0]
        if name == b'00dc':
            yield at + 8, size
        if name == b'idx1':
            return
        at += 8 + size + (size & 1)


@pytest.mark.parametrize('pictures, code', [(40, 3), (12, 0)])
def test_undecodable_start(program, folder, pictures, code):
    """A start that can't be decoded is left out; one that is longer than a second is worth a warning."""
    source, out = folder / 'start.avi', folder / 'out.mp4'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=160x128:rate=25', '-t', 3, '-c:v', 'mpeg4', '-g', 12, source)
    data = bytearray(source.read_bytes())
    for at, size in list(avi_chunks(data))[:pictures]:
        data[at : at + size] = bytes(size)
    source.write_bytes(data)
    result = program('restore', source, '-o', out, *FAST, code=code)
    assert judge.decoded_count(out) == 75 - pictures // 12 * 12 - (12 if pictures % 12 else 0) or code == 3, result
    assert ("pictures can't be decoded and are left out" in result.err) == (code == 3), result
    if code == 3:
        seconds = float(re.search(r'the first ([\d.]+) s of pictures', result.err).group(1))
        assert 1.5 < seconds < 2, result
        assert abs(judge.decoded_count(out) / RATE + seconds - 3) < 0.05, result


ONLY_TOLD = {'ffv1': ('mkv', '-level', 3), 'msmpeg4v2': ('avi',), 'msmpeg4': ('avi',), 'wmv1': ('avi',), 'wmv2': ('avi',), 'libtheora': ('avi',),
    'amv': ('avi', '-q:v', 5), 'flashsv': ('avi',), 'msvideo1': ('avi',), 'snow': ('avi', '-strict', -2)}


@pytest.mark.parametrize('codec', ONLY_TOLD)
def test_damage_that_decoders_give_in_words_alone(program, folder, codec):
    """They make a picture all the same, and mark it as good: a checksum of FFV1 that is wrong, blocks that can't be read."""
    suffix, *options = ONLY_TOLD[codec]
    source, out = folder / f'a.{suffix}', folder / 'out.mkv'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=160x128:rate=25,noise=alls=10:all_seed=1', '-t', 1, '-c:v', codec, *options, '-threads', 1, source)
    program('restore', source, '-o', out, *FAST, code=0)
    data, noise = bytearray(source.read_bytes()), random.Random(4)
    for at, size, _ in packets(source)[6:19:3]:
        data[at + size // 2 : at + size // 2 + 60] = noise.randbytes(60)
    source.write_bytes(data)
    result = program('restore', source, '-o', out, *FAST, '--overwrite', code=3)
    assert re.search(r'\d frames? decoded with errors', result.err) and judge.decoded_count(out) == 25, result


def test_damaged_packets_of_copied_sound(program, folder):
    """What the container refuses of a stream that is copied is left out; the film is delivered."""
    source, out = folder / 'sound.ts', folder / 'out.mp4'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=160x128:rate=25', '-f', 'lavfi', '-i', 'sine=sample_rate=44100',
        '-t', 3, '-c:v', 'mpeg2video', '-g', 12, '-q:v', 8, '-c:a', 'aac', source)
    data = source.read_bytes()
    source.write_bytes(holed(data, 'noise', len(data) * 2 // 5, 6000))
    result = program('restore', source, '-o', out, *FAST, code=3)
    assert judge.decoded_count(out) >= 60, result
    start, end, _ = judge.sound_span(out)
    assert end - start > 2.5, result


def test_program_says_it_before_it_works(program, folder, made):
    """`plan` knows it too."""
    source = folder / 'cut.mkv'
    data = made('mkv').read_bytes()
    source.write_bytes(data[: len(data) // 2])
    result = program('plan', source, '-o', folder / 'out.mkv', *FAST, code=0)
    assert re.search(r'says 4(\.\d+)? s, holds', result.out), result
    shutil.rmtree(folder)
