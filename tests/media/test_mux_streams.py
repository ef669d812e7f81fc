"""The muxer and all that is not one picture and one sound: subtitles, covers, timecodes, many streams."""

import subprocess

import pytest

import clips
from dv_kit import type1_avi
from mux_kit import (  # noqa: F401
    tool, LAVFI, PICTURES, SYNC, click, click_time, clicked, ffmpeg, join, made, packets, payload, probe,
    stream, streams,
)


@pytest.fixture(scope='session')
def rich(made, tmp_path_factory):
    """Matroska with all that there is."""
    folder = tmp_path_factory.mktemp('rich')
    (folder / 'a.srt').write_text('1\n00:00:00,500 --> 00:00:01,500\nHello <i>there</i>\n\n2\n00:00:02,000 --> 00:00:02,750\nSecond, with a comma\n')
    (folder / 'b.ass').write_text(
        '[Script Info]\nScriptType: v4.00+\nPlayResX: 160\nPlayResY: 120\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour, '
        'SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, '
        'Shadow, Alignment, MarginL, MarginR, MarginV, Encoding\nStyle: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,'
        '10,10,10,0\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n'
        'Dialogue: 0,0:00:00.20,0:00:01.00,Default,,0,0,0,,First speaker\nDialogue: 0,0:00:00.60,0:00:01.40,Default,,0,0,0,,Second speaker\n')
    (folder / 'meta.txt').write_text(
        ';FFMETADATA1\ntitle=Holidays 1994\nartist=Family\ncomment=Tape 7\nTAPE_BRAND=Example E180\ncreation_time=1994-08-01T12:00:00.000000Z\n'
        '[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=Beach\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=3000\ntitle=Garden\n')
    (folder / 'font.ttf').write_bytes(bytes(range(256)) * 40)
    ffmpeg(*LAVFI, 'testsrc2=s=64x64', '-frames:v', 1, folder / 'cover.jpg')
    return made(
        'rich.mkv', *LAVFI, PICTURES, *LAVFI, click(1.0, 3), *LAVFI, 'sine=f=300:d=3:r=44100', *LAVFI,
        'anoisesrc=d=3:a=0.05:r=48000,pan=5.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0',
        '-i', folder / 'a.srt', '-i', folder / 'b.ass', '-i', folder / 'meta.txt', '-map', '0:v', '-map', '1:a', '-map', '2:a',
        '-map', '3:a', '-map', '4:s',
        '-map', '5:s', '-map_metadata', 6, '-map_chapters', 6, '-c:v', 'libx264', '-bf', '2', '-c:a:0', 'pcm_s16le', '-c:a:1',
        'pcm_s24be', '-c:a:2', 'flac',
        '-c:s:0', 'srt', '-c:s:1', 'ass', '-metadata:s:v', 'timecode=01:02:03:04', '-metadata:s:a:0', 'language=ger',
        '-metadata:s:a:1', 'language=fre', '-metadata:s:a:1',
        'title=Comments', '-metadata:s:a:2', 'language=eng', '-metadata:s:s:0', 'language=spa', '-metadata:s:s:1', 'language=ita',
        '-disposition:a:0', 0,
        '-disposition:a:1', 'default+comment', '-disposition:s:1', 'forced', '-attach', folder / 'font.ttf', '-metadata:s:t:0',
        'mimetype=font/ttf',
        '-attach', folder / 'cover.jpg', '-metadata:s:t:1', 'mimetype=image/jpeg', '-metadata:s:t:1', 'filename=cover.jpg')


def test_rich_mkv_keeps_all(rich, join):
    out = join(rich, 'out.mkv')
    source, result = streams(rich), streams(out.path)
    assert [s['codec_type'] for s in source].count('attachment') + [s['disposition']['attached_pic'] for s in source].count(1) == 2

    def facts(s):
        tags = {k.lower(): v for k, v in s.get('tags', {}).items() if k.lower() not in ('encoder', 'duration')}
        return s['codec_name'] if 'codec_name' in s else None, s['codec_type'], s['disposition'], tags
    assert [facts(s) for s in result] == [facts(s) for s in source]
    for index in ('0:a:0', '0:a:1', '0:a:2', '0:s:0', '0:s:1', '0:v:0'):
        assert payload(rich, index) == payload(out.path, index)
    a, b = probe(rich, '-show_format', '-show_chapters'), probe(out.path, '-show_format', '-show_chapters')

    def tags(f):
        return {k.lower(): v for k, v in f['format']['tags'].items() if k.lower() != 'encoder'}
    assert tags(a) == tags(b) and tags(a)['creation_time'].startswith('1994-08-01')
    assert [(c['start_time'], c['end_time'], c['tags']['title']) for c in a['chapters']] == \
        [(c['start_time'], c['end_time'], c['tags']['title']) for c in b['chapters']]
    # The attachment is the same, byte for byte.
    for path in (rich, out.path):
        subprocess.run(['ffmpeg', '-v', 'quiet', '-y', '-dump_attachment:t:0', out.path.parent / f'{path.stem}.font', '-i', path],
                stdin=subprocess.DEVNULL)
    assert (out.path.parent / 'rich.font').read_bytes() == (out.path.parent / 'out.font').read_bytes() == bytes(range(256)) * 40


