"""Engines: where their libraries are found, and what is said of those that are missing or wrong."""

import os
import pathlib
import shutil

import pytest

import judge

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = ROOT / 'build' / 'engines'
NOWHERE = {'PATH': '/nowhere', 'PYTHONPATH': '', 'TERMINALAI_ENGINE_LIBRARY': ''}
BELOW = pathlib.Path('onnxruntime/capi/libonnxruntime.so.1.99.0')


@pytest.fixture
def stub():
    path = pathlib.Path(os.environ.get('TA_BUILD', ROOT / 'build')) / 'tests' / 'onnx_stub.so'
    if not path.exists():
        pytest.skip(f'{path} is not built')
    return path


@pytest.fixture
def packages():
    """A folder of packages with the real runtime."""
    if not list(PACKAGES.glob('onnxruntime/capi/libonnxruntime.so*')):
        pytest.skip('no ONNX Runtime in build/engines; setup.sh --test puts one there')
    return PACKAGES


def onnx(program, *args, code=0, env=None):
    found = program('engines', '--json', *args, code=code, env={**NOWHERE, **(env or {})}).json()
    return next(e for e in found if e['name'] == 'onnx')


def test_real_runtime(program, packages):
    found = onnx(program, '--engine-library', packages)
    assert found['works'] and found['version'].startswith('1.') and found['notes'] == [], found
    cpu = found['devices'][0]
    assert cpu['works'] and cpu['kind'] == 'cpu' and cpu['provider'] == 'CPUExecutionProvider', cpu
    text = program('engines', '--engine-library', packages, env=NOWHERE, code=0).out
    assert text.startswith('onnx') and text.split()[1] == 'works' and 'fails' not in text, text
    library = found['library']
    assert onnx(program, '--engine-library', library)['library'] == library
    assert onnx(program, '--engine-library', os.path.dirname(library))['library'] == library
    doctor = program('doctor', '--json', '--engine-library', library, env=NOWHERE, code=0).json()
    lines = [e for e in doctor if e['what'] == 'engine onnx']
    assert [e['state'] for e in lines] == ['ok', 'ok'] and library in lines[0]['found'], lines


def test_a_plugin_that_is_half_there_is_a_note(program, packages, tmp_path):
    """The networks still run, on what else there is."""
    shutil.copytree(packages / 'onnxruntime' / 'capi', tmp_path / 'onnxruntime' / 'capi', ignore=shutil.ignore_patterns('*.py', '*pybind*'))
    plugin = tmp_path / 'onnxruntime_ep_webgpu' / 'libonnxruntime_providers_webgpu.so'
    plugin.parent.mkdir()
    real = next(packages.glob('onnxruntime/capi/libonnxruntime.so*'))
    for content, why in (real.read_bytes()[:3000], 'its end is missing'), (b'no library' * 50, 'ELF'):
        plugin.write_bytes(content)
        found = onnx(program, '--engine-library', tmp_path)
        assert found['works'] and len(found['devices']) == 1, found
        assert len(found['notes']) == 1 and str(plugin) in found['notes'][0] and why in found['notes'][0], found['notes']


def test_none(program):
    """That there is none is an answer, and nothing else needs one."""
    found = onnx(program)
    if found['works']:
        pytest.skip(f'the system has one: {found["library"]}')
    assert 'not found' in found['why'] and 'pip install onnxruntime' in found['advice'] and found['devices'] == []
    doctor = program('doctor', '--json', env={'PATH': '/nowhere', 'PYTHONPATH': ''}).json()
    assert [e['state'] for e in doctor if e['what'] == 'engine onnx'] == ['note']


def wrong(tmp_path, stub):
    """Files and folders at which the option may point, and a part of what is said."""
    folder, text, empty, half, head = (tmp_path / n for n in ('folder', 'text.so', 'empty.so', 'half.so', 'head.so'))
    folder.mkdir()
    text.write_text('hello' * 50)
    empty.write_bytes(b'')
    half.write_bytes(stub.read_bytes()[:2000])
    head.write_bytes(stub.read_bytes()[:40])
    library = stub.parents[1] / 'libterminalai.so'
    return (tmp_path / 'absent', 'No such file'), (folder, 'there is no libonnxruntime.so'), (text, 'ELF'), (empty, 'file too short'), \
        (half, 'its end is missing'), (head, 'its end is missing'), ('/dev/zero', 'not a file'), (library, 'no OrtGetApiBase')


