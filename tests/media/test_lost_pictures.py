"""Pictures that are lost where no decoder complains: whole packets gone, packets that decoders pass over, demuxers that look
for the next thing they know. What is lost is counted and said, the exit status is 3, and what stands behind it is there."""

import re
import struct

import pytest

import clips
import handmade
import judge
from bad_kit import FAST, folder, packets  # noqa: F401

SECONDS, RATE = 4, 25
PACKET = 188
MPEG2 = ['-c:v', 'mpeg2video', '-q:v', 5, '-g', 12]
MAKERS = {
    'ts': [*MPEG2, '-bf', 2, '-c:a', 'mp2'],
    'mpg': [*MPEG2, '-bf', 2, '-c:a', 'mp2', '-f', 'mpeg'],
    'vob': [*MPEG2, '-bf', 2, '-c:a', 'ac3', '-f', 'vob'],
    'mkv': [*MPEG2, '-c:a', 'ac3'],
    'webm': ['-c:v', 'libvpx', '-deadline', 'realtime', '-b:v', '300k', '-g', 12, '-c:a', 'libvorbis'],
    'flv': ['-c:v', 'flv', '-q:v', 5, '-g', 12, '-c:a', 'libmp3lame'],
    'mp4': ['-c:v', 'mpeg4', '-q:v', 5, '-g', 12, '-c:a', 'aac', '-movflags', 'frag_keyframe+empty_moov+default_base_moof'],
    'rm': ['-c:v', 'rv20', '-s', '128x96', '-q:v', 5, '-g', 12, '-c:a', 'ac3'],
    'cpk': ['-c:v', 'cinepak', '-s', '64x48', '-c:a', 'pcm_s16be_planar', '-f', 'film_cpk'],
    'y4m': ['-an', '-pix_fmt', 'yuv420p'],
    'ivf': ['-an', '-c:v', 'libvpx', '-deadline', 'realtime', '-b:v', '300k', '-g', 12],
}


def film(path, *args):
    clips.ffmpeg('-f', 'lavfi', '-i', f'testsrc2=size=160x128:rate={RATE},noise=alls=20:all_seed=1', '-f', 'lavfi', '-i',
        'sine=frequency=440:sample_rate=44100', '-t', SECONDS, *args, path)
    return path


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """made(kind): a good file of that kind, SECONDS long, as bytes."""
    where = tmp_path_factory.mktemp('good')

    def make(kind):
        path = where / f'good.{kind}'
        return (path if path.exists() else film(path, *MAKERS[kind])).read_bytes()

    return make


def restored(program, source, *, code=3):
    """Number of pictures, from their first to the end of the last in seconds, and what was said."""
    out = source.with_name('out.mkv')
    out.unlink(missing_ok=True)
    result = program('restore', source, '-o', out, *FAST, code=code)
    times = judge.picture_times(out)
    assert len(times) == judge.planned_frames(judge.report(out)), result
    return len(times), max(times) - min(times) + 1 / RATE, result.err


@pytest.mark.parametrize('kind', sorted(MAKERS))
def test_good_files_are_not_complained_of(program, folder, made, kind):
    source = folder / f'good.{kind}'
    source.write_bytes(made(kind))
    count, _, said = restored(program, source, code=0)
    assert count == SECONDS * RATE and 'warning' not in said, said


# A hole in a key picture takes the group of 12 with it, and the pictures before that lie in the hole, too: how many depends on
# how small libvpx has made them, which differs from machine to machine.
@pytest.mark.parametrize('how', ['zeros', 'lost'])
@pytest.mark.parametrize('kind, most', [('ts', 3), ('mpg', 3), ('vob', 3), ('mkv', 3), ('webm', 17), ('flv', 14), ('rm', 3)])
def test_hole_of_a_few_pictures(program, folder, made, kind, most, how):
    """4,000 bytes: what is lost is little more than what was there, and it is said, wherever the hole is."""
    data = made(kind)
    for place in (0.31, 0.5, 0.62):
        at = int(len(data) * place)
        source = folder / f'hole.{kind}'
        source.write_bytes(data[:at] + (bytes(4000) if how == 'zeros' else b'') + data[at + 4000 :])
        count, length, said = restored(program, source)
        assert SECONDS * RATE - most <= count <= SECONDS * RATE, said
        assert abs(length - SECONDS) < 0.05, said
        missing = re.search(r'([\d.]+) s of pictures', said)
        assert count == SECONDS * RATE or abs(float(missing.group(1)) * RATE - (SECONDS * RATE - count)) < 1.5, said


