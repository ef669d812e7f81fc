"""terminalai perf tune: the batch that a device wants, threads and instructions, kept where runs read it."""

import os
import resource
import signal
import time

import onnx_kit


def twice():
    """Each pixel becomes four."""
    return onnx_kit.model([onnx_kit.node('Concat', ['x'] * 4, 't', axis=1), onnx_kit.node('DepthToSpace', ['t'], 'y', blocksize=2)],
                          [onnx_kit.picture('x', 3, 'h', 'w')], [onnx_kit.picture('y', 3, 'hh', 'ww')])


def test_tuned(program, tmp_path):
    """A stand-in that takes long for a call and nothing for a picture wants many at a time; what else the file says stays."""
    network, library = tmp_path / 'any.onnx', tmp_path / 'engine.dummy'
    network.write_bytes(twice())
    library.write_text('terminalai dummy engine\ncall_ms 500\n')
    config = tmp_path / 'config/terminalai'
    config.mkdir(parents=True)
    tuning = config / 'tuning.yaml'
    others = ''.join(f'  "cuda:{i}": {{batch: 4}}\n' for i in range(15))  # as many as leave room for one
    tuning.write_text(f'version: 1\ngui_polling: off\ndevices:\n{others}')
    env = {'XDG_CONFIG_HOME': str(tmp_path / 'config')}
    shown = program('perf', 'tune', '--only', 'batch', '--scale-model', network, '--engine', 'dummy', '--engine-library', library, '--frames', 2, '--rounds', 1,
        '--json', code=0, env=env).json()['batch']
    rates = {t['batch']: t['frames_a_second'] for t in shown['tries']}
    assert list(rates) == [1, 2, 4, 8, 16, 32] and rates[4] > rates[1] and shown['best'] >= 2, shown
    kept = tuning.read_text()
    assert 'gui_polling: off' in kept and f'"{shown["device"]}"' in kept and f'batch: {shown["best"]} ' in kept.split('devices:')[1]
    assert '"cpu"' not in kept and kept.count('"cuda:') == 15
    assert 'gui_polling' in program('doctor', env=env).out  # it is read again


def test_kernels_and_threads(program, tmp_path):
    """Each set of instructions that the machine has, and fewer and fewer threads: one of what was tried is kept."""
    env = {'XDG_CONFIG_HOME': str(tmp_path)}
    shown = program('perf', 'tune', '--frames', 4, '--rounds', 1, '--json', code=0, env=env).json()
    sets = [t['kernels'] for t in shown['kernels']['tries']]
    threads = [t['threads'] for t in shown['threads']['tries']]
    assert sets[0] == 'all' and shown['kernels']['best'] in sets and all(t['cpu_seconds'] > 0 for t in shown['kernels']['tries'])
    assert threads[0] == len(os.sched_getaffinity(0)) and threads[-1] == 1 and shown['threads']['best'] in threads
    tuning = (tmp_path / 'terminalai/tuning.yaml').read_text()
    kept = 0 if shown['threads']['best'] == threads[0] else shown['threads']['best']
    assert '"cpu":' in tuning and f'threads: {kept} ' in tuning and f'kernels: {shown["kernels"]["best"]} ' in tuning


def test_kept_instructions_count(program, tmp_path):
    """What the file says is what kernels use, unless the command line says otherwise."""
    (tmp_path / 'terminalai').mkdir()
    (tmp_path / 'terminalai/tuning.yaml').write_text('version: 1\ndevices:\n  cpu: {kernels: sse2, threads: 1}\n')
    env = {'XDG_CONFIG_HOME': str(tmp_path)}
    used = [line for line in program('doctor', env=env).out.splitlines() if 'sse2' in line and 'ssse3' not in line]
    assert used, program('doctor', env=env).out
    everything = [line for line in program('doctor').out.splitlines() if 'sse2' in line]
    assert everything == [line for line in program('doctor', '--cpu-mask', 'all', env=env).out.splitlines() if 'sse2' in line]
    wider = [line for line in program('doctor', '--cpu-mask', 'ssse3', env=env).out.splitlines() if 'ssse3' in line]
    assert wider


def test_a_second_time(program, tmp_path):
    """What was kept hides nothing from the next measurement, and neither does --cpu-mask; a network that is not tried is told of."""
    def sets(*common, **more):
        done = program(*common, 'perf', 'tune', '--only', 'kernels', '--frames', 2, '--rounds', 1, '--dry-run', '--json', *more.pop('args', ()), code=0, **more)
        return [t['kernels'] for t in done.json()['kernels']['tries']], done.err
    (tmp_path / 'terminalai').mkdir()
    (tmp_path / 'terminalai/tuning.yaml').write_text('version: 1\ndevices:\n  cpu: {kernels: sse2}\n')
    all_there, _ = sets()
    kept, said = sets(env={'XDG_CONFIG_HOME': str(tmp_path)}, args=('--scale-model', 'any.onnx'))
    assert kept == all_there == sets('--cpu-mask', 'sse2')[0]
    assert '--scale-model changes nothing: no network is tried' in said


def test_failures_are_told_apart(program, tmp_path):
    """A disk without room and an interruption have codes of their own, and leave nothing behind."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (200 << 10, 200 << 10))
    args, env = ('perf', 'tune', '--only', 'kernels', '--json'), {'TMPDIR': str(tmp_path)}
    full = program(*args, '--frames', 4, code=1, env=env, preexec_fn=limit)
    assert full.json()['code'] == 'no-space' and 'tape.avi' in full.json()['message']
    with program.start(*args, '--frames', 100, env=env, start_new_session=True) as run:
        for _ in range(400):
            if list(tmp_path.glob('terminalai-tune*/tape.avi')):
                break
            time.sleep(0.05)
        # As from the terminal, all of them: the run that is at work, too.
        os.killpg(run.pid, signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert run.returncode == 130 and not out and b'error' not in err, err
    assert not list(tmp_path.glob('terminalai-tune*'))


def test_refused(program, tmp_path):
    assert 'needs --scale-model' in program('perf', 'tune', '--only', 'batch', code=2).err
    failed = program('perf', 'tune', '--only', 'batch', '--scale-model', tmp_path / 'none.onnx', '--frames', 2, '--dry-run', '--json', code=1)
    assert 'none.onnx' in failed.err and failed.json()['code'] == 'not-found'
