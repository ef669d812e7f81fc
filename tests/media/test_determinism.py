"""The same bytes for every number of jobs and instruction set, and again. And golden checksums of fixed inputs."""

import json
import os
import re
from pathlib import Path

import pytest

import clips
import judge

FAST = ['--quality', 'fast', '--preset-speed', 'ultrafast', '--crf', '28']
SEGMENTS = ['--segment-length', '1']
GOLDEN = Path(__file__).resolve().parents[1] / 'golden'


def sums(program, folder, suffix, source, variants, *args):
    """{label: sha256 of the output} for runs that differ by `variants`: {label: options}."""
    found = {}
    for label, options in variants.items():
        out = folder / f'out.{suffix}'  # always the same name: it is no part of the file
        program.restore(source, out, *args, *options, '--overwrite')
        found[label] = judge.sha256(out)
        judge.report_path(out).unlink()
    return found


def segments_of(program, source, out, *args):
    plan = program('plan', source, '-o', out, '--json', *args, code=0).json()
    return len(plan['video']['cuts']) - 1


@pytest.mark.parametrize('suffix', ['mp4', 'mkv'])
@pytest.mark.parametrize('name', ['steady', 'steady_interlaced'])
def test_jobs(program, tmp_path, name, suffix):
    args = ['--preset', 'vhs', '--resolution', 'source', *FAST, *SEGMENTS]
    assert segments_of(program, clips.path(name), tmp_path / 'x.mp4', *args) >= 3
    variants = {'1': ['--jobs', '1'], '2': ['--jobs', '2'], '4': ['--jobs', '4'], 'again': []}
    found = sums(program, tmp_path, suffix, clips.path(name), variants, *args)
    assert len(set(found.values())) == 1, found


@pytest.mark.parametrize(
    'encoder, suffix, name, extra',
    [
        ('hevc', 'mp4', 'h264_open_gop_mp4', ['--preset-speed', 'ultrafast', '--segment-length', '0.8']),
        ('av1', 'mkv', 'h264_open_gop_mp4', ['--preset-speed', 'ultrafast', '--segment-length', '0.8']),
        ('ffv1', 'mkv', 'steady', SEGMENTS),
        ('prores', 'mov', 'h264_open_gop_mp4', ['--segment-length', '0.8']),
        ('raw', 'y4m', 'h264_open_gop_mp4', ['--segment-length', '0.8']),
    ],
)
def test_jobs_by_encoder(program, tmp_path, encoder, suffix, name, extra):
    variants = {'1': ['--jobs', '1'], '4': ['--jobs', '4']}
    args = ['--preset', 'vhs', '--resolution', 'source', '--encoder', encoder, '--quality', 'fast', *extra]
    assert segments_of(program, clips.path(name), tmp_path / f'x.{suffix}', *args) >= 2
    found = sums(program, tmp_path, suffix, clips.path(name), variants, *args)
    assert len(set(found.values())) == 1, found


MASKS = {mask: ['--cpu-mask', mask] for mask in ('none', 'sse2', 'ssse3', 'sse4.1', 'avx2', 'avx512', 'all')}


plain = {}  # what no instructions give, by what was asked for


def compare_with_plain(program, tmp_path, suffix, source, mask, *args):
    """With one set of instructions as without any; skipped where the machine has none of it."""
    judge.need_instructions(program, mask)
    key = (suffix, source, *args)
    if key not in plain:
        plain[key] = sums(program, tmp_path, suffix, source, {'none': MASKS['none']}, *args)['none']
    assert sums(program, tmp_path, suffix, source, {mask: MASKS[mask]}, *args) == {mask: plain[key]}


@pytest.mark.parametrize('mask', ['sse2', 'avx2', 'all'])
@pytest.mark.parametrize('resolution', ['source', '320x256'])
@pytest.mark.parametrize('depth', ['8', '10'])
def test_cpu_masks(program, tmp_path, resolution, depth, mask):
    """Deinterlacing, denoising, scaling and x264 with each instruction set."""
    args = ['--preset', 'vhs', '--resolution', resolution, '--preset-speed', 'veryfast', '--range', '0f-24f']
    args += ['--quality', 'fast' if depth == '8' else 'good']
    compare_with_plain(program, tmp_path, 'mp4', clips.path('steady_interlaced'), mask, *args)


