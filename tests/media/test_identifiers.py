"""Broadcasts whose streams get other packet identifiers: they go on as what they were, whatever the new programme map calls them and in
whichever order, and nothing of them is lost."""

import pytest

import clips
from test_broadcast import FAST, probe, sound, words

PICTURES, LOUD = 0x100, 0x101


def part(out, seconds, start, sounds, *, version=0, pids=None, first='pictures', size='96x64', extra=()):
    """Part of a broadcast. `sounds`: (Hz, codec, language) each; `pids`: of the pictures and each sound."""
    inputs, maps, codecs = ['-f', 'lavfi', '-i', f'testsrc2=s={size}:r=25:d={seconds}'], [], []
    for i, (tone, codec, language) in enumerate(sounds):
        inputs += ['-f', 'lavfi', '-i', f'sine={tone}:r=48000:d={seconds}']
        maps += ['-map', f'{i + 1}:a']
        codecs += [f'-c:a:{i}', codec, f'-b:a:{i}', '192k'] + ([f'-metadata:s:a:{i}', f'language={language}'] if language else [])
    numbers = pids or [PICTURES + i for i in range(1 + len(sounds))]
    order = [0] + list(range(1, len(numbers)))
    if first == 'pictures':
        maps = ['-map', '0:v'] + maps
    else:
        maps = maps + ['-map', '0:v']
        order = order[1:] + order[:1]
    ids = [a for k, i in enumerate(order) for a in ('-streamid', f'{k}:{numbers[i]}')]
    clips.ffmpeg(*inputs, *maps, '-c:v', 'mpeg2video', '-g', 12, '-b:v', '300k', '-threads:v', 1, *codecs, *ids, *extra, '-f', 'mpegts',
                 '-tables_version', version, '-muxdelay', 0, '-output_ts_offset', 1 + start, *clips.BITEXACT, out)
    return out.read_bytes()


MP2 = (300, 'mp2', None)


def tones(path, track=0, step=0.5):
    """The pitch of a track, each half second; 0 where it is silent."""
    raw = clips.ffmpeg('-i', path, '-map', f'0:a:{track}', '-af', 'aresample=async=1:first_pts=0', '-ac', 1, '-ar', 8000, '-f', 's8', '-')
    samples, n, found = [b - 256 if b > 127 else b for b in raw], int(8000 * step), []
    for at in range(0, len(samples) - n + 1, n):
        piece = samples[at:at + n]
        found.append(round(sum(a < 0 <= b for a, b in zip(piece, piece[1:])) / step, -2) if max(piece) > 4 else 0)
    return found


def whole(program, tmp_path, data, *, frames, tracks, suffix='ts', said=''):
    """Restored without a word of loss; the pitch of each track."""
    source, out = tmp_path / f'in.{suffix}', tmp_path / 'o.mkv'
    source.write_bytes(data)
    done = program.restore(source, out, *FAST, code=0)
    assert 'warning' not in done.err, done.err
    found = probe(out)
    assert [s['codec_type'] for s in found['streams']] == ['video'] + ['audio'] * tracks
    times = sorted(float(p['pts_time']) for p in found['packets'] if p['stream_index'] == 0)
    assert len(times) == frames
    assert max(abs(t - times[0] - i / 25) for i, t in enumerate(times)) < 0.025
    return [tones(out, i) for i in range(tracks)]


@pytest.mark.parametrize('first', ['pictures', 'sound'])
@pytest.mark.parametrize('pids', [[0x200, 0x201], [0x101, 0x100], [0x201, 0x100], [0x100, 0x101]])
def test_new_identifiers_in_any_order(program, tmp_path, pids, first):
    data = part(tmp_path / 'a', 2, 0, [MP2]) + part(tmp_path / 'b', 2, 2, [(700, 'mp2', None)], version=1, pids=pids, first=first)
    heard, = whole(program, tmp_path, data, frames=100, tracks=1)
    assert heard[:3] == [300] * 3 and heard[4:7] == [700] * 3


