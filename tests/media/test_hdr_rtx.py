"""HDR10 by NVIDIA's TrueHDR (--hdr-method rtx), against a library of the tests that turns 8 bits into 10. Not yet seen on a device."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

import judge

ROOT = pathlib.Path(__file__).resolve().parents[2]
QUICK = ('--preset', 'clean', '--deinterlace', 'off', '--denoise', 'off', '--encoder', 'ffv1', '--hdr', 'hdr10', '--hdr-method', 'rtx', '--resolution', 'source')
COLOURS = ((40, 40, 40), (128, 128, 128), (235, 235, 235), (200, 40, 40), (40, 200, 40), (40, 40, 200))


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
    """Six patches of flat colour, seven pictures."""
    path = tmp_path / 'tape.mkv'
    boxes = ','.join(f'drawbox=x={i * 16}:y=0:w=16:h=64:t=fill:color=0x{r:02x}{g:02x}{b:02x}' for i, (r, g, b) in enumerate(COLOURS))
    subprocess.run(['ffmpeg', '-v', 'error', '-f', 'lavfi', '-i', f'color=black:s=96x64:r=25:d=0.28,format=gbrp,{boxes},scale=out_color_matrix=bt709:out_range=tv,format=yuv444p',
                    '-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709', '-color_range', 'tv', '-c:v', 'ffv1', path], check=True, timeout=60)
    return path


def restore(program, library, tape, *args, code=0, **env):
    out = tape.with_name('out.mkv')
    result = program('restore', tape, '-o', out, *QUICK, '--engine-library', library, '--overwrite', '--quiet', *args, code=code,
        env={'TA_STUB_VFX_LOG': '1', **env}, timeout=100)
    assert 'broken' not in result.err, result.err
    return out, result.err


def pq(code):
    """cd/m2 of a number of 0 to 1, SMPTE ST 2084."""
    e = code ** (1 / (2523 / 32))
    return 10000 * (max(e - 107 / 128, 0) / (2413 / 128 - 2392 / 128 * e)) ** (1 / (2610 / 16384))


def test_pictures(program, library, tape):
    """What the library makes is what the file holds: numbers, order of the bits, primaries, transfer and light."""
    for batch in (1, 3):
        out, err = restore(program, library, tape, '--batch', batch)
        assert err.count('stub: create TrueHDR') == batch and err.count('stub: run') == 7, err
        raw = subprocess.run(['ffmpeg', '-v', 'error', '-i', out, '-vf', 'scale=in_color_matrix=bt2020:in_range=tv:out_range=pc,format=gbrp16le', '-f', 'rawvideo', '-'],
                             check=True, capture_output=True, timeout=60).stdout
        size = 96 * 64
        assert len(raw) == 7 * size * 3 * 2
        for i, colour in enumerate(COLOURS):
            at = 32 * 96 + i * 16 + 8
            made = [int.from_bytes(raw[(p * size + at) * 2:(p * size + at) * 2 + 2], 'little') / 65535 for p in (2, 0, 1)]
            for was, now in zip(colour, made):
                assert abs(was * 4 / 1023 - now) < 0.012, (colour, made)
        stream = judge.video_stream(out)
        assert (stream['color_transfer'], stream['color_primaries'], stream['color_space']) == ('smpte2084', 'bt2020', 'bt2020nc'), stream
        assert '10' in stream['pix_fmt'] or '16' in stream['pix_fmt'], stream
        light = judge.report(out)['light']
        assert light['peak'] == 400 and abs(light['max_cll'] / pq(235 * 4 / 1023) - 1) < 0.05, light


def test_its_dials(program, library, tape):
    _, err = restore(program, library, tape, '--hdr-rtx-contrast', 120, '--hdr-rtx-saturation', 90, '--hdr-rtx-middle-grey', 44, '--hdr-peak', 900)
    for told in ('set Contrast 120', 'set Saturation 90', 'set MiddleGray 44', 'set Luminance 900'):
        assert f'stub: {told}' in err, err


def test_refusals(program, library, tape, tmp_path):
    base = ('plan', tape, '-o', tmp_path / 'x.mkv', *QUICK)
    with_library = (*base, '--engine-library', library)
    for args, said in (((*with_library, '--hdr', 'hlg'), 'hdr10, not hlg'), ((*with_library, '--hdr-peak', 300), '400 cd/m2'), ((*base, '--engine-library', tmp_path / 'none'), 'pip install nvidia-vfx')):
        refused = program(*args)
        assert refused.code in (1, 2) and said in refused.err, refused
    # What the other method has not changes nothing, and is told.
    vain = program(*with_library, '--hdr-method', 'native', '--hdr-rtx-contrast', 120, code=0)
    assert '--hdr-rtx-contrast changes nothing: it is for --hdr-method rtx' in vain.out + vain.err, vain


@pytest.mark.parametrize('mode, why', [('black', 'made a black picture'), ('no-card', 'nvidia-smi')])
def test_failures_can_be_resumed(program, library, tape, mode, why):
    out, err = restore(program, library, tape, code=1, TA_STUB_VFX=mode)
    assert why in err and not out.exists(), err
    restore(program, library, tape)


@pytest.mark.parametrize('more', [(), ('--scale', 'rtx', '--resolution', '192x128')])
def test_another_version(program, library, tape, tmp_path, more):
    """The plan keeps the library's version; another one is refused, and so is its work."""
    plan = tmp_path / 'plan.json'
    args = QUICK if not more else (*QUICK[:8], *more)
    plan.write_text(program('plan', tape, '-o', tmp_path / 'o.mkv', *args, '--engine-library', library, '--json', code=0).out)
    kept = [s['options']['rtx-runtime'] for s in json.loads(plan.read_text())['video']['stages'] if s['stage'] in ('hdr.rtx', 'scale.rtx')]
    assert kept and kept[0].startswith('1.3'), kept
    env = {'TERMINALAI_ENGINE_LIBRARY': str(library)}
    program('segment', '--plan', plan, '--index', 0, env=env, code=0)
    refused = program('segment', '--plan', plan, '--index', 0, '--work-dir', tmp_path, env={**env, 'TA_STUB_VFX': 'newer'})
    assert refused.code != 0 and f'planned with nvvfx {kept[0]}, and here is 1.4' in refused.err, refused
