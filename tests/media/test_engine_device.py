"""ONNX Runtime with a graphics card, by a library of the tests that stands for both. No card has been seen yet."""

import os
import pathlib
import re
import subprocess

import pytest

import clips
import onnx_kit

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIZE = (96, 64)


@pytest.fixture
def card(program, tmp_path):
    """card(mode, *more): restores 25 frames by it and gives the messages; `pictures` has what came out and what must."""
    stub = pathlib.Path(os.environ.get('TA_BUILD', ROOT / 'build')) / 'tests' / 'onnx_device_stub.so'
    if not stub.exists():
        pytest.skip(f'{stub} is not built')
    source, out, network, log = (tmp_path / n for n in ('in.mkv', 'out.mkv', 'net.onnx', 'log'))
    clips.ffmpeg('-f', 'lavfi', '-i', 'color=gray:s=%dx%d:r=25:d=1,format=gbrp,noise=alls=90:allf=t' % SIZE, '-c:v', 'ffv1', *clips.BITEXACT, source)
    network.write_bytes(onnx_kit.enlarge(2))

    def run(mode, *more, code=0):
        result = program('restore', source, '-o', out, '-y', '--log-file', log, '--preset', 'clean', '--quality', 'fast', '--encoder', 'ffv1', '--resolution', '192x128', '--scale', 'neural', '--scale-model',
                         network, '--engine-library', stub, '--jobs', 1, *more, code=code, env={'TA_STUB_ORT': mode, 'TA_STUB_ORT_LOG': '1', 'XDG_CACHE_HOME': str(tmp_path / 'cache')})
        assert 'broken' not in result.err, result.err
        return result.err + log.read_text()

    def pictures():
        decoded = []
        for path, scale in ((source, 'scale=192:128:flags=neighbor,'), (out, '')):
            decoded.append(subprocess.run(['ffmpeg', '-v', 'error', '-i', path, '-vf', f'{scale}format=gbrp', '-f', 'rawvideo', '-'], check=True, stdout=subprocess.PIPE, timeout=60).stdout)
        assert len(decoded[0]) == 25 * 192 * 128 * 3
        return decoded

    run.pictures, run.stub = pictures, stub
    return run


def buffers(err):
    """(taken, of the engine's, bytes, planned) of the stage's last report."""
    found = re.findall(r"buffers (\d+) of the engine's (\d+), bytes (\d+) of (\d+) planned", err)
    assert found, err
    return tuple(int(n) for n in found[-1])


def runs(err):
    return [line for line in err.splitlines() if line.startswith('stub: run')]


@pytest.mark.sanitizer
@pytest.mark.parametrize('mode, pinned', [('', True), ('named', True), ('none', False), ('full', False)])
def test_pinned_memory(card, mode, pinned):
    """Where the card offers it, all that goes there and comes back lies in it, and it is given back; else it works as well."""
    err = card(mode, '--batch', 5)
    taken, own, held, planned = buffers(err)
    assert (taken, own) == (6, 6 if pinned else 0) and held == planned, err
    on_card = [line for line in runs(err) if 'on the card' in line]
    assert len(on_card) >= 5 and all(line.endswith('pinned' if pinned else 'ordinary') for line in on_card[-5:]), err
    wanted, got = card.pictures()
    assert wanted == got


def test_tiles_lie_there_too(card):
    err = card('', '--batch', 2, '--scale-tile', 64)
    taken, own, held, planned = buffers(err)
    assert (taken, own) == (8, 8) and held == planned, err
    assert [line for line in runs(err) if 'on the card' in line][-1].endswith('pinned'), err
    wanted, got = card.pictures()
    assert wanted == got


def test_the_processor_has_ordinary_memory(card):
    err = card('', '--device', 'cpu', '--batch', 3)
    assert buffers(err)[1] == 0 and not any('pinned' in line for line in runs(err)), err


def test_fallback_takes_what_the_card_had(card):
    """The processor goes on in the memory that was taken for the card."""
    err = card('lost', '--batch', 4, '--engine-fallback')
    assert 'goes on with the CPU' in err, err
    wanted, got = card.pictures()
    assert wanted == got


def test_a_lost_card_leaves_a_job_that_goes_on(card):
    err = card('lost', '--batch', 4, code=1)
    assert 'CUDA failure 719' in err and '--engine-fallback' in err, err
    card('', '--batch', 4)
    wanted, got = card.pictures()
    assert wanted == got


def test_devices_are_listed(program, card):
    row = next(e for e in program('engines', '--json', '--engine-library', card.stub, code=0).json() if e['name'] == 'onnx')
    assert [(d['kind'], d['provider'], d['works']) for d in row['devices']] == [('cpu', 'CPUExecutionProvider', True), ('gpu', 'CUDAExecutionProvider', True)], row


def test_the_bench_for_the_day_when_there_is_a_card(program, card, tmp_path):
    """Its table: a row for each number of pictures at a time."""
    network = tmp_path / 'net.onnx'
    done = subprocess.run(['python3', ROOT / 'bench' / 'neural.py', '--build', card.stub.parents[1], '--batches', network, '--library', card.stub, '--seconds', '1.6', '--size', '64x48'],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, check=False, env={**os.environ, 'HOME': program.home})
    text = done.stdout.decode()
    assert done.returncode == 0 and 'onnx 1.31.0, CUDAExecutionProvider' in text, (text, done.stderr.decode())
    rows = [[c.strip() for c in line.split('|')[1:-1]] for line in text.splitlines() if re.match(r'\| \d', line)]
    assert [r[0] for r in rows] == ['1', '8', '16', '32'] and all(r[3] == '6, 6' and float(r[1]) > 0 for r in rows), text