def test_identifiers_that_change_often(program, tmp_path):
    data, sizes = b'', [[0x100, 0x101], [0x101, 0x102], [0x300, 0x100], [0x100, 0x101], [0x102, 0x300]]
    for i, pids in enumerate(sizes):
        data += part(tmp_path / 'p', 1, i, [MP2], version=i, pids=pids, first=['pictures', 'sound'][i % 2])
    heard, = whole(program, tmp_path, data, frames=125, tracks=1)
    assert heard == [300] * 10


@pytest.mark.parametrize('languages', [('deu', 'eng'), (None, None)])
def test_two_sounds_stay_what_they_are(program, tmp_path, languages):
    """With languages by them, else in their order."""
    a, b = ((300, 'mp2', languages[0]), (700, 'mp2', languages[1]))
    turned = languages[0] is not None
    after = [b, a] if turned else [a, b]
    data = part(tmp_path / 'a', 2, 0, [a, b]) + part(tmp_path / 'b', 2, 2, after, version=1, pids=[0x200, 0x101, 0x100])
    first, second = whole(program, tmp_path, data, frames=100, tracks=2)
    assert first == [300] * 8 and second == [700] * 8


def test_sound_that_changes_its_language_alone_goes_on(program, tmp_path):
    data = part(tmp_path / 'a', 2, 0, [(300, 'mp2', 'deu')]) + part(tmp_path / 'b', 2, 2, [(700, 'mp2', 'eng')], version=1, pids=[0x100, 0x333])
    heard, = whole(program, tmp_path, data, frames=100, tracks=1)
    assert heard[1:3] == [300] * 2 and heard[5:7] == [700] * 2


def test_another_programme_takes_its_place(program, tmp_path):
    """A recorder was turned to another channel: number, map and streams are others."""
    extra = ['-mpegts_service_id', 77, '-mpegts_pmt_start_pid', 0x555]
    data = part(tmp_path / 'a', 2, 0, [MP2]) + part(tmp_path / 'b', 2, 2, [(700, 'mp2', None)], version=1, pids=[0x900, 0x902], first='sound', extra=extra)
    heard, = whole(program, tmp_path, data, frames=100, tracks=1)
    assert heard[1:3] == [300] * 2 and heard[5:7] == [700] * 2


