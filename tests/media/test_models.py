"""Networks of one's own: what is found out about them, and what is refused."""

import os
import pathlib
import struct

import pytest

import judge
import onnx_kit as kit

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = ROOT / 'build' / 'engines'
IN, OUT = kit.picture('x'), kit.picture('y')


@pytest.fixture
def show(program, tmp_path):
    """show(bytes): the row of such a file; show(bytes, refused=TEXT): it is refused with that in the reason."""
    if not list(PACKAGES.glob('onnxruntime/capi/libonnxruntime.so*')):
        pytest.skip('no ONNX Runtime in build/engines; setup.sh --test puts one there')

    def run(content, refused=None):
        path = tmp_path / 'net.onnx'
        path.write_bytes(content)
        result = program('models', 'show', '--json', path, '--engine-library', PACKAGES, code=1 if refused else 0, env={'XDG_CACHE_HOME': str(tmp_path)})
        row, = result.json()
        assert row['fits'] is (refused is None) and row['file'] == str(path), row
        assert refused is None or refused in row['why'], (refused, row['why'])
        assert not result.err, result.err
        return row

    return run


@pytest.mark.parametrize('factor, planes, size', [(2, 3, None), (4, 3, None), (3, 1, None), (8, 1, None), (2, 3, (64, 48)), (1, 3, None)])
def test_factor_and_layout(show, factor, planes, size):
    row = show(kit.enlarge(factor, planes, size))
    assert (row['factor'], row['planes'], row['width'], row['height']) == (factor, planes, *(size or (None, None))), row
    assert row['nodes'] == 2 and row['operators'] == 13 and row['ir_version'] == 8
    assert row['inputs'][0] == {'name': 'x', 'float': True, 'shape': [1, planes, *((size[1], size[0]) if size else (None, None))]}


def grey(scale, shift):
    """Enlarges twice; x becomes x * scale + shift."""
    numbers = b''.join(kit.field(5, kit.field(2, kit.FLOAT) + kit.field(8, n) + kit.field(9, struct.pack('<f', v))) for n, v in (('a', scale), ('b', shift)))
    nodes = [kit.node('Concat', ['x'] * 4, 't', axis=1), kit.node('DepthToSpace', ['t'], 'd', blocksize=2), kit.node('Mul', ['d', 'a'], 'm'), kit.node('Add', ['m', 'b'], 'y')]
    return kit.model(nodes, [kit.picture('x', 1)], [kit.picture('y', 1, 'k', 'v')], numbers)


@pytest.mark.parametrize('scale, shift, found', [(1, 0, 'unit'), (0.9, 0.05, 'unit'), (1, 2, 'byte'), (0.9, 12, 'byte')])
def test_range(show, scale, shift, found):
    """What grey becomes tells whether its numbers go to 1 or to 255."""
    assert show(grey(scale, shift))['range'] == found


@pytest.mark.parametrize('scale, shift', [(0.5, 0), (2, 0), (1, -100), (-1, 0), (1, 100), (255, 0), (1 / 255, 0), (0, 0)])
def test_range_of_others(show, scale, shift):
    show(grey(scale, shift), 'grey does not stay grey')


def test_text(program, tmp_path, show):
    show(kit.enlarge(2))
    path = tmp_path / 'net.onnx'
    text = ' '.join(program('models', 'show', path, '--engine-library', PACKAGES, code=0).out.split())
    assert 'fits enlarges 2 times, colour;' in text, text
    sha = judge.sha256(path)
    assert sha in text.replace(' ', '')


@pytest.mark.parametrize('content, why', [
    (kit.enlarge(9, 1), '1 to 8 times'),
    (kit.model([kit.node('Concat', ['x', 'x'], 'y', axis=3)], [IN], [OUT]), '1 to 8 times'),
    (kit.model([kit.node('Transpose', ['x'], 'y')], [IN], [kit.value('y', ['w', 'h', 3, 1])]), '1 to 8 times'),
    (kit.model([kit.node('Add', ['x', 'z'], 'y')], [IN, kit.picture('z')], [OUT]), 'it has 2 inputs and 1 output of 1 x 3 x'),
    (kit.model([kit.node('Identity', ['x'], 'y')], [kit.value('x', [1, 'h', 'w', 3])], [kit.value('y', [1, 'h', 'w', 3])]), 'expected is'),
    (kit.model([kit.node('Identity', ['x'], 'y')], [kit.value('x', [1, 4, 'h', 'w'])], [kit.value('y', [1, 4, 'h', 'w'])]), 'expected is'),
    (kit.model([kit.node('Identity', ['x'], 'y')], [kit.value('x', [1, 3, 'h', 'w'], kit.INT64)], [kit.value('y', [1, 3, 'h', 'w'], kit.INT64)]),
     'expected is'),
    (kit.model([kit.node('Sub', ['x', 'x'], 't'), kit.node('Div', ['x', 't'], 'y')], [IN], [OUT]), 'not numbers'),
    (kit.enlarge(2, 1, (4000, 16)), 'at most 1024 x 1024'),
    (kit.model([kit.node('Conjure', ['x'], 'y')], [IN], [OUT]), 'Conjure'),
    (b'', 'not an ONNX file'),
    (b'<!DOCTYPE html><title>404</title>', 'not an ONNX file'),
    (bytes(1000), 'not an ONNX file'),
    (kit.field(1, 8), 'not an ONNX file'),
])
def test_refused(show, content, why):
    show(content, why)


