"""terminalai perf: the family of commands, and the records of runs shown and given away."""

import json
import subprocess

RECORD = {'run_id': 'a' * 32, 'time': '2026-11-29T10:25:18Z', 'version': '0.1.0', 'kind': 'restore', 'preprocessing_time_sec': 1.5,
    'upscaling_time_sec': None, 'encoding_time_sec': 2.25, 'total_time_sec': 4.5, 'peak_memory_mb': 321.0, 'gpu_utilization_percent': None,
    'frames_per_second': 66.7, 'model_load_time_sec': None, 'queue_query_time_ms': None,
    'machine': {'host': 'annas-laptop', 'cpu': 'sse2, avx2', 'cores': 2, 'memory_mb': 8000.0}, 'recipe': {'preset': 'vhs', 'sha256': 'b' * 64},
    'source_sha': 'c' * 64, 'frames': 300, 'size': [1440, 1080], 'tuning': {'gui_polling': True}, 'cache': None, 'exit_code': 0,
    'comes_later': 'annas holiday.avi'}


def records(tmp_path, count, **changes):
    path = tmp_path / 'runs.jsonl'
    path.write_text(''.join(json.dumps({**RECORD, 'frames': i, **changes}) + '\n' for i in range(count)))
    return path


def test_the_family(program, tmp_path):
    """Help, wrong names and links."""
    names = program('perf', '--help', code=0).out
    assert 'metrics' in names and '\n  perf ' in program('--help', code=0).out
    assert 'perf needs COMMAND' in program('perf', code=2).err
    assert 'did you mean "metrics"' in program('perf', 'metric', code=2).err
    assert 'it has ' in program('perf', 'zzz', code=2).err
    assert program('help', 'perf', 'metrics', code=0).out == program('perf', 'metrics', '--help', code=0).out
    link = tmp_path / 'performance_patches'
    link.symlink_to(program.path)
    shown = subprocess.run([link, '--help'], capture_output=True, text=True)
    assert 'perf patch' in shown.stdout + shown.stderr


def test_shown(program, tmp_path):
    path = records(tmp_path, 25)
    shown = program('perf', 'metrics', '--input', path, code=0).out.splitlines()
    assert len(shown) == 21 and shown[-1].split()[2:5] == ['24', '4.5', '1.5'] and shown[1].split()[2] == '5'
    assert [r['frames'] for r in program('perf', 'metrics', '--input', path, '--last', 2, '--json', code=0).json()] == [23, 24]
    path.with_name('runs.jsonl.1').write_text(json.dumps({**RECORD, 'frames': 99}) + '\n')  # put aside: older
    whole = program('perf', 'metrics', '--input', path, '--last', 0, '--json', code=0).json()
    assert [r['frames'] for r in whole] == [99, *range(25)]
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(''.join([*lines[:-3], '{"torn": \n', '\n', *lines[-3:]]) + '{"begun')
    result = program('perf', 'metrics', '--input', path, '--json', code=0)
    assert '2 lines are no record' in result.err and [r['frames'] for r in result.json()] == [*range(5, 25)]
    assert 'no such file' in program('perf', 'metrics', '--input', tmp_path / 'none', code=1).err


def test_given_away(program, tmp_path):
    """Nothing that tells whose it is, also of members that nobody knows yet."""
    path, out = records(tmp_path, 2), tmp_path / 'given.jsonl'
    program('perf', 'metrics', '--input', path, '--export', out, code=0)
    given = [json.loads(line) for line in out.read_text().splitlines()]
    assert [g['number'] for g in given] == [1, 2] and given[0]['day'] == '2026-11-29' and given[0]['preset'] == 'vhs'
    assert given[0]['encoding_time_sec'] == 2.25 and given[0]['machine'] == {'cpu': 'sse2, avx2', 'cores': 2, 'memory_mb': 8000.0}
    for trace in ('anna', 'a' * 32, 'b' * 64, 'c' * 64, '10:25'):
        assert trace not in out.read_text(), trace
    records(tmp_path, 1, recipe={'preset': 'annas_tapes', 'sha256': 'b' * 64})
    program('perf', 'metrics', '--input', path, '--export', out, code=0)
    assert json.loads(out.read_text())['preset'] is None
    before = path.read_bytes()
    assert 'holds the records' in program('perf', 'metrics', '--input', path, '--export', path, code=2).err
    assert path.read_bytes() == before
    assert program('perf', 'metrics', '--input', path, '--export', tmp_path / 'no' / 'such' / 'folder', code=1).err
