"""The presets: each loads, and plans exactly the stages that its table says."""

import pytest

import clips
import judge

BWDIF = ('deinterlace.bwdif', {'fields': 'both'})
WEAK = ('deblock.weak', {})


def recursive(strength):
    return ('denoise.recursive', {'strength': strength})


def cas(strength):
    return ('sharpen.cas', {'strength': strength})


def colour(saturation, strength, brightness=0.0):
    return ('colour.grade', {'saturation': saturation, 'brightness': brightness, 'lut': 'vhs_restore',
        'lut-strength': strength})


# Stages by preset, for interlaced sources; progressive ones go without the deinterlacer.
PRESETS = {
    'clean': [],
    'archive': [],
    'vhs': [BWDIF, recursive('3:2:3:2')],
    'dvd': [BWDIF, recursive('2:1:2:1')],
    'webcam': [recursive('4:3:4:3')],
    'youtube': [],
    'vhs_standard': [BWDIF, recursive('4:3:6:4.5'), cas(0.4), colour(1.1, 0.7)],
    'vhs_clean': [BWDIF, recursive('2:1:2:3'), cas(0.3), colour(1.05, 0.5)],
    'vhs_heavy': [('crop.crop', {'top': 0, 'bottom': 8, 'left': 0, 'right': 0}), BWDIF, recursive('8:6:12:9'), cas(0.5),
        colour(1.15, 0.9, 0.02)],
    'dvd_interlaced': [BWDIF, recursive('2:1:2:3'), cas(0.3)],
    'dvd_progressive': [recursive('1:1:2:2'), cas(0.25)],
    'youtube_old': [WEAK, recursive('3:2:4:3'), cas(0.4)],
    'animation': [recursive('1:1:2:2'), cas(0.2)],
    'broadcast_1080i': [BWDIF, recursive('1:1:2:2'), cas(0.2)],
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
    plan = program('plan', clips.path(name), '--preset', preset, '--json', code=0).json()
    found = [s for s in plan['video']['stages'] if s['stage'].split('.')[0] not in PLANNED]
    wanted = [s for s in PRESETS[preset] if clip.interlaced or s != BWDIF]
    assert [s['stage'] for s in found] == [stage for stage, _ in wanted]
    for stage, (_, options) in zip(found, wanted):
        assert {k: stage['options'][k] for k in options} == options
    scaled = 'scale.zscale' in [s['stage'] for s in plan['video']['stages']]
    stays_woven = clip.interlaced and BWDIF not in wanted
    assert scaled == (preset not in KEEP_SIZE and not stays_woven)
    size = plan['video']['output_format']
    if scaled:
        assert size['height'] == 1080
    else:
        assert (size['width'], size['height']) == clip.size
    # What remains of a cropped picture keeps its shape: pixels of DV are 8:9.
    if preset == 'vhs_heavy' and name == 'dv_ntsc':
        assert (size['width'], size['sar']) == (1464, '1/1')


def test_presets_say_what_they_set(program):
    """No preset leaves a deinterlacer or denoiser to what the default happens to be."""
    for preset in program('presets', '--json', code=0).json():
        assert {'deinterlace', 'denoise'} <= preset['values'].keys(), preset['name']


def test_heavy_tape(program, tmp_path):
    """The last lines are gone, and the rest has the pixels' shape."""
    out = tmp_path / 'out.mp4'
    program.restore(clips.path('frames_3_dv'), out, '--preset', 'vhs_heavy', '--preset-speed', 'ultrafast',
        '--resolution', '480')
    video = judge.video_stream(out)
    assert (video['width'], video['height']) == (650, 480)
    assert judge.decoded_count(out) == 6