@pytest.mark.parametrize('container', ['mp4', 'mov'])
def test_rich_mp4(rich, join, container):
    out = join(rich, f'out.{container}')
    result = streams(out.path)
    audio = [s for s in result if s['codec_type'] == 'audio']
    assert [s['codec_name'] for s in audio] == (['aac', 'aac', 'flac'] if container == 'mp4' else ['pcm_s16le', 'pcm_s24be', 'pcm_s24le'])
    assert [s['tags']['language'] for s in audio] == ['ger', 'fre' if container == 'mp4' else 'fra', 'eng']
    assert [s['disposition']['default'] for s in audio] == [0, 1, 0]
    assert audio[2]['channels'] == 6
    text = [s for s in result if s['codec_type'] == 'subtitle']
    assert [s['codec_name'] for s in text] == ['mov_text', 'mov_text']
    assert [s['tags']['language'] for s in text] == ['spa', 'ita']
    timecode = [s['tags'].get('timecode') for s in result if s['codec_type'] == 'data' and s['codec_tag_string'] == 'tmcd']
    assert timecode == ['01:02:03:04']
    data = probe(out.path, '-show_format', '-show_chapters')
    assert [(float(c['start_time']), float(c['end_time']), c['tags']['title']) for c in data['chapters']] == [(0, 1, 'Beach'), (1,
            3, 'Garden')]
    assert data['format']['tags']['title'] == 'Holidays 1994'
    assert data['format']['tags']['creation_time'].startswith('1994-08-01T12:00:00')
    assert 'TAPE_BRAND' in out.log  # what got lost is named
    covers = [s for s in result if s['disposition']['attached_pic']]
    assert len(covers) == (1 if container == 'mp4' else 0)
    # Index in front.
    head = out.path.read_bytes()
    assert head.index(b'moov') < head.index(b'mdat')
    # Subtitles as shown: overlapping lines are on screen together.
    shown = subprocess.run(['ffmpeg', '-v', 'error', '-i', out.path, '-map', '0:s:1', '-f', 'srt', '-'], check=True,
            stdout=subprocess.PIPE, text=True).stdout
    cues = [c.splitlines() for c in shown.strip().split('\n\n')]
    assert [(c[1], [line.replace('</font>', '').split('>')[-1] for line in c[2:]]) for c in cues] == [
        ('00:00:00,200 --> 00:00:00,600', ['First speaker']),
        ('00:00:00,600 --> 00:00:01,000', ['First speaker', 'Second speaker']),
        ('00:00:01,000 --> 00:00:01,400', ['Second speaker'])]
    assert join(rich, f'again.{container}').path.read_bytes() == head


def cues(path, index=0):
    """(start, end, text) in the order of the file; empty samples of mov_text are left out."""
    out = subprocess.run(['ffmpeg', '-v', 'error', '-i', path, '-map', f'0:s:{index}', '-f', 'webvtt', '-'], check=True,
            stdout=subprocess.PIPE, text=True).stdout
    found = []
    for cue in out.split('\n\n')[1:]:
        lines = cue.strip().splitlines()
        if lines and '-->' in lines[0]:
            found.append((lines[0], '\n'.join(lines[1:])))
    return found


