"""Networks that enlarge pictures: by the dummy engine, whose arithmetic is known, and by ONNX Runtime where it is here."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import time

import pytest

import clips
import judge
import onnx_kit

BUILD = pathlib.Path(os.environ.get('TA_BUILD', 'build')).resolve()
LOSSLESS = ['--encoder', 'ffv1', '--preset', 'clean', '--quality', 'fast']
SIZE = (96, 64)


@pytest.fixture(scope='module')
def source(tmp_path_factory):
    """White noise, so that each pixel is known again; RGB, so that nothing but the network changes it."""
    path = tmp_path_factory.mktemp('neural') / 'in.mkv'
    clips.ffmpeg('-f', 'lavfi', '-i', 'color=gray:s=%dx%d:r=25:d=1,format=gbrp,noise=alls=90:allf=t' % SIZE, '-c:v', 'ffv1', *clips.BITEXACT, path)
    return path


def twice(height='h', width='w'):
    """Each pixel becomes four."""
    sides = [s * 2 for s in (height, width)]  # 'hh' is another side of any length
    return onnx_kit.model([onnx_kit.node('Concat', ['x'] * 4, 't', axis=1), onnx_kit.node('DepthToSpace', ['t'], 'y', blocksize=2)],
                          [onnx_kit.picture('x', 3, height, width)], [onnx_kit.picture('y', 3, *sides)])


@pytest.fixture
def dummy(tmp_path):
    """Arguments for an engine with these settings."""
    def make(text='', **options):
        path, model = tmp_path / 'engine.dummy', tmp_path / 'any.onnx'
        path.write_text('terminalai dummy engine\n' + text)
        model.write_bytes(twice())
        more = [a for k, v in options.items() for a in ('--' + k.replace('_', '-'), v)]
        return ['--scale', 'neural', '--scale-model', model, '--engine', 'dummy', '--engine-library', path, *more]
    return make


def rgb(path, size, frames=25):
    raw = subprocess.run(['ffmpeg', '-v', 'error', '-i', path, '-pix_fmt', 'rgb24', '-f', 'rawvideo', '-'], stdout=subprocess.PIPE, check=True).stdout
    assert len(raw) == frames * size[0] * size[1] * 3
    return raw


def doubled(source):
    """The same pictures twice as large."""
    w, h = SIZE
    raw, out = rgb(source, SIZE), bytearray()
    for y in range(25 * h):
        row = raw[y * w * 3:(y + 1) * w * 3]
        wide = b''.join(row[x:x + 3] * 2 for x in range(0, len(row), 3))
        out += wide + wide
    return bytes(out)


def args_for(size=(192, 128)):
    return [*LOSSLESS, '--resolution', '%dx%d' % size]


@pytest.mark.sanitizer
def test_known_arithmetic(program, source, dummy, tmp_path):
    """Each pixel becomes four, in any batch and any tiles, one at a time as well, and over the bounds of segments."""
    wanted, out = doubled(source), tmp_path / 'o.mkv'
    for more in ([], ['--batch', 1], ['--batch', 7], ['--batch', 32], ['--scale-tile', 64], ['--scale-tile', 64, '--batch', 3], ['--segment-length', 0.3]):
        program.restore(source, out, '-y', *args_for(), *dummy(), *more)
        assert rgb(out, (192, 128)) == wanted, more


def test_before_there_were_batches(program, source, dummy, tmp_path):
    """The switch for measurements gives the same pictures."""
    tuning = pathlib.Path(program.home) / '.config' / 'terminalai' / 'tuning.yaml'
    tuning.parent.mkdir(parents=True, exist_ok=True)
    tuning.write_text('version: 1\nengine_batching: off\n')
    try:
        program.restore(source, tmp_path / 'o.mkv', '-y', *args_for(), *dummy(batch=8))
        assert rgb(tmp_path / 'o.mkv', (192, 128)) == doubled(source)
    finally:
        tuning.unlink()


def stages(plan):
    return [s['stage'] for s in plan['video']['stages'] if s['stage'].startswith('scale.')]


def test_choices(program, source, dummy, tmp_path):
    """auto takes a network that is named, where there is a device or the best was asked; else the plan says why not."""
    def planned(text, *more, scale='auto'):
        args = dummy(text)
        args[1] = scale
        return program('plan', source, '-o', tmp_path / 'o.mkv', *args_for((160, 96)), *args, *more, '--json', code=0).json()

    def why(plan):
        return [d['why'] for d in plan['decisions'] if d['what'] == 'scaler']
    assert stages(planned('device gpu\n')) == ['scale.neural', 'scale.zscale']
    assert stages(planned('', '--quality', 'best')) == ['scale.neural', 'scale.zscale']
    on_cpu = planned('')
    assert stages(on_cpu) == ['scale.zscale'] and 'no device' in why(on_cpu)[0]
    broken = planned('no such setting\n')
    assert stages(broken) == ['scale.zscale'] and 'no such' in why(broken)[0]
    assert stages(planned('device gpu\n', '--device', 'cpu')) == ['scale.zscale']
    neural = planned('device gpu\nversion 4\n', scale='neural')
    # Whether its pictures are the same everywhere is said.
    assert [d['why'].split(':')[0] for d in neural['decisions'] if d['what'] == 'engine'] == ['not reproducible']
    assert not [d for d in planned('', '--quality', 'best')['decisions'] if d['what'] == 'engine']
    frozen = [s['options'] for s in neural['video']['stages'] if s['stage'] == 'scale.neural'][0]
    assert (frozen['engine'], frozen['runtime'], frozen['provider'], frozen['factor']) == ('dummy', '4', 'dummy-gpu', 2), frozen
    assert len(frozen['sum']) == 64


def test_network_by_default(program, source, dummy, known, tmp_path):
    """auto takes the usual network where it has been fetched, for pictures that get larger; by its own bytes alone."""
    args = dummy('device gpu\n')
    args[:4] = ['--scale', 'auto']

    def planned(size, *more, env):
        return program('plan', source, '-o', tmp_path / 'o.mkv', *args_for(size), *args, *more, '--json', env=env, code=0).json()
    assert stages(planned((160, 96), env={})) == ['scale.zscale']
    env = known(**{'upconv7-photo-x2': (twice(), {})})
    plan = planned((160, 96), env=env)
    assert stages(plan) == ['scale.neural', 'scale.zscale']
    assert [s['options']['file'] for s in plan['video']['stages'] if s['stage'] == 'scale.neural'][0].endswith('/models/upconv7-photo-x2.onnx')
    assert stages(planned((48, 32), env=env)) == ['scale.zscale']
    assert stages(planned((160, 96), '--device', 'cpu', env=env)) == ['scale.zscale']
    assert stages(planned((160, 96), '--device', 'cpu', '--quality', 'best', env=env)) == ['scale.neural', 'scale.zscale']
    program('restore', source, '-o', tmp_path / 'o.mkv', *args_for(), *args, env=env, code=0)
    assert rgb(tmp_path / 'o.mkv', (192, 128)) == doubled(source)
    (tmp_path / 'data/terminalai/models/upconv7-photo-x2.onnx').write_bytes(twice(8, 8))
    plan = planned((160, 96), env=env)
    assert stages(plan) == ['scale.zscale'] and 'its checksum is another' in [d['why'] for d in plan['decisions'] if d['what'] == 'scaler'][0]


def test_other_words(program, source, dummy, tmp_path):
    args = [{'--scale': '--upscaler', '--scale-model': '--model'}.get(a, a) for a in dummy()]
    plan = program('plan', source, '-o', tmp_path / 'o.mkv', *args_for(), *args, '--json', code=0).json()
    assert stages(plan) == ['scale.neural']


def test_refused(program, source, dummy, tmp_path):
    """What can't be is refused before anything is made, with what to do."""
    out = tmp_path / 'o.mkv'
    missing = dummy()
    missing[3] = tmp_path / 'none.onnx'
    for make, said in ((lambda: dummy()[:2] + dummy()[4:], '--scale-model'), (lambda: missing, 'none.onnx'), (lambda: dummy('factor 99\n'), 'factor 99'),
                       (lambda: dummy(device='npu'), 'npu'), (lambda: dummy(scale_tile=20), '64 pixels')):
        args = make()
        refused = program('plan', source, '-o', out, *args_for(), *args)
        assert refused.code in (1, 2) and said in refused.err, refused
    args = dummy()
    args[5] = 'abacus'
    refused = program('plan', source, '-o', out, *args_for(), *args)
    assert refused.code in (1, 2) and 'abacus' in refused.err, refused