@pytest.mark.parametrize('size', ['640x480', '430x320', '360x300'])
def test_cpu_masks_of_smaller_pictures(program, tmp_path, size):
    """Each column is there: a library's widest code lost one in 16 with some filters, see convert.c."""
    judge.need_instructions(program, 'all')
    tape = tmp_path / 'large.mkv'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=1316x988:r=25', '-frames:v', 1, '-c:v', 'ffv1', '-pix_fmt', 'yuv420p', tape)
    args = ['--preset', 'clean', '--encoder', 'ffv1', '--resolution', size, '--scale-kernel', 'lanczos']
    found = sums(program, tmp_path, 'mkv', tape, {mask: MASKS[mask] for mask in ('none', 'avx2', 'all')}, *args)
    assert len(set(found.values())) == 1, found


@pytest.mark.parametrize(
    'name', ['dv_ntsc', 'mpeg2_480i_bff', 'h264_mbaff', 'mjpeg', 'wmv', 'vp9', 'hevc_10bit', 'prores']
)
def test_cpu_masks_by_source(program, tmp_path, name):
    """Decoders too: what is read may not depend on the machine."""
    args = ['--preset', 'clean', '--resolution', 'source', '--encoder', 'ffv1']
    compare_with_plain(program, tmp_path, 'mkv', clips.path(name), 'all', *args)


@pytest.mark.parametrize('mask', ['sse2', 'all'])
@pytest.mark.parametrize('encoder, suffix', [('hevc', 'mp4'), ('av1', 'mkv'), ('ffv1', 'mkv'), ('prores', 'mov')])
def test_cpu_masks_by_encoder(program, tmp_path, encoder, suffix, mask):
    args = ['--preset', 'clean', '--resolution', 'source', '--encoder', encoder, '--quality', 'fast', '--preset-speed',
        'ultrafast']
    compare_with_plain(program, tmp_path, suffix, clips.path('frames_3'), mask, *args)


@pytest.mark.long
@pytest.mark.parametrize(
    'encoder, suffix',
    [('h264', 'mp4'), ('h264', 'mkv'), ('hevc', 'mp4'), ('av1', 'mkv'), ('ffv1', 'mkv'), ('prores', 'mov')],
)
@pytest.mark.parametrize('quality', ['fast', 'good', 'best'])
def test_all_masks_and_jobs(program, tmp_path, encoder, suffix, quality):
    variants = {f'{mask}/{jobs}': options + ['--jobs', jobs] for mask, options in MASKS.items() for jobs in ('1', '4')}
    args = ['--preset', 'vhs', '--resolution', '480', '--encoder', encoder, '--quality', quality, *SEGMENTS]
    found = sums(program, tmp_path, suffix, clips.path('steady_interlaced'), variants, *args)
    assert len(set(found.values())) == 1, found


def test_plan_is_stable(program, tmp_path):
    args = ['plan', clips.path('dv_ntsc'), '-o', tmp_path / 'out.mp4', '--json']
    first = program(*args, code=0).out
    assert first == program(*args, code=0).out
    assert first == program(*args, code=0, env={'TERMINALAI_NO_CACHE': '1'}).out
    assert first == program(*args, '--jobs', '1', '--cpu-mask', 'none', code=0).out


def test_sound_that_is_transcoded(program, tmp_path):
    """Its decoder, resampler and encoder must not depend on the machine either."""
    few = {k: MASKS[k] for k in ('none', 'sse2', 'all')}
    found = sums(program, tmp_path, 'mp4', clips.path('dv_pal'), few, '--preset', 'clean', '--resolution', 'source',
        *FAST)
    assert len(set(found.values())) == 1, found


def test_nothing_of_the_run_is_in_the_file(program, tmp_path):
    """Another folder, another name, another time: the same file. No dates and no paths in it."""
    found = set()
    for name in ('first', 'second'):
        folder = tmp_path / name
        folder.mkdir()
        source = folder / f'{name}.mp4'
        source.write_bytes(clips.path('h264').read_bytes())
        out = folder / f'{name}-result.mp4'
        program.restore(source, out, '--preset', 'clean', '--resolution', 'source', *FAST, cwd=folder)
        found.add(judge.sha256(out))
        assert name.encode() not in out.read_bytes()
    assert len(found) == 1


# Golden checksums: procedural inputs made of integers here, so that they are the same everywhere, and what the program
# makes of them. They hold for one major version of libavfilter. TA_UPDATE_GOLDEN=1 records those that are missing and those that differ.


