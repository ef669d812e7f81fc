"""Where pieces meet: segments against one piece, and recordings joined into one source."""

import re
import subprocess

import pytest

import clips
import judge

SETTLED = 80  # dB that a recursive stage must reach against an endless run


@pytest.fixture(scope='module')
def tape(program, tmp_path_factory):
    path = tmp_path_factory.mktemp('seams') / 'tape.avi'
    program('simulate', '-o', path, '--frames', 75, code=0)
    return path


def chain(program, tape, out, segment_length, *more):
    """The chain's frames before encoding: lossless output."""
    program('restore', tape, '-o', out, '--encoder', 'ffv1', '--resolution', 'source', '--segment-length', segment_length, '--overwrite',
        '--progress', 'none', *more, code=0)
    return out


def worst_psnr(a, b, tmp_path):
    """dB of the plane and frame that differ most; None when all are equal."""
    stats = tmp_path / 'psnr.txt'
    subprocess.run(['ffmpeg', '-v', 'error', '-nostdin', '-i', a, '-i', b, '-lavfi', f'psnr=stats_file={stats}', '-f', 'null', '-'],
        check=True)
    values = [float(v) for v in re.findall(r'psnr_[yuv]:([0-9.]+)', stats.read_text())]
    return min(values, default=None)


@pytest.mark.parametrize('quality', ['fast', 'good'])
def test_finite_reach_is_exact(program, tape, tmp_path, quality):
    """Deinterlacing needs a frame on each side: cut anywhere, the frames are the same."""
    args = ['--deinterlace', 'bwdif', '--denoise', 'off', '--quality', quality]
    cut = chain(program, tape, tmp_path / 'cut.mkv', 0.5, *args)
    whole = chain(program, tape, tmp_path / 'whole.mkv', 3600, *args)
    assert judge.picture_sums(cut) == judge.picture_sums(whole)
    assert len(judge.picture_sums(cut)) == 150


@pytest.fixture(scope='module')
def changing(tmp_path_factory):
    """Progressive, top field first, bottom field first, progressive: 16 frames of each."""
    folder = tmp_path_factory.mktemp('changing')
    sources = [clips.scene(clips.SIF, clips.PAL), clips.interlaced(clips.SIF, clips.PAL, 'tff'),
        clips.interlaced(clips.SIF, clips.PAL, 'bff'), clips.scene(clips.SIF, clips.PAL)]
    inputs = [a for s in sources for a in ('-f', 'lavfi', '-i', clips.first(16, s))]
    path = folder / 'changing.mkv'
    clips.ffmpeg(*inputs, '-filter_complex', 'concat=n=4:v=1:a=0', '-c:v', 'ffv1', '-g', 1, '-fps_mode', 'passthrough', path)
    return path


@pytest.mark.parametrize('deinterlacer', ['bwdif', 'yadif', 'w3fdif', 'motion'])
def test_changing_scan_type(program, changing, tmp_path, deinterlacer):
    """Each frame by its own scan type, cut anywhere; progressive ones as they are."""
    args = ['--deinterlace', deinterlacer, '--denoise', 'off', '--quality', 'fast', '--scan', 'full']
    cut = chain(program, changing, tmp_path / 'cut.mkv', 0.3, *args)
    whole = chain(program, changing, tmp_path / 'whole.mkv', 3600, *args)
    runs = judge.report(whole)['plan']['video']['runs']
    assert [r['scan'] for r in runs] == ['progressive', 'tff', 'bff', 'progressive']
    assert all(abs(r['first'] - 16 * i) <= 1 for i, r in enumerate(runs))
    assert len(judge.report(cut)['plan']['video']['cuts']) > 5
    got = judge.picture_sums(whole)
    assert got == judge.picture_sums(cut)
    assert len(got) == sum(r['count'] * (1 if r['scan'] == 'progressive' else 2) for r in runs)
    source = judge.picture_sums(changing)
    assert got[: runs[0]['count']] == source[: runs[0]['count']]
    assert got[-runs[3]['count'] :] == source[-runs[3]['count'] :]


@pytest.mark.parametrize('stage, strength', [('hqdn3d', '3:2:3:2'), ('hqdn3d', '10:8:15:12'), ('recursive', '10:8:15:12')])
def test_recursive_stages_settle(program, tape, tmp_path, stage, strength):
    args = ['--denoise', stage, '--denoise-strength', strength, '--quality', 'fast' if stage == 'recursive' else 'good']
    cut = chain(program, tape, tmp_path / 'cut.mkv', 0.5, *args)
    whole = chain(program, tape, tmp_path / 'whole.mkv', 3600, *args)
    worst = worst_psnr(cut, whole, tmp_path)
    assert worst is None or worst >= SETTLED, f'{worst} dB at the seams'


def test_motion_at_seams(program, tmp_path):
    """Denoising by motion behind deinterlacing by motion: its reach is all that it sees."""
    source = tmp_path / 'source.mkv'
    clips.ffmpeg('-f', 'lavfi', '-i', clips.first(30, clips.interlaced(clips.SIF, clips.PAL, 'tff')), '-c:v', 'ffv1', source)
    args = ['--deinterlace', 'motion', '--denoise', 'motion', '--quality', 'fast', '--scan', 'full']
    cut = chain(program, source, tmp_path / 'cut.mkv', 0.4, *args)
    whole = chain(program, source, tmp_path / 'whole.mkv', 3600, *args)
    plan = judge.report(cut)['plan']['video']
    assert len(plan['cuts']) > 1
    stage = next(s for s in plan['stages'] if s['stage'] == 'denoise.motion')
    assert float(stage['options']['motion-sigma-luma']) >= 0, 'the plan must freeze what was measured'
    assert judge.picture_sums(cut) == judge.picture_sums(whole)


