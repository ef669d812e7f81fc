"""The muxer and the lanes that feed it, by mux_tool: a source is joined with itself, ffmpeg and ffprobe judge the result."""

import subprocess
from fractions import Fraction

import pytest

from mux_kit import (  # noqa: F401
    tool, LAVFI, PICTURES, click, click_time, clicked, join, made, packets, payload, probe, samples, sync_of,
    stream,
)

SOURCES = {
    'pcm.avi': ('mpeg4', 'pcm_s16le'),
    'mp3.avi': ('mpeg4', 'libmp3lame'),
    # No picture so small that another begins in its pack: that one would have no time. How small they are goes by the number of
    # the encoder's threads, which is that of cores.
    'ac3.vob': ('mpeg2video -q:v 2', 'ac3'),
    'dvd_pcm.vob': ('mpeg2video -q:v 2', 'pcm_dvd -sample_fmt s16'),
    'mp2.ts': ('mpeg2video -bf 2', 'mp2'),
    'adts.ts': ('libx264 -bf 2', 'aac'),
    'ac3.m2ts': ('libx264 -bf 2', 'ac3'),
    'priming.mp4': ('libx264 -bf 2', 'aac'),
    'opus.webm': ('libvpx -deadline realtime', 'libopus'),
    'vorbis.mkv': ('libvpx -deadline realtime', 'libvorbis'),
    'aac.mkv': ('libx264 -bf 2', 'aac'),
    'wma.wmv': ('wmv2', 'wmav2'),
    'flv.flv': ('flv', 'libmp3lame'),
    'pcm24.mov': ('prores', 'pcm_s24be'),
    'pcm.mkv': ('libvpx -deadline realtime', 'pcm_f32le'),
    'flac.mkv': ('libvpx-vp9 -deadline realtime -cpu-used 8', 'flac'),
}
# What becomes of the sound in each container.
ACTIONS = {
    'pcm.avi': {'mp4': 'aac', 'mkv': 'copy', 'mov': 'pcm_s16le'},
    'mp3.avi': {'mp4': 'copy', 'mkv': 'copy', 'mov': 'copy'},
    'ac3.vob': {'mp4': 'copy', 'mkv': 'copy', 'mov': 'copy'},
    'dvd_pcm.vob': {'mp4': 'aac', 'mkv': 'pcm_s16le', 'mov': 'pcm_s16le'},
    'mp2.ts': {'mp4': 'copy', 'mkv': 'copy', 'mov': 'aac'},
    'adts.ts': {'mp4': 'copy', 'mkv': 'copy', 'mov': 'copy'},
    'ac3.m2ts': {'mp4': 'copy', 'mkv': 'copy', 'mov': 'copy'},
    'priming.mp4': {'mp4': 'copy', 'mkv': 'copy', 'mov': 'copy'},
    'opus.webm': {'mkv': 'copy', 'webm': 'copy'},
    'vorbis.mkv': {'mkv': 'copy', 'webm': 'copy'},
    'aac.mkv': {'mp4': 'copy', 'mkv': 'copy', 'mov': 'copy'},
    'wma.wmv': {'mkv': 'copy'},
    'flv.flv': {'mkv': 'copy'},
    'pcm24.mov': {'mkv': 'copy', 'mov': 'pcm_s24be'},
    'pcm.mkv': {'mkv': 'copy', 'webm': 'libopus'},
    'flac.mkv': {'mp4': 'copy', 'mkv': 'copy', 'webm': 'libopus'},
}
MATRIX = [(source, container) for source, row in ACTIONS.items() for container in row]