def test_short_of_memory(program, source, dummy, tmp_path):
    """Less at a time, said once; then the CPU where that is allowed; else a failure. The pictures are the same."""
    wanted, out = doubled(source), tmp_path / 'o.mkv'
    picture = 96 * 64 * 3 * 4 * 5
    done = program.restore(source, out, '-y', *args_for(), *dummy(f'device gpu\nmemory {picture * 4}\n', batch=16), '--segment-length', 0.5)
    assert rgb(out, (192, 128)) == wanted
    assert 'not enough memory' in done.err, done
    args = dummy('device gpu\nmemory 40000\n')
    failed = program('restore', source, '-o', out, '-y', *args_for(), *args)
    assert failed.code == 1 and '40000 bytes' in failed.err, failed


def test_lost_device(program, source, dummy, tmp_path):
    """A segment is tried again; what fails twice leaves a job that goes on; the CPU takes over where it may."""
    out, wanted = tmp_path / 'o.mkv', doubled(source)
    lost = 'device gpu\nfail_as device\n'
    done = program.restore(source, out, '-y', *args_for(), *dummy(lost + 'fail_call 6\n', batch=4), '--jobs', 1, '--segment-length', 0.5)
    assert 'tried once more' in done.err and rgb(out, (192, 128)) == wanted, done
    args = [*args_for(), *dummy(lost + 'fail_call 6\nfail_times 100\n', batch=4), '--jobs', 1, '--segment-length', 0.3]
    failed = program('restore', source, '-o', out, '-y', *args)
    assert failed.code == 1 and '--engine-fallback' in failed.err, failed
    again = [*args_for(), *dummy('device gpu\n', batch=4), '--jobs', 1, '--segment-length', 0.3]
    program('restore', source, '-o', out, '-y', *again, code=0)
    assert rgb(out, (192, 128)) == wanted
    done = program.restore(source, out, '-y', *args_for(), *dummy(lost + 'fail_call 6\nfail_times 100\n', batch=4), '--jobs', 1, '--engine-fallback')
    assert 'goes on with the CPU' in done.err and rgb(out, (192, 128)) == wanted, done


