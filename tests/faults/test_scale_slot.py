"""A second choice in the slot "scale", which knows one factor only: the plan puts an exact resize behind it."""

import subprocess

import pytest

import clips
import judge
import kit

LOSSLESS = ['--encoder', 'ffv1', '--preset', 'clean', '--quality', 'fast']


@pytest.fixture(scope='module')
def double(program):
    path = kit.BUILD / 'tests' / 'double_program'
    if not path.exists():
        pytest.skip('the program with a second scaler is not built')
    return judge.Program(path, program.home)


@pytest.fixture(scope='module')
def source(tmp_path_factory):
    """32x16 pictures of white noise, so that each sample is known again."""
    path = tmp_path_factory.mktemp('double') / 'in.mkv'
    clips.ffmpeg('-f', 'lavfi', '-i', 'color=gray:s=32x16:r=25:d=1,format=yuv420p,noise=alls=60:allf=t', '-c:v', 'ffv1', *clips.BITEXACT, path)
    return path


def scaling(plan):
    return [s['stage'] for s in plan['video']['stages'] if s['stage'].startswith(('scale.', 'format.'))]


def luma(path, size):
    w, h = size
    raw = subprocess.run(['ffmpeg', '-v', 'error', '-i', path, '-vf', 'extractplanes=y', '-pix_fmt', 'gray', '-f', 'rawvideo', '-'],
                         stdout=subprocess.PIPE, check=True).stdout
    assert len(raw) == 25 * w * h
    return raw


@pytest.mark.sanitizer
@pytest.mark.parametrize('size, stages', [
    ((64, 32), ['scale.double']),  # just what it gives
    ((48, 24), ['scale.double', 'scale.zscale']),  # less
    ((96, 48), ['scale.double', 'scale.zscale']),  # more
])
def test_the_exact_size_comes_behind(double, source, tmp_path, size, stages):
    out, args = tmp_path / 'o.mkv', [*LOSSLESS, '--resolution', f'{size[0]}x{size[1]}', '--scale', 'double']
    plan = double('plan', source, '-o', out, *args, '--json', code=0).json()
    assert scaling(plan) == stages, plan['video']['stages']
    assert (plan['video']['output_format']['width'], plan['video']['output_format']['height']) == size
    why, = [d['why'] for d in plan['decisions'] if d['what'] == 'scale']
    assert '64x32' in why and ('resize' in why) == (len(stages) == 2), why
    done = double.restore(source, out, *args, '--segment-length', 0.4, '--progress', 'none', '--json').json()['files'][0]
    assert done['warnings'] == 0 and judge.video_stream(out)['width'] == size[0]
    pictures = luma(out, size)
    if len(stages) == 1:
        small = luma(source, (32, 16))
        wanted = b''.join(bytes(v for v in small[i:i + 32] for _ in range(2)) * 2 for i in range(0, len(small), 32))
        assert pictures == wanted


def test_options_of_both(double, source, tmp_path):
    """Its own options are its own, the kernel is that of the resize behind; both change the picture."""
    args = [*LOSSLESS, '--resolution', '48x24', '--scale', 'double']
    sums = set()
    for more in ([], ['--scale-dots'], ['--scale-kernel', 'bilinear'], ['--scale-dots', '--scale-kernel', 'bilinear']):
        out = tmp_path / f'{len(sums)}.mkv'
        double.restore(source, out, *args, *more, '--progress', 'none')
        sums.add(luma(out, (48, 24)))
    assert len(sums) == 4
    vain, = double('plan', source, '-o', tmp_path / 'o.mkv', *LOSSLESS, '--resolution', '48x24', '--scale-dots', '--json', code=0).json()['warnings']
    assert vain['code'] == 'option-without-effect' and vain['where']['option'] == 'scale-dots', vain
    # The usual choice is untouched by there being another.
    usual = double('plan', source, '-o', tmp_path / 'o.mkv', *LOSSLESS, '--resolution', '48x24', '--json', code=0).json()
    assert scaling(usual) == ['scale.zscale']


def test_nothing_to_scale(double, source, tmp_path):
    done = double('plan', source, '-o', tmp_path / 'o.mkv', *LOSSLESS, '--resolution', 'source', '--scale', 'double', '--json', code=0).json()
    assert scaling(done) == []
    warned, = done['warnings']
    assert warned['code'] == 'option-without-effect' and warned['where']['option'] == 'scale', warned


def test_fields_are_not_mixed(double, tmp_path):
    source = tmp_path / 'in.mkv'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc=s=64x48:r=50:d=1,format=yuv420p,tinterlace=4,setfield=tff', '-c:v', 'ffv1', '-field_order', 'tt', *clips.BITEXACT, source)
    args = [source, '-o', tmp_path / 'o.mkv', *LOSSLESS, '--resolution', '96', '--scale', 'double']
    refused = double('plan', *args, '--deinterlace', 'off', code=2)
    assert 'fields' in refused.err, refused
    assert 'scale.double' in scaling(double('plan', *args, '--deinterlace', 'bwdif', '--json', code=0).json())


def test_with_hdr_and_by_tasks(double, program, source, tmp_path):
    """In front of HDR as well; and a plan with it runs task by task, in programs that have the stage."""
    plan, out, whole = tmp_path / 'plan.json', tmp_path / 'o.mkv', tmp_path / 'whole.mkv'
    args = [*LOSSLESS, '--resolution', '40x20', '--scale', 'double', '--hdr', 'hlg', '--segment-length', 0.7]
    made = double('plan', source, '-o', out, *args, '--json', code=0)
    assert [s for s in scaling(made.json()) if s.startswith('scale.')] == ['scale.double', 'scale.zscale']
    plan.write_text(made.out)
    refused = program('segment', '--plan', plan, '--index', 0, code=1)
    assert 'unknown stage' in refused.err, refused
    for n in range(len(made.json()['video']['cuts']) - 1):
        double('segment', '--plan', plan, '--index', n, code=0)
    double('join', '--plan', plan, '--progress', 'none', code=0)
    double.restore(source, whole, *args, '--progress', 'none')
    assert judge.sha256(out) == judge.sha256(whole)