@pytest.mark.parametrize('source,container', MATRIX)
def test_matrix(made, join, source, container):
    """Every picture at its time, the click where it was, the sound copied or transcoded as the table says, and twice the same file."""
    path = clicked(made, source, *SOURCES[source])
    out = join(path, f'out.{container}', '--offset', 'auto')
    want = ACTIONS[source][container]
    action = next(iter(out.streams.values()))
    assert action == (('copy', '-') if want == 'copy' else ('transcode', want))

    source_times = sorted(t for t, _ in packets(path, 'v:0') if t is not None)
    times = sorted(t for t, _ in packets(out.path, 'v:0'))
    assert len(times) == 75 and len(source_times) == 75
    tick = Fraction(1, 1000) if container in ('mkv', 'webm') else Fraction(1, 1000000)
    for got, was in zip(times, source_times):
        assert abs(got - (was - source_times[0])) <= tick, (float(got), float(was))

    sync = sync_of(container)
    assert abs(click_time(out.path) - (click_time(path) - float(source_times[0]))) <= sync
    again = join(path, f'again.{container}', '--offset', 'auto')
    assert out.path.read_bytes() == again.path.read_bytes()
    assert out['bytes'] == out.path.stat().st_size
    early = int(out['early'])
    assert early <= 1 and (container in ('mkv', 'webm') or not early)
    if want == 'copy' and source != 'adts.ts':
        assert payload(path, '0:a:0')[early:] == payload(out.path, '0:a:0')
    if source not in ('adts.ts', 'ac3.m2ts'):  # there the form of H.264 changes
        assert payload(path, '0:v:0') == payload(out.path, '0:v:0')
    subprocess.run(['ffmpeg', '-v', 'error', '-xerror', '-i', out.path, '-f', 'null', '-'], check=True, timeout=120)


@pytest.mark.parametrize('codec,container', [
    ('aac', 'mp4'), ('aac', 'mov'), ('libopus', 'webm'), ('libopus', 'mp4'), ('libopus', 'mkv'), ('flac', 'mkv'), ('flac', 'mp4'),
    ('pcm_s16le', 'mkv'), ('pcm_s24le', 'mov'), ('ac3', 'mp4'), ('libmp3lame', 'mp4'), ('alac', 'mov'), ('aac', 'mkv'),
    ('libvorbis', 'webm'),
])
def test_click_stays(made, join, codec, container):
    """A click at 1.000 s is at 1.000 s in every codec, encoder delay or not."""
    source = clicked(made, 'click_vp8.mkv', 'libvpx -deadline realtime', 'pcm_s16le') if container in ('webm', 'mkv') else \
        clicked(made, 'click_mpeg4.avi', 'mpeg4', 'pcm_s16le')
    out = join(source, f'out.{container}', '--codec', codec)
    assert abs(click_time(out.path) - 1.0) <= sync_of(container)
    assert packets(out.path, 'v:0')[0][0] == 0
    data = samples(out.path)
    assert abs(len(data) / 48000 - 3.0) < 0.03


@pytest.mark.parametrize('rate,codec,container', [(44100, 'aac', 'mp4'), (44100, 'libopus', 'webm'), (32000, 'aac', 'mp4'), (22050,
        'libopus', 'webm'),
                                                  (11025, 'aac', 'mp4'), (96000, 'aac', 'mp4'), (96000, 'flac', 'mkv'), (8000,
                                                  'aac', 'mp4')])
def test_click_stays_at_all_rates(made, join, rate, codec, container):
    source = made(f'click_{rate}.mkv', *LAVFI, PICTURES, *LAVFI, click(1.0, 3, rate), '-c:v', 'libvpx', '-deadline', 'realtime',
            '-c:a', 'pcm_s16le') \
        if container != 'mp4' else \
        made(f'click_{rate}.avi', *LAVFI, PICTURES, *LAVFI, click(1.0, 3, rate), '-c:v', 'mpeg4', '-c:a', 'pcm_s16le')
    out = join(source, f'out.{container}', '--codec', codec)
    got = int(stream(out.path, 'audio')['sample_rate'])
    assert got == (48000 if codec == 'libopus' or (codec == 'aac' and rate > 48000) else rate)
    assert abs(click_time(out.path) - click_time(source)) <= sync_of(container)


@pytest.mark.parametrize('source,container,codec', [
    ('vorbis.mkv', 'mp4', 'aac'), ('vorbis.mkv', 'mov', 'aac'), ('wma.wmv', 'mp4', 'aac'), ('wma.wmv', 'webm', 'libopus'),
    ('flac.mkv', 'mov', 'aac'), ('pcm24.mov', 'mp4', 'aac'), ('mp2.ts', 'webm', 'libopus')])
def test_sound_alone(made, join, source, container, codec):
    """What the container does not take is transcoded and stays in its place (without the pictures, which it may not take either)."""
    path = clicked(made, source, *SOURCES[source])
    out = join(path, f'out.{container}', '--drop-video', '--offset', 'auto')
    assert ('transcode', codec) in out.streams.values()
    first = float(min(t for t, _ in packets(path, 'v:0')))
    assert abs(click_time(out.path) - (click_time(path) - first)) <= sync_of(container)


