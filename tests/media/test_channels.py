"""No channel of sound is lost or mixed: each has a tone of its own, which must be the only one in it afterwards."""

import array
import json
import math
import subprocess

import pytest

import clips

RATE = 48000
FAST = ['--resolution', 'source', '--preset-speed', 'ultrafast']


def tone(i):
    return 300 + 100 * i


def recording(path, channels, layout=None, codec='pcm_s16le'):
    """Half a second of pictures and so many channels, channel i with tone(i)."""
    sines = '|'.join(f'0.3*sin(2*PI*{tone(i)}*t)' for i in range(channels))
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=96x64:r=25:d=0.6', '-f', 'lavfi', '-i',
                 f"aevalsrc=exprs={sines}:d=0.6:s={RATE}{f':c={layout}' if layout else ''}", '-c:v', 'mjpeg', '-c:a', codec, *clips.BITEXACT, path)
    return path


def tracks(path):
    done = subprocess.run(['ffprobe', '-v', 'error', '-select_streams', 'a', '-show_streams', '-of', 'json', path], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)['streams']


def strength(samples, frequency):
    """How much of a tone is in the samples, 0.3 for what recording() puts there."""
    w = 2 * math.pi * frequency / RATE
    re = sum(s * math.cos(w * n) for n, s in enumerate(samples))
    im = sum(s * math.sin(w * n) for n, s in enumerate(samples))
    return 2 * math.hypot(re, im) / len(samples)


def check_channels(path, channels, low=0.25):
    streams = tracks(path)
    assert [s['channels'] for s in streams] == [channels]
    raw = clips.ffmpeg('-i', path, '-map', '0:a', '-f', 'f32le', '-c:a', 'pcm_f32le', '-ar', RATE, '-')
    samples = array.array('f', raw)
    for c in range(channels):
        part = samples[c::channels][RATE // 5:RATE // 5 + 2400]  # whole periods of every tone
        found = {tone(i): strength(part, tone(i)) for i in range(channels)}
        assert found.pop(tone(c)) > low, f'channel {c} has lost its tone'
        assert max(found.values()) < 0.03, f'channel {c} has those of others: {found}'
    return streams[0]


@pytest.mark.parametrize('suffix', ['mp4', 'mov', 'mkv', 'webm'])
@pytest.mark.parametrize('channels', [3, 6, 8])
def test_channels_of_unknown_layout_stay_apart(program, tmp_path, channels, suffix):
    source = recording(tmp_path / 'in.mkv', channels)
    encoder = ['--encoder', 'av1'] if suffix == 'webm' else []
    out = tmp_path / f'o.{suffix}'
    program.restore(source, out, *FAST, *encoder)
    check_channels(out, channels)


@pytest.mark.parametrize('layout, channels, codec', [('5.1', 6, 'flac'), ('7.1', 8, 'flac'), ('6.1', 7, 'flac'), ('5.0', 5, 'aac'), ('stereo', 2, 'aac')])
def test_known_layouts_in_mp4(program, tmp_path, layout, channels, codec):
    """AAC where it keeps all channels; its channel for low frequencies does not keep what is none."""
    out = tmp_path / 'o.mp4'
    program.restore(recording(tmp_path / 'in.avi', channels, layout), out, *FAST)
    assert check_channels(out, channels)['codec_name'] == codec


def test_more_channels_than_mp4_holds(program, tmp_path):
    source = recording(tmp_path / 'in.mkv', 16)
    done = program.restore(source, tmp_path / 'o.mp4', *FAST, code=1)
    assert '16 channels' in done.err and '.mkv or .mov' in done.err
    for suffix in ('mov', 'mkv'):
        program.restore(source, tmp_path / f'o.{suffix}', *FAST)
        check_channels(tmp_path / f'o.{suffix}', 16)
    # Nobody named a container: one that holds them.
    said = program('plan', source, '--json', code=0).json()
    assert said['output']['container'] == 'mkv'


def test_tracks_stay_tracks(program, tmp_path):
    """Mono tracks of a tape's channels are no pair."""
    source, out = tmp_path / 'in.mkv', tmp_path / 'o.mp4'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=96x64:r=25:d=0.4', '-f', 'lavfi', '-i', 'sine=300:d=0.4:r=48000', '-f', 'lavfi', '-i',
                 'sine=700:d=0.4:r=48000', '-map', 0, '-map', 1, '-map', 2, '-c:v', 'mjpeg', '-c:a', 'pcm_s16le', *clips.BITEXACT, source)
    program.restore(source, out, *FAST)
    assert [s['channels'] for s in tracks(out)] == [1, 1]
