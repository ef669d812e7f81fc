"""Networks that are broken or meant to do harm: each is refused with a reason, and nothing crashes."""

import os
import pathlib
import random
import struct

import pytest

import onnx_kit as kit

PACKAGES = pathlib.Path(__file__).resolve().parents[2] / 'build' / 'engines'
IN, OUT = kit.picture('x'), kit.picture('y', 3, 'k', 'v')
GOOD = [kit.node('Concat', ['x'] * 4, 't', axis=1), kit.node('DepthToSpace', ['t'], 'y', blocksize=2)]
ADD = [kit.node('Add', ['x', 'w'], 'y')]


def network(nodes, more=b'', given=(IN,), made=(OUT,)):
    return kit.model(nodes, given, made, more)


def negative(field, n):
    return kit.varint(field << 3) + kit.varint(n & 2**64 - 1)


def weight(dims, raw=None, kind=kit.FLOAT):
    return kit.field(5, b''.join(negative(1, d) for d in dims) + kit.field(2, kind) + kit.field(8, 'w') + (kit.field(9, raw) if raw is not None else b''))


def of_version(ir, operators):
    """The good network with other versions; operators None: it names none."""
    sets = b'' if operators is None else kit.field(8, negative(2, operators))
    return negative(1, ir) + kit.field(7, b''.join(kit.field(1, n) for n in GOOD) + kit.field(2, 't') + kit.field(11, IN) + kit.field(12, OUT)) + sets


def sized(height, width):
    sides = kit.field(1, kit.field(1, 1)) + kit.field(1, kit.field(1, 3)) + kit.field(1, negative(1, height)) + kit.field(1, negative(1, width))
    return kit.field(1, 'x') + kit.field(2, kit.field(1, kit.field(1, kit.FLOAT) + kit.field(2, sides)))


def own(name, calls):
    """A function of the file that is nothing but a call of another."""
    call = kit.field(1, 'x') + kit.field(2, 'y') + kit.field(4, calls) + kit.field(7, 'own')
    return kit.field(25, kit.field(1, name) + kit.field(4, 'x') + kit.field(5, 'y') + kit.field(7, call) + kit.field(9, kit.field(1, 'own') + kit.field(2, 1)) + kit.field(10, 'own'))


def of_domain(operator, domain, more=b''):
    return network([kit.field(1, 'x') + kit.field(2, 'y') + kit.field(4, operator) + kit.field(7, domain)]) + kit.field(8, kit.field(1, domain) + kit.field(2, 1)) + more


def outside(location, flag=True):
    return kit.field(5, kit.field(1, 4) + kit.field(2, kit.FLOAT) + kit.field(8, 'w') + kit.field(13, kit.field(1, 'location') + kit.field(2, location)) + (kit.field(14, 1) if flag else b''))


HOSTILE = {
    # Graphs that make no sense.
    'cycle': (network([kit.node('Add', ['x', 'b'], 'a'), kit.node('Relu', ['a'], 'b'), kit.node('Add', ['a', 'b'], 'y')]), 'acyclic'),
    'of itself': (network([kit.node('Add', ['x', 'y'], 'y')]), 'acyclic'),
    'made twice': (network([kit.node('Relu', ['x'], 'y')] * 2), 'Duplicate'),
    'given twice': (network(GOOD, given=(IN, IN)), 'Duplicate'),
    'made nowhere': (network([kit.node('Relu', ['w'], 'y')]), "'w'"),
    'no nodes': (network([]), 'ONNX Runtime'),
    'no output': (network(GOOD, made=()), ''),
    'one number': (network([kit.node('ReduceMax', ['x'], 'y', keepdims=0)], made=(kit.value('y', []),)), 'expected is'),
    'many inputs': (network(GOOD, given=(IN, *(kit.picture(f'x{i}') for i in range(1000)))), 'at most 16'),
    'functions that call each other': (of_domain('A', 'own', own('A', 'B') + own('B', 'A')), 'ONNX Runtime'),
    'a function that calls itself': (of_domain('A', 'own', own('A', 'A')), 'ONNX Runtime'),
    'operators of others': (of_domain('Harm', 'com.example'), 'Harm'),
    # Sizes.
    'weight of 2^64 numbers': (network(ADD, weight([2**31, 2**31, 4])), 'ONNX Runtime'),
    'weight of 4 TB': (network(ADD, weight([2**40], b'abcd')), 'ONNX Runtime'),
    'weight of a negative size': (network(ADD, weight([-5], b'abcd')), 'ONNX Runtime'),
    'weight that is too short': (network(ADD, weight([1, 3, 100, 100], b'abcd')), "'w'"),
    'weight that is too long': (network(ADD, weight([1], b'abcd' * 100)), 'ONNX Runtime'),
    'kind of weight that there is not': (network(GOOD, given=(kit.value('x', [1, 3, 'h', 'w'], 999),)), '999'),
    'pictures of 2^40 lines': (network(GOOD, given=(sized(2**40, 2**40),)), 'at most 1024 x 1024'),
    'pictures without lines': (network(GOOD, given=(sized(0, 0),)), 'as large as the one it is given'),
    'grows to 2^40 numbers': (network([kit.node('ConstantOfShape', ['w'], 'b'), kit.node('ReduceSum', ['b'], 'r', keepdims=0), kit.node('Add', ['x', 'r'], 'y')],
                                      weight([2], struct.pack('<2q', 2**20, 2**20), kit.INT64)), 'memory'),
    'grows to 16 GB': (network([kit.node('ConstantOfShape', ['w'], 'b'), kit.node('ReduceSum', ['b'], 'r', keepdims=0), kit.node('Add', ['x', 'r'], 'y')],
                               weight([2], struct.pack('<2q', 2**16, 2**16), kit.INT64)), 'memory'),
    'enlarges 100000 times': (network([kit.node('Resize', ['x', '', 'w'], 'y')], weight([4], struct.pack('<4f', 1, 1, 1e5, 1e5))), '1 to 8 times'),
    # Versions.
    'operators of version 0': (of_version(8, 0), 'ONNX Runtime'),
    'operators of version -1': (of_version(8, -1), 'ONNX Runtime'),
    'operators of version 999': (of_version(8, 999), '999'),
    'operators of no version': (of_version(8, None), 'ONNX Runtime'),
    'form 0': (of_version(0, 13), 'not an ONNX file'),
    'form 999': (of_version(999, 13), '999'),
    'form -1': (of_version(-1, 13), 'not an ONNX file'),
    # Other files, and memory of the process as if it were one.
    'a file from the root': (network(GOOD, outside('/etc/passwd')), '"/etc/passwd"'),
    'a file above': (network(GOOD, outside('../../secret')), '"../../secret"'),
    'a file that is not said to be one': (network(GOOD, outside('w.bin', flag=False)), '"w.bin"'),
    'memory': (network(GOOD, outside('*/_ORT_MEM_ADDR_/*')), '_ORT_MEM_ADDR_'),
    # Bytes.
    'a group that does not end': (network(GOOD) + b'\x0b' * 10, 'not an ONNX file'),
    'a number that does not end': (b'\xff' * 12 + network(GOOD), 'not an ONNX file'),
    'a length of 2^63': (kit.varint(7 << 3 | 2) + kit.varint(2**63) + b'abc', 'not an ONNX file'),
    'a name that is no text': (network([kit.field(1, 'x') + kit.field(2, 'y') + kit.field(4, b'Re\xff\xfelu\x1b[2J')]), r'\xff\xfelu\x1b'),
}


