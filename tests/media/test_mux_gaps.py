"""The muxer where the source has gaps, damage, or is cut to a range."""

from fractions import Fraction

import pytest

from mux_kit import tool, LAVFI, PICTURES, SYNC, click, click_time, join, made, packets, samples  # noqa: F401


def gap_source(made):
    whole = made('gap_whole.mkv', *LAVFI, PICTURES, *LAVFI, click(2.0, 3), '-c:v', 'mpeg4', '-c:a', 'pcm_s16le')
    return made('gap.mkv', '-i', whole, '-c', 'copy', '-bsf:a', 'noise=drop=between(pts*tb\\,1\\,1.5)')


@pytest.mark.parametrize('codec,container', [('aac', 'mp4'), ('flac', 'mkv')])
def test_gap_becomes_silence(made, join, codec, container):
    source = gap_source(made)
    out = join(source, f'out.{container}', '--codec', codec)
    assert out['gaps'] == 1
    assert abs(out['gap_seconds'] - 0.5) < 0.05
    assert abs(click_time(out.path) - 2.0) <= SYNC
    times = packets(out.path, 'a:0')
    for (a, d), (b, _) in zip(times, times[1:]):
        assert abs(b - a - d) <= Fraction(1, 500)


def test_copied_gap_keeps_times(made, join):
    source = gap_source(made)
    for name in ('out.mkv', 'out.mov'):
        out = join(source, name)
        assert abs(click_time(out.path) - 2.0) <= SYNC


def test_overlap_is_trimmed(made, join):
    """Half the packets come 40 ms early: as when a capture program skipped."""
    whole = made('overlap_whole.mkv', *LAVFI, PICTURES, *LAVFI, click(0.5, 3), '-c:v', 'mpeg4', '-c:a', 'pcm_s16le')
    source = made('overlap.mkv', '-i', whole, '-c', 'copy', '-bsf:a', 'setts=ts=if(gte(PTS*TB\\,1)\\,PTS-0.04/TB\\,PTS)')
    out = join(source, 'out.mkv', '--codec', 'flac')
    assert out['overlaps'] >= 1
    assert abs(out['overlap_seconds'] - 0.04) < 0.005
    assert abs(float(sum(packets(out.path, 'a:0')[-1])) - 2.96) < 0.01


def test_jitter_does_not_drift(made, join):
    """Times that are off by up to 3 ms are jitter: no sample is added or lost."""
    whole = made('jitter_whole.mkv', *LAVFI, PICTURES, *LAVFI, click(2.5, 3), '-c:v', 'mpeg4', '-c:a', 'pcm_s16le')
    source = made('jitter.mkv', '-i', whole, '-c', 'copy', '-bsf:a', 'setts=ts=PTS+mod(N*7\\,7)-3*mod(N\\,2)')
    out = join(source, 'out.mkv', '--codec', 'flac')
    assert out['gaps'] == out['overlaps'] == 0
    assert abs(click_time(out.path) - 2.5) <= 0.004
    assert len(samples(out.path)) == 3 * 48000


def test_drift_is_followed(made, join):
    """A clock that is 0.5 % slow over 20 s adds up to 100 ms: sound follows its times within 5 ms (and half a packet)."""
    whole = made('drift_whole.mkv', *LAVFI, 'testsrc2=s=64x48:r=25:d=20', *LAVFI, click(19.0, 20), '-c:v', 'mpeg4', '-c:a',
            'pcm_s16le')
    source = made('drift.mkv', '-i', whole, '-c', 'copy', '-bsf:a', 'setts=ts=PTS*1.005')
    out = join(source, 'out.mkv', '--codec', 'flac')
    assert out['gaps'] > 10
    assert abs(click_time(out.path) - 19.0 * 1.005) <= 0.012


def test_damaged_packets_become_silence(made, join):
    whole = made('damage_whole.mkv', *LAVFI, PICTURES, *LAVFI, click(2.5, 3), '-c:v', 'mpeg4', '-c:a', 'aac')
    source = made('damage.mkv', '-i', whole, '-c', 'copy', '-bsf:a', 'noise=amount=between(pts*tb\\,1\\,1.3)')
    out = join(source, 'out.mp4', '--codec', 'aac')
    assert out['decode_errors'] > 0
    moved = packets(source, 'v:0')[0][0] - packets(whole, 'v:0')[0][0]  # ffmpeg 7 has a copy begin at 0
    assert abs(click_time(out.path) - click_time(whole) - moved) <= SYNC


@pytest.mark.parametrize('options,container', [(['--codec', 'flac'], 'mkv'), (['--codec', 'aac'], 'mp4'), ([], 'mkv'), ([], 'mov')])
def test_range(made, join, options, container):
    """Seconds 40 to 42 of a minute, read from a place near it."""
    source = made('minute.mkv', *LAVFI, 'testsrc2=s=64x48:r=25:d=60', *LAVFI, click(41.0, 60), '-c:v', 'mpeg4', '-g', '25', '-c:a',
            'pcm_s16le')
    out = join(source, f'out.{container}', '--start', 40, '--end', 42, '--offset', 40, *options)
    assert abs(click_time(out.path) - 1.0) <= SYNC
    times = packets(out.path, 'a:0')
    first, last = times[0][0], sum(times[-1])
    if options:
        assert abs(first) <= Fraction(22, 1000) and abs(last - 2) < Fraction(30, 1000)
    else:
        assert 0 <= first < Fraction(25, 1000) and last < Fraction(2025, 1000)
    assert len(packets(out.path, 'v:0')) == 50