def test_wrong_libraries(program, tmp_path, stub):
    for path, why in wrong(tmp_path, stub):
        found = onnx(program, '--engine-library', path, code=1)
        assert not found['works'] and why in found['why'] and str(path)[:-3] in found['why'], (path, found)
        assert onnx(program, code=1, env={'TERMINALAI_ENGINE_LIBRARY': str(path)}) == found
        doctor = program('doctor', '--json', '--engine-library', path, env=NOWHERE, code=1).json()
        problem, = [e for e in doctor if e['what'] == 'engine onnx']
        assert problem['state'] == 'problem' and problem['code'] == found['code'] and problem['message'] == problem['found'], problem


@pytest.mark.parametrize('version, why', [('1.21.3', 'it is version 1.21.3; needed is 1.22'), ('2.0', 'it is version 2.0'), ('new', 'does not tell'),
    ('1.30.0', 'has no interface of version 23'), ('1.22.1', 'has no interface of version 22'), ('1\x1b[2J', 'does not tell')])
def test_versions(program, stub, version, why):
    """One that is too old is not asked for an interface that it lacks. None is loaded before its reports are off."""
    result = program('engines', '--engine-library', stub, env={**NOWHERE, 'TA_STUB_VERSION': version}, code=1)
    assert why in ' '.join(result.out.split()) and '\x1b' not in result.out, result.out
    asked = {'1.30.0': ['stub: asked for 23'], '1.22.1': ['stub: asked for 22']}.get(version, [])
    assert result.err.splitlines() == ['stub: telemetry off', *asked], result.err


def test_order_of_places(program, stub, tmp_path):
    """Named by option, by environment, then in Python's packages; each is tried, and the reasons are told in that order."""
    env = {**NOWHERE, 'TA_STUB_VERSION': '1.20.0', 'HOME': str(tmp_path / 'home')}
    folders = {'PYTHONPATH': tmp_path / 'own', 'home': tmp_path / 'home/.local/lib/python3.11/site-packages',
        'PATH': tmp_path / 'venv [1]/lib/python3.12/site-packages', 'real': tmp_path / 'real/lib/python3/dist-packages',
        'shims': tmp_path / 'many/versions/3.9/lib/python3.9/site-packages'}
    for folder in folders.values():
        (folder / BELOW).parent.mkdir(parents=True)
        shutil.copy(stub, folder / BELOW)
    for name in ('venv [1]/bin', 'real/bin', 'linked', 'many/shims'):
        (tmp_path / name).mkdir(exist_ok=True)
    (tmp_path / 'real/bin/python3').write_text('')
    (tmp_path / 'linked/python3').symlink_to(tmp_path / 'real/bin/python3')
    env['PYTHONPATH'] = f'relative:{folders["PYTHONPATH"]}/'
    env['PATH'] = ':'.join(str(tmp_path / n) for n in ('venv [1]/bin', 'linked', 'many/shims'))
    why = onnx(program, env=env)['why']
    places = [why.find(str(folder / BELOW)) for folder in folders.values()]
    assert -1 not in places and places == sorted(places), why
    named = onnx(program, '--engine-library', folders['real'], env=env, code=1)['why']
    assert named.count('it is version') == 1 and str(folders['real']) in named
    env['TERMINALAI_ENGINE_LIBRARY'] = str(folders['home'] / BELOW)
    named = onnx(program, env=env, code=1)['why']
    assert named.count('it is version') == 1 and str(folders['home']) in named


def test_first_that_works_is_taken(program, stub, packages, tmp_path):
    """One that does not work is told beside the one that does."""
    (tmp_path / BELOW).parent.mkdir(parents=True)
    shutil.copy(stub, tmp_path / BELOW)
    found = onnx(program, env={'PYTHONPATH': f'{tmp_path}:{packages}', 'TA_STUB_VERSION': '1.2.0'})
    assert found['works'] and found['library'].startswith(str(packages)), found
    assert len(found['notes']) == 1 and 'it is version 1.2.0' in found['notes'][0]


def test_the_variable_is_no_unknown_option(program, tmp_path):
    """It is told from misspelt options by commands that read those."""
    result = program('plan', tmp_path / 'absent.avi', env={'TERMINALAI_ENGINE_LIBRARY': '/x', 'TERMINALAI_CFR': '1'}, code=1)
    assert 'TERMINALAI_CFR' in result.err and 'ENGINE_LIBRARY' not in result.err, result.err
