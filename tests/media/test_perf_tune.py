"""terminalai perf tune: the batch that a device wants, kept where runs read it."""

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
    tuning.write_text('version: 1\ngui_polling: off\n')
    env = {'XDG_CONFIG_HOME': str(tmp_path / 'config')}
    shown = program('perf', 'tune', '--scale-model', network, '--engine', 'dummy', '--engine-library', library, '--frames', 2, '--rounds', 1,
        '--json', code=0, env=env).json()
    rates = {t['batch']: t['frames_a_second'] for t in shown['tries']}
    assert list(rates) == [1, 2, 4, 8, 16, 32] and rates[4] > rates[1] and shown['best'] >= 2, shown
    kept = tuning.read_text()
    assert 'gui_polling: off' in kept and f'"{shown["device"]}"' in kept and f'batch: {shown["best"]} ' in kept.split('devices:')[1]
    assert 'gui_polling' in program('doctor', env=env).out  # it is read again


def test_refused(program, tmp_path):
    assert 'needs --scale-model' in program('perf', 'tune', code=2).err
    failed = program('perf', 'tune', '--scale-model', tmp_path / 'none.onnx', '--dry-run')
    assert failed.code != 0 and 'none.onnx' in failed.err
