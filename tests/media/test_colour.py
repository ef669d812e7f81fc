"""The colour stage from the command line: what it makes of known colours, and what is refused before anything starts.
The arithmetic itself: tests/unit/test_grade.c, test_cube.c."""

import hashlib
import json

import pytest

import clips
import judge

LOSSLESS = ['--preset', 'clean', '--resolution', 'source', '--encoder', 'ffv1']
ROWS8 = '0 0 0\n1 0 0\n0 1 0\n1 1 0\n0 0 1\n1 0 1\n0 1 1\n1 1 1\n'


@pytest.fixture(scope='module')
def gray(tmp_path_factory):
    path = tmp_path_factory.mktemp('colour') / 'gray.mkv'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=10:duration=1', '-pix_fmt', 'gray', '-c:v', 'ffv1', path)
    return path


@pytest.fixture(scope='module')
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp('colour') / 'source.mkv'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=96x80:rate=25:duration=2', '-pix_fmt', 'yuv420p', '-c:v', 'ffv1',
        '-g', 5, path)
    return path


def cube(path, text='LUT_3D_SIZE 2\n' + ROWS8):
    path.write_text(text)
    return path


def flat(path, rgb, matrix, full):
    """Ten frames of one colour, with the tags that say how it is coded."""
    tags = {'bt709': 'bt709', 'smpte170m': 'smpte170m', 'bt2020nc': 'bt2020'}
    clips.ffmpeg('-f', 'lavfi', '-i', 'color=size=64x48:rate=10:duration=1,format=gbrp,'
        f'geq=r={rgb[0]}:g={rgb[1]}:b={rgb[2]},'
        f'zscale=matrix={ {"bt709": "709", "smpte170m": "170m", "bt2020nc": "2020_ncl"}[matrix]}:range={"full" if full else "limited"},'
        'format=yuv444p10', '-colorspace', matrix, '-color_primaries', tags[matrix], '-color_trc', 'bt709',
        '-color_range', 'pc' if full else 'tv', '-c:v', 'ffv1', path)
    return path


def colour_of(path):
    """Red, green and blue (0..255) of a pixel in the middle, by the file's own tags."""
    data = judge.run('ffmpeg', '-v', 'error', '-nostdin', '-i', path, '-frames:v', '1', '-vf',
        'zscale=matrix=gbr:range=full,format=gbrp16', '-f', 'rawvideo', '-pix_fmt', 'gbrp16le', '-')
    at = 2 * (24 * 64 + 32)
    plane = 2 * 64 * 48
    value = [int.from_bytes(data[k * plane + at:k * plane + at + 2], 'little') / 257 for k in range(3)]
    return [value[2], value[0], value[1]]


def warm(rgb):
    """warm_vintage by its formula; these colours are darker than the highlights that it desaturates."""
    lifted = [0.05 + 0.95 * v / 255 for v in rgb]
    return [((v * gain - 0.5) * 0.9 + 0.5) * 255 for v, gain in zip(lifted, (1.15, 1.05, 0.90))]


@pytest.mark.parametrize('full', [False, True])
@pytest.mark.parametrize('matrix', ['bt709', 'smpte170m', 'bt2020nc'])
def test_table_sees_the_true_colour(program, tmp_path, matrix, full):
    """The same red, green and blue come out whatever matrix and range they are coded with."""
    rgb = (160, 80, 40)
    source = flat(tmp_path / 'in.mkv', rgb, matrix, full)
    for strength in (1, 0.5):
        out = tmp_path / f'{strength}.mkv'
        program.restore(source, out, *LOSSLESS, '--colour-lut', 'warm_vintage', '--colour-lut-strength', strength)
        wanted = [strength * w + (1 - strength) * v for w, v in zip(warm(rgb), rgb)]
        found = colour_of(out)
        assert all(abs(f - w) < 0.8 for f, w in zip(found, wanted)), (found, wanted)


@pytest.mark.parametrize('options, change', [
    (('--colour-temperature', 4000), (1, None, -1)),
    (('--colour-temperature', 12000), (-1, None, 1)),
    (('--colour-tint', 0.5), (1, -1, 1)),
    (('--colour-tint', -0.5), (-1, 1, -1)),
    (('--colour-gain', '1:1.1:1'), (0, 1, 0)),
    (('--colour-brightness', 0.1), (1, 1, 1)),
    (('--colour-gamma', 1.3), (1, 1, 1)),
    (('--colour-gamma', '1:1:0.8'), (0, 0, -1)),
    (('--colour-saturation', 1.5), (1, None, -1)),
    (('--colour-hue', 30), (None, 1, None)),
    (('--colour-levels', '0.1:1'), (None, -1, -1)),
    (('--colour-levels', '0:0.8'), (1, 1, 1)),
    (('--colour-levels', '0:1:0.7'), (-1, -1, -1)),
    (('--colour-contrast', 0.5), (1, 1, 1)),
])
def test_direction(program, tmp_path, options, change):
    """Each option goes the way that its help says, on a dark orange."""
    rgb = (150, 90, 60)
    out = tmp_path / 'out.mkv'
    program.restore(flat(tmp_path / 'in.mkv', rgb, 'bt709', False), out, *LOSSLESS, *options)
    for before, after, sign in zip(rgb, colour_of(out), change):
        if sign is not None:
            assert abs(after - before) < 1 if sign == 0 else (after - before) * sign > 1.5, (rgb, colour_of(out))


def frame_sums(path):
    return judge.run('ffmpeg', '-v', 'error', '-nostdin', '-i', path, '-map', '0:v', '-f', 'framemd5', '-')