def test_each_part_of_a_file(show):
    """A download that broke off is told from a whole file."""
    whole = kit.enlarge(2)
    for size in (1, 2, 10, len(whole) // 2, len(whole) - 5):
        show(whole[:size], 'not an ONNX file')


def nested(inner, depth):
    """A tensor in a graph in an attribute of a node, and so on."""
    graph = kit.field(5, inner)
    for _ in range(depth):
        graph = kit.field(1, kit.field(4, 'If') + kit.field(5, kit.field(1, 'then_branch') + kit.field(6, graph) + kit.field(20, 5)))
    return graph


@pytest.mark.parametrize('more', [
    kit.field(5, kit.outside('weights.bin')),
    kit.field(15, kit.field(1, kit.outside('weights.bin'))),
    kit.field(1, kit.node('Constant', [], 'c') + kit.field(5, kit.field(1, 'value') + kit.field(5, kit.outside('weights.bin')))),
    nested(kit.outside('weights.bin'), 3),
])
def test_numbers_in_other_files(show, program, tmp_path, more):
    """Refused by name, wherever in the file it is said, and the other file is left alone."""
    trap = tmp_path / 'weights.bin'
    os.mkfifo(trap)  # opening it would wait for ever
    row = show(kit.enlarge(2, more=more), '"weights.bin"')
    assert 'inputs' not in row


def test_deep_files(show):
    """Nested deeper than any network: no crash."""
    for depth in (30, 3000):
        show(kit.enlarge(2, more=nested(kit.field(8, 'w'), depth)), 'not an ONNX file')


def test_names_can_not_drive_the_terminal(show, program, tmp_path):
    show(kit.enlarge(2, more=kit.field(5, kit.outside('a\x1b[2J'))), 'a\\x1b[2J')
    assert '\x1b' not in program('models', 'show', tmp_path / 'net.onnx', '--engine-library', PACKAGES, code=1).out


def test_other_trouble(program, tmp_path):
    """No such file, no engine, no sub-command."""
    path = tmp_path / 'net.onnx'
    path.write_bytes(kit.enlarge(2))
    result = program('models', 'show', path, '--engine-library', tmp_path, code=1, env={'XDG_CACHE_HOME': str(tmp_path)})
    said = ' '.join(result.out.split())
    assert 'there is no libonnxruntime' in said and 'no engine is here' in said, said
    row, = program('models', 'show', '--json', tmp_path / 'absent.onnx', '--engine-library', tmp_path, code=1).json()
    assert 'absent.onnx' in row['why']
    assert 'takes names' in program('models', 'list', path, code=2).err


def test_a_crash_is_a_refusal(program, tmp_path):
    """What happens in the runtime happens in a process of its own; files behind it are looked at."""
    stub = pathlib.Path(os.environ.get('TA_BUILD', ROOT / 'build')) / 'tests' / 'onnx_stub.so'
    if not stub.exists():
        pytest.skip(f'{stub} is not built')
    for name in 'ab':
        (tmp_path / f'{name}.onnx').write_bytes(kit.enlarge(2))
    env = {'TA_STUB_VERSION': 'crash', 'XDG_CACHE_HOME': str(tmp_path / 'cache')}
    result = program('models', 'show', '--json', tmp_path / 'a.onnx', tmp_path / 'b.onnx', '--engine-library', stub, env=env, code=1)
    rows = result.json()
    assert len(rows) == 2 and all('crashed' in r['why'] and r['nodes'] == 2 for r in rows), rows
    assert not list((tmp_path / 'cache').glob('**/*.json'))  # a refusal is not kept


def test_what_was_found_is_kept(show, program, tmp_path):
    """By checksum: the second time no runtime is needed. What others wrote there is not believed."""
    row = show(kit.enlarge(3))
    kept, = (tmp_path / 'terminalai/models').glob('*.json')
    assert kept.stem == row['sha256']
    path = tmp_path / 'net.onnx'
    args = ('models', 'show', '--json', path, '--engine-library', '/nowhere')
    env = {'XDG_CACHE_HOME': str(tmp_path)}
    assert program(*args, env=env, code=0).json() == [row]
    for wrong in ('{}', '[', '', kept.read_text().replace('"factor": 3', '"factor": 99'), kept.read_text().replace('"planes": 3', '"planes": "x"'),
            kept.read_text().replace('"form": 2', '"form": 1')):
        kept.write_text(wrong)
        assert 'No such file' in program(*args, env=env, code=1).json()[0]['why'], wrong
    assert show(kit.enlarge(3)) == row and '"factor": 3' in kept.read_text()


def test_the_networks_of_the_assets(show):
    """The real ones, where they are."""
    folder = ROOT.parent / 'shared' / 'assets' / 'models'
    wanted = {'ESPCN_x2': (2, 1), 'FSRCNN_x2': (2, 1), 'realesr-animevideov3': (4, 3), 'span_ch48_x2_fp32': (2, 3), 'upconv7_photo_noise1_x2': (2, 3)}
    if not folder.is_dir():
        pytest.skip(f'{folder} is not there')
    for name, (factor, planes) in wanted.items():
        row = show((folder / f'{name}.onnx').read_bytes())
        assert (row['factor'], row['planes']) == (factor, planes), (name, row)
    known = show((folder / 'deint_ddd_vds.onnx').read_bytes())  # for something else
    assert (known['name'], known['purpose'], known['fits']) == ('deinterlace-ddd', 'deinterlace', True) and 'factor' not in known, known
