"""Records of runs and the numbers of the service."""

import json
import re
import shutil

import kit

QUICK = {'segment-length': '0.4', 'crf': 30, 'preset-speed': 'ultrafast'}


def values(text):
    """The samples of Prometheus' text format; each metric has HELP and TYPE before it."""
    found, types = {}, {}
    for line in text.splitlines():
        head = re.fullmatch(r'# (HELP|TYPE) (\w+) (.+)', line)
        if head:
            if head[1] == 'TYPE':
                types[head[2]] = head[3]
            continue
        sample = re.fullmatch(r'(\w+)(\{\w+="[^"]*"\})? (\S+)', line)
        assert sample, line
        base = re.sub(r'_(bucket|sum|count)$', '', sample[1])
        assert sample[1] in types or types.get(base) == 'histogram', line
        found[sample[1] + (sample[2] or '')] = float(sample[3])
    return found


def test_numbers_and_records(serve, tmp_path):
    service = serve()
    shutil.copy(kit.source('interlaced'), service.files / 'tape.mkv')
    job = service.wait(service.submit('tape.mkv', options=QUICK), 'done', 'failed')
    assert job['state'] == 'done', job
    (service.files / 'text.avi').write_text('no film')
    service.wait(service.submit('text.avi'), 'failed')
    status, text = service.ask('GET', '/metrics', raw=True)
    now = values(text.decode())
    assert status == 200
    assert now['terminalai_jobs{state="done"}'] == now['terminalai_jobs{state="failed"}'] == 1
    assert now['terminalai_runs_total{result="done"}'] == 1 and now['terminalai_frames_total'] in (99, 100)
    assert now['terminalai_run_seconds_total{part="total"}'] > 0
    assert now['terminalai_queue_query_seconds_count'] >= 2 and now['terminalai_resident_memory_bytes'] > 1e6
    records = [json.loads(line) for line in
               (tmp_path / '.local/state/terminalai/performance_metrics.jsonl').read_text().splitlines()]
    assert len(records) == 1
    for name in ('preprocessing_time_sec', 'upscaling_time_sec', 'encoding_time_sec', 'total_time_sec', 'peak_memory_mb',
                 'gpu_utilization_percent', 'frames_per_second', 'model_load_time_sec', 'queue_query_time_ms'):
        assert name in records[0], name
    assert records[0]['queue_query_time_ms'] > 0 and records[0]['exit_code'] == 0
    assert service.ask('GET', '/api/v1/alerts')[1]['alerts'] == []


def test_records_that_can_not_be_written(serve, tmp_path):
    """It is said once, and no job fails by it."""
    (tmp_path / '.local/state/terminalai').mkdir(parents=True)
    (tmp_path / '.local/state/terminalai/performance_metrics.jsonl').mkdir()
    service = serve()
    for name in ('a.mkv', 'b.mkv'):
        shutil.copy(kit.source('interlaced'), service.files / name)
        assert service.wait(service.submit(name, options=QUICK), 'done', 'failed')['state'] == 'done'
    assert service.log.read_text().count("performance_metrics.jsonl can't be written") == 1
    status, answer = service.ask('GET', '/api/v1/runs')
    assert status == 503 and answer['code'] == 'records-unreadable'  # not: there were none
