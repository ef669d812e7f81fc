"""The stage "scale.rtx" against a library of the tests that enlarges by repeating pixels. Not yet seen on a device."""

import os
import pathlib
import shutil
import subprocess

import pytest

import judge

ROOT = pathlib.Path(__file__).resolve().parents[2]
QUICK = ('--preset', 'clean', '--deinterlace', 'off', '--denoise', 'off', '--encoder', 'ffv1', '--scale', 'rtx')


@pytest.fixture
def library(tmp_path):
    stub = pathlib.Path(os.environ.get('TA_BUILD', ROOT / 'build')) / 'tests' / 'nvvfx_stub.so'
    if not stub.exists():
        pytest.skip(f'{stub} is not built')
    folder = tmp_path / 'libs'
    folder.mkdir()
    for name in 'libVideoFX.so', 'libNVCVImage.so':
        shutil.copy(stub, folder / name)
    return folder


@pytest.fixture
def tape(tmp_path):
    path = tmp_path / 'tape.mkv'
    make(path, 'testsrc2=s=96x64:r=25:d=0.28')
    return path


def make(path, source, *more):
    subprocess.run(['ffmpeg', '-v', 'error', '-f', 'lavfi', '-i', source, '-pix_fmt', 'yuv420p', *more, '-c:v', 'ffv1', path], check=True, timeout=60)


def restore(program, library, tape, *args, code=0, **env):
    out = tape.with_name('out.mkv')
    result = program('restore', tape, '-o', out, *QUICK, '--engine-library', library, '--overwrite', '--quiet', *args, code=code,
        env={'TA_STUB_VFX_LOG': '1', **env}, timeout=100)
    assert 'broken' not in result.err, result.err
    return out, result.err


def pixels(path, fmt='rgb24'):
    """(frame by frame, as numbers of one byte)."""
    return subprocess.run(['ffmpeg', '-v', 'error', '-i', path, '-f', 'rawvideo', '-pix_fmt', fmt, '-'], check=True, capture_output=True, timeout=60).stdout


def test_pictures(program, library, tmp_path):
    """Each pixel becomes a block of four: levels, colours, order and number of the pictures stay."""
    for batch in (1, 3, 8):
        tape = tmp_path / f'{batch}.mkv'
        make(tape, 'color=c=0x2040c0:s=96x64:r=25:d=0.28,drawbox=x=32:y=16:w=32:h=32:color=0xe0d020:t=fill', '-colorspace', 'bt709', '-color_range', 'tv')
        out, err = restore(program, library, tape, '--resolution', '192x128', '--batch', str(batch))
        luma, source = pixels(out, 'gray'), pixels(tape, 'gray')
        assert len(luma) == 7 * 192 * 128 and len(source) == 7 * 96 * 64
        for frame in range(7):
            for x, y in ((0, 0), (20, 10), (70, 40), (96, 64), (100, 70), (191, 127)):
                was, now = source[frame * 96 * 64 + y // 2 * 96 + x // 2], luma[frame * 192 * 128 + y * 192 + x]
                assert abs(was - now) <= 2, (batch, frame, x, y, was, now)
        assert err.count('stub: load') == batch and err.count('stub: run') == 7, err


def test_order_of_pictures(program, library, tmp_path):
    """Pictures at work at the same time come out in the order they came in."""
    tape = tmp_path / 'steps.mkv'
    make(tape, "color=black:s=96x64:r=25:d=0.4,geq=lum='40+N*20':cb=128:cr=128")
    out, _ = restore(program, library, tape, '--resolution', '192x128', '--batch', '4')
    luma = pixels(out, 'gray')
    means = [luma[i * 192 * 128 + 5000] for i in range(10)]
    assert means == sorted(means) and len(set(means)) == 10, means


@pytest.mark.parametrize('resolution, quality, stage', [('192x128', 'auto', '192x128'), ('576x384', 'low', '384x256'), ('192x128', 'denoise-high', '96x64'),
    ('192x128', 'clean-ultra', '192x128'), ('48x32', 'ultra', '96x64')])
def test_sizes(program, library, tape, resolution, quality, stage):
    """Up to four times in each direction; the rest is done behind it, and some of what it does leaves the size alone."""
    out, err = restore(program, library, tape, '--resolution', resolution, '--scale-rtx-quality', quality)
    stream = judge.video_stream(out)
    assert f"{stream['width']}x{stream['height']}" == resolution
    assert f'stub: image DstImage0 {stage}' in err and 'stub: image SrcImage0 96x64' in err, err


@pytest.mark.parametrize('mode, why', [('black', 'made a black picture'), ('no-card', 'nvidia-smi'), ('no-ngx', 'libnvidia-ngx.so.1'), ('run', 'running the effect')])
def test_failures_can_be_resumed(program, library, tape, mode, why):
    out, err = restore(program, library, tape, '--resolution', '192x128', code=1, TA_STUB_VFX=mode)
    assert why in err and not out.exists(), err
    out, _ = restore(program, library, tape, '--resolution', '192x128')
    assert len(pixels(out, 'gray')) == 7 * 192 * 128


def test_dark_pictures_are_no_fault(program, library, tmp_path):
    tape = tmp_path / 'dark.mkv'
    make(tape, 'color=black:s=96x64:r=25:d=0.28')
    restore(program, library, tape, '--resolution', '192x128')


def test_refusals(program, library, tape, tmp_path):
    """No library: the plan says so, and how to get it. Interlaced pictures would be mixed."""
    empty = tmp_path / 'empty' / 'libVideoFX.so'
    result = program('restore', tape, '-o', tmp_path / 'x.mkv', *QUICK, '--resolution', '192x128', '--engine-library', empty, code=1)
    assert 'scale.rtx' in result.err and 'No such file' in result.err and 'pip install nvidia-vfx' in result.err, result.err
    fields = tmp_path / 'fields.mkv'
    make(fields, 'testsrc2=s=96x64:r=50:d=0.28,interlace', '-flags', '+ildct+ilme', '-field_order', 'tt')
    result = program('restore', fields, '-o', tmp_path / 'y.mkv', *QUICK, '--resolution', '192x128', '--engine-library', library)
    assert result.code != 0 and 'fields' in result.err, result.err