def with_times(data):
    """192 bytes a packet, as on camcorders' discs."""
    return b''.join((i * 100).to_bytes(4, 'big') + data[i * 188:i * 188 + 188] for i in range(len(data) // 188))


def with_parity(data):
    return b''.join(data[i:i + 188] + bytes(16) for i in range(0, len(data), 188))


@pytest.mark.parametrize('dress', [with_times, with_parity])
def test_other_sizes_of_packets(program, tmp_path, dress):
    data = part(tmp_path / 'a', 2, 0, [MP2]) + part(tmp_path / 'b', 2, 2, [MP2], version=1, pids=[0x201, 0x200], first='sound')
    heard, = whole(program, tmp_path, dress(data), frames=100, tracks=1)
    assert heard == [300] * 8


def test_bytes_lost_on_the_way(program, tmp_path):
    """Packets stand elsewhere behind them."""
    a = part(tmp_path / 'a', 2, 0, [MP2])
    data = a[:len(a) // 2] + a[len(a) // 2 + 500:] + part(tmp_path / 'b', 2, 2, [MP2], version=1, pids=[0x201, 0x200], first='sound')
    source, out = tmp_path / 'in.ts', tmp_path / 'o.mkv'
    source.write_bytes(data)
    done = program.restore(source, out, *FAST, code=3)
    assert 'damaged in 1 place' in done.err
    found = probe(out)
    assert [s['codec_type'] for s in found['streams']] == ['video', 'audio']
    assert 98 <= int(found['streams'][0]['nb_read_packets']) <= 100


@pytest.mark.parametrize('size', ['320x240', '48x32'])
def test_pictures_of_another_size(program, tmp_path, size):
    data = part(tmp_path / 'a', 3, 0, [MP2]) + part(tmp_path / 'b', 2, 3, [MP2], version=1, pids=[0x201, 0x200], first='sound', size=size)
    heard, = whole(program, tmp_path, data, frames=125, tracks=1)
    assert heard == [300] * 10


@pytest.mark.parametrize('join', [False, True])
def test_pieces_of_one_recording(program, tmp_path, join):
    """Cut in pieces, the identifiers change within the second; joined, each has a clock of its own."""
    pieces = [part(tmp_path / 'a', 2, 0, [MP2]), part(tmp_path / 'b', 1, 0 if join else 2, [MP2])
              + part(tmp_path / 'c', 1, 1 if join else 3, [MP2], version=1, pids=[0x301, 0x300], first='sound')]
    names = [tmp_path / f'x_{i}.ts' for i in range(2)]
    for name, data in zip(names, pieces):
        name.write_bytes(data)
    out = tmp_path / 'o.mkv'
    done = program('restore', '--join', *names, '-o', out, *FAST, code=0)
    assert 'warning' not in done.err, done.err
    found = probe(out)
    assert [s['codec_type'] for s in found['streams']] == ['video', 'audio']
    assert int(found['streams'][0]['nb_read_packets']) == 100
    assert tones(out) == [300] * 8


def test_part_of_it_by_tasks(program, tmp_path):
    """Segments seek into the part with the new identifiers."""
    source, out, one = (tmp_path / n for n in ('in.ts', 'o.mkv', 'one.mkv'))
    source.write_bytes(part(tmp_path / 'a', 3, 0, [MP2]) + part(tmp_path / 'b', 5, 3, [MP2], version=1, pids=[0x201, 0x200], first='sound'))
    program.restore(source, one, *FAST)
    program.restore(source, out, '--segment-length', 1, '--jobs', 2, *FAST)
    pictures = [clips.ffmpeg('-i', f, '-map', '0:v', '-f', 'framemd5', '-').count(b'\n') for f in (one, out)]
    assert pictures[0] == pictures[1]
    range_out = tmp_path / 'r.mkv'
    program.restore(source, range_out, '--range', '5-7', *FAST)
    assert int(probe(range_out)['streams'][0]['nb_read_packets']) == 50


# ---- sound that goes on in another stream ----


def handed_over(out, first, second, *, gap=0, languages=(None, None)):
    """Two sounds in one map; the second begins where the first ends."""
    tags = [a for i, l in enumerate(languages) if l for a in (f'-metadata:s:a:{i}', f'language={l}')]
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=96x64:r=25:d=4', '-f', 'lavfi', '-i', 'sine=300:r=48000:d=2', '-itsoffset', 2.02 + gap, '-f', 'lavfi', '-i',
                 f'sine=700:r=48000:d={2 - gap}', '-map', '0:v', '-map', '1:a', '-map', '2:a', '-c:v', 'mpeg2video', '-g', 12, '-b:v', '300k', '-threads:v', 1,
                 '-c:a:0', first, '-c:a:1', second, '-b:a', '192k', *tags, '-f', 'mpegts', '-pes_payload_size', 0, '-muxdelay', 0, *clips.BITEXACT, out)


@pytest.mark.parametrize('gap', [0, 0.5])
def test_sound_that_goes_on_in_another_stream(program, tmp_path, gap):
    source = tmp_path / 'a.ts'
    handed_over(source, 'mp2', 'mp2', gap=gap)
    heard, = whole(program, tmp_path, source.read_bytes(), frames=100, tracks=1)
    assert heard[1:3] == [300] * 2 and heard[6:7] == [700]


@pytest.mark.parametrize('codecs, languages', [(('mp2', 'ac3'), (None, None)), (('mp2', 'mp2'), ('deu', 'eng'))])
def test_other_sound_stays_a_track_of_its_own(program, tmp_path, codecs, languages):
    source, out = tmp_path / 'a.ts', tmp_path / 'o.mkv'
    handed_over(source, *codecs, languages=languages)
    program.restore(source, out, *FAST)
    assert [s['codec_name'] for s in sound(out)] == list(codecs)
    first, second = tones(out, 0), tones(out, 1)
    assert first[1:3] == [300] * 2 and second[:3] == [0] * 3 and second[-1] == 700
    assert len(words(program, source, 'sound')) >= 1


# ---- subtitles that begin late ----

MAP = 0x1000


def crc(data):
    value = 0xffffffff
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x104c11db7 if value >> 31 else 0)) & 0xffffffff
    return value