def test_another_runtime(program, source, dummy, tmp_path):
    """A plan is for the engine's version and for the file that it was made with."""
    plan, out = tmp_path / 'plan.json', tmp_path / 'o.mkv'
    (tmp_path / 'w2').mkdir()
    (tmp_path / 'w3').mkdir()
    env = {'TERMINALAI_ENGINE_LIBRARY': str(tmp_path / 'engine.dummy')}
    args = dummy('version 1\n')
    plan.write_text(program('plan', source, '-o', out, *args_for(), *args, '--json', code=0).out)
    program('segment', '--plan', plan, '--index', 0, env=env, code=0)
    dummy('version 2\n')
    refused = program('segment', '--plan', plan, '--index', 0, '--work-dir', tmp_path / 'w2', env=env)
    assert refused.code != 0 and 'planned with dummy 1' in refused.err, refused
    dummy('version 1\n')
    (tmp_path / 'any.onnx').write_bytes(twice(8, 8))
    refused = program('segment', '--plan', plan, '--index', 0, '--work-dir', tmp_path / 'w3', env=env)
    assert refused.code != 0 and 'has changed' in refused.err, refused


def test_longer_than_a_day(program, dummy, tmp_path):
    """What a network takes is measured by two frames of it, not by a table."""
    source = tmp_path / 'in.mkv'
    clips.ffmpeg('-f', 'lavfi', '-i', 'color=gray:s=32x32:r=25:d=600', '-c:v', 'ffv1', *clips.BITEXACT, source)
    args, env = [*args_for((64, 64)), '--jobs', 1], {'XDG_CACHE_HOME': str(tmp_path / 'cache')}
    slow = program('plan', source, '-o', tmp_path / 'o.mkv', *args, *dummy('frame_ms 7000\n'), env=env, code=0)
    assert 'days on this machine' in slow.err and ' s a frame' in slow.err, slow
    # Kept for the next plan that needs it, and measured where nothing is to be kept; a garbled file is none.
    again = program('plan', source, '-o', tmp_path / 'o.mkv', *args, *dummy('frame_ms 1\n'), env=env, code=0)
    assert 'days on this machine' in again.err, again
    quick = program('plan', source, '-o', tmp_path / 'o.mkv', *args, *dummy('frame_ms 1\n'), '--no-cache', env=env, code=0)
    assert 'days' not in quick.err, quick
    kept = list((tmp_path / 'cache/terminalai/speed').glob('*.json'))
    assert len(kept) == 1, kept
    kept[0].write_text('{"form": 1, "at": 1e300, "seconds": "x"}')
    # What is out of date goes when something new comes.
    for n, days in enumerate((0, 29, 31, 400)):
        other = kept[0].with_name(f'{n:064x}.json')
        other.write_text('{}')
        os.utime(other, (time.time() - days * 86400,) * 2)
    quick = program('plan', source, '-o', tmp_path / 'o.mkv', *args, *dummy('frame_ms 1\n'), env=env, code=0)
    assert 'days' not in quick.err, quick
    assert sorted(p.name[60:64] for p in kept[0].parent.glob('0000*')) == ['0000', '0001']


