"""The tuning file: read from beside the configuration, told when it is wrong, and never a change of the output."""

import pytest

import clips
import judge

ARGS = ['--preset', 'clean', '--resolution', 'source', '--encoder', 'ffv1', '--range', '0f-8f', '--progress', 'none']


@pytest.fixture
def tuning(tmp_path):
    folder = tmp_path / 'config' / 'terminalai'
    folder.mkdir(parents=True)
    return folder / 'tuning.yaml'


def test_no_switch_changes_a_byte(program, tmp_path, tuning):
    env = {'XDG_CONFIG_HOME': str(tuning.parents[1])}
    out, sums, plans = tmp_path / 'out.mkv', set(), set()
    for text in ('', 'version: 1\n', 'version: 1\naudio_model_preload: off\nengine_batching: off\ndevices: {cpu: {batch: 3}}\n'):
        if text:
            tuning.write_text(text)
        done = program('restore', clips.path('frames_3'), '-o', out, *ARGS, '--overwrite', env=env, code=0)
        assert 'tuning' not in done.err
        sums.add(judge.sha256(out))
        plans.add(program('plan', clips.path('frames_3'), '-o', out, *ARGS[:-2], '--json', env=env, code=0).out)
    assert len(sums) == len(plans) == 1


def test_garbled(program, tmp_path, tuning):
    """A warning that says where and why, and everything else as if there were none."""
    env = {'XDG_CONFIG_HOME': str(tuning.parents[1])}
    tuning.write_text('version: 1\nqueue_rwlok: off\n')
    done = program('restore', clips.path('frames_3'), '-o', tmp_path / 'out.mkv', *ARGS, env=env, code=0)
    assert 'tuning.yaml:2: unknown option "queue_rwlok"; did you mean "queue_rwlock"?' in done.err
    assert 'everything is applied' in program('doctor', env=env).out and 'can\'t be read' in program('doctor', env=env).out


def test_doctor_tells(program, tuning):
    env = {'XDG_CONFIG_HOME': str(tuning.parents[1])}
    assert 'everything is applied' in program('doctor', env=env).out
    tuning.write_text('version: 1\ngui_polling: off\nqueue_rwlock: off\n')
    assert 'not applied: queue_rwlock gui_polling' in program('doctor', env=env).out
