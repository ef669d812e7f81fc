"""Restored sound that is stopped, by a kill or a disk that is full: it goes on to the same bytes."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'media'))

import judge  # noqa: E402
import sound_kit as sound  # noqa: E402
from sound_network_kit import known, runtime_folder, voice  # noqa: E402

RECIPE = ['--loudness', '-20', '--audio-enhance', 'moderate', '--progress', 'none', '--jobs', '2']


@pytest.fixture(scope='module')
def long(tmp_path_factory):
    """An hour of noise and pauses at 8 kHz: six pieces."""
    path = tmp_path_factory.mktemp('hour') / 'hour.wav'
    values = [v if i // 8000 % 4 else v / 50 for i, v in enumerate(sound.noise(12, rate=8000, level=0.2))]
    short = sound.write_wav(path.with_name('short.wav'), [values], rate=8000)
    subprocess.run(['ffmpeg', '-v', 'error', '-stream_loop', '299', '-i', str(short), '-c', 'copy', str(path)], check=True)
    return path


@pytest.fixture(scope='module')
def whole(program, long):
    out = long.with_name('whole.flac')
    program('audio', long, '-o', out, *RECIPE, code=0)
    return judge.sha256(out)


def lies(folder, wait):
    """Is it there: a file of that name, any track that is half-made ("part"), a task in the journal ("done NAME")?"""
    if wait.startswith('done '):
        journal = folder / 'journal.jsonl'
        return journal.exists() and f'"task":"{wait[5:]}"' in journal.read_text()
    return bool(list(folder.glob('sound-*.part' if wait == 'part' else wait)))


def killed(source, out, recipe, wait, env=None):
    """Starts, and kills when what is waited for lies in the work folder."""
    folder = judge.work_folder(out)
    run = subprocess.Popen([os.environ['TERMINALAI'], 'audio', str(source), '-o', str(out), *recipe], stderr=subprocess.PIPE, env={**os.environ, **(env or {})})
    end = time.monotonic() + 60
    while time.monotonic() < end and run.poll() is None and not lies(folder, wait):
        time.sleep(0.002)  # timed wait: for another process's files
    run.send_signal(signal.SIGKILL)
    run.communicate()
    return folder


@pytest.mark.parametrize('wait', ['snd-0-00000.nut', 'snd-0-00003.nut', 'part', 'sound-0.packets'])
def test_kill(program, long, whole, tmp_path, wait):
    """Killed when the first piece, the fourth, anything half-made, or the whole track lies there."""
    out = tmp_path / 'out.flac'
    folder = killed(long, out, RECIPE, wait)
    program('audio', long, '-o', out, *RECIPE, code=0)
    assert judge.sha256(out) == whole and not folder.exists()


def test_kill_with_a_network(program, long, tmp_path):
    """The first of three pieces is there; the second begins in the middle of what a network hears."""
    runtime = runtime_folder()
    if not runtime:
        pytest.skip('there is no ONNX Runtime in the build folder')
    env, source = known(tmp_path, gtcrn=voice()), tmp_path / 'in.wav'
    subprocess.run(['ffmpeg', '-v', 'error', '-i', str(long), '-t', '1210', '-c', 'copy', str(source)], check=True)
    recipe = ['--audio-enhance', 'neural', '--audio-model', 'gtcrn', '--engine-library', str(runtime), '--loudness', '-20', '--progress', 'none', '--jobs', '2']
    program('audio', source, '-o', tmp_path / 'whole.flac', *recipe, env=env, code=0)
    out = tmp_path / 'out.flac'
    folder = killed(source, out, recipe, 'done snd-0-00000', env)  # a file alone may not be in the journal yet
    assert (folder / 'snd-0-00000.nut').exists(), 'it was over before it was killed'
    program('audio', source, '-o', out, *recipe, env=env, code=0)
    assert judge.sha256(out) == judge.sha256(tmp_path / 'whole.flac') and not folder.exists()
    assert judge.report(out)['run']['tasks_reused'] >= 1


def test_size_of_files(program, long, whole, tmp_path):
    """A limit that a piece of ten minutes does not fit in: said, and finished later."""
    out = tmp_path / 'out.flac'

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (8 << 20, 8 << 20))
    done = program('audio', long, '-o', out, *RECIPE, code=1, preexec_fn=limit)
    assert 'ulimit -f' in done.err
    assert not out.exists()
    program('audio', long, '-o', out, *RECIPE, code=0)
    assert judge.sha256(out) == whole


def test_temporary_size(program, long, whole, tmp_path):
    out = tmp_path / 'out.flac'
    done = program('audio', long, '-o', out, *RECIPE, '--max-temp-size', '30M', code=1)
    assert '--max-temp-size' in done.err and not out.exists()
    program('audio', long, '-o', out, *RECIPE, code=0)
    assert judge.sha256(out) == whole


def test_pieces_go_before_the_join(program, long, whole, tmp_path):
    """Kept work holds the track, and none of its pieces."""
    out = tmp_path / 'out.flac'
    program('audio', long, '-o', out, *RECIPE, '--keep-work', code=0)
    names = sorted(p.name for p in judge.work_folder(out).iterdir())
    assert 'sound-0.packets' in names and not [n for n in names if n.startswith('snd-')]
    assert judge.sha256(out) == whole