# ---- ONNX Runtime ----


def entry(name, network, **more):
    return {'name': name, 'summary': 'for tests', 'purpose': 'upscale', 'factor': 2, 'input': ['any', 3, 'any', 'any'], 'output': ['any', 3, 'any', 'any'], 'layout': 'nchw',
            'range': 'unit', 'colour': 'rgb', 'licence': 'MIT', 'bytes': len(network), 'sha256': hashlib.sha256(network).hexdigest(), 'source': 'https://example.org/', **more}


@pytest.fixture
def known(tmp_path):
    """Networks that a manifest of the user knows, in the folder of networks; the environment where they are."""
    def make(**networks):
        folder, manifest = tmp_path / 'data/terminalai/models', tmp_path / 'config/terminalai/models.yaml'
        folder.mkdir(parents=True, exist_ok=True)
        manifest.parent.mkdir(parents=True, exist_ok=True)
        for name, (network, _) in networks.items():
            (folder / f'{name}.onnx').write_bytes(network)
        manifest.write_text(json.dumps({'version': 1, 'models': [entry(name, network, **more) for name, (network, more) in networks.items()]}))
        return {'XDG_DATA_HOME': str(tmp_path / 'data'), 'XDG_CONFIG_HOME': str(tmp_path / 'config')}
    return make


def test_blend(program, runtime, source, known, tmp_path):
    """Of two sets of weights, so much of each: here twice as large and half as bright, or a quarter."""
    env = known(one=(onnx_kit.weighted(0.5), {'pair': 'two'}), two=(onnx_kit.weighted(0.25), {'pair': 'one'}), alone=(onnx_kit.weighted(1.0), {}))
    args = [*args_for(), '--range', '0-2f', '--scale', 'neural', '--engine-library', runtime, '--scale-model']
    white, out = doubled(source)[:2 * 192 * 128 * 3], tmp_path / 'o.mkv'
    for share, bright in ((0, 0.5), (0.4, 0.4), (1, 0.25)):
        program('restore', source, '-o', out, '-y', *args, 'one', '--scale-blend', share, env=env, code=0)
        assert largest_difference(rgb(out, (192, 128), 2), bytes(int(v * bright + 0.5) for v in white)) <= 1, share
    refused = program('plan', source, '-o', out, *args, 'alone', '--scale-blend', 0.4, env=env)
    assert refused.code in (1, 2) and '"alone" has none' in refused.err, refused
    # The other one has changed since it was planned, or is gone.
    plan = tmp_path / 'plan.json'
    plan.write_text(program('plan', source, '-o', out, *args, 'one', '--scale-blend', 0.4, '--json', env=env, code=0).out)
    two = tmp_path / 'data/terminalai/models/two.onnx'
    two.write_bytes(onnx_kit.weighted(0.75))
    (tmp_path / 'w').mkdir()
    refused = program('segment', '--plan', plan, '--index', 0, '--work-dir', tmp_path / 'w', env={**env, 'TERMINALAI_ENGINE_LIBRARY': str(runtime)})
    assert refused.code != 0 and 'has changed' in refused.err, refused
    two.unlink()
    refused = program('plan', source, '-o', out, *args, 'one', '--scale-blend', 0.4, env=env)
    assert refused.code in (1, 2) and 'terminalai models fetch two' in refused.err, refused