def test_joined_recordings(program, tmp_path):
    """Program streams joined by cat start their clocks anew: pictures and sound go on, side by side."""
    parts = []
    for n, tone in enumerate((440, 880)):
        part = tmp_path / f'{n}.vob'
        subprocess.run(['ffmpeg', '-v', 'error', '-nostdin', '-f', 'lavfi', '-i', 'testsrc2=s=352x288:r=25:d=3', '-f', 'lavfi', '-i',
            f'sine=frequency={tone}:d=3:r=48000', '-c:v', 'mpeg2video', '-b:v', '2M', '-c:a', 'ac3', '-f', 'vob', part], check=True)
        parts.append(part.read_bytes())
    source, out = tmp_path / 'joined.vob', tmp_path / 'joined.mp4'
    source.write_bytes(b''.join(parts))
    program('restore', source, '-o', out, '--preset', 'clean', '--preset-speed', 'ultrafast', '--progress', 'none', code=0)
    times = judge.picture_times(out)
    assert len(times) == 150
    assert all(abs(b - a - 0.04) < 0.001 for a, b in zip(times, times[1:]))
    start, end, seconds = judge.sound_span(out)
    assert judge.close(seconds, 6, 0.1)
    assert judge.close(end - start, 6, 0.1)
    # The tone changes where the second recording's pictures start, to within a packet of sound.
    data, first = judge.samples(out)
    def crossings(at):
        piece = data[int((at - first) * 48000) : int((at - first + 0.5) * 48000)]
        return sum((a < 0) != (b < 0) for a, b in zip(piece, piece[1:]))
    change = times[75]
    assert 400 < crossings(change - 0.6) < 480
    assert 840 < crossings(change + 0.1) < 920


SEGMENT = 30  # frames in each segment of the tests below
NEAR = 6  # frames beside a seam: a few groups of B-frames


def luma_psnr(a, b, tmp_path):
    """dB of the luma of each picture."""
    stats = tmp_path / 'psnr.txt'
    subprocess.run(['ffmpeg', '-v', 'error', '-nostdin', '-i', a, '-i', b, '-lavfi',
        f'[0:v]format=yuv420p[x];[1:v]format=yuv420p[y];[x][y]psnr=stats_file={stats}', '-f', 'null', '-'], check=True)
    return [float(v) for v in re.findall(r'psnr_y:([0-9.]+)', stats.read_text())]


def small(path, filters, width=40, height=30):
    """Luma of each picture in blocks, after filters, as lists of 16 bit codes."""
    data = subprocess.run(['ffmpeg', '-v', 'error', '-nostdin', '-i', path, '-vf',
        f'{filters}scale={width}:{height}:flags=area,format=gray16le', '-f', 'rawvideo', '-'], stdout=subprocess.PIPE, check=True).stdout
    codes = memoryview(data).cast('H')
    count = width * height
    return [codes[i : i + count] for i in range(0, len(codes), count)]


def mean(values):
    return sum(values) / len(values)


@pytest.mark.parametrize('encoder', ['h264', pytest.param('hevc', marks=pytest.mark.long)])
def test_seams_after_encoding(program, tape, tmp_path, encoder):
    """The encoder starts anew at each seam. Quality does not dip there, and the key frame does not pulse: neither
    brightness nor detail jumps more than it does from picture to picture anyway."""
    common = ['--resolution', 240, '--deinterlace', 'bwdif', '--denoise', 'recursive', '--denoise-strength', '3:2:3:2',
        '--segment-length', SEGMENT / 59.94 - 0.001, '--progress', 'none']
    out, chain = tmp_path / 'out.mp4', tmp_path / 'chain.mp4'
    program('restore', tape, '-o', out, '--encoder', encoder, *common, code=0)
    program('restore', tape, '-o', chain, '--crf', 0, '--preset-speed', 'ultrafast', *common, code=0)  # 8 bit, lossless
    cuts = judge.report(out)['plan']['video']['cuts']
    seams = [2 * cut for cut in cuts[1:-1]]
    assert seams == [SEGMENT, 2 * SEGMENT, 3 * SEGMENT, 4 * SEGMENT]

    psnr = luma_psnr(out, chain, tmp_path)
    assert len(psnr) == 150
    inner = [v for k, v in enumerate(psnr) if all(abs(k - s) >= NEAR for s in seams)]
    for s in seams:
        for place in (psnr[s - NEAR : s], psnr[s : s + NEAR]):
            assert mean(place) >= mean(inner) - 0.5, f'{mean(place):.2f} dB beside {s}, {mean(inner):.2f} dB elsewhere'

    # How much the error of each block (of 8 x 8) changes from picture to picture, as RMS.
    errors = [[a - b for a, b in zip(x, y)] for x, y in zip(small(out, ''), small(chain, ''))]
    steps = [0] + [mean([(a - b) ** 2 for a, b in zip(x, y)]) ** 0.5 for x, y in zip(errors, errors[1:])]
    usual = sorted(v for k, v in enumerate(steps) if k and k not in seams)
    assert max(steps[s] for s in seams) <= 1.25 * usual[len(usual) * 95 // 100]

    detail = [mean(x) / mean(y) for x, y in zip(small(out, 'format=gray,sobel,', 8, 8), small(chain, 'format=gray,sobel,', 8, 8))]
    usual = sorted(v for k, v in enumerate(detail) if k not in seams and k)
    for s in seams:
        assert detail[s] <= usual[-1] + 0.02, f'picture {s} has {detail[s]:.3f} of the detail, others at most {usual[-1]:.3f}'