@pytest.fixture
def look(program, tmp_path):
    """look(bytes, ...): what is said of such files, in their order."""
    if not list(PACKAGES.glob('onnxruntime/capi/libonnxruntime.so*')):
        pytest.skip('no ONNX Runtime in build/engines; setup.sh --test puts one there')

    def run(*contents):
        paths = [tmp_path / f'{i}.onnx' for i in range(len(contents))]
        for path, content in zip(paths, contents):
            path.write_bytes(content)
        result = program('models', 'show', '--json', *paths, '--engine-library', PACKAGES, code=(0, 1), env={'XDG_CACHE_HOME': str(tmp_path)}, timeout=300)
        assert not result.err, result.err
        rows = result.json()
        assert [r['file'] for r in rows] == [str(p) for p in paths]
        return rows

    return run


def test_each_is_refused_with_a_reason(look):
    for (name, (_, why)), row in zip(HOSTILE.items(), look(*(content for content, _ in HOSTILE.values()))):
        assert not row['fits'] and row['why'] and why in row['why'] and 'crashed' not in row['why'] and '\x1b' not in row['why'], (name, row)
    good, = look(network(GOOD))
    assert good['fits'] and good['factor'] == 2, good


@pytest.mark.skipif(os.environ.get('TA_SANITIZER') == '1', reason='memory is not limited there')
def test_bytes_that_were_changed(look):
    """Of a network with weights: whatever became of it, it fits or is refused."""
    whole = kit.weighted(1.0)
    rows, r = [], random.Random(7)
    for _ in range(40):
        b = bytearray(whole)
        for _ in range(r.choice((1, 1, 3, 8))):
            at = r.randrange(len(b))
            if r.random() < 0.7:
                b[at] ^= 1 << r.randrange(8)
            else:
                del b[at:at + r.randrange(1, 9)]
        rows.append(bytes(b))
    for row in look(*rows):
        assert row['fits'] or row['why'] and 'crashed' not in row['why'], row


@pytest.mark.parametrize('name', ['cycle', 'weight of 4 TB', 'a file above', 'operators of version 999'])
def test_restore_refuses_it_too(program, look, tmp_path, name):
    """Before anything is made, with the reason and what to do."""
    source, path = tmp_path / 'in.mkv', tmp_path / 'net.onnx'
    path.write_bytes(HOSTILE[name][0])
    program('simulate', '-o', source, '--frames', '10', code=0)
    refused = program('restore', source, '-o', tmp_path / 'out.mkv', '--scale', 'neural', '--scale-model', path, '--engine-library', PACKAGES, env={'XDG_CACHE_HOME': str(tmp_path)})
    assert refused.code in (1, 2) and 'scale.neural' in refused.err and HOSTILE[name][1] in refused.err, refused
    assert not list(tmp_path.glob('out.*')), list(tmp_path.iterdir())
