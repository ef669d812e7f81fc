"""NVIDIA VFX against a library of the tests that holds callers to the vendor's rules. Not yet seen on a device."""

import os
import pathlib
import shutil

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOWHERE = {'PATH': '/nowhere', 'PYTHONPATH': '', 'TERMINALAI_ENGINE_LIBRARY': '', 'TA_STUB_VFX_LOG': '1'}


@pytest.fixture
def packages(tmp_path):
    """A folder of packages in which the stub has the names and places of the vendor's libraries."""
    stub = pathlib.Path(os.environ.get('TA_BUILD', ROOT / 'build')) / 'tests' / 'nvvfx_stub.so'
    if not stub.exists():
        pytest.skip(f'{stub} is not built')
    folder = tmp_path / 'packages [1]' / 'nvvfx' / 'libs'
    folder.mkdir(parents=True)
    for name in 'libVideoFX.so', 'libNVCVImage.so':
        shutil.copy(stub, folder / name)
    return folder.parents[1]


def nvvfx(program, *args, code=0, **env):
    result = program('engines', '--json', *args, code=code, env={**NOWHERE, **env})
    assert 'broken' not in result.err, result.err
    row = next(e for e in result.json() if e['name'] == 'nvvfx')
    row['calls'] = [line[6:] for line in result.err.splitlines() if line.startswith('stub: ')]
    return row


def test_works(program, packages):
    """Opened and proved, with the calls in the vendor's order, and everything given back."""
    row = nvvfx(program, '--engine-library', packages)
    assert row['works'] and row['version'] == '1.3.5' and row['library'] == str(packages / 'nvvfx/libs/libVideoFX.so'), row
    assert row['devices'] == [{'kind': 'gpu', 'provider': 'VideoSuperRes', 'vendor': 'NVIDIA', 'works': True}], row
    assert row['calls'] == ['stream', 'create VideoSuperRes', 'alloc device', 'alloc device', 'alloc pinned', 'alloc pinned', 'image SrcImage0 640x360',
        'image DstImage0 1280x720', 'set QualityLevel 1', 'load', 'transfer up', 'run', 'transfer down', 'destroy'], row['calls']
    for place in (packages / 'nvvfx/libs', packages / 'nvvfx/libs/libVideoFX.so'):
        assert nvvfx(program, '--engine-library', place)['library'] == row['library']
    assert nvvfx(program, PYTHONPATH=str(packages))['works']
    doctor = program('doctor', '--json', env={**NOWHERE, 'PYTHONPATH': str(packages)}).json()
    assert [e['state'] for e in doctor if e['what'] == 'engine nvvfx'] == ['ok', 'ok'], doctor


@pytest.mark.parametrize('mode, why', [('black', 'made a black picture'), ('no-ngx', 'libnvidia-ngx.so.1'), ('no-card', 'nvidia-smi'),
    ('no-driver', '570.190'), ('memory', 'not enough memory'), ('run', 'running the effect')])
def test_failures(program, packages, mode, why):
    """Each is told with what to do about it; all that was made before is given back."""
    row = nvvfx(program, '--engine-library', packages, code=1, TA_STUB_VFX=mode)
    assert not row['works'] and why in row['devices'][0]['why'] and '\x1b' not in row['devices'][0]['why'], row
    text = program('engines', '--engine-library', packages, env={**NOWHERE, 'TA_STUB_VFX': mode}, code=1).out
    assert 'nvvfx' in text and 'fails' in text, text


def test_wrong_libraries(program, packages, tmp_path):
    libs = packages / 'nvvfx/libs'
    row = nvvfx(program, '--engine-library', packages, code=1, TA_STUB_VFX='old')
    assert 'it is version 0.7; needed is 1.2' in row['why'] and 'pip install nvidia-vfx' in row['advice'], row
    whole = (libs / 'libNVCVImage.so').read_bytes()
    (libs / 'libNVCVImage.so').write_bytes(whole[:3000])
    assert 'libNVCVImage.so: its end is missing' in nvvfx(program, '--engine-library', packages, code=1)['why']
    (libs / 'libNVCVImage.so').unlink()
    assert 'there is no libNVCVImage.so* beside it' in nvvfx(program, '--engine-library', packages, code=1)['why']
    stub = pathlib.Path(os.environ.get('TA_BUILD', ROOT / 'build')) / 'tests' / 'onnx_stub.so'
    for name in 'libVideoFX.so', 'libNVCVImage.so':
        shutil.copy(stub, libs / name)
    assert 'it is not NVIDIA VFX: there is no NvVFX_GetVersion' in nvvfx(program, '--engine-library', packages, code=1)['why']
    (libs / 'libVideoFX.so').write_bytes(b'hello' * 100)
    assert 'ELF' in nvvfx(program, '--engine-library', packages, code=1)['why']
    assert 'No such file' in nvvfx(program, '--engine-library', tmp_path / 'libVideoFX.so', code=1)['why']


def test_broken_parts_are_notes(program, packages):
    """Those that only some effects need."""
    (packages / 'nvvfx/libs/libnvinfer.so.10').write_bytes(b'hello' * 100)
    row = nvvfx(program, '--engine-library', packages)
    assert row['works'] and len(row['notes']) == 1 and 'libnvinfer.so.10' in row['notes'][0], row


def test_a_library_of_another_engine(program, packages, tmp_path):
    """A file with the name of one engine's library says nothing about the other's."""
    runtime = tmp_path / 'libonnxruntime.so.1.30.0'
    runtime.write_bytes(b'hello' * 100)
    row = nvvfx(program, '--engine-library', runtime, code=1, PYTHONPATH=str(packages))
    assert row['works'], row
    rows = program('engines', '--json', '--engine-library', packages / 'nvvfx/libs/libVideoFX.so', env=NOWHERE).json()
    assert 'ELF' not in rows[0].get('why', '') and 'OrtGetApiBase' not in rows[0].get('why', ''), rows


def test_none(program):
    row = nvvfx(program)
    if 'library' in row:
        pytest.skip(f'the system has one: {row["library"]}')
    assert row['why'] == 'NVIDIA VFX is not found' and row['devices'] == []
    doctor = program('doctor', '--json', env={'PATH': '/nowhere', 'PYTHONPATH': ''}).json()
    assert [e['state'] for e in doctor if e['what'] == 'engine nvvfx'] == ['note'], doctor