def golden_input(kind):
    """A y4m file: a pattern that moves by whole pixels; interlaced kinds take their fields from different times."""
    width, height, frames = 192, 144, 20
    tag = {'progressive': 'p', 'tff': 't', 'bff': 'b'}[kind]
    out = [b'YUV4MPEG2 W%d H%d F25:1 I%s A1:1 C420jpeg\n' % (width, height, tag.encode())]

    def luma(x, y, t):
        x, y = x + 3 * t, y + t
        return (
            16 + (x * 5 ^ y * 3 ^ (x * y >> 4)) % 220
            if (x >> 5) + (y >> 4) & 1
            else 16 + (x * 2 + y * 3 + (x * 37 + y * 91) % 7) % 220
        )

    def row(y, t, step, offset):
        return bytes(luma(x * step + offset, y, t) for x in range(width // step))

    for n in range(frames):
        times = {'progressive': (n, n), 'tff': (2 * n, 2 * n + 1), 'bff': (2 * n + 1, 2 * n)}[kind]
        out.append(b'FRAME\n')
        out += [row(y, times[y & 1], 1, 0) for y in range(height)]
        for plane in (1000, 2000):
            out += [row(2 * y, times[y & 1], 2, plane) for y in range(height // 2)]
    return b''.join(out)


# With a strength of its own: what is measured of such patterns is no noise.
VHS = ['--preset', 'vhs', '--deinterlace', 'bwdif', '--denoise-strength', '3:2:3:2']
MOTION = ['--preset', 'vhs', '--denoise-motion-sigma-luma', '3', '--denoise-motion-sigma-chroma', '2']
GOLDEN_RUNS = {'progressive-clean-ffv1': ('progressive', ['--preset', 'clean', '--resolution', 'source', '--encoder',
    'ffv1'], 'mkv'), 'progressive-vhs-576-ffv1': ('progressive', [*VHS, '--resolution', '576', '--encoder',
    'ffv1'], 'mkv'), 'tff-vhs-ffv1': ('tff', [*VHS, '--resolution', 'source', '--encoder', 'ffv1'], 'mkv'),
    'tff-vhs-motion-ffv1': ('tff', [*MOTION, '--resolution', 'source', '--encoder', 'ffv1'], 'mkv'),
    'tff-vhs-fast-ffv1': ('tff', [*VHS, '--resolution', 'source', '--encoder', 'ffv1', '--quality',
    'fast'], 'mkv'), 'bff-yadif-ffv1': ('bff', [*VHS, '--deinterlace', 'yadif', '--resolution', 'source',
    '--encoder', 'ffv1'], 'mkv'), 'tff-vhs-480-fast-raw': ('tff', [*VHS, '--resolution', '480',
    '--quality', 'fast', '--encoder', 'raw'], 'y4m'), 'bff-vhs-h264': ('bff', [*VHS, '--resolution',
    'source', '--quality', 'fast', '--encoder', 'h264'], 'mp4'), 'bff-vhs-prores': ('bff', [*VHS,
    '--resolution', 'source', '--encoder', 'prores'], 'mov')}


def avfilter_major():
    text = judge.run('ffmpeg', '-version').decode()
    return re.search(r'libavfilter\s+(\d+)', text)[1]


@pytest.fixture(scope='module')
def golden_sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp('golden')
    for kind in ('progressive', 'tff', 'bff'):
        (folder / f'{kind}.y4m').write_bytes(golden_input(kind))
    return folder


@pytest.mark.parametrize('label', GOLDEN_RUNS)
def test_golden(program, tmp_path, golden_sources, label):
    kind, args, suffix = GOLDEN_RUNS[label]
    out = tmp_path / f'out.{suffix}'
    program.restore(golden_sources / f'{kind}.y4m', out, *args)
    found = judge.picture_sums(out)
    record = GOLDEN / f'libavfilter-{avfilter_major()}.json'
    known = json.loads(record.read_text()) if record.exists() else {}
    if os.environ.get('TA_UPDATE_GOLDEN') and known.get(label) != found:
        known[label] = found
        record.write_text(json.dumps(known, indent=1, sort_keys=True) + '\n')
    if label not in known:
        pytest.skip(f'no golden checksums for libavfilter {avfilter_major()}; TA_UPDATE_GOLDEN=1 records them')
    differ = [i for i, (a, b) in enumerate(zip(found, known[label])) if a != b]
    assert len(found) == len(known[label]) and not differ, f'pictures {differ[:10]} differ from {record.name}'