def test_network_for_sound(program, runtime, source, known, tmp_path):
    env = known(hiss=(twice(), {}))
    manifest = tmp_path / 'config/terminalai/models.yaml'
    sound = {k: v for k, v in entry('hiss', twice()).items() if k not in ('factor', 'input', 'output', 'layout', 'range', 'colour')}
    manifest.write_text(json.dumps({'version': 1, 'models': [{**sound, 'purpose': 'sound', 'rate': 48000}]}))
    refused = program('plan', source, '-o', tmp_path / 'o.mkv', *args_for(), '--scale', 'neural', '--scale-model', 'hiss', '--engine-library', runtime, env=env)
    assert refused.code in (1, 2) and 'its purpose is sound' in refused.err, refused


@pytest.fixture(scope='module')
def runtime():
    folder = pathlib.Path(os.environ.get('TERMINALAI_ENGINE_LIBRARY') or BUILD / 'engines')
    if not (folder / 'onnxruntime').is_dir():
        pytest.skip('there is no ONNX Runtime in the build folder')
    return folder


def reference(runtime, model, given, planes=3):
    """The pictures of SIZE by ONNX Runtime's own Python, without anything between."""
    code = '''
import sys
import numpy as np, onnxruntime as o
session = o.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
w, h, planes = (int(a) for a in sys.argv[2:5])
frames = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(-1, h, w, planes)
for f in frames:
    x = f.astype(np.float32).transpose(2, 0, 1)[None] / np.float32(255)
    y = session.run(None, {session.get_inputs()[0].name: x})[0][0].transpose(1, 2, 0)
    sys.stdout.buffer.write((np.clip(y, 0, 1) * 255 + 0.5).astype(np.uint8).tobytes())
'''
    done = subprocess.run([sys.executable, '-c', code, model, str(SIZE[0]), str(SIZE[1]), str(planes)], input=given,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, 'PYTHONPATH': f'{runtime}:{os.environ.get("PYTHONPATH", "")}', 'ORT_DISABLE_TELEMETRY': '1'}, check=False)
    if done.returncode and b'No module named' in done.stderr:
        pytest.skip('no numpy for ONNX Runtime here')
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def largest_difference(a, b):
    assert len(a) == len(b)
    return max(abs(x - y) for x, y in zip(a, b))


def test_own_network(program, runtime, source, tmp_path):
    """The arithmetic of a network of ours is known without a reference."""
    model = tmp_path / 'twice.onnx'
    model.write_bytes(twice())
    for more in ([], ['--scale-tile', 64]):
        program.restore(source, tmp_path / 'o.mkv', '-y', *args_for(), '--scale', 'neural', '--scale-model', model, '--engine-library', runtime, *more)
        assert rgb(tmp_path / 'o.mkv', (192, 128)) == doubled(source)
    # One that takes a single size: it is covered with such tiles.
    model.write_bytes(twice(40, 56))
    program.restore(source, tmp_path / 'o.mkv', '-y', *args_for(), '--scale', 'neural', '--scale-model', model, '--engine-library', runtime)
    assert rgb(tmp_path / 'o.mkv', (192, 128)) == doubled(source)


