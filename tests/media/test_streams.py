"""What goes along with the pictures: sound tracks, subtitles, chapters, attachments, metadata, timecode, captions."""

import json
import subprocess

import pytest

import clips
import judge

FAST = ['--preset', 'clean', '--resolution', 'source', '--quality', 'fast', '--preset-speed', 'ultrafast', '--crf',
    '30']
CLIP = 'everything'


@pytest.fixture(scope='module', params=['mkv', 'mp4', 'mov'])
def restored(request, program, tmp_path_factory):
    out = tmp_path_factory.mktemp('streams') / f'out.{request.param}'
    # mp4 and mov can't hold a font: its loss is reported, and a loss that is reported may be a warning that matters.
    result = program.restore(clips.path(CLIP), out, *FAST, code=(0, 3))
    return out, request.param, result


def reported(out, *words):
    text = json.dumps(judge.report(out)).lower()
    return all(w in text for w in words)


def languages(tracks):
    """Codes of ISO 639-2; QuickTime knows German by its other name there."""
    return [{'ger': 'deu'}.get(s['tags'].get('language'), s['tags'].get('language')) for s in tracks]


def test_order_and_kinds(restored):
    out, container, _ = restored
    kinds = [s['codec_type'] for s in judge.streams(out) if s['codec_type'] not in ('attachment', 'data')]
    assert kinds == ['video', 'audio', 'audio', 'subtitle', 'subtitle', 'subtitle']


def test_sound_tracks(restored):
    out, container, _ = restored
    was, now = judge.streams(clips.path(CLIP), 'audio'), judge.streams(out, 'audio')
    assert [s['channels'] for s in now] == [2, 6]
    assert languages(now) == ['eng', 'deu']
    assert [s['codec_name'] for s in now] == [
        s['codec_name'] for s in was
    ], 'AAC and AC-3 fit all of these containers as they are'


def test_copied_sound_is_the_same(restored):
    """Packet for packet."""
    out, _, _ = restored
    for n in range(2):
        sums = [judge.run('ffmpeg', '-v', 'error', '-i', f, '-map', f'0:a:{n}', '-c', 'copy', '-f', 'data',
            '-') for f in (clips.path(CLIP), out)]
        assert sums[0] == sums[1]
        a, b = judge.sound_span(clips.path(CLIP), n), judge.sound_span(out, n)
        assert judge.close(b[2], a[2], 0.03)


def test_titles(restored):
    out, container, _ = restored
    now = judge.streams(out, 'audio')
    key = 'title' if container == 'mkv' else 'handler_name'
    titles = [s['tags'].get('title', s['tags'].get(key, '')) for s in now]
    assert titles == ['Camera', 'Commentary'] or reported(out, 'title')


def test_dispositions(restored):
    out, container, _ = restored
    sound = judge.streams(out, 'audio')
    assert [s['disposition']['default'] for s in sound] == [1, 0]
    if container == 'mkv':
        assert sound[1]['disposition']['comment'] == 1
        assert [s['disposition']['forced'] for s in judge.streams(out, 'subtitle')] == [0, 1, 0]


def test_subtitles(restored):
    out, container, _ = restored
    tracks = judge.streams(out, 'subtitle')
    assert languages(tracks) == ['eng', 'deu', 'eng']
    codecs = [s['codec_name'] for s in tracks]
    assert codecs == (['subrip', 'subrip', 'ass'] if container == 'mkv' else ['mov_text'] * 3)
    for n, words in enumerate((['First line', 'Second line'], ['Erste Zeile', 'Zweite Zeile'], ['Styled', 'line'])):
        text = judge.run('ffmpeg', '-v', 'error', '-i', out, '-map', f'0:s:{n}', '-f', 'srt', '-').decode()
        assert all(w in text for w in words), text


def subtitle_times(path):
    """(start, end) of each text of the first track, counted from the first picture."""

    def seconds(stamp):
        h, m, s = stamp.strip().replace(',', '.').split(':')
        return int(h) * 3600 + int(m) * 60 + float(s)

    text = judge.run('ffmpeg', '-v', 'error', '-copyts', '-i', path, '-map', '0:s:0', '-f', 'srt', '-').decode()
    first = judge.picture_times(path)[0]
    return [[seconds(part) - first for part in line.split('-->')] for line in text.splitlines() if '-->' in line]


def test_subtitle_times(restored):
    out, _, _ = restored
    got, wanted = subtitle_times(out), subtitle_times(clips.path(CLIP))
    assert len(got) == len(wanted) == 2
    assert all(judge.close(a, b) for g, w in zip(got, wanted) for a, b in zip(g, w)), (got, wanted)


def test_chapters(restored):
    out, _, _ = restored
    chapters = judge.probe(out, '-show_chapters')['chapters']
    assert [c['tags']['title'] for c in chapters] == ['Beach', 'Birthday']
    shift = judge.picture_times(out)[0] - judge.picture_times(clips.path(CLIP))[0]
    for chapter, (start, end) in zip(chapters, ((0, 0.8), (0.8, 2.0))):
        begins = float(chapter['start_time'])
        # libav 7 has the first chapter of an mp4 begin with the file.
        assert judge.close(begins, max(0, start + shift)) or (begins == start == 0 and not clips.ffmpeg_before(7)), chapters
        assert judge.close(float(chapter['end_time']), end + shift), chapters