@pytest.mark.parametrize('extra', [['--cpu-mask', 'avx2'], [], ['--segment-length', '0.7']], ids=['avx2', 'all', 'cut'])
def test_same_for_every_cpu_and_cut(program, source, tmp_path, extra):
    judge.need_instructions(program, extra[1] if extra[:1] == ['--cpu-mask'] else 'all')
    colour = ['--colour-lut', 'cool_modern', '--colour-saturation', '1.2', '--colour-gamma', '1.1:1:0.9']
    sums = set()
    for n, options in enumerate((['--cpu-mask', 'none'], extra)):
        out = tmp_path / f'{n}.mkv'
        program.restore(source, out, *LOSSLESS, *colour, *options)
        sums.add(frame_sums(out))
    assert len(sums) == 1


def test_table_as_a_file(program, source, tmp_path):
    """The file that "presets --write-lut" makes does what the built-in table does."""
    text = program('presets', '--write-lut', 'vhs_restore', code=0).out
    path = cube(tmp_path / 'own.cube', text)
    sums = set()
    for n, lut in enumerate((path, 'vhs_restore')):
        out = tmp_path / f'{n}.mkv'
        program.restore(source, out, *LOSSLESS, '--colour-lut', lut)
        sums.add(frame_sums(out))
    assert len(sums) == 1
    assert 'vhs_restore' in program('presets', '--luts', code=0).out
    assert [lut['name'] for lut in program('presets', '--luts', '--json', code=0).json()] == ['vhs_restore',
        'warm_vintage', 'cool_modern']
    assert 'did you mean "warm_vintage"' in program('presets', '--write-lut', 'warm_vintag', code=2).err


def test_plan_names_table_and_sum(program, source, tmp_path):
    path = cube(tmp_path / 'a.cube')
    plan = program('plan', source, *LOSSLESS, '--colour-lut', 'a.cube', '--json', code=0, cwd=tmp_path).json()
    options = next(s['options'] for s in plan['video']['stages'] if s['stage'] == 'colour.grade')
    assert options['lut'] == str(path.resolve())
    assert options['lut-sum'] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_changed_table_is_refused(program, source, tmp_path):
    """A task takes the table that was planned with and no other; nor is a run continued with another."""
    path = cube(tmp_path / 'a.cube')
    plan = tmp_path / 'plan.json'
    args = (*LOSSLESS, '-o', tmp_path / 'out.mkv', '--segment-length', '1', '--colour-lut', path)
    plan.write_text(program('plan', source, *args, '--json', code=0).out)
    work = tmp_path / 'work'
    work.mkdir()
    task = ('segment', '--plan', plan, '--work-dir', work, '-q')
    program(*task, '--index', '0', code=0)
    text = path.read_text()
    path.write_text(text.replace('1 1 1', '1 1 0.9'))
    refused = program(*task, '--index', '1', code=1)
    assert 'a.cube: the look-up table is not the one that was planned with' in refused.err, refused
    assert len(refused.error_lines) == 1, refused
    other = program('restore', source, *args, '--work-dir', work, '-q', code=1)
    assert 'plan' in other.err and not (tmp_path / 'out.mkv').exists(), other
    path.write_text(text)
    program('restore', source, *args, '--work-dir', work, '-q', code=0)


@pytest.mark.parametrize('options, words', [
    (['--colour-lut', 'vhs_restor'], ['did you mean "vhs_restore"']),
    (['--colour-lut', 'missing.cube'], ['missing.cube']),
    (['--colour-lut', 'broken.cube'], ['broken.cube:3: "nan" is no number']),
    (['--colour-lut', 'short.cube'], ['short.cube:3: ends after 2 of the 8 rows of LUT_3D_SIZE 2']),
    (['--colour-lut', 'film.cube'], ['film.cube:1: is not text']),
    (['--colour-levels', '0.5:0.5'], ['colour.grade', 'black must lie at least 0.01 below white']),
    (['--colour-levels', '0:1:0'], ['colour.grade', 'gamma of 0.1..10']),
    (['--colour-gamma', '1:2'], ['colour.grade', 'one number, or of three']),
])
def test_bad_input(program, source, tmp_path, options, words):
    cube(tmp_path / 'broken.cube', 'LUT_1D_SIZE 2\n0 0 0\n0 nan 0\n')
    cube(tmp_path / 'short.cube', 'LUT_3D_SIZE 2\n0 0 0\n1 1 1\n')
    (tmp_path / 'film.cube').write_bytes(b'RIFF\x00\x01\x02AVI LIST\n')
    before = judge.listing(tmp_path)
    for command in (['plan', source], ['restore', source, '-o', 'out.mkv', '-q']):
        result = program(*command, *LOSSLESS, *options, cwd=tmp_path, code=(1, 2))
        assert len(result.error_lines) == 1, result
        assert all(word in result.err for word in words), result
    assert judge.listing(tmp_path) == before


def test_gray(program, gray, tmp_path):
    """Colour for gray pictures is refused, tone is not, and what can't matter is said to change nothing."""
    for options in (['--colour-lut', 'vhs_restore'], ['--colour-temperature', '5000'], ['--colour-gamma', '1:1:2']):
        result = program('plan', gray, *LOSSLESS, *options, code=1)
        assert 'the pictures are gray' in result.err and len(result.error_lines) == 1, result
    out = tmp_path / 'out.mkv'
    program.restore(gray, out, *LOSSLESS, '--colour-brightness', '0.1')
    assert judge.decoded_count(out) == 10
    plan = json.loads(program('plan', gray, *LOSSLESS, '--colour-saturation', '1.3', '--json', code=0).out)
    assert not [s for s in plan['video']['stages'] if s['stage'] == 'colour.grade']
    assert '--colour-saturation changes nothing' in ' '.join(judge.warnings(plan))
