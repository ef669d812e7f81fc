"""The line that each run leaves in performance_metrics.jsonl."""

import json
import re

import clips

FAST = ['--preset', 'clean', '--resolution', 'source', '--preset-speed', 'ultrafast', '--progress', 'none']
NINE = {'preprocessing_time_sec', 'upscaling_time_sec', 'encoding_time_sec', 'total_time_sec', 'peak_memory_mb',
    'gpu_utilization_percent', 'frames_per_second', 'model_load_time_sec', 'queue_query_time_ms'}
MORE = {'run_id', 'time', 'version', 'kind', 'machine', 'recipe', 'source_sha', 'frames', 'size', 'tuning', 'cache', 'exit_code'}


def test_a_line_a_run(program, tmp_path):
    state, out = tmp_path / 'state', tmp_path / 'out.mp4'
    env = {'XDG_STATE_HOME': str(state)}
    source, frames = clips.path('steady'), clips.CLIPS['steady'].frames
    result = program.restore(source, out, *FAST, '--json', env=env).json()['files'][0]
    program('restore', source, '-o', out, *FAST, code=0, env=env)  # done already: no run
    program('restore', source, '-o', out, *FAST, '--crf', 31, code=1, env=env)  # refused before there is a run
    program('restore', source, '-o', out, *FAST, '--crf', 31, '--overwrite', code=0, env=env)
    file, = [p for p in state.rglob('*') if p.is_file()]
    assert file == state / 'terminalai' / 'performance_metrics.jsonl'
    first, second = (json.loads(line) for line in file.read_text().splitlines())
    assert set(first) == NINE | MORE
    assert first['kind'] == 'restore' and first['exit_code'] == 0 and first['frames'] == frames
    assert abs(first['total_time_sec'] - result['wall_seconds']) < 0.5
    assert abs(first['frames_per_second'] - frames / first['total_time_sec']) < 0.01
    assert abs(first['peak_memory_mb'] - result['peak_rss_bytes'] / 1e6) < 20
    assert first['size'] == [result['width'], result['height']]
    assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', first['time'])
    assert first['recipe']['preset'] == 'clean' and len(first['recipe']['sha256']) == 64
    assert first['encoding_time_sec'] > 0 and first['preprocessing_time_sec'] > 0 and first['upscaling_time_sec'] == 0  # no stage scales
    assert first['queue_query_time_ms'] is None and first['cache'] is None
    assert first['run_id'] != second['run_id'] and first['recipe']['sha256'] != second['recipe']['sha256']
    assert first['source_sha'] == second['source_sha'] and first['machine'] == second['machine']


def test_no_run_is_the_worse_for_it(program, tmp_path):
    """A state folder that can't be written, and one that is found by HOME."""
    source = clips.path('frames_1')
    result = program.restore(source, tmp_path / 'a.mp4', *FAST, env={'XDG_STATE_HOME': '/proc/none'})
    assert 'metrics' not in result.err
    program.restore(source, tmp_path / 'b.mp4', *FAST, env={'XDG_STATE_HOME': '', 'HOME': str(tmp_path)})
    assert (tmp_path / '.local/state/terminalai/performance_metrics.jsonl').read_text().count('\n') == 1
