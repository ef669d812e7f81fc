"""Sound cleaned and widened by networks: tiny ones that leave sound as it is, or do what can be predicted, by their names in a manifest of the user."""

import array
import json
import os
import pathlib
import struct
import subprocess

import pytest

import judge
import sound_kit as kit
from sound_network_kit import known, runtime_folder, treble, voice



@pytest.fixture(scope='module')
def runtime():
    folder = runtime_folder()
    if not folder:
        pytest.skip('there is no ONNX Runtime in the build folder')
    return folder


def neural(runtime, *more):
    return ['--audio-enhance', 'neural', '--audio-model', 'gtcrn', '--engine-library', str(runtime), '--audio-codec', 'pcm', *more]


def lowpassed(seconds, rate):
    """Noise with nothing above 5 kHz, so that 16 kHz hold it: neighbours averaged until little else is left."""
    values = kit.noise(seconds, rate, 0.3)
    for _ in range(2):
        width = max(1, round(rate / 8000))
        sums, total = [], 0.0
        for i, v in enumerate(values):
            total += v - (values[i - width] if i >= width else 0)
            sums.append(total / width)
        values = sums
    return values


@pytest.mark.parametrize('rate', [8000, 16000, 22050, 44100, 48000, 96000])
def test_nothing_moves(program, runtime, tmp_path, rate):
    """A network that changes nothing leaves sound where it was, as long as it was, at any rate."""
    values = lowpassed(1.5, rate)
    wav, out = kit.write_wav(tmp_path / 'a.wav', [values, [-v for v in values]], rate), tmp_path / 'o.wav'
    program('audio', wav, '-o', out, *neural(runtime), env=known(tmp_path, gtcrn=voice()), code=0)
    (got, other), info = kit.samples(out)
    assert int(info['sample_rate']) == rate and len(got) == len(values)
    assert kit.delay(values, got) == 0
    assert max(abs(a + b) for a, b in zip(got, other)) < 2e-4
    middle = slice(len(values) // 4, len(values) * 3 // 4)
    error = kit.power([a - b for a, b in zip(values[middle], got[middle])])
    assert error < 0.05 * kit.power(values[middle]), f'{error} of {kit.power(values[middle])}'


def test_state_goes_on(program, runtime, tmp_path):
    """What the network remembers goes from call to call: a tone grows evenly, and a piece is made twice to the same bytes."""
    wav, out = kit.write_wav(tmp_path / 'a.wav', [kit.tone(2, 1000, 16000, 0.2)], 16000), tmp_path / 'o.wav'
    env = known(tmp_path, gtcrn=voice(fade=True))
    program('audio', wav, '-o', out, *neural(runtime), env=env, code=0)
    (got,), _ = kit.samples(out)
    for at in (0.25, 0.5, 1, 1.5):
        level = (2 * kit.power(got[int(at * 16000) - 160:int(at * 16000) + 160])) ** 0.5 / 0.2
        assert abs(level - 0.01 * (at * 16000 / 256 + 1)) < 0.02, (at, level)
    first = judge.sha256(out)
    program('audio', wav, '-o', out, *neural(runtime, '--overwrite'), env=env, code=0)
    assert judge.sha256(out) == first


def test_ten_files_load_once(program, runtime, tmp_path):
    env, files = known(tmp_path, gtcrn=voice()), []
    for i in range(10):
        files.append(kit.write_wav(tmp_path / f'{i}.wav', [kit.noise(0.3, 16000, seed=i)], 16000))
    program('audio', *files, '-o', tmp_path / 'out', *neural(runtime), env=env, code=0)
    counts = [judge.report(p)['networks'] for p in sorted((tmp_path / 'out').glob('*.wav'))]
    assert len(counts) == 10 and {c['loads'] for c in counts} == {1}
    assert sorted(c['hits'] for c in counts)[-1] >= 9


def test_limit_and_link(program, runtime, tmp_path):
    """A network that silences all: what is kept of the sound is what the limit says; linked channels get one answer."""
    quiet = voice(fade=True).replace(struct.pack('<f', 0.01), struct.pack('<f', 0.0))
    values = kit.tone(1, 500, 16000, 0.4)
    wav, env = kit.write_wav(tmp_path / 'a.wav', [values, [0.5 * v for v in values]], 16000), known(tmp_path, gtcrn=quiet)
    for link in ([], ['--audio-link']):
        out = tmp_path / f'{len(link)}.wav'
        program('audio', wav, '-o', out, *neural(runtime, '--audio-reduction', '20', *link), env=env, code=0)
        (left, right), _ = kit.samples(out)
        assert abs(kit.power(left) / kit.power(values) - 0.01) < 2e-4
        assert abs(kit.power(right) / kit.power(left) - 0.25) < 0.01


def test_treble(program, runtime, tmp_path):
    """Narrow tracks come out at 48 kHz, three times as many samples, unmoved; wide ones are left alone."""
    values = lowpassed(1, 16000)
    wav, out = kit.write_wav(tmp_path / 'a.wav', [values], 16000), tmp_path / 'o.wav'
    env = known(tmp_path, flashsr_lite=treble())
    program('audio', wav, '-o', out, '--audio-extend', 'narrow', '--audio-codec', 'pcm', '--engine-library', str(runtime), env=env, code=0)
    (got,), info = kit.samples(out)
    assert int(info['sample_rate']) == 48000 and len(got) == 3 * len(values)
    low, _ = kit.samples(out, rate=16000)
    assert kit.delay(values, low[0]) == 0
    assert 'the treble above 8 kHz is guessed' in json.dumps(judge.report(out)['plan'])
    wide = kit.write_wav(tmp_path / 'b.wav', [kit.noise(3, 48000)], 48000)
    program('audio', wide, '-o', tmp_path / 'p.wav', '--audio-extend', 'narrow', '--engine-library', str(runtime), env=env, code=0)
    assert 'sound' not in judge.report(tmp_path / 'p.wav')['plan']


def test_treble_of_speech(program, runtime, tmp_path):
    """FlashSR itself: speech that was narrowed gets back treble of about the strength that it had, and keeps what it has."""
    assets = pathlib.Path(os.environ.get('TA_ASSETS') or pathlib.Path(__file__).parents[2] / '../shared/assets') / 'audio/dfn_clean_freesound_33711.wav'
    network = assets.parents[1] / 'models/audio/flashsr/model_lite.onnx'
    if not assets.exists() or not network.exists():
        pytest.skip('there are no assets')
    cut = ['ffmpeg', '-v', 'error', '-y', '-ss', '1', '-t', '4', '-i', str(assets), '-ac', '1']
    subprocess.run([*cut, '-ar', '48000', tmp_path / 'wide.wav'], check=True)
    subprocess.run([*cut, '-ar', '16000', tmp_path / 'narrow.wav'], check=True)
    env, out = known(tmp_path, flashsr_lite=network.read_bytes()), tmp_path / 'o.wav'
    program('audio', tmp_path / 'narrow.wav', '-o', out, '--audio-extend', 'narrow', '--audio-codec', 'pcm', '--engine-library', str(runtime), env=env, code=0)

    def band(path, text):
        raw = subprocess.run(['ffmpeg', '-v', 'error', '-i', path, '-af', 'aresample=48000,' + text, '-f', 'f32le', '-'], stdout=subprocess.PIPE, check=True).stdout
        return array.array('f', raw)
    above, below = 'highpass=f=9000:p=2,highpass=f=9000:p=2,highpass=f=9000:p=2', 'lowpass=f=5000:p=2,lowpass=f=5000:p=2'
    plain, made, truth = (kit.power(band(path, above)) for path in (tmp_path / 'narrow.wav', out, tmp_path / 'wide.wav'))
    assert plain < 0.05 * truth, (plain, truth)
    assert 0.1 * truth < made < 4 * truth, (made, truth)
    was, kept = band(tmp_path / 'wide.wav', below), band(out, below)
    assert abs(len(was) - len(kept)) <= 48
    n = min(len(was), len(kept))
    assert kit.delay(was[:n], kept[:n]) <= 1
    assert kit.power([x - y for x, y in zip(was[:n], kept[:n])]) < 0.01 * kit.power(was)


def test_what_is_missing_is_named(program, runtime, tmp_path):
    wav, env = kit.write_wav(tmp_path / 'a.wav', [kit.noise(0.3, 16000)], 16000), known(tmp_path)
    args = ['audio', wav, '-o', tmp_path / 'o.wav', '--audio-enhance', 'neural']
    done = program(*args, env=env, code=1)
    assert 'terminalai models fetch rnnoise-sh' in done.err and 'pip install onnxruntime' in done.err
    done = program(*args, '--audio-model', 'gtcrn', env=env, code=1)
    assert 'terminalai models fetch gtcrn' in done.err
    done = program(*args[:-2], '--audio-extend', 'always', env=env, code=1)
    assert 'terminalai models fetch flashsr-lite' in done.err
    env = known(tmp_path, gtcrn=voice())
    nowhere = tmp_path / 'none'
    nowhere.mkdir()
    done = program(*args, '--audio-model', 'gtcrn', '--engine-library', nowhere, env=env, code=1)
    assert 'libonnxruntime' in done.err or 'ONNX Runtime' in done.err, done.err


@pytest.mark.parametrize('fault', ['name', 'changed', 'garbage'])
def test_other_networks_are_refused(program, runtime, tmp_path, fault):
    """A network of another form, one that changed after planning, and bytes that are none: one clear error, no crash."""
    wav = kit.write_wav(tmp_path / 'a.wav', [kit.noise(0.3, 16000)], 16000)
    content = {'name': voice(rename=b'out'), 'changed': voice(), 'garbage': bytes(range(256)) * 8}[fault]
    env, out = known(tmp_path, gtcrn=content), tmp_path / 'o.wav'
    if fault == 'changed':
        plan = tmp_path / 'plan.json'
        plan.write_text(program('plan', wav, '-o', out, '--pictures', 'copy', *neural(runtime), '--json', env=env, code=0).out)
        (tmp_path / 'data/terminalai/models/gtcrn.onnx').write_bytes(voice(fade=True))
        done = program('task', '--plan', plan, '--task', json.loads(plan.read_text())['tasks'][0]['stem'], env={**env, 'TERMINALAI_ENGINE_LIBRARY': str(runtime)}, code=1)
        assert 'it has changed' in done.err
    else:
        done = program('audio', wav, '-o', out, *neural(runtime), env=env, code=1)
        assert ('no output "enh" of the form' if fault == 'name' else 'gtcrn') in done.err, done.err
    assert not out.exists()
