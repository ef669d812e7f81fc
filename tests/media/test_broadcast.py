"""What changes in the middle of a broadcast: late sound, programmes, packet identifiers, channels."""

import json
import subprocess

import pytest

import clips

FAST = ['--resolution', 'source', '--preset-speed', 'ultrafast']


def piece(out, seconds, start, sound=None, codec='mp2', version=0, pid=0x100, layout=None, size='96x64', extra=()):
    """Part of a broadcast: pictures, and sound of these sines (one a channel)."""
    inputs = ['-f', 'lavfi', '-i', f'testsrc2=s={size}:r=25:d={seconds}']
    if sound:
        sines = '|'.join(f'0.3*sin(2*PI*{f}*t)' for f in sound)
        inputs += ['-f', 'lavfi', '-i', f"aevalsrc=exprs={sines}:d={seconds}:s=48000{f':c={layout}' if layout else ''}"]
    clips.ffmpeg(*inputs, '-c:v', 'mpeg2video', '-g', 12, '-b:v', '300k', '-threads:v', 1, '-c:a', codec, '-b:a', '192k', *extra, '-f', 'mpegts', '-tables_version',
                 version, '-mpegts_start_pid', pid, '-muxdelay', 0, '-output_ts_offset', start, *clips.BITEXACT, out)
    return out.read_bytes()


def probe(path):
    done = subprocess.run(['ffprobe', '-v', 'error', '-count_packets', '-show_streams', '-show_packets', '-of', 'json', path], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def sound(path):
    return [s for s in probe(path)['streams'] if s['codec_type'] == 'audio']


def first_time(path, kind='audio'):
    found = probe(path)
    stream = [s['index'] for s in found['streams'] if s['codec_type'] == kind][0]
    return min(float(p['pts_time']) for p in found['packets'] if p['stream_index'] == stream and 'pts_time' in p)


def words(program, source, what, *args):
    tree = program('plan', source, '--json', *args, code=0).json()
    return [d['why'] for d in tree['decisions'] if d['what'] == what]


@pytest.mark.parametrize('suffix', ['mp4', 'mkv', 'mov'])
@pytest.mark.parametrize('codec', ['mp2', 'ac3', 'aac'])
def test_late_sound_is_kept_at_its_time(program, tmp_path, codec, suffix):
    source, out = tmp_path / 'in.ts', tmp_path / f'o.{suffix}'
    source.write_bytes(piece(tmp_path / 'a', 2, 0) + piece(tmp_path / 'b', 1, 2, [440], codec, version=1))
    program.restore(source, out, *FAST)
    assert len(sound(out)) == 1 and sound(out)[0]['channels'] == 1
    late = first_time(source) - first_time(source, 'video')
    assert 1.9 < late < 2.1
    assert abs(first_time(out) - first_time(out, 'video') - late) < 0.03
    assert any('after the pictures' in w for w in words(program, source, 'sound'))


def test_sound_that_ends_early_is_told(program, tmp_path):
    source = tmp_path / 'in.ts'
    source.write_bytes(piece(tmp_path / 'a', 1, 0, [440]) + piece(tmp_path / 'b', 3, 1, version=1))
    said = words(program, source, 'sound')
    assert len(said) == 1 and abs(float(said[0].split()[3]) - 3) < 0.1 and 'before the pictures' in said[0], said
    source.write_bytes(piece(tmp_path / 'c', 3, 0, [440]))
    assert words(program, source, 'sound') == []


def test_sound_later_than_any_probing(program, tmp_path):
    """The sound of a film after half a minute of something else."""
    source, out = tmp_path / 'in.ts', tmp_path / 'o.mkv'
    source.write_bytes(piece(tmp_path / 'a', 30, 0) + piece(tmp_path / 'b', 1, 30, [440], version=1))
    program.restore(source, out, *FAST)
    assert [(s['codec_name'], s['channels']) for s in sound(out)] == [('mp2', 1)]
    assert abs(first_time(out) - 30) < 0.06


def test_sound_of_the_pictures_programme_comes_first(program, tmp_path):
    small, large, source, out = (tmp_path / n for n in ('small', 'large', 'in.ts', 'o.mkv'))
    piece(small, 1, 0, [300])
    piece(large, 1, 0, [700], size='176x144')
    clips.ffmpeg('-i', small, '-i', large, '-map', '0:v', '-map', '0:a', '-map', '1:v', '-map', '1:a', '-c', 'copy', '-program', 'program_num=5:st=0:st=1',
                 '-program', 'program_num=9:st=2:st=3', '-f', 'mpegts', *clips.BITEXACT, source)
    program.restore(source, out, *FAST)
    tracks = [clips.ffmpeg('-i', path, '-map', f'0:a:{i}', '-f', 's16le', '-') for path in (source, out) for i in range(2)]
    assert tracks[2] == tracks[1] and tracks[3] == tracks[0]
    assert [s['disposition']['default'] for s in sound(out)] == [1, 0]
    said = words(program, source, 'programme')
    assert len(said) == 1 and '9' in said[0] and '5' in said[0]
    # The other one, and nothing else.
    program.restore(source, tmp_path / 'p.mkv', '--programme', 5, *FAST)
    streams = probe(tmp_path / 'p.mkv')['streams']
    assert [(s['codec_type'], s.get('width')) for s in streams] == [('video', 96), ('audio', None)]
    assert clips.ffmpeg('-i', tmp_path / 'p.mkv', '-map', '0:a', '-f', 's16le', '-') == tracks[0]
    done = program('plan', source, '--programme', 6, code=2)
    assert '5, 9' in done.err


SIX = [300, 400, 500, 60, 700, 800]


@pytest.mark.parametrize('codec, action', [('ac3', 'copy'), ('aac', 'transcode')])
def test_channels_that_come_and_go(program, tmp_path, codec, action):
    source, out = tmp_path / 'in.ts', tmp_path / 'o.mp4'
    parts = [([300, 400], 'stereo'), (SIX, '5.1'), ([300, 400], 'stereo')]
    source.write_bytes(b''.join(piece(tmp_path / str(i), 1, i, s, codec, layout=l) for i, (s, l) in enumerate(parts)))
    tree = program('plan', source, '-o', out, '--json', code=0).json()
    assert [s['action'] for s in tree['streams'] if s['kind'] == 'audio'] == [action]
    said = [why for why in words(program, source, 'sound') if 'channels' in why]  # what is heard in it is said too
    assert len(said) == 1 and 'between 2 and 6 channels, 2 times' in said[0]
    program.restore(source, out, *FAST)
    raw = clips.ffmpeg('-i', out, '-map', '0:a', '-ac', 6, '-f', 's16le', '-')
    assert abs(len(raw) / 2 / 6 / 48000 - 3) < 0.1
    if action == 'transcode':
        assert sound(out)[0]['channels'] == 6


def test_rates_that_change_are_resampled(program, tmp_path):
    source, out = tmp_path / 'in.ts', tmp_path / 'o.mp4'
    source.write_bytes(piece(tmp_path / 'a', 1, 0, [440]) + piece(tmp_path / 'b', 1, 1, [440], extra=['-ar', 32000]))
    program.restore(source, out, *FAST)
    raw = clips.ffmpeg('-i', out, '-map', '0:a', '-ac', 1, '-ar', 8000, '-f', 's8', '-')
    samples = [b - 256 if b > 127 else b for b in raw]
    for at in (0.3, 1.3):  # crossings of zero in half a second: 440 Hz in both halves
        part = samples[int(at * 8000):int((at + 0.5) * 8000)]
        assert abs(sum(a < 0 <= b for a, b in zip(part, part[1:])) - 220) <= 3