def packets(data):
    return [data[i:i + 188] for i in range(0, len(data), 188)]


def with_entry(packet, entry):
    """The programme map in this packet, with one stream more."""
    length = 3 + ((packet[6] & 15) << 8 | packet[7])
    section = bytearray(packet[5:5 + length - 4]) + entry
    section[1] = section[1] & 0xf0 | (len(section) + 1) >> 8
    section[2] = (len(section) + 1) & 255
    section += crc(section).to_bytes(4, 'big')
    return (packet[:5] + bytes(section)).ljust(188, b'\xff')


def in_packets(pid, counter, body):
    for at in range(0, len(body), 184):
        piece, head = body[at:at + 184], bytes([0x47, (0x40 if at == 0 else 0) | pid >> 8, pid & 255])
        rest = 184 - len(piece)
        stuffing = bytes([rest - 1]) + (b'\0' + b'\xff' * (rest - 2) if rest > 1 else b'') if rest else b''
        yield head + bytes([(0x30 if rest else 0x10) | counter & 15]) + stuffing + piece
        counter += 1


def unit(seconds, body, stuffing=0):
    t = int(seconds * 90000)
    stamp = bytes([0x21 | t >> 29 & 14, t >> 22 & 255, t >> 14 & 254 | 1, t >> 7 & 255, t << 1 & 254 | 1])
    body = bytes([0x84, 0x80, 5 + stuffing]) + stamp + b'\xff' * stuffing + body
    return b'\0\0\1\xbd' + len(body).to_bytes(2, 'big') + body


def page():
    """DVB subtitles: a page of nothing, which is all that a decoder needs to say that it is one."""
    return b'\x20\0' + b'\x0f\x10' + (1).to_bytes(2, 'big') + (2).to_bytes(2, 'big') + b'\x05\x14' + b'\x0f\x80' + (1).to_bytes(2, 'big') + b'\0\0' + b'\xff'


def text():
    return b'\x10' + b''.join(bytes([2, 0x2c, 0xe0 | 7 + k, 0xe4]) + bytes(range(42)) for k in range(4))


KINDS = {'dvb_teletext': (bytes([0x56, 5]) + b'deu' + b'\x09\x00', text, 31), 'dvb_subtitle': (bytes([0x59, 8]) + b'deu' + b'\x10\0\1\0\1', page, 0)}


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('moved', [False, True])
def test_subtitles_that_begin_late(program, tmp_path, kind, moved):
    """Two seconds into the film, with and without other identifiers; what no container holds is told, once."""
    descriptor, make, stuffing = KINDS[kind]
    entry = bytes([6, 0xe1, 0x20, 0xf0, len(descriptor)]) + descriptor
    a = part(tmp_path / 'a', 2, 0, [MP2])
    b = packets(part(tmp_path / 'b', 3, 2, [MP2], version=1, pids=[0x200, 0x210] if moved else None, first='sound' if moved else 'pictures'))
    out, counter = [], 0
    for i, p in enumerate(b):
        own = (p[1] & 31) << 8 | p[2]
        out.append(with_entry(p, entry) if own == MAP else p)
        if i % (len(b) // 6) == len(b) // 12:
            more = list(in_packets(0x120, counter, unit(3 + 3 * i / len(b), make(), stuffing)))
            counter += len(more)
            out += more
    source, target = tmp_path / 'in.ts', tmp_path / 'o.mkv'
    source.write_bytes(a + b''.join(out))
    held = kind == 'dvb_subtitle'
    done = program.restore(source, target, *FAST, code=0 if held else 3)
    assert done.err.count('left out') == (0 if held else 1), done.err
    found = probe(target)
    assert [s['codec_type'] for s in found['streams']] == ['video', 'audio'] + ['subtitle'] * held
    assert int(found['streams'][0]['nb_read_packets']) == 125
    if held:
        times = [float(p['pts_time']) for p in found['packets'] if p['stream_index'] == 2]
        assert len(times) >= 5 and 2.1 < min(times) < 2.5, times
        assert found['streams'][2]['tags']['language'] in ('deu', 'ger')
