"""Networks for sound that do what can be predicted, with the inputs and outputs of the real ones, and manifests that know them."""

import hashlib
import json
import os
import pathlib
import struct

import onnx_kit

BUILD = pathlib.Path(os.environ.get('TA_BUILD') or pathlib.Path(__file__).resolve().parents[2] / 'build').resolve()
CACHES = (('conv_cache', [2, 1, 16, 16, 33]), ('tra_cache', [2, 3, 1, 1, 16]), ('inter_cache', [2, 1, 33, 16]))


def runtime_folder():
    """Where ONNX Runtime was put for tests; None where it was not."""
    folder = pathlib.Path(os.environ.get('TERMINALAI_ENGINE_LIBRARY') or BUILD / 'engines')
    return folder if (folder / 'onnxruntime').is_dir() else None


def weight(name, *numbers):
    dims = b'' if len(numbers) == 1 else onnx_kit.field(1, len(numbers))
    return onnx_kit.field(5, dims + onnx_kit.field(2, onnx_kit.FLOAT) + onnx_kit.field(8, name) + onnx_kit.field(9, struct.pack(f'<{len(numbers)}f', *numbers)))


def voice(rename=None, fade=False):
    """GTCRN's inputs and outputs. What comes out is what goes in, or grows by a hundredth a frame."""
    shape = [1, 257, 1, 2]
    nodes = [onnx_kit.node('Identity', [a], f'{a}_out') for a, _ in CACHES]
    if fade:
        nodes[1] = onnx_kit.node('Add', ['tra_cache', 'step'], 'tra_cache_out')
        nodes += [onnx_kit.node('ReduceMean', ['tra_cache_out'], 'gain', keepdims=0), onnx_kit.node('Mul', ['mix', 'gain'], 'enh')]
    else:
        nodes.append(onnx_kit.node('Identity', ['mix'], 'enh'))
    inputs = [onnx_kit.value('mix', shape)] + [onnx_kit.value(*c) for c in CACHES]
    outputs = [onnx_kit.value('enh', shape)] + [onnx_kit.value(f'{a}_out', s) for a, s in CACHES]
    data = onnx_kit.model(nodes, inputs, outputs, weight('step', 0.01) if fade else b'')
    return data.replace(b'enh', rename) if rename else data


def treble():
    """FlashSR's inputs and outputs. Each sample three times over: what that has above 8 kHz is its treble."""
    blocks = [onnx_kit.node('Concat', ['x', 'x', 'x'], 'rows', axis=1), onnx_kit.node('Transpose', ['rows'], 'columns') + onnx_kit.field(5, permutation(0, 2, 1)),
              onnx_kit.node('Reshape', ['columns', 'form'], 'tanh')]
    form = onnx_kit.field(1, 3) + onnx_kit.field(2, onnx_kit.INT64) + onnx_kit.field(8, 'form') + onnx_kit.field(9, struct.pack('<3q', 1, 1, -1))
    return onnx_kit.model(blocks, [onnx_kit.value('x', [1, 1, 'n'])], [onnx_kit.value('tanh', [1, 1, 'm'])], onnx_kit.field(5, form))


def permutation(*places):
    return onnx_kit.field(1, 'perm') + b''.join(onnx_kit.field(8, p) for p in places) + onnx_kit.field(20, 7)


def known(folder, **networks):
    """The environment in which manifests of the user know these, by the names that the program looks for."""
    data, manifest, entries = folder / 'data/terminalai/models', folder / 'config/terminalai/models.yaml', []
    data.mkdir(parents=True, exist_ok=True)
    manifest.parent.mkdir(parents=True, exist_ok=True)
    for name, content in networks.items():
        name = name.replace('_', '-')
        (data / f'{name}.onnx').write_bytes(content)
        entries.append({'name': name, 'summary': 'for tests', 'purpose': 'sound', 'rate': 16000, 'licence': 'MIT', 'bytes': len(content),
                        'sha256': hashlib.sha256(content).hexdigest(), 'source': 'https://example.org/'})
    manifest.write_text(json.dumps({'version': 1, 'models': entries}))
    return {'XDG_DATA_HOME': str(folder / 'data'), 'XDG_CONFIG_HOME': str(folder / 'config')}