def test_no_network(program, runtime, source, tmp_path):
    model = tmp_path / 'bad.onnx'
    for content in (b'', b'not a network', onnx_kit.enlarge(2)[:100], onnx_kit.model([onnx_kit.node('Relu', ['x'], 'y')], [onnx_kit.value('x', [1, 4])], [onnx_kit.value('y', [1, 4])])):
        model.write_bytes(content)
        refused = program('plan', source, '-o', tmp_path / 'o.mkv', *args_for(), '--scale', 'neural', '--scale-model', model, '--engine-library', runtime)
        assert refused.code in (1, 2) and 'scale.neural' in refused.err, refused


COLOUR = [('span_ch48_x2_fp32', 2), ('upconv7_photo_noise1_x2', 2), ('realesr-animevideov3', 4), ('realesr-general-x4v3_w16', 4), ('realesr-general-wdn-x4v3_w16', 4)]
LUMA = ['FSRCNN_x2', 'FSRCNN-small_x2', 'ESPCN_x2']


@pytest.mark.parametrize('name, factor', COLOUR)
def test_as_a_straight_run(program, runtime, source, tmp_path, name, factor):
    assets = pathlib.Path(os.environ.get('TA_ASSETS') or pathlib.Path(__file__).parents[2] / '../shared/assets')
    model = assets / 'models' / f'{name}.onnx'
    if not model.exists():
        pytest.skip(f'{name} is not here')
    size = (SIZE[0] * factor, SIZE[1] * factor)
    program.restore(source, tmp_path / 'o.mkv', '-y', *args_for(size), '--range', '0-3f', '--scale', 'neural', '--scale-model', model, '--engine-library', runtime)
    assert largest_difference(rgb(tmp_path / 'o.mkv', size, 3), reference(runtime, model, rgb(source, SIZE)[:SIZE[0] * SIZE[1] * 3 * 3])) <= 1


@pytest.mark.parametrize('name', ['upconv7_photo_noise1_x2', 'realesr-animevideov3', 'FSRCNN_x2'])
def test_any_batch_on_the_processor(program, runtime, source, tmp_path, name):
    """How many pictures come at a time changes no bit there, which a plan for a card does not promise."""
    assets = pathlib.Path(os.environ.get('TA_ASSETS') or pathlib.Path(__file__).parents[2] / '../shared/assets')
    model, made, factor = assets / 'models' / f'{name}.onnx', [], 4 if 'animevideo' in name else 2
    if not model.exists():
        pytest.skip(f'{name} is not here')
    clip = tmp_path / 'clip.mkv'
    clips.ffmpeg('-i', source, '-frames:v', 7, *(['-pix_fmt', 'yuv444p'] if 'FSRCNN' in name else []), '-c:v', 'ffv1', *clips.BITEXACT, clip)
    for more in (['--batch', 1], ['--batch', 5], ['--batch', 32, '--jobs', 1]):
        program.restore(clip, tmp_path / 'o.mkv', '-y', *args_for((SIZE[0] * factor, SIZE[1] * factor)), '--scale', 'neural', '--scale-model', model, '--engine-library', runtime, *more)
        made.append(rgb(tmp_path / 'o.mkv', (SIZE[0] * factor, SIZE[1] * factor), 7))
    assert made[1] == made[0] and made[2] == made[0]


@pytest.mark.parametrize('name', LUMA)
def test_luma_as_a_straight_run(program, runtime, source, tmp_path, name):
    """The brightness of pictures that are nothing else, of full range."""
    assets = pathlib.Path(os.environ.get('TA_ASSETS') or pathlib.Path(__file__).parents[2] / '../shared/assets')
    model, grey, out = assets / 'models' / f'{name}.onnx', tmp_path / 'grey.mkv', tmp_path / 'o.mkv'
    if not model.exists():
        pytest.skip(f'{name} is not here')
    clips.ffmpeg('-i', source, '-vf', 'extractplanes=g,format=gray,setparams=range=pc', '-frames:v', 3, '-color_range', 'pc', '-c:v', 'ffv1', *clips.BITEXACT, grey)
    program.restore(grey, out, '-y', *args_for(), '--scale', 'neural', '--scale-model', model, '--engine-library', runtime)

    def raw(path):
        return subprocess.run(['ffmpeg', '-v', 'error', '-i', path, '-f', 'rawvideo', '-'], stdout=subprocess.PIPE, check=True).stdout
    assert judge.video_stream(out)['pix_fmt'] in ('gray', 'gray8'), judge.video_stream(out)
    assert largest_difference(raw(out), reference(runtime, model, raw(grey), 1)) <= 1