@pytest.mark.parametrize('least, most, tail', [(1 / 16, 1 / 2, 1 / 4), (5 / 8, 15 / 16, 3 / 4)])
def test_packs_that_are_gone_up_to_a_new_group(program, folder, least, most, tail):
    """Whole packs of 2,048 bytes, so that those around them fit: only the picture that is torn tells this from a cut. It goes on
    with the end of another one, rows further down or up."""
    data = film(folder / 'whole.vob', '-s', '64x1024', '-c:v', 'mpeg2video', '-q:v', 5, '-g', 12, '-an', '-f', 'vob').read_bytes()
    pictures, source = packets(folder / 'whole.vob'), folder / 'gone.vob'
    key = next(i for i in range(30, 60) if 'K' in pictures[i][2])
    end, tail = pictures[key][0], int(pictures[key - 1][1] * tail)
    tried = 0
    for first in range(key - 11, key - 1):
        at, size, _ = pictures[first]
        # Where in this picture the hole must begin to be of whole packs.
        begin = end - tail - (end - tail - at - int(size * least)) // 2048 * 2048
        if not size * least <= begin - at < size * most:
            continue
        tried += 1
        source.write_bytes(data[:begin] + data[end - tail :])
        count, length, said = restored(program, source)
        missing = re.search(r'damaged in 1 place: ([\d.]+) s of pictures', said)
        assert missing and abs(float(missing[1]) * RATE - (SECONDS * RATE - count)) < 1.5 and abs(length - SECONDS) < 0.05, (first, count, length, said)
    assert tried


@pytest.mark.parametrize('kind', ['ts', 'mp4', 'cpk', 'y4m'])
def test_hole_of_many_pictures(program, folder, made, kind):
    """A tenth of the file is zeros: no picture behind it is lost."""
    data = made(kind)
    source, at, size = folder / f'hole.{kind}', len(data) // 2, len(data) // 10
    source.write_bytes(data[:at] + bytes(size) + data[at + size :])
    count, length, said = restored(program, source)
    assert SECONDS * RATE * 0.75 <= count <= SECONDS * RATE, said
    assert abs(length - SECONDS) < 0.05, said