@pytest.mark.parametrize('container,codec', [('mp4', 'mov_text'), ('mov', 'mov_text'), ('mkv', 'subrip'), ('webm', 'webvtt')])
@pytest.mark.parametrize('kind', ['srt', 'vtt', 'mov_text'])
def test_text_subtitles(made, join, tmp_path, container, codec, kind):
    srt = tmp_path / 'text.srt'
    srt.write_text('1\n00:00:00,500 --> 00:00:01,500\nHello\n\n2\n00:00:01,500 --> 00:00:02,000\nAt once\n\n3\n00:00:02,250 --> 00:00:02,750\nTwo\nlines\n')
    video = ['libvpx', '-deadline', 'realtime'] if container in ('mkv', 'webm') else ['mpeg4']
    suffix, coder = {'srt': ('mkv', 'srt'), 'vtt': ('mkv', 'webvtt'), 'mov_text': ('mp4', 'mov_text')}[kind]
    if kind == 'mov_text':
        video = ['mpeg4']
        if container == 'webm':
            pytest.skip('mp4 does not hold what webm takes')
    source = tmp_path / f'source.{suffix}'
    ffmpeg(*LAVFI, PICTURES, '-i', srt, '-c:v', *video, '-c:s', coder, source)
    out = join(source, f'out.{container}')
    got = stream(out.path, 'subtitle')['codec_name']
    assert got == ('webvtt' if container == 'mkv' and kind == 'vtt' else codec)
    assert cues(out.path) == [('00:00.500 --> 00:01.500', 'Hello'), ('00:01.500 --> 00:02.000', 'At once'),
            ('00:02.250 --> 00:02.750', 'Two\nlines')]


def test_subtitle_in_range(made, join, tmp_path):
    """One on screen at the start of a range begins there, one at its end stops there."""
    srt = tmp_path / 'text.srt'
    srt.write_text('1\n00:00:00,500 --> 00:00:01,500\nA\n\n2\n00:00:01,600 --> 00:00:01,700\nB\n\n3\n00:00:01,800 --> 00:00:02,750\nC\n\n4\n00:00:02,800 --> 00:00:02,900\nD\n')
    source = tmp_path / 'source.mkv'
    ffmpeg(*LAVFI, PICTURES, '-i', srt, '-c:v', 'mpeg4', '-g', '25', '-c:s', 'srt', source)
    for name in ('out.mkv', 'out.mp4'):
        out = join(source, name, '--start', 1, '--end', 2, '--offset', 1)
        assert cues(out.path) == [('00:00.000 --> 00:00.500', 'A'), ('00:00.600 --> 00:00.700', 'B'), ('00:00.800 --> 00:01.000',
                'C')]


@pytest.mark.parametrize('coder,suffix', [('dvdsub', 'mkv'), ('dvbsub', 'ts')])
def test_picture_subtitles(made, join, tmp_path, coder, suffix):
    """Copied into Matroska, dropped with a reason elsewhere."""
    srt = tmp_path / 'blank.srt'
    pictures = made('dvd_titles.mkv', *LAVFI, 'color=c=black:s=720x576:r=25:d=3', '-c:v', 'mpeg2video')
    source = tmp_path / f'titles.{suffix}'
    make_bitmap_subtitles(pictures, source, coder, srt)
    out = join(source, 'out.mkv', '--offset', 'auto')
    assert [s['codec_name'] for s in streams(out.path) if s['codec_type'] == 'subtitle'] == ['dvd_subtitle' if coder == 'dvdsub' else 'dvb_subtitle']
    before, after = packets(source, 's:0'), packets(out.path, 's:0')
    assert [t - before[0][0] for t, _ in after] == pytest.approx([t - before[0][0] - before[0][0] + after[0][0] for t, _ in before],
            abs=0.002)
    if coder == 'dvdsub':
        assert payload(source, '0:s:0') == payload(out.path, '0:s:0')
    for name in ('out.mp4', 'out.mov'):
        out = join(source, name, '--offset', 'auto')
        assert ('drop', '-') in out.streams.values()
        assert 'need Matroska' in out.text


def test_dvd_subtitles_keep_their_size(made, join, tmp_path):
    """In a title of a DVD nothing says how large the picture is that subtitles are placed in."""
    write_vobsub(tmp_path / 'v.idx', tmp_path / 'v.sub')
    source = tmp_path / 'title.vob'
    ffmpeg(*LAVFI, 'color=c=black:s=720x576:r=25:d=3', '-f', 'vobsub', '-sub_name', tmp_path / 'v.sub', '-i', tmp_path / 'v.idx',
            '-map', 0, '-map', '1:s',
           '-c:v', 'mpeg2video', '-c:s', 'copy', '-f', 'vob', source)
    out = join(source, 'out.mkv', '--offset', 'auto')
    track = stream(out.path, 'subtitle')
    assert (track['codec_name'], track['width'], track['height']) == ('dvd_subtitle', 720, 576)
    # The stored picture in DVD's form shows that it decodes.
    subprocess.run(['ffmpeg', '-v', 'error', '-xerror', '-i', out.path, '-map', '0:s', '-c:s', 'dvdsub', '-f', 'null', '-'],
            check=True)


