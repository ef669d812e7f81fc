"""The presets: each loads, and plans exactly the stages that its table says."""

import re
import subprocess

import pytest

import clips
import judge

MOTION = ('deinterlace.motion', {'fields': 'both'})
WEAK = ('deblock.weak', {})


RECURSIVE = ('denoise.recursive', {'strength': '1:1:2:2'})


def cas(strength):
    return ('sharpen.cas', {'strength': strength})


# Stages by preset, for interlaced sources, with strengths that the caller sets where noise would decide; progressive ones go without the deinterlacer.
PRESETS = {
    'clean': [],
    'archive': [],
    'vhs': [MOTION, RECURSIVE],
    'dvd': [MOTION, RECURSIVE],
    'webcam': [RECURSIVE],
    'youtube': [],
    'vhs_standard': [MOTION, RECURSIVE, cas(0.4)],
    'vhs_clean': [MOTION, RECURSIVE, cas(0.3)],
    'vhs_heavy': [MOTION, RECURSIVE],
    'dvd_interlaced': [MOTION, RECURSIVE, cas(0.3)],
    'dvd_progressive': [RECURSIVE, cas(0.25)],
    'youtube_old': [WEAK, RECURSIVE, cas(0.4)],
    'animation': [RECURSIVE, cas(0.2)],
    'broadcast_1080i': [MOTION, RECURSIVE, cas(0.2)],
}
KEEP_SIZE = {'clean', 'archive', 'broadcast_1080i'}
PLANNED = ('convert', 'scale', 'format')  # slots that the plan fills by itself


def test_all_are_here(program):
    listed = {p['name'] for p in program('presets', '--json', code=0).json() if p['from'] == 'built in'}
    assert listed == set(PRESETS)


@pytest.mark.parametrize('preset', PRESETS)
@pytest.mark.parametrize('name', ['dv_ntsc', 'h264'])
def test_stages(program, preset, name):
    clip = clips.CLIPS[name]
    slots = [stage.split('.')[0] for stage, _ in PRESETS[preset]]
    options = ['--denoise-strength', '1:1:2:2'] * ('denoise' in slots) + ['--no-sharpen-limit'] * ('sharpen' in slots)
    plan = program('plan', clips.path(name), '--preset', preset, '--json', *options, code=0).json()
    found = [s for s in plan['video']['stages'] if s['stage'].split('.')[0] not in PLANNED]
    wanted = [s for s in PRESETS[preset] if clip.interlaced or s != MOTION]
    assert [s['stage'] for s in found] == [stage for stage, _ in wanted]
    for stage, (_, options) in zip(found, wanted):
        assert {k: stage['options'][k] for k in options} == options
    scaled = 'scale.zscale' in [s['stage'] for s in plan['video']['stages']]
    stays_woven = clip.interlaced and MOTION not in wanted
    assert scaled == (preset not in KEEP_SIZE and not stays_woven)
    size = plan['video']['output_format']
    if scaled:
        assert size['height'] == 1080
    else:
        assert (size['width'], size['height']) == clip.size


def test_presets_say_what_they_set(program):
    """No preset leaves a deinterlacer or denoiser to what the default happens to be."""
    for preset in program('presets', '--json', code=0).json():
        assert {'deinterlace', 'denoise'} <= preset['values'].keys(), preset['name']


# ---- what is measured decides ----

TAPES = ['vhs', 'vhs_standard', 'vhs_clean', 'vhs_heavy']


@pytest.fixture(scope='module')
def tape(program, tmp_path_factory):
    """A worn tape as the program draws one: noise of 8 codes in luma and 4 in chroma, black at 20, six torn lines a field."""
    path = tmp_path_factory.mktemp('presets') / 'tape.mkv'
    program('simulate', '--noise', 8, '--frames', 300, '-o', path, code=0)
    return path


@pytest.mark.parametrize('preset', TAPES)
def test_tapes_are_treated_as_measured(program, tape, preset):
    plan = program('plan', tape, '--preset', preset, '--json', code=0).json()
    noise = plan['diagnosis']['noise']['value']
    assert noise['luma'] == pytest.approx(8, rel=0.1) and noise['chroma'] == pytest.approx(4, rel=0.1)
    stages = {s['stage']: s['options'] for s in plan['video']['stages']}
    assert 'deinterlace.motion' in stages and stages['denoise.motion']['motion-strength'] == 1
    assert stages['denoise.motion']['motion-sigma-luma'] == pytest.approx(noise['luma'], abs=0.01)
    assert stages['denoise.motion']['motion-sigma-chroma'] == pytest.approx(noise['chroma'], abs=0.01)
    assert 'sharpen.cas' not in stages  # it would sharpen the noise
    assert stages['mask.mask']['bottom'] == 12 and stages['mask.mask']['mode'] == 'mirror'
    colour = stages.get('colour.grade', {'saturation': 1, 'hue': 0, 'brightness': 0, 'lut': 'none'})
    assert (colour['saturation'], colour['hue'], colour['brightness'], colour['lut']) == (1, 0, 0, 'none')
    why = {d['what']: d['why'] for d in plan['decisions']}
    assert 'for noise of' in why['denoise'] and '12 lines' in why['mask'] and '12 lines' in why['torn lines']