@pytest.mark.parametrize('name, factor', COLOUR)
def test_tiles_as_the_whole(program, runtime, tmp_path, name, factor):
    """Tiles that share 96 pixels give the whole picture: networks see no farther than half of that."""
    assets = pathlib.Path(os.environ.get('TA_ASSETS') or pathlib.Path(__file__).parents[2] / '../shared/assets')
    model, source, made = assets / 'models' / f'{name}.onnx', tmp_path / 'in.mkv', []
    if not model.exists():
        pytest.skip(f'{name} is not here')
    clips.ffmpeg('-f', 'lavfi', '-i', 'mandelbrot=s=224x96:r=25,trim=end_frame=1,noise=alls=12:all_seed=3,format=gbrp', '-c:v', 'ffv1', *clips.BITEXACT, source)
    size = (224 * factor, 96 * factor)
    for tile in (0, 128):
        program.restore(source, tmp_path / 'o.mkv', '-y', *args_for(size), '--scale', 'neural', '--scale-model', model, '--engine-library', runtime, '--scale-tile', tile)
        made.append(rgb(tmp_path / 'o.mkv', size, 1))
    assert largest_difference(*made) <= 2


@pytest.mark.parametrize('name', LUMA)
def test_luma_alone(program, runtime, tmp_path, name):
    """Brightness is the network's, colour that of a resize."""
    assets = pathlib.Path(os.environ.get('TA_ASSETS') or pathlib.Path(__file__).parents[2] / '../shared/assets')
    model = assets / 'models' / f'{name}.onnx'
    if not model.exists():
        pytest.skip(f'{name} is not here')
    source, grown = tmp_path / 'in.mkv', {}
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=96x64:r=25:d=0.2,format=yuv420p', '-c:v', 'ffv1', *clips.BITEXACT, source)
    for kind, args in (('neural', ['--scale', 'neural', '--scale-model', model, '--engine-library', runtime]), ('resize', ['--scale', 'resize', '--scale-kernel', 'spline36'])):
        program.restore(source, tmp_path / f'{kind}.mkv', *args_for(), *args)
        for plane in 'yuv':
            grown[kind, plane] = subprocess.run(['ffmpeg', '-v', 'error', '-i', tmp_path / f'{kind}.mkv', '-vf', f'extractplanes={plane}', '-pix_fmt', 'gray', '-f', 'rawvideo', '-'],
                                                stdout=subprocess.PIPE, check=True).stdout
    for plane in 'uv':
        assert largest_difference(grown['neural', plane], grown['resize', plane]) <= 1
    assert grown['neural', 'y'] != grown['resize', 'y']
    mean = sum(abs(a - b) for a, b in zip(grown['neural', 'y'], grown['resize', 'y'])) / len(grown['neural', 'y'])
    assert mean < 12, mean  # the same picture, in the same range


