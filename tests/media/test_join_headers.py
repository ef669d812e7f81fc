"""Files that are one film, made with encoder settings of their own: the decoder is opened anew where each begins."""

import json
import subprocess

import pytest

import clips
import judge
from bad_kit import FAST

ARCHIVE = ['--resolution', 'source', '--denoise', 'off', '--progress', 'none', '--encoder', 'ffv1', '--audio-codec', 'flac']
# Kind: suffix, sound, and the settings of the three files.
KINDS = {
    'h264': ('mp4', 'aac', [f'-c:v libx264 -preset ultrafast -g 10 -bf {b} -refs {1 + b} -x264-params cabac={b % 2}:8x8dct={b % 2}'
        for b in (0, 3, 2)]),
    'hevc': ('mp4', 'aac', [f'-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=10:bframes={b}:ref={1 + b}'
        for b in (2, 0, 3)]),
    'mpeg4': ('mp4', 'aac', [f'-c:v mpeg4 -q:v 4 -g 10 -flags +global_header -mpeg_quant {m} -bf {m}' for m in (0, 1, 0)]),
    'ffv1': ('mkv', 'flac', [f'-c:v ffv1 -level 3 -slices {s} -g {g}' for s, g in ((4, 1), (6, 5), (9, 1))]),
    'ffvhuff': ('avi', 'pcm_s16le', [f'-c:v ffvhuff -pred {p} -context {c}' for p, c in (('left', 0), ('plane', 1), ('median', 0))]),
}


def make(path, n, coding, sound='aac', seconds=1):
    clips.ffmpeg('-f', 'lavfi', '-i', f'testsrc2=r=25:s=160x120:d={seconds}', '-f', 'lavfi', '-i',
        f'sine=f=440:r=48000:d={seconds}', '-vf', f'hue=h={120 * n}', '-pix_fmt', 'yuv420p', *coding.split(), '-c:a', sound, path)
    return path


def headers(path):
    found = judge.run('ffprobe', '-v', 'error', '-select_streams', 'v', '-show_data', '-show_entries', 'stream=extradata', '-of',
        'json', path)
    return json.loads(found)['streams'][0]['extradata']


@pytest.mark.parametrize('kind', KINDS)
def test_decoder_is_opened_anew(program, tmp_path, kind):
    """Each part has the very pictures of its file, whichever segment begins where."""
    suffix, sound, settings = KINDS[kind]
    files = [make(tmp_path / f'f{n}.{suffix}', n, coding, sound) for n, coding in enumerate(settings)]
    assert len({headers(f) for f in files}) > 1, 'the files are of one kind: this would test nothing'
    alone = []
    for f in files:
        program.restore(f, tmp_path / 'one.mkv', *ARCHIVE, '--overwrite')
        alone += judge.picture_sums(tmp_path / 'one.mkv')
    assert len(set(alone)) == len(alone) == 75
    for length in ('30', '0.7'):
        out = tmp_path / f'joined{length}.mkv'
        program('restore', '--join', *files, '-o', out, *ARCHIVE, '--segment-length', length, code=0)
        assert judge.picture_sums(out) == alone, length
    program('preview', '--join', *files, '-o', tmp_path / 'p.mp4', '--start', '0.8', '--duration', '0.6', '--resolution',
        'source', code=0)
    assert judge.decoded_count(tmp_path / 'p.mp4') == 15


def test_sums_of_one_file_are_not_those_of_all(program, tmp_path):
    """FLAC's head has the number and the sum of its samples: copied, it would call the joined sound damaged."""
    files = [make(tmp_path / f'f{n}.mkv', n, '-c:v ffv1', 'flac') for n in range(2)]
    out = tmp_path / 'out.mkv'
    program('restore', '--join', *files, '-o', out, *FAST, code=0)
    assert judge.streams(out, 'audio')[0]['codec_name'] == 'flac'
    done = subprocess.run(['ffmpeg', '-v', 'warning', '-i', out, '-map', '0:a', '-f', 'null', '-'], capture_output=True,
        text=True, check=True)
    assert done.stderr == ''
    values, start = judge.samples(out)
    assert len(values) == 96000 and judge.close(start, 0)


def test_sound_that_can_not_go_on(program, tmp_path):
    """Vorbis has its tables in its head: a track holds one of these."""
    a, b = (make(tmp_path / f'{n}.mkv', 0, '-c:v mjpeg', sound) for n, sound in (('a', 'libvorbis'), ('b', 'libvorbis')))
    clips.ffmpeg('-i', a, '-c:v', 'copy', '-c:a', 'libvorbis', '-q:a', 9, '-y', b)
    out = tmp_path / 'out.mkv'
    done = program('restore', '--join', a, b, '-o', out, *FAST, code=1)
    assert "b.mkv can't be joined to a.mkv: its sound is made with other settings (vorbis)" in done.err
    assert not out.exists() and not judge.work_folder(out).exists()
