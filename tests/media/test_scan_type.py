"""The scan type diagnosis on generated clips whose fields are known, and on real footage where it is at hand."""

import functools
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ASSETS = Path(os.environ.get('TA_ASSETS', ROOT.parent / 'shared' / 'assets')) / 'video'

# Motion of many kinds: a test pattern with moving parts over a slowly zooming fractal. All is in motion at every field.
PATTERN = 'testsrc2=s={size}:r={rate}:d={seconds}'
FRACTAL = 'mandelbrot=s={size}:r={rate}:end_scale=0.02:end_pts=400,trim=duration={seconds}'
# 4:4:4, so that it can be moved by single lines and pixels.
TEXTURE = 'color=gray:s=1024x1024:r={rate}:d=1,format=yuv444p,trim=end_frame=1,noise=alls=100:all_seed=7,' \
          'gblur=sigma=4,eq=contrast=8,loop=loop=-1:size=1,setpts=N/({rate}*TB),fps={rate},trim=duration={seconds},' \
          'crop={w}:{h}:x=mod(n*{dx}\\,300):y=mod(n*{dy}\\,300)'


def find_tool():
    folders = [Path(os.environ[v]) for v in ('TA_BUILD_ROOT', 'TA_BUILD') if v in os.environ] + [ROOT / 'build']
    for folder in folders:
        for place in (folder / 'tests' / 'scan_tool', folder / 'scan_tool'):
            if os.access(place, os.X_OK):
                return place
    return None


TOOL = find_tool()
pytestmark = [
    pytest.mark.skipif(not TOOL, reason='scan_tool is not built yet'),
    pytest.mark.skipif(not shutil.which('ffmpeg'), reason='ffmpeg is missing'),
]