@pytest.mark.parametrize('pix_fmt, matrix, full', [('yuv420p', 'smpte170m', 0), ('yuv420p', 'bt709', 0), ('yuvj420p', 'bt709', 1), ('yuv422p10le', 'bt709', 0), ('yuv444p16le', 'smpte170m', 0), ('gray', None, 0)])
def test_formats(program, dummy, tmp_path, pix_fmt, matrix, full):
    """Smooth pictures come back as they were, whatever they are coded as."""
    source, out = tmp_path / 'in.mkv', tmp_path / 'o.mkv'
    tags = ['-colorspace', matrix, '-color_primaries', matrix, '-color_trc', matrix] if matrix else []
    clips.ffmpeg('-f', 'lavfi', '-i', f'gradients=s=96x64:r=25:d=0.2:c0=0x705040:c1=0x40a0c0:x0=0:y0=0:x1=95:y1=63:n=2,format={pix_fmt}', *tags, '-color_range', 'pc' if full else 'tv', '-c:v', 'ffv1', *clips.BITEXACT, source)
    program.restore(source, out, '-y', *args_for(), *dummy())
    planes = []
    for path in (source, out):  # the scaler of ffmpeg takes gray for another range on its way
        smaller = [] if pix_fmt == 'gray' else ['-vf', 'scale=96:64:flags=area', '-pix_fmt', 'yuv444p']
        planes.append(subprocess.run(['ffmpeg', '-v', 'error', '-i', path, *smaller, '-f', 'rawvideo', '-'], stdout=subprocess.PIPE, check=True).stdout)
    if pix_fmt == 'gray':
        planes[1] = b''.join(planes[1][y * 192:(y + 1) * 192:2] for y in range(0, 5 * 128, 2))
    assert largest_difference(*planes) <= (0 if pix_fmt == 'gray' else 1)
    if pix_fmt != 'gray':  # where it says nothing
        assert judge.video_stream(out).get('color_space') == judge.video_stream(source).get('color_space')


def renamed(line, old, new):
    """A line of a journal with another text in it, proved by its own checksum."""
    text = line[len('{"entry":'):line.rindex(',"sha256":')].replace(old, new)
    return '{"entry":%s,"sha256":"%s"}' % (text, hashlib.sha256(text.encode()).hexdigest())


def test_loaded_once(program, dummy, tmp_path):
    """One load for any number of files and of segments at once, counted in the report; the journal names what ran it."""
    sources = [tmp_path / f'in{i}.mkv' for i in range(3)]
    clips.ffmpeg('-f', 'lavfi', '-i', 'color=gray:s=32x32:r=25:d=8', '-c:v', 'ffv1', *clips.BITEXACT, sources[0])
    for more in sources[1:]:
        more.write_bytes(sources[0].read_bytes())
    source = sources[0]
    args = [*args_for((64, 64)), *dummy('load_ms 200\nversion 7\n'), '--jobs', 2, '--segment-length', 0.3]
    program('restore', *sources, '-o', tmp_path / 'all', '-y', *args, code=0)
    reports = [json.loads(r.read_text()) for r in sorted((tmp_path / 'all').glob('*.json'))]
    assert len(reports) == 3 and all(len(r['segments']) > 1 for r in reports)
    for r in reports:
        n = r['networks']
        assert (n['loads'], n['misses']) == (1, 1) and n['hits'] >= len(r['segments']) and n['bytes'] > 0 and 0.2 <= n['load_seconds'] < 60, n
    # A segment at a time, in processes of their own.
    plan = tmp_path / 'plan.json'
    plan.write_text(program('plan', source, '-o', tmp_path / 'o.mkv', *args, '--json', code=0).out)
    program('segment', '--plan', plan, '--index', 0, env={'TERMINALAI_ENGINE_LIBRARY': str(tmp_path / 'engine.dummy')}, code=0)
    journal = next(tmp_path.glob('o.mkv*.terminalai')) / 'journal.jsonl'
    assert 'dummy 7 dummy-cpu' in journal.read_text().splitlines()[0], journal.read_text()
    # What another runtime has made is not taken, though the plan is the same.
    kept = journal.read_text()
    journal.write_text('\n'.join(renamed(line, 'dummy 7', 'dummy 6') for line in kept.splitlines()) + '\n')
    refused = program('restore', source, '-o', tmp_path / 'o.mkv', *args)
    assert refused.code != 0 and 'dummy 6' in refused.err and 'dummy 7' in refused.err, refused
    journal.write_text(kept)
    program('restore', source, '-o', tmp_path / 'o.mkv', *args, code=0)
    assert json.loads((tmp_path / 'o.mkv.json').read_text())['run']['segments_reused'] == 1