@pytest.mark.parametrize('kind', ['mp4', 'rm', 'cpk', 'y4m', 'mpg', 'vob'])
def test_end_that_is_cut_off(program, folder, made, kind):
    """A little of the end is missing, which no length in the head tells."""
    data = made(kind)
    source = folder / f'cut.{kind}'
    source.write_bytes(data[: len(data) * 97 // 100])
    _, _, said = restored(program, source)
    assert 'cut off' in said, said


@pytest.mark.parametrize('packets', [1, 7, 30, 200])
def test_packets_of_a_transport_stream_that_are_gone(program, folder, made, packets):
    data = made('ts')
    source, at = folder / 'gone.ts', len(data) // PACKET * 2 // 5 * PACKET
    source.write_bytes(data[:at] + data[at + packets * PACKET :])
    count, length, said = restored(program, source)
    assert 'damaged in 1 place' in said and abs(length - SECONDS) < 0.05, said
    if packets == 200:  # of 36 a picture
        missing = float(re.search(r'([\d.]+) s of pictures', said).group(1))
        assert 4 <= SECONDS * RATE - count <= 8 and abs(missing * RATE - (SECONDS * RATE - count)) < 1.5, said


@pytest.mark.parametrize('place', [0.003, 0.31, 0.62, 0.995])
@pytest.mark.parametrize('how', ['lost', 'more', 'many'])
@pytest.mark.parametrize('kind', ['y4m', 'ivf'])
def test_pictures_without_a_mark(program, folder, made, kind, how, place):
    """Nothing but lengths leads from picture to picture: bytes that are missing, or too many, put that right again."""
    data = made(kind)
    at, source = int(len(data) * place) + 700, folder / f'hole.{kind}'
    lost = {'lost': 300, 'more': 0, 'many': len(data) // 20}[how]
    source.write_bytes(data[:at] + bytes(range(1, 201)) * (how == 'more') + data[at + lost :])
    count, length, said = restored(program, source)
    assert ('cut off' if place > 0.9 else 'damaged in 1 place') in said, said
    least = SECONDS * RATE - (7 if how == 'many' else 1)
    assert least <= count <= SECONDS * RATE + (how == 'more'), said
    if kind == 'ivf':  # which has times
        assert abs(length - SECONDS) < 0.05, said


def test_broken_pictures_are_the_one_before(program, folder, made):
    """Of y4m, whose pictures are seen as they are."""
    data = made('y4m')
    head = data.index(b'FRAME')
    size = (len(data) - head) // (SECONDS * RATE)
    at = head + 40 * size + 5000
    source, out = folder / 'hole.y4m', folder / 'out.mkv'
    source.write_bytes(data[:at] + data[at + 1234 :])
    program('restore', source, '-o', out, '--encoder', 'ffv1', *FAST, code=3)
    raw = clips.ffmpeg('-i', out, '-pix_fmt', 'yuv420p', '-f', 'rawvideo', '-')
    pictures = [raw[i : i + size - 6] for i in range(0, len(raw), size - 6)]
    wanted = [data[head + i * size + 6 : head + (i + 1) * size] for i in range(SECONDS * RATE)]
    wanted[40] = wanted[39]
    assert [i for i, (a, b) in enumerate(zip(pictures, wanted)) if a != b] == [] and len(pictures) == len(wanted)


def widened(data, *boxes):
    """Numbers of 32 bits in these boxes doubled: by name, and where they stand behind it."""
    data = bytearray(data)
    for name, offset in boxes:
        at = -1
        while (at := data.find(name, at + 1)) >= 0:
            number, = struct.unpack_from('>I', data, at + offset)
            struct.pack_into('>I', data, at + offset, 2 * number)
    return bytes(data)


MVHD, TKHD, MDHD, ELST = (b'mvhd', 20), (b'tkhd', 24), (b'mdhd', 20), (b'elst', 12)


@pytest.mark.parametrize('kind', ['mp4', 'mov'])
@pytest.mark.parametrize('boxes, missing', [([MVHD], True), ([TKHD], True), ([MDHD], True), ([ELST], True), ([MVHD, TKHD, MDHD, ELST], True), ([], False)])
def test_tracks_that_say_more_than_they_hold(program, folder, kind, boxes, missing):
    data = film(folder / f'a.{kind}', '-c:v', 'mpeg4', '-q:v', 5, '-c:a', 'aac').read_bytes()
    source = folder / f'says.{kind}'
    source.write_bytes(widened(data, *boxes))
    count, _, said = restored(program, source, code=3 if missing else 0)
    assert count == SECONDS * RATE, said
    says = re.search(r'says ([\d.]+) s, holds ([\d.]+) s', said)
    assert bool(says) == missing, said
    assert not missing or (abs(float(says[1]) - 8) < 0.1 and abs(float(says[2]) - 4) < 0.1), said


def test_edits_that_are_none_of_length(program, folder):
    """A delay, and sound that is longer than the pictures: nothing is missing."""
    a, b, source = folder / 'a.mp4', folder / 'b.mp4', folder / 'c.mp4'
    film(a, '-an', '-c:v', 'mpeg4', '-t', 2)
    film(b, '-vn', '-c:a', 'aac')
    clips.ffmpeg('-itsoffset', 1.5, '-i', a, '-i', b, '-map', '0', '-map', '1', '-c', 'copy', source)
    _, _, said = restored(program, source, code=0)
    assert 'warning' not in said, said


def unit_starts(data, wanted):
    """Packets of that identifier which begin a picture that can be decoded alone."""
    packets = [data[i : i + PACKET] for i in range(0, len(data), PACKET)]
    return [i * PACKET for i, p in enumerate(packets)
        if (p[1] & 31) << 8 | p[2] == wanted and p[1] & 0x40 and p[3] & 0x20 and p[4] and p[5] & 0x40]


def test_recording_that_was_cut_is_not_damaged(program, folder):
    """Somebody has taken a second out, at the borders of groups of pictures: nothing is missing that should be there."""
    whole = film(folder / 'whole.ts', *MPEG2, '-an', '-sc_threshold', 1000000000, '-flags', '+cgop').read_bytes()
    keys = unit_starts(whole, 0x100)
    source = folder / 'cut.ts'
    source.write_bytes(whole[: keys[3]] + whole[keys[5] :])
    count, _, said = restored(program, source, code=0)
    assert count == SECONDS * RATE - 24 and 'damaged' not in said, said


def crc(page):
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x104c11db7 if value & 1 << 31 else 0)) & 0xffffffff
    return value


def ogg_pages(data):
    at = 0
    while at < len(data):
        lacing = data[at + 27 : at + 27 + data[at + 26]]
        yield bytearray(data[at : at + 27 + len(lacing) + sum(lacing)])
        at += 27 + len(lacing) + sum(lacing)


def test_ogg_whose_writer_marks_no_end(program, folder):
    pages = list(ogg_pages(film(folder / 'a.ogv', '-an', '-c:v', 'libtheora', '-t', 0.4).read_bytes()))
    assert pages[-1][5] & 4
    pages[-1][5] &= ~4
    pages[-1][22:26] = bytes(4)
    pages[-1][22:26] = struct.pack('<I', crc(pages[-1]))
    source = folder / 'open.ogv'
    source.write_bytes(b''.join(pages))
    count, _, said = restored(program, source, code=0)
    assert count == 10 and 'warning' not in said, said


# ---- PVA, which ffmpeg can't write ----


def pva(m2v, mp2, frame_bytes=576, frame_ticks=2160):
    """Pictures of 25 a second, and sound of 24 ms a frame."""
    starts = [m.start() for m in re.finditer(re.escape(b'\0\0\1\0'), m2v)]
    heads = [max([0] + [m.end() - 4 for m in re.finditer(re.escape(b'\0\0\1') + b'[\xb3\xb8]', m2v[:s]) if m.end() - 4 > before])
        for before, s in zip([-1] + starts, starts)]
    heads = [h or s for h, s in zip(heads, starts)]
    heads[0] = 0
    counters, out = {1: 0, 2: 0}, []

    def put(stream, body, time=None):
        head = struct.pack('>I', time) if time is not None and stream == 1 else b''
        out.append(struct.pack('>2sBBBBH', b'AV', stream, counters[stream] & 255, 0x55, 0x10 if head or stream == 2 else 0,
            len(head) + len(body)) + head + body)
        counters[stream] += 1

    def stamp(t):
        return bytes([0x21 | t >> 29 & 14, t >> 22 & 255, t >> 14 & 254 | 1, t >> 7 & 255, t << 1 & 254 | 1])

    sound = 0
    for i, (a, b) in enumerate(zip(heads, heads[1:] + [len(m2v)])):
        for at in range(a, b, 1500):
            put(1, m2v[at : min(b, at + 1500)], 90000 + 3600 * i if at == a else None)
        while sound * frame_ticks < 3600 * (i + 1) and (sound + 1) * frame_bytes <= len(mp2):
            body = b'\x80\x80\x05' + stamp(90000 + frame_ticks * sound) + mp2[sound * frame_bytes : (sound + 1) * frame_bytes]
            put(2, b'\0\0\1\xc0' + struct.pack('>H', len(body)) + body)
            sound += 1
    return out


@pytest.fixture(scope='module')
def card(tmp_path_factory):
    where = tmp_path_factory.mktemp('pva')
    film(where / 'v.m2v', *MPEG2, '-bf', 0, '-an', '-f', 'mpeg2video')
    film(where / 's.mp2', '-vn', '-c:a', 'mp2', '-ar', 48000, '-ac', 2, '-b:a', '192k', '-f', 'mp2')
    return pva((where / 'v.m2v').read_bytes(), (where / 's.mp2').read_bytes())


@pytest.mark.parametrize('how', ['good', 'gone', 'zeros', 'cut'])
def test_pva(program, folder, card, how):
    packets = list(card)
    middle = len(packets) // 2
    if how == 'gone':
        del packets[middle : middle + 40]
    elif how == 'zeros':
        packets[middle : middle + 40] = [bytes(len(p)) for p in packets[middle : middle + 40]]
    data = b''.join(packets)
    source = folder / 'card.pva'
    source.write_bytes(data[: len(data) * 6 // 10 + 3] if how == 'cut' else data)
    count, length, said = restored(program, source, code=0 if how == 'good' else 3)
    if how == 'good':
        assert count == SECONDS * RATE and 'warning' not in said, said
    elif how == 'cut':
        assert abs(count - 0.6 * SECONDS * RATE) < 5 and 'cut off' in said, said
    else:
        assert 0.7 * SECONDS * RATE < count < SECONDS * RATE and 'damaged in 1 place' in said, said
        assert abs(length - SECONDS) < 0.1, said


# ---- encryption ----


def test_encrypted_matroska(program, folder):
    """A track that says that its content is encrypted."""
    encryption = handmade.ebml('6d80', handmade.ebml('6240', handmade.ebml('5033', b'\1'), handmade.ebml('5035',
        handmade.ebml('47e1', b'\5'))))
    frames = [b'\x80' * (64 * 32 * 3 // 2)] * 4
    source = folder / 'a.mkv'
    source.write_bytes(handmade.matroska_h264(handmade.h264_paff(frames, 64, 32), 64, 32, 40, encryption))
    result = program('restore', source, '-o', folder / 'o.mkv', *FAST, code=1)
    assert 'encrypted' in result.err and 'damaged' not in result.err, result