def test_empty_stream_is_left_out(made, join, tmp_path):
    """A transport stream announces a second sound track and never sends it."""
    whole = made('two.ts', *LAVFI, PICTURES, *LAVFI, 'sine=d=3', *LAVFI, 'sine=f=800:d=3', '-map', 0, '-map', 1, '-map', 2, '-c:v',
            'mpeg2video', '-c:a', 'ac3').read_bytes()
    source = tmp_path / 'one.ts'
    cells = (whole[i:i + 188] for i in range(0, len(whole), 188))
    source.write_bytes(b''.join(c for c in cells if (c[1] & 0x1f) << 8 | c[2] != 0x102))
    assert len([s for s in streams(source) if s['codec_type'] == 'audio']) == 2
    for name in ('out.mp4', 'out.mkv'):
        out = join(source, name, '--offset', 'auto')
        assert sorted(out.streams.values()) == [('copy', '-'), ('drop', '-')]
        assert len(streams(out.path)) == 2


def make_bitmap_subtitles(pictures, out, coder, idx):
    """ffmpeg has no way from text to pictures: a hand-made VobSub picture is encoded again by `coder`."""
    sub = idx.with_suffix('.sub')
    write_vobsub(idx.with_suffix('.idx'), sub)
    ffmpeg('-i', pictures, '-f', 'vobsub', '-sub_name', sub, '-i', idx.with_suffix('.idx'), '-map', '0:v', '-map', '1:s', '-c:v',
            'copy', '-c:s', coder, out)


def spu():
    """A DVD subpicture of 8x2 pixels, shown for a second."""
    line = bytes([0x20 | 0x01])  # eight pixels of colour 1: length 8 is coded in two nibbles
    pixels = line + line
    control = 4 + len(pixels)
    first = bytes([0x00, 0x00]) + (control + 24).to_bytes(2, 'big') + \
        bytes([0x03, 0x32, 0x10, 0x04, 0xff, 0xff, 0x05, 0x00, 0x00, 0x07, 0x00, 0x00, 0x01, 0x06, 0x00, 0x04, 0x00, 0x05, 0x01,
                0xff])
    second = (90).to_bytes(2, 'big') + (control + 24).to_bytes(2, 'big') + bytes([0x02, 0xff])
    body = pixels + first + second
    return (len(body) + 4).to_bytes(2, 'big') + control.to_bytes(2, 'big') + body


def write_vobsub(idx, sub):
    entries, data = [], b''
    for n, start in enumerate((500, 1800)):
        entries.append(f'timestamp: 00:00:{start // 1000:02d}:{start % 1000:03d}, filepos: {len(data):09x}')
        pts = start * 90
        stamp = bytes([0x21 | (pts >> 29) & 0x0e, (pts >> 22) & 0xff, 0x01 | (pts >> 14) & 0xfe, (pts >> 7) & 0xff,
                0x01 | (pts << 1) & 0xfe])
        body = bytes([0x81, 0x80, 5]) + stamp + bytes([0x20]) + spu()
        pack = bytes.fromhex('000001ba44000400040100 0003f8'.replace(' ', '')) + b'\x00\x00\x01\xbd' + len(body).to_bytes(2,
                'big') + body
        pad = 2048 - len(pack) - 6
        data += pack + b'\x00\x00\x01\xbe' + pad.to_bytes(2, 'big') + b'\xff' * pad
    sub.write_bytes(data)
    colours = ', '.join(['000000', 'ffffff'] + ['808080'] * 14)
    idx.write_text('# VobSub index file, v7 (do not modify this line!)\nsize: 720x576\npalette: ' + colours + '\nid: en, index: 0\n' + '\n'.join(entries) + '\n')