def test_metadata(restored):
    out, container, _ = restored
    tags = {k.lower(): v for k, v in judge.probe(out, '-show_format')['format']['tags'].items()}
    assert tags['title'] == 'Summer 1994' and tags['artist'] == 'Family' and tags['comment'] == 'Tape 12'
    assert '1994' in (tags.get('date', '') + tags.get('creation_time', ''))


def test_language_of_the_pictures(restored):
    out, _, _ = restored
    assert judge.video_stream(out)['tags'].get('language') == 'eng'


def test_attachment(restored, tmp_path):
    out, container, result = restored
    found = judge.streams(out, 'attachment')
    if container == 'mkv':
        assert [s['tags']['filename'] for s in found] == ['note.ttf']
        target = tmp_path / 'note.ttf'
        # ffmpeg wants an output too, and fails without one after it has written the attachment.
        subprocess.run(['ffmpeg', '-v', 'error', '-dump_attachment:t:0', str(target), '-i', str(out)],
            stderr=subprocess.DEVNULL)
        assert target.read_text() == 'not really a font\n' * 20
    else:
        assert not found
        assert reported(out, 'attachment'), f'a loss must be reported\n{result}'
        assert 'attachment' in result.err.lower() or result.code == 0


@pytest.mark.parametrize('suffix', ['mov', 'mp4', 'mkv'])
def test_timecode(program, tmp_path, suffix):
    out = tmp_path / f'out.{suffix}'
    result = program.restore(clips.path('timecode'), out, *FAST, code=(0, 3))
    found = judge.probe(out, '-show_streams', '-show_format')
    tags = [s.get('tags', {}) for s in found['streams']] + [found['format'].get('tags', {})]
    values = {v for t in tags for k, v in t.items() if k.lower() == 'timecode'}
    assert values == {'01:00:10:05'}, result


def test_cover_is_no_video(program, tmp_path):
    """An attached picture is not restored instead of the film, and stays."""
    out = tmp_path / 'out.mp4'
    result = program.restore(clips.path('cover'), out, *FAST, code=(0, 3))
    video = judge.video_stream(out)
    assert (video['width'], video['height']) == (352, 288), result
    assert judge.decoded_count(out) == 24
    covers = [s for s in judge.streams(out, 'video') if s['disposition']['attached_pic']]
    assert covers or reported(out, 'attached'), result


def test_captions_are_kept_or_reported(program, tmp_path):
    out = tmp_path / 'out.mp4'
    result = program.restore(clips.path('captions'), out, *FAST, code=(0, 3))
    assert judge.captioned_pictures(clips.path('captions')) == 24
    assert judge.captioned_pictures(out) == 24 or reported(out, 'caption'), result


def test_two_containers_have_the_same_pictures(program, tmp_path):
    found = []
    for suffix in ('mp4', 'mkv'):
        out = tmp_path / f'out.{suffix}'
        program.restore(clips.path('h264'), out, *FAST)
        found.append(judge.picture_sums(out))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    'name, suffix, codec',
    [
        ('dv_ntsc', 'mp4', 'aac'),
        ('dv_ntsc', 'mkv', 'pcm_s16le'),
        ('dv_ntsc', 'mov', 'pcm_s16le'),
        ('ffv1', 'mkv', 'flac'),
        ('vp9', 'webm', 'opus'),
        ('wmv', 'mp4', 'aac'),
        ('theora', 'mkv', 'vorbis'),
        ('hevc_open_gop', 'mp4', 'ac3'),
    ],
)
def test_sound_is_copied_where_it_can(program, tmp_path, name, suffix, codec):
    out = tmp_path / f'out.{suffix}'
    args = list(FAST)
    if suffix == 'webm':
        args += ['--encoder', 'av1']
    program.restore(clips.path(name), out, *args)
    assert judge.streams(out, 'audio')[0]['codec_name'] == codec


def test_lossless_sound_stays_lossless(program, tmp_path):
    """PCM of a DV tape in Matroska: sample for sample."""
    out = tmp_path / 'out.mkv'
    program.restore(clips.path('dv_pal'), out, *FAST)
    raw = [judge.run('ffmpeg', '-v', 'error', '-i', f, '-map', '0:a', '-f', 's16le',
        '-') for f in (clips.path('dv_pal'), out)]
    assert raw[0] == raw[1]


@pytest.mark.parametrize('name, rate', [('rotated_90', 90), ('rotated_270', 270)])
def test_rotation_in_matroska_or_reported(program, tmp_path, name, rate):
    out = tmp_path / 'out.mkv'
    result = program.restore(clips.path(name), out, *FAST, code=(0, 1, 3))
    if result.code != 1:
        assert judge.rotation(judge.video_stream(out)) == judge.rotation(
            judge.video_stream(clips.path(name))
        ) or reported(out, 'rotat'), result
    else:
        assert 'rotat' in result.err


def test_colour_tags(program, tmp_path):
    """Tags describe the pixels: SD is BT.601 of its own lines, also when it was not said."""
    for name, primaries in (('dv_ntsc', 'smpte170m'), ('dv_pal', 'bt470bg')):
        out = tmp_path / f'{name}.mp4'
        program.restore(clips.path(name), out, *FAST)
        video = judge.video_stream(out)
        assert video.get('color_primaries') == primaries, video
        assert video.get('color_space') in ('smpte170m', 'bt470bg')
        assert video.get('color_range') == 'tv'
