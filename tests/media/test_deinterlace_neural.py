"""--deinterlace neural: which fields the network gets, in which order and which way up, by networks that copy one of them."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys

import pytest

import clips
import onnx_kit

BUILD = pathlib.Path(os.environ.get('TA_BUILD', 'build')).resolve()
W, H, FRAMES = 48, 32, 6


@pytest.fixture(scope='module')
def runtime():
    folder = pathlib.Path(os.environ.get('TERMINALAI_ENGINE_LIBRARY') or BUILD / 'engines')
    if not (folder / 'onnxruntime').is_dir():
        pytest.skip('there is no ONNX Runtime in the build folder')
    return folder


def make(path, order):
    """White noise in RGB, so that each row of each field is known again."""
    clips.ffmpeg('-f', 'lavfi', '-i', f'color=gray:s={W}x{H}:r=25:d={FRAMES / 25},format=gbrp,noise=alls=90:allf=t,setfield={order}',
                 '-c:v', 'ffv1', '-flags', '+ildct+ilme', '-field_order', {'tff': 'tt', 'bff': 'bb'}[order], *clips.BITEXACT, path)
    return path


def rows(path):
    """Pictures as lists of rows."""
    raw = subprocess.run(['ffmpeg', '-v', 'error', '-i', path, '-pix_fmt', 'rgb24', '-f', 'rawvideo', '-'], stdout=subprocess.PIPE, check=True).stdout
    size = W * 3
    lines = [raw[i:i + size] for i in range(0, len(raw), size)]
    return [lines[i:i + H] for i in range(0, len(lines), H)]


def known(tmp_path, network, **changes):
    """The environment in which a manifest of the user knows the network, as "copy"."""
    folder, manifest = tmp_path / 'data/terminalai/models', tmp_path / 'config/terminalai/models.yaml'
    folder.mkdir(parents=True)
    manifest.parent.mkdir(parents=True)
    (folder / 'copy.onnx').write_bytes(network)
    entry = {'name': 'copy', 'summary': 'for tests', 'purpose': 'deinterlace', 'factor': 1, 'input': ['any', 9, 'any', 'any'], 'output': ['any', 3, 'any', 'any'], 'layout': 'nchw',
             'range': 'unit', 'colour': 'rgb', 'licence': 'MIT', 'bytes': len(network), 'sha256': hashlib.sha256(network).hexdigest(), 'source': 'https://example.org/', **changes}
    manifest.write_text(json.dumps({'version': 1, 'models': [entry]}))
    return {'XDG_DATA_HOME': str(tmp_path / 'data'), 'XDG_CONFIG_HOME': str(tmp_path / 'config')}


def args_for(runtime, *more):
    return ['--preset', 'clean', '--quality', 'fast', '--encoder', 'ffv1', '--resolution', 'source', '--deinterlace', 'neural', '--deinterlace-model', 'copy', '--engine-library', runtime, *more]


@pytest.mark.parametrize('which', [0, 1, 2])
@pytest.mark.parametrize('order', ['tff', 'bff'])
def test_fields(program, runtime, tmp_path, order, which):
    """0 and 2 weave the field before and the one behind, 1 doubles rows; the ends stand for what lies beyond them."""
    source, out = make(tmp_path / 'in.mkv', order), tmp_path / 'o.mkv'
    env = known(tmp_path, onnx_kit.of_field(which))
    program('restore', source, '-o', out, *args_for(runtime), env=env, code=0)
    given, made = rows(source), rows(out)
    assert len(made) == 2 * FRAMES
    for i, picture in enumerate(made):
        frame, second = divmod(i, 2)
        parity = second if order == 'tff' else 1 - second  # rows that are there
        around = min(FRAMES - 1, max(0, frame + (0 if which == 1 else (-1 if which == 0 and not second else 1 if which == 2 and second else 0))))
        for y, row in enumerate(picture):
            if y % 2 == parity:
                assert row == given[frame][y], (i, y)
            elif which == 1:
                assert row == given[frame][y - 1 if parity == 0 else y + 1], (i, y)
            else:
                assert row == given[around][y], (i, y)


def test_seams(program, runtime, tmp_path):
    """Segments join without a trace, and one frame for each frame is half of them."""
    source = tmp_path / 'in.mkv'
    clips.ffmpeg('-f', 'lavfi', '-i', f'color=gray:s={W}x{H}:r=25:d=2.4,format=gbrp,noise=alls=90:allf=t,setfield=tff', '-c:v', 'ffv1', '-flags', '+ildct+ilme', '-field_order', 'tt', *clips.BITEXACT, source)
    env, made = known(tmp_path, onnx_kit.of_field(2)), []
    for name, more in (('whole', ['--segment-length', 30]), ('parts', ['--segment-length', 0.3, '--jobs', 2]), ('one', ['--deinterlace-fields', 'one'])):
        out = tmp_path / f'{name}.mkv'
        program('restore', source, '-o', out, *args_for(runtime, *more), env=env, code=0)
        made.append(rows(out))
    assert made[0] == made[1] and len(made[0]) == 120
    assert made[2] == made[0][::2]


def test_refusals(program, runtime, tmp_path):
    source = make(tmp_path / 'in.mkv', 'tff')
    env = known(tmp_path, onnx_kit.of_field(1))
    args = args_for(runtime)
    for name, said in (('none', 'there is no network "none"'), (None, 'terminalai models fetch deinterlace-ddd'), (tmp_path / 'own.onnx', 'no network of purpose deinterlace')):
        (tmp_path / 'own.onnx').write_bytes(onnx_kit.of_field(0))
        mine = [a for a in args if a not in ('--deinterlace-model', 'copy')] if name is None else [name if a == 'copy' else a for a in args]
        refused = program('plan', source, '-o', tmp_path / 'o.mkv', *mine, env=env)
        assert refused.code in (1, 2) and said in refused.err, refused
    # One that enlarges says so by its shapes, whatever its manifest says.
    other = tmp_path / 'b'
    other.mkdir()
    env = known(other, onnx_kit.enlarge(2))
    refused = program('restore', source, '-o', tmp_path / 'o.mkv', *args, env=env)
    assert refused.code == 1 and "the network's input" in refused.err, refused


def test_batches_and_tiles(program, runtime, tmp_path):
    """How many fields the network gets at a time, and in what pieces, changes nothing."""
    source = tmp_path / 'in.mkv'
    clips.ffmpeg('-f', 'lavfi', '-i', 'color=gray:s=160x320:r=25:d=0.4,format=gbrp,noise=alls=90:allf=t,setfield=bff', '-c:v', 'ffv1', '-flags', '+ildct+ilme', '-field_order', 'bb', *clips.BITEXACT, source)
    env, made = known(tmp_path, onnx_kit.of_field(2)), []
    for more in ([], ['--batch', 4], ['--batch', 3, '--deinterlace-tile', 64], ['--deinterlace-fields', 'one', '--batch', 32]):
        out = tmp_path / f'{len(made)}.mkv'
        program('restore', source, '-o', out, *args_for(runtime, *more), env=env, code=0)
        made.append(subprocess.run(['ffmpeg', '-v', 'error', '-i', out, '-pix_fmt', 'rgb24', '-f', 'rawvideo', '-'], stdout=subprocess.PIPE, check=True).stdout)
    size = 160 * 320 * 3
    assert len(made[0]) == 20 * size and made[1] == made[0] and made[2] == made[0]
    assert made[3] == b''.join(made[0][i:i + size] for i in range(0, len(made[0]), 2 * size))


def test_as_a_straight_run(program, runtime, tmp_path):
    """The known network, by ONNX Runtime's own Python on the same fields: rows that were missing differ by 1 of 255 at most."""
    assets = pathlib.Path(os.environ.get('TA_ASSETS') or pathlib.Path(__file__).parents[2] / '../shared/assets')
    model, source, out = assets / 'models' / 'deint_ddd_vds.onnx', make(tmp_path / 'in.mkv', 'tff'), tmp_path / 'o.mkv'
    if not model.exists():
        pytest.skip(f'{model} is not here')
    program('restore', source, '-o', out, *[model if a == 'copy' else a for a in args_for(runtime)], code=0)
    code = '''
import sys
import numpy as np, onnxruntime as o
session = o.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
w, h = (int(a) for a in sys.argv[2:4])
v = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(-1, h, w, 3).astype(np.float32).transpose(0, 3, 1, 2) / np.float32(255)
for i in range(len(v)):
    here, before, behind = v[i], v[max(i - 1, 0)], v[min(i + 1, len(v) - 1)]
    for parity, fields in ((0, (before[:, 1::2], here[:, 0::2], here[:, 1::2])), (1, (here[:, 0::2], here[:, 1::2], behind[:, 0::2]))):
        step = -1 if parity == 0 else 1
        x = np.concatenate([f[:, ::step] for f in fields])[None]
        y = session.run(None, {session.get_inputs()[0].name: np.ascontiguousarray(x)})[0][0][:, ::step]
        made = here.copy()
        made[:, 1 - parity::2] = y
        sys.stdout.buffer.write((np.clip(made, 0, 1) * 255 + 0.5).astype(np.uint8).transpose(1, 2, 0).tobytes())
'''
    given = b''.join(row for picture in rows(source) for row in picture)
    done = subprocess.run([sys.executable, '-c', code, model, str(W), str(H)], input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                          env={**os.environ, 'PYTHONPATH': f'{runtime}:{os.environ.get("PYTHONPATH", "")}', 'ORT_DISABLE_TELEMETRY': '1'})
    if done.returncode and b'No module named' in done.stderr:
        pytest.skip('no numpy for ONNX Runtime here')
    assert done.returncode == 0, done.stderr.decode()
    made = b''.join(row for picture in rows(out) for row in picture)
    assert len(made) == len(done.stdout) == 2 * FRAMES * W * H * 3
    assert max(abs(a - b) for a, b in zip(made, done.stdout)) <= 1