def test_rotation(made, join):
    plain = made('plain.mp4', *LAVFI, PICTURES, '-c:v', 'mpeg4')
    before, after = clips.turned(90)
    source = made('rotated.mp4', *before, '-i', plain, '-c', 'copy', *after)
    angles = [d['rotation'] for d in stream(source, 'video')['side_data_list'] if 'rotation' in d]
    for name in ('out.mp4', 'out.mov'):
        out = join(source, name)
        assert [d['rotation'] for d in stream(out.path, 'video')['side_data_list'] if 'rotation' in d] == angles
    out = join(source, 'out.mkv')
    kept = [d for d in stream(out.path, 'video').get('side_data_list', []) if 'rotation' in d]
    assert kept or 'rotation' in out.log  # kept by newer versions of libav, else reported


@pytest.mark.parametrize('timecode,source_rate,rate,start,want', [
    ('01:02:03:04', '25', '25', None, '01:02:03:04'),
    ('01:02:03:04', '25', '25', 1, '01:02:04:04'),
    ('01:02:03:04', '25', '50', 1, '01:02:04:08'),
    ('00:00:59;28', '30000/1001', '30000/1001', 1.001, '00:01:01;00'),  # two numbers are dropped at each minute
    ('00:00:59;28', '30000/1001', '60000/1001', None, '00:00:59;56'),
    ('00:00:10;15', '30000/1001', '24000/1001', None, '00:00:10:12'),
])
@pytest.mark.parametrize('container', ['mp4', 'mov', 'mkv'])
def test_timecode(made, join, timecode, source_rate, rate, start, want, container):
    """Kept, moved on to where the range begins, and counted in the output's frames."""
    source = made(f'timecode_{source_rate.replace("/", "_")}_{timecode.replace(":", "_")}.mov', *LAVFI,
            f'testsrc2=s=160x120:r={source_rate}:d=3', '-c:v', 'mpeg4', '-g', 1,
                  '-timecode', timecode)
    options = ['--start', start, '--offset', start] if start else []
    out = join(source, f'out.{container}', '--rate', rate, *options)
    video = {k.lower(): v for k, v in stream(out.path, 'video').get('tags', {}).items()}
    assert video['timecode'] == want
    assert [s['codec_tag_string'] for s in streams(out.path)].count('tmcd') == (0 if container == 'mkv' else 1)


@pytest.mark.parametrize('name', ['out.mp4', 'out.mkv'])
@pytest.mark.parametrize('after', [1, 40])
def test_cancelled_leaves_nothing(made, join, name, after):
    source = clicked(made, 'click_mpeg4.avi', 'mpeg4', 'pcm_s16le')
    out = join(source, name, '--cancel-after', after, ok=False)
    assert out.text.splitlines()[-1] == 'error cancelled' and not out.path.exists()


def test_cover_art(made, join, tmp_path):
    cover = tmp_path / 'cover.png'
    ffmpeg(*LAVFI, 'testsrc2=s=64x64', '-frames:v', 1, cover)
    plain = clicked(made, 'cover_plain.mp4', 'mpeg4', 'aac')
    source = tmp_path / 'cover.mp4'
    ffmpeg('-i', plain, '-i', cover, '-map', 0, '-map', 1, '-c', 'copy', '-disposition:v:1', 'attached_pic', source)
    for name in ('out.mp4', 'out.mkv'):
        out = join(source, name)
        pictures = [s for s in streams(out.path) if s['disposition']['attached_pic']]
        assert len(pictures) == 1 and pictures[0]['codec_name'] == 'png'
        index = pictures[0]['index']
        assert payload(out.path, f'0:{index}') == payload(cover, '0:0')
    assert ('drop', '-') in join(source, 'out.mov').streams.values()


@pytest.mark.parametrize('suffix', ['dv', 'avi'])
def test_dv_sound(made, join, tmp_path, suffix):
    """Raw DV, and the AVI whose single stream has the sound inside the pictures (type 1)."""
    raw = made('tape.dv', *LAVFI, 'testsrc2=s=720x576:r=25:d=2', *LAVFI, click(1.0, 2), '-pix_fmt', 'yuv420p', '-c:v', 'dvvideo',
            '-c:a', 'pcm_s16le', '-ac', 2, '-f', 'dv')
    source = raw
    if suffix == 'avi':
        source = tmp_path / 'type1.avi'
        source.write_bytes(type1_avi(raw.read_bytes()))
        assert [s['codec_type'] for s in streams(source)] == ['video', 'audio']
    for name in ('out.mp4', 'out.mkv'):
        out = join(source, name) if name == 'out.mkv' else join(source, name, '--drop-video')
        assert abs(click_time(out.path) - 1.0) <= SYNC