def scan(path, *options):
    done = subprocess.run([str(TOOL), *options, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def runs(result):
    return [(r['first'], r['count'], r['type']) for r in result['runs']]


def pattern(size='720x480', rate='60', seconds=1):
    return PATTERN.format(size=size, rate=rate, seconds=seconds)


def fractal(size='400x320', rate='60', seconds=1):
    return FRACTAL.format(size=size, rate=rate, seconds=seconds)


def texture(w=720, h=480, rate='60', seconds=1, dx='3', dy='1'):
    return TEXTURE.format(w=w, h=h, rate=rate, seconds=seconds, dx=dx, dy=dy)


@pytest.fixture(scope='module')
def make(tmp_path_factory):
    """make(source, filters, ...): a clip, made once for the same arguments."""
    folder = tmp_path_factory.mktemp('scan')
    count = iter(range(10000))

    @functools.lru_cache(maxsize=None)
    def build(source, filters='null', codec='ffv1', suffix='mkv', pix='yuv420p'):
        path = folder / f'clip{next(count)}.{suffix}'
        subprocess.run(['ffmpeg', '-v', 'error', '-f', 'lavfi', '-i', f'{source},{filters},format={pix}', '-threads', '1',
                        '-c:v', *codec.split(), str(path)], check=True, stdin=subprocess.DEVNULL)
        return path
    return build


TOP, BOTTOM = 'tinterlace=interleave_top', 'tinterlace=interleave_bottom'
NOISE = 'noise=alls={0}:all_seed=3:allf=t'
MPEG2 = 'mpeg2video -b:v 5M -flags +ildct+ilme -top {top}'

CLIPS = {
    '480i_tff': (pattern(), TOP, 'tff'),
    '480i_bff': (pattern(), BOTTOM, 'bff'),
    '480p': (pattern(rate='30'), 'null', 'progressive'),
    'fractal_tff': (fractal(), TOP, 'tff'),
    'fractal_bff_noise': (fractal(), f'{BOTTOM},{NOISE.format(14)}', 'bff'),
    'fractal_noise': (fractal(rate='30'), NOISE.format(14), 'progressive'),
    '576i_tff': (texture(720, 576, '50'), TOP, 'tff'),
    '576p': (texture(720, 576, '25'), 'null', 'progressive'),
    'texture_noise_bff': (texture(), f'{BOTTOM},{NOISE.format(20)}', 'bff'),
    'texture_noise': (texture(rate='30'), NOISE.format(20), 'progressive'),
    'tilt_tff': (texture(dx='0', dy='1'), TOP, 'tff'),
    'tilt': (texture(rate='30', dx='0', dy='1'), 'null', 'progressive'),
    'fast_bff': (texture(dx='7', dy='0'), BOTTOM, 'bff'),
    'letterbox_tff': (texture(), f'drawbox=y=0:h=90:c=black:t=fill,drawbox=y=390:h=90:c=black:t=fill,{TOP}', 'tff'),
    'fade_bff': (texture(), f'fade=in:0:30,fade=out:30:30,{BOTTOM}', 'bff'),
    'fade': (texture(rate='30'), 'fade=in:0:15,fade=out:15:15', 'progressive'),
    'pulldown_2_2': (texture(720, 576, '25'), f'fps=50,{TOP}', 'progressive'),
    'animation_twos': (pattern(rate='12', seconds=2), 'fps=24', 'progressive'),
    'animation_8_in_30': (pattern(rate='8', seconds=4), 'fps=30', 'progressive'),
}


@pytest.mark.parametrize('name', CLIPS)
def test_generated(make, name):
    source, filters, expected = CLIPS[name]
    result = scan(make(source, filters), '--full')
    assert result['type'] == expected, result
    assert len(result['runs']) == 1, result
    assert result['confidence'] > 0.5, result
    assert not result['telecine_suspected'], result
    wrong = sum(result['frames'][t] for t in ('progressive', 'tff', 'bff') if t != expected)
    assert wrong <= result['frames']['measured'] * 0.05, result


@pytest.mark.parametrize('pix', ['yuv422p10le', 'yuv444p16le', 'gbrp', 'gray', 'yuv411p'])
def test_formats(make, pix):
    assert scan(make(texture(400, 304), TOP, pix=pix))['type'] == 'tff'
    assert scan(make(texture(400, 304, rate='30'), pix=pix))['type'] == 'progressive'


def test_1080i(make):
    result = scan(make(texture(960, 540, '50', seconds=1), f'scale=1920:1080,{TOP}', pix='yuv422p'))
    assert result['type'] == 'tff' and result['confidence'] > 0.7, result


@pytest.mark.parametrize('pictures, flag_top', [('tff', 0), ('bff', 1), ('progressive', 1), ('progressive', 0)])
def test_wrong_flags(make, pictures, flag_top):
    """MPEG-2 that says one thing and shows another."""
    filters = {'tff': TOP, 'bff': BOTTOM, 'progressive': 'null'}[pictures]
    source = texture(rate='30' if pictures == 'progressive' else '60')
    field = 'tff' if flag_top else 'bff'
    path = make(source, f'{filters},setfield={field}', MPEG2.format(top=flag_top), 'mpg')
    result = scan(path)
    assert result['flagged'] == field, result
    assert result['type'] == pictures, result


def test_interlaced_flagged_progressive(make):
    result = scan(make(texture(), f'{TOP},setfield=prog', 'libx264 -preset ultrafast -crf 18', 'mp4'))
    assert result['flagged'] == 'progressive' and result['type'] == 'tff', result


@pytest.mark.parametrize('filters', ['null', NOISE.format(10)])
def test_still(make, filters):
    """Nothing moves: the flags decide, without much confidence."""
    still = 'smptebars=s=720x480:r=30:d=3,' + filters
    for field in ('tff', 'bff'):
        codec = 'mpeg2video -q:v 4 -flags +ildct+ilme -top ' + str(int(field == 'tff'))
        result = scan(make(still, f'setfield={field}', codec, 'mpg'))
        assert result['type'] == field, result
        assert result['confidence'] < 0.3, result


@pytest.mark.parametrize('filters', ['telecine=pattern=23', 'telecine=pattern=2332', 'telecine=first_field=bottom:pattern=23',
                                     f'telecine=pattern=23,{NOISE.format(12)}'])
def test_telecine(make, filters):
    for full in ([], ['--full']):
        result = scan(make(texture(400, 304, rate='24', seconds=11, dx='5', dy='1'), filters, 'libx264 -preset ultrafast -crf 12', 'mp4'), *full)
        assert result['telecine_suspected'], result
        assert result['type'] == ('bff' if 'bottom' in filters else 'tff'), result
        assert result['needs_full'] is not bool(full), result


def test_telecine_mpeg2(make):
    result = scan(make(texture(rate='24', seconds=3, dx='5', dy='1'), 'telecine=pattern=23', MPEG2.format(top=1), 'mpg'))
    assert result['telecine_suspected'], result


def join(tmp_path, parts, name='joined.mkv'):
    listing = tmp_path / 'list.txt'
    listing.write_text(''.join(f"file '{p}'\n" for p in parts))
    path = tmp_path / name
    subprocess.run(['ffmpeg', '-v', 'error', '-f', 'concat', '-safe', '0', '-i', str(listing), '-c', 'copy', str(path)], check=True,
                   stdin=subprocess.DEVNULL)
    return path


def test_change_points(make, tmp_path):
    """Parts of different types: each change is found at its very frame."""
    parts = [make(texture(rate='30', seconds=2), 'setpts=N/30/TB'), make(pattern(seconds=3), f'{TOP},setfield=prog'),
             make(texture(dx='4'), f'{BOTTOM},setfield=prog'), make(fractal('720x480', rate='30', seconds=3))]
    path = join(tmp_path, parts)
    result = scan(path, '--full')
    assert runs(result) == [(0, 60, 'progressive'), (60, 90, 'tff'), (150, 30, 'bff'), (180, 90, 'progressive')], result
    assert result['full']


def test_change_without_cut(make, tmp_path):
    """The same pan goes on, first woven from two moments a frame, then from one."""
    first = make(texture(seconds=2), TOP)
    second = make(texture(seconds=4), "trim=start_frame=120,setpts=PTS-STARTPTS,select=not(mod(n\\,2)),setpts=N/30/TB")
    result = scan(join(tmp_path, [first, second]), '--full')
    assert [r['type'] for r in result['runs']] == ['tff', 'progressive'], result
    assert abs(result['runs'][0]['count'] - 60) <= 1, result


def test_sample_asks_for_full_scan(make, tmp_path):
    parts = [make(texture(400, 304, rate='30', seconds=6)), make(texture(400, 304, seconds=6), f'{TOP},setfield=prog')]
    path = join(tmp_path, parts)
    sampled = scan(path)
    assert not sampled['full'] and sampled['needs_full'], sampled
    assert sampled['frames']['measured'] < 200, sampled
    full = scan(path, '--full')
    assert runs(full) == [(0, 180, 'progressive'), (180, 180, 'tff')] and not full['needs_full'], full


def test_sample_that_agrees(make):
    result = scan(make(pattern(seconds=12), BOTTOM))
    assert not result['full'] and not result['needs_full'], result
    assert result['type'] == 'bff' and result['confidence'] > 0.9, result
    assert result['runs'] == [{'first': 0, 'count': 360, 'type': 'bff'}]


def test_speed(make):
    """Measuring costs less than decoding; this allows for a slow machine (0.4 ms is usual)."""
    assert scan(make(pattern(), BOTTOM), '--time')['ns_per_frame'] < 8e6


REAL = {
    'bbb_480p24_30s.mp4': 'progressive',
    'bbb_720p25_5s.mp4': 'progressive',
    'gopro_karma_480p30.mp4': 'progressive',
    'intel_bottle_640x360.mp4': 'progressive',
    'intel_car_768x432.mp4': 'progressive',
    'karma_480i2997_bff.mkv': 'bff',
    'karma_480p5994_truth.mkv': 'progressive',
    'vmaf_park_joy_480x270_50p.y4m': 'progressive',
    'dv_bavc2000005.dv': 'bff',
}


@pytest.mark.parametrize('full', [False, True])
@pytest.mark.parametrize('name', REAL)
def test_real(name, full):
    path = ASSETS / name
    if not path.exists():
        pytest.skip(f'{path} is not there')
    result = scan(path, *(['--full'] if full else []))
    assert result['type'] == REAL[name], result
    assert len(result['runs']) == 1, result
    assert not result['telecine_suspected'] and not result['needs_full'], result


@pytest.mark.parametrize('filters, telecine, expected', [
    ('tinterlace=interleave_top', False, 'tff'), ('tinterlace=interleave_bottom,' + NOISE.format(16), False, 'bff')])
def test_real_woven(tmp_path, filters, telecine, expected):
    source = ASSETS / 'karma_480p5994_truth.mkv'
    if not source.exists():
        pytest.skip(f'{source} is not there')
    path = tmp_path / 'woven.mkv'
    subprocess.run(['ffmpeg', '-v', 'error', '-i', str(source), '-an', '-vf', filters, '-c:v', 'ffv1', str(path)], check=True,
                   stdin=subprocess.DEVNULL)
    result = scan(path)
    assert result['type'] == expected and result['telecine_suspected'] is telecine, result


@pytest.mark.parametrize('name', ['bbb_720p25_5s.mp4', 'gopro_karma_480p30.mp4'])
def test_real_telecine(tmp_path, name):
    source = ASSETS / name
    if not source.exists():
        pytest.skip(f'{source} is not there')
    path = tmp_path / 'telecine.mpg'
    subprocess.run(['ffmpeg', '-v', 'error', '-t', '5', '-i', str(source), '-an', '-vf', 'fps=24,scale=720:480,telecine=pattern=23',
                    '-c:v', *MPEG2.format(top=1).split(), str(path)], check=True, stdin=subprocess.DEVNULL)
    result = scan(path)
    assert result['telecine_suspected'] and result['type'] == 'tff', result