@pytest.mark.parametrize('container,codec', [('mp4', 'aac'), ('mp4', 'flac'), ('mov', None), ('mkv', 'flac'), ('mkv', None),
        ('webm', 'libopus')])
def test_late_sound(made, join, container, codec):
    """Sound that starts half a second late and ends early keeps its times."""
    video = 'libvpx -deadline realtime' if container in ('webm', 'mkv') else 'mpeg4'
    source = made(f'late_{container}.mkv', *LAVFI, PICTURES, '-itsoffset', '0.512', *LAVFI, click(0.5, 1.5), '-c:v', *video.split(),
            '-c:a', 'pcm_s16le')
    out = join(source, f'out.{container}', *(['--codec', codec] if codec else []))
    assert abs(click_time(out.path) - 1.012) <= sync_of(container)
    assert packets(out.path, 'v:0')[0][0] == 0
    assert abs(len(samples(out.path)) / 48000 - 2.012) < 0.025


def test_late_sound_to_the_sample(made, join):
    """An edit list in milliseconds would not be exact."""
    source = made('late_exact.mov', *LAVFI, PICTURES, '-itsoffset', '0.5123125', *LAVFI, click(0.5, 1.5), '-c:v', 'mpeg4', '-c:a',
            'pcm_s16le',
                  '-movie_timescale', '48000')
    was = packets(source, 'a:0')[0][0]
    out = join(source, 'out.mp4', '--codec', 'flac')
    assert was == Fraction(24591, 48000)
    assert packets(out.path, 'a:0')[0][0] == was


def test_sound_longer_than_pictures(made, join):
    source = made('long_sound.avi', *LAVFI, 'testsrc2=s=160x120:r=25:d=1', *LAVFI, click(2.5, 4), '-c:v', 'mpeg4', '-c:a',
            'pcm_s16le')
    for name in ('out.mp4', 'out.mkv'):
        out = join(source, name)
        assert abs(click_time(out.path) - 2.5) <= sync_of(name[4:])
        assert abs(float(sum(packets(out.path, 'a:0')[-1])) - 4) < 0.03


@pytest.mark.parametrize('name', ['out.mp4', 'out.mkv'])
def test_start_not_zero(made, join, name):
    """A transport stream starts somewhere; the first picture of the output is at 0, sound at its distance to it."""
    source = clicked(made, 'offset.ts', 'mpeg2video', 'mp2', '-output_ts_offset', '95000')
    first = min(t for t, _ in packets(source, 'v:0'))
    assert first > 95000
    out = join(source, name, '--offset', 'auto')
    assert min(t for t, _ in packets(out.path, 'v:0')) == 0
    assert abs(click_time(out.path) - (1.0 + 0.0)) < 0.03  # mp2's delay, and what the muxer of the source made of it
    assert abs(click_time(out.path) + float(first) - click_time_at(source, first)) <= sync_of(name[4:])


def click_time_at(path, first):
    """click_time() for files that start late: no hours of silence before the sound."""
    start = Fraction(probe(path, '-show_format')['format']['start_time'])
    data = samples(path, copyts=False)
    peak = max(range(len(data)), key=lambda i: abs(data[i]))
    first, last = peak - 480, peak + 480
    energy = [data[i] * data[i] for i in range(first, last)]
    return (first + sum(i * e for i, e in enumerate(energy)) / sum(energy)) / 48000 + float(start)


@pytest.mark.parametrize('rate,base', [('30000/1001', 30000), ('24000/1001', 24000), ('60000/1001', 60000), ('25', 12800), ('50',
        12800)])
def test_mp4_times_are_exact(made, join, rate, base):
    source = made(f'rate_{rate.replace("/", "_")}.mp4', *LAVFI, f'testsrc2=s=160x120:r={rate}:d=2', '-c:v', 'libx264', '-bf', '3')
    out = join(source, 'out.mp4')
    assert Fraction(stream(out.path, 'video')['time_base']) == Fraction(1, base)
    times = sorted(t for t, _ in packets(out.path, 'v:0'))
    assert times == [n / Fraction(rate) for n in range(len(times))]
    assert len(times) == int(2 * Fraction(rate)) + (1 if '/' in rate else 0) or len(times) == round(2 * Fraction(rate))
    assert out['dts_fixed'] == 0
