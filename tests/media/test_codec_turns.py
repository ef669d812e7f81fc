"""Broadcasts whose pictures go on in another codec: one film, each part decoded as what it is."""

import pytest

import clips
import judge
from test_broadcast import FAST, probe, words
from test_identifiers import tones, with_times

CODECS = {'mpeg2': ('-c:v', 'mpeg2video', '-g', 12, '-b:v', '400k'), 'h264': ('-c:v', 'libx264', '-preset', 'ultrafast', '-bf', 2, '-g', 25, '-b:v', '400k'),
    'hevc': ('-c:v', 'libx265', '-preset', 'ultrafast', '-g', 25, '-b:v', '400k', '-x265-params', 'log-level=none'), 'mpeg4': ('-c:v', 'mpeg4', '-g', 12, '-b:v', '400k')}


def part(out, codec, seconds, start, tone, *, version=0, pids=(0x100, 0x101), size='160x96', extra=()):
    clips.ffmpeg('-f', 'lavfi', '-i', f'testsrc2=s={size}:r=25:d={seconds}', '-f', 'lavfi', '-i', f'sine={tone}:r=48000:d={seconds}', *CODECS[codec], '-threads:v', 1,
                 '-c:a', 'mp2', '-b:a', '192k', '-streamid', f'0:{pids[0]}', '-streamid', f'1:{pids[1]}', *extra, '-f', 'mpegts', '-tables_version', version, '-muxdelay', 0,
                 '-output_ts_offset', 1 + start, *clips.BITEXACT, out)
    return out.read_bytes()


def whole(program, tmp_path, data, frames, *args, code=0):
    source, out = tmp_path / 'in.ts', tmp_path / 'o.mkv'
    source.write_bytes(data)
    done = program.restore(source, out, *args, *FAST, code=code)
    assert code or 'warning' not in done.err, done.err
    found = probe(out)
    assert [s['codec_type'] for s in found['streams']] == ['video', 'audio']
    times = sorted(float(p['pts_time']) for p in found['packets'] if p['stream_index'] == 0)
    assert len(times) == frames
    assert max(abs(t - times[0] - i / 25) for i, t in enumerate(times)) < 0.025
    return out


@pytest.mark.parametrize('codecs', [('mpeg2', 'h264'), ('h264', 'mpeg2'), ('h264', 'hevc'), ('mpeg4', 'h264')])
@pytest.mark.parametrize('pids', [(0x100, 0x101), (0x200, 0x201)])
def test_another_codec(program, tmp_path, codecs, pids):
    data = part(tmp_path / 'a', codecs[0], 2, 0, 300) + part(tmp_path / 'b', codecs[1], 2, 2, 700, version=1, pids=pids)
    out = whole(program, tmp_path, data, 100)
    assert tones(out)[:3] == [300] * 3 and tones(out)[4:7] == [700] * 3
    said = words(program, tmp_path / 'in.ts', 'pictures')
    assert any('they go on as' in s for s in said), said


def test_there_and_back_in_segments(program, tmp_path):
    """Sizes differ too; each segment finds its pictures, the same as in one go."""
    data = part(tmp_path / 'a', 'mpeg2', 3, 0, 300) + part(tmp_path / 'b', 'h264', 3, 3, 700, version=1, size='240x136') + part(
        tmp_path / 'c', 'mpeg2', 3, 6, 300, version=2, pids=(0x300, 0x301))
    lossless = ['--overwrite', '--encoder', 'ffv1', '--denoise', 'off']

    def pictures(*args):
        raw = clips.ffmpeg('-i', whole(program, tmp_path, data, 225, *lossless, *args), '-map', '0:v', '-f', 'framemd5', '-')
        return [line.split(b',')[-1] for line in raw.splitlines() if not line.startswith(b'#')]

    assert pictures() == pictures('--segment-length', 1, '--jobs', 2)
    assert judge.decoded_count(whole(program, tmp_path, data, 50, *lossless, '--range', '4-6')) == 50


def test_packets_with_times(program, tmp_path):
    data = part(tmp_path / 'a', 'mpeg2', 2, 0, 300) + part(tmp_path / 'b', 'h264', 2, 2, 700, version=1)
    whole(program, tmp_path, with_times(data), 100)


def test_two_pictures_at_once_stay_two(program, tmp_path):
    """Another picture beside the first is no continuation: it is left out with a word."""
    source, out = tmp_path / 'in.ts', tmp_path / 'o.mkv'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=160x96:r=25:d=2', '-f', 'lavfi', '-i', 'testsrc=s=96x64:r=25:d=2', '-map', '0', '-map', '1', '-c:v:0', 'libx264', '-preset',
                 'ultrafast', '-c:v:1', 'mpeg2video', '-f', 'mpegts', '-muxdelay', 0, source)
    done = program.restore(source, out, *FAST, code=3)
    assert 'stream 1 (video, mpeg2video) is left out' in done.err, done.err
    assert judge.decoded_count(out) == 50