@pytest.mark.parametrize('preset', [*TAPES, 'dvd', 'dvd_interlaced', 'broadcast_1080i'])
def test_quick_ones_stand_in(program, tape, preset):
    """At the quality "fast", and where the caller sets what only they have; never for what the caller names."""
    def stages(*options):
        plan = program('plan', tape, '--preset', preset, '--json', *options, code=0).json()
        return {s['stage']: s['options'] for s in plan['video']['stages']}, {d['what']: d['why'] for d in plan['decisions'] if ':' in d['why']}
    found, why = stages('--quality', 'fast')
    strength = [float(v) for v in found['denoise.recursive']['strength'].split(':')]
    assert strength == pytest.approx([0.6 * 64, 16, 2 * 64, 3 * 16], rel=0.25)
    assert 'deinterlace.bwdif' in found
    found, why = stages('--denoise-strength', '3:2:3:2')
    assert found['denoise.recursive']['strength'] == '3:2:3:2' and 'deinterlace.motion' in found and 'gives way' in why['denoise']
    found, why = stages('--quality', 'fast', '--deinterlace', 'motion', '--denoise', 'motion')
    assert {'deinterlace.motion', 'denoise.motion'} <= found.keys()


def test_what_the_caller_says_counts(program, tape):
    asked = ['--denoise-strength', '3:2:3:2', '--sharpen', 'cas', '--sharpen-strength', 0.7, '--no-sharpen-limit', '--no-mask-torn', '--mask-bottom', 4,
             '--colour-levels', '0.1:0.9']
    plan = program('plan', tape, '--json', *asked, code=0).json()
    stages = {s['stage']: s['options'] for s in plan['video']['stages']}
    assert stages['denoise.recursive']['strength'] == '3:2:3:2' and stages['sharpen.cas']['strength'] == 0.7
    assert (stages['mask.mask']['bottom'], stages['mask.mask']['mode']) == (4, 'black')
    assert stages['colour.grade']['levels'] == '0.1:0.9'


# ---- rules of the presets, against the truth ----

SIZE, SOURCE = '352x288', 'mandelbrot=s=352x288:r=50:start_scale=0.3:end_pts=250'


def psnr(path, truth):
    graph = '[0:v]setpts=N,format=yuv420p[a];[1:v]setpts=N[b];[a][b]psnr'
    done = subprocess.run(['ffmpeg', '-nostdin', '-i', path, '-i', truth, '-lavfi', graph, '-f', 'null', '-'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=True)
    return {k: float(v) for k, v in re.findall(r' ([yu]):([0-9.]+|inf)', done.stdout.split('PSNR')[-1])}


@pytest.fixture(scope='module')
def noisy(tmp_path_factory):
    """(truth of 50 pictures a second, {noise as libavfilter counts it: the same as fields})"""
    folder = tmp_path_factory.mktemp('rules')
    truth = folder / 'truth.y4m'
    clips.ffmpeg('-f', 'lavfi', '-i', SOURCE, '-frames:v', 32, '-pix_fmt', 'yuv420p', truth)
    tapes = {}
    for strength in (0, 8, 16):
        tapes[strength] = folder / f'{strength}.mkv'
        clips.ffmpeg('-i', truth, '-vf', f'tinterlace=interleave_top,noise=alls={strength}:allf=t:all_seed=7', '-c:v', 'ffv1', '-field_order', 'tt', *clips.BITEXACT,
                     tapes[strength])
    return truth, tapes


def test_no_tape_gets_worse(program, noisy, tmp_path):
    """Nothing is worse than bwdif alone; heavy never worse than vhs; a clean source stays as bwdif makes it."""
    truth, tapes = noisy
    gained = {}
    for strength, path in tapes.items():
        for preset in ['alone', *TAPES]:
            out = tmp_path / f'{strength}-{preset}.y4m'
            options = ['--preset', 'vhs', '--deinterlace', 'bwdif', '--denoise', 'off'] if preset == 'alone' else ['--preset', preset]
            program('restore', path, '-o', out, *options, '--resolution', 'source', '-e', 'raw', '--progress', 'none', code=0)
            gained[strength, preset] = psnr(out, truth)
    for (strength, preset), got in gained.items():
        alone = gained[strength, 'alone']
        assert got['u'] >= alone['u'] - 0.02, (strength, preset, got, alone)
        if strength and preset != 'alone':
            assert got['y'] >= alone['y'] + 0.3, (strength, preset, got, alone)
        if preset == 'vhs_heavy':
            assert got['y'] >= gained[strength, 'vhs']['y'] - 0.02, (strength, got, gained[strength, 'vhs'])
    assert gained[0, 'vhs']['y'] >= gained[0, 'alone']['y'] + 1  # what motion knows of missing lines
