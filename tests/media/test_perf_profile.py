"""terminalai perf profile and perf memory: all parts at work, what is told of them, and findings by rules alone."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

PARTS = ('video_pipeline', 'audio_processing', 'queue_manager', 'gui', 'rtx_video_sdk')
NUMBERS = {'wall', 'user', 'system', 'peak_rss', 'minor_faults', 'major_faults', 'voluntary_switches', 'involuntary_switches', 'disk_read',
    'disk_written', 'read', 'written', 'output_bytes', 'items', 'items_a_second'}


@pytest.fixture(scope='module')
def profile(program, tmp_path_factory):
    """(report as JSON, its file): all parts, as little as shows anything."""
    path = tmp_path_factory.mktemp('profile') / 'all.json'
    program('perf', 'profile', '--quick', '-q', '-o', path, code=0, timeout=300)
    return json.loads(path.read_text()), path


def rows(part, kind):
    return {r['name']: r for r in part['ledger']['rows'] if r['kind'] == kind}


def test_all_parts_work(profile):
    parts = {m['module']: m for m in profile[0]['modules']}
    assert tuple(parts) == PARTS
    for name, part in parts.items():
        assert all(isinstance(part[n], (int, float)) for n in NUMBERS), name
        assert part['wall'] > 0 and part['peak_rss'] > 5e6 and part['items'] > 0 and part['memory']
        assert part['gpu_utilization_percent'] is None  # there is none: never 0
        assert part['allocations'] is None or part['allocations']['count'] > 1000
    video, sound, queue, gui, engine = (parts[n] for n in PARTS)
    stages = rows(video, 'stage')
    assert stages['decode']['count'] >= 16 and stages['encode']['count'] == video['items'] == 32
    assert any(n.startswith('deinterlace.') for n in stages) and 'restored empty' in rows(video, 'wait')
    assert any(s['name'].startswith('seg-') for s in video['ledger']['spans'])
    assert sound['items'] == 10 and sound['facts']['chain_texts']['hits'] > 0
    assert queue['items'] == 100 and queue['facts']['workers'] == 4 and rows(queue, 'lock') and queue['facts']['workers_blocked'] < 0.5
    assert gui['facts']['pages'] == 10 and gui['facts']['requests'] > 0 and gui['items'] > 100
    assert engine['items'] == 8 and engine['facts']['networks']['loads'] == 1 and 'stand-in' in engine['facts']['device']


def test_samples_are_named(profile):
    """Functions of the program and of libraries, and stacks from the beginning of a thread on."""
    video = profile[0]['modules'][0]['samples']
    assert video['samples'] >= 5 and video['own_seconds'] < 0.05 * sum(profile[0]['modules'][0][n] for n in ('user', 'system'))
    assert sum(s['count'] for s in video['stacks']) == video['samples'] == sum(f['self'] for f in video['functions'])
    named = [f['name'] for f in video['functions'] if f['module'] == 'terminalai']
    assert any(n.startswith('ta_') or n == 'thread_main' for n in named)


def test_findings_have_evidence(program, profile, tmp_path):
    """Each stands beyond its limit; made-up numbers of before bring what has become worse, and nothing else does."""
    report, path = profile
    for part in report['modules']:
        for f in part['findings']:
            assert f['evidence'] and f['text'] and (f['value'] < f['limit'] if f['rule'] == 'idle-cores' else f['value'] > f['limit']), f
        assert 'slower-than-before' not in [f['rule'] for f in part['findings']]
    before = json.loads(path.read_text())
    queue = before['modules'] = [m for m in before['modules'] if m['module'] == 'queue_manager']
    queue[0].update(peak_rss=1e6, wall=1e6)
    old = tmp_path / 'before.json'
    old.write_text(json.dumps(before))
    now = program('perf', 'profile', '--quick', '--no-allocations', '--module', 'queue_manager', '--baseline', old, '--format', 'json', code=0).json()
    worse = [f for f in now['modules'][0]['findings'] if f['rule'] == 'slower-than-before']
    assert [f['evidence']['before'] for f in worse if 'memory' in f['text']] == [1e6] and not any('clock' in f['text'] for f in worse)
    assert now['modules'][0]['against_before']['wall'] < 1 and now['modules'][0]['allocations'] is None


def test_a_device_is_asked(program, tmp_path):
    """By the vendor's library, where there is one: here one that says 42 % for the busier of two."""
    stub = Path(os.environ.get('TA_BUILD', Path(__file__).resolve().parents[2] / 'build')) / 'tests/nvml_stub.so'
    if not stub.exists():
        pytest.skip(f'{stub} is not built')
    (tmp_path / 'libnvidia-ml.so.1').symlink_to(stub.resolve())
    shown = program('perf', 'profile', '--quick', '--no-allocations', '--module', 'queue_manager', '--format', 'json', code=0,
        env={'LD_LIBRARY_PATH': str(tmp_path)}).json()
    assert shown['modules'][0]['gpu_utilization_percent'] == 42


def test_files_between_passes_are_told(program, profile, tmp_path):
    """What a pass a stage costs besides the stages has a row of its own: without it the parts were less than the whole."""
    (tmp_path / 'terminalai').mkdir()
    (tmp_path / 'terminalai/tuning.yaml').write_text('version: 1\nvideo_pipeline_filters: off\n')
    before = program('perf', 'profile', '--quick', '--no-allocations', '--module', 'video_pipeline', '--format', 'json', code=0,
        env={'XDG_CONFIG_HOME': str(tmp_path)}).json()
    stages = rows(before['modules'][0], 'stage')
    assert stages.pop('files between passes')['wall'] > 0
    assert set(stages) == set(rows(profile[0]['modules'][0], 'stage'))


def test_page_and_text(program, profile, tmp_path):
    page = tmp_path / 'page.html'
    program('perf', 'profile', '--quick', '--no-allocations', '--module', 'queue_manager', '-q', '-o', page, code=0)
    text = page.read_text()
    assert text.startswith('<!DOCTYPE html>') and 'Timeline' in text and '<polyline' in text and '<table>' in text
    assert not re.search(r'(src|href)=|url\(|@import|<script', text)  # nothing from elsewhere, and nothing that runs
    subprocess.run(['python3', '-c', 'import sys, html.parser; html.parser.HTMLParser().feed(open(sys.argv[1]).read())', page], check=True)


def test_refused(program, tmp_path):
    """At once, with what would be right."""
    assert 'did you mean "video_pipeline"' in program('perf', 'profile', '--module', 'video_pipelin', code=2).err
    assert 'there are all, video_pipeline' in program('perf', 'profile', '--module', 'zzz', code=2).err
    assert 'no such file' in program('perf', 'profile', '--test-video', tmp_path / 'no.avi', code=1).err
    assert "can't be written" in program('perf', 'profile', '-o', tmp_path / 'no/such/folder.txt', code=1).err
    bad = tmp_path / 'bad.json'
    bad.write_text('{"modules": 3}')
    assert 'no report of perf profile' in program('perf', 'profile', '--baseline', bad, code=1).err
    (tmp_path / 'sound.avi').write_bytes(b'nothing')
    failed = program('perf', 'profile', '--module', 'video_pipeline', '--test-video', tmp_path / 'sound.avi', code=1)
    assert 'the work of video_pipeline failed' in failed.err


def test_memory_of_a_tree(program, tmp_path):
    """40 MB of one process and 60 of its child are seen together; the command's failure is told."""
    out = tmp_path / 'm.svg'
    code = 'import subprocess,sys,time; a=bytearray(40<<20); a[::4096]=b"x"*len(a[::4096]); ' \
        'subprocess.run([sys.executable,"-c","import time; b=bytearray(60<<20); b[::4096]=b\'x\'*len(b[::4096]); time.sleep(0.5)"])'
    done = program('perf', 'memory', '-o', out, '--interval', 20, '--', 'python3', '-c', code, code=0)
    peak = float(re.search(r'python3: ([0-9.]+) MB at most', done.err + done.out)[1])
    assert 100 < peak < 160, peak
    lines = [line.split(',') for line in (tmp_path / 'm.csv').read_text().splitlines()]
    assert lines[0] == ['seconds', 'bytes', 'processes'] and max(int(n) for _, _, n in lines[1:]) >= 2
    assert abs(max(int(b) for _, b, _ in lines[1:]) / 1e6 - peak) < 0.1 and '<svg' in out.read_text()
    program('perf', 'memory', '--', 'false', code=1)
    assert "can't be started" in program('perf', 'memory', '--', tmp_path / 'none', code=1).err


def test_report(program, profile, tmp_path):
    """All that was measured and nothing else; what is missing is said, with the command that makes it."""
    out, figures = tmp_path / 'R.md', tmp_path / 'kpi.json'
    state = tmp_path / 'state/terminalai'
    state.mkdir(parents=True)
    (state / 'performance_metrics.jsonl').write_text(''.join(json.dumps({'total_time_sec': t, 'peak_memory_mb': None}) + '\n' for t in (1, 7, 3)))
    env = {'XDG_STATE_HOME': str(tmp_path / 'state')}
    program('perf', 'report', '-o', out, code=0, env=env)
    text = out.read_text()
    assert 'No profile was given' in text and 'bench/kpi.py' in text and '| total_time_sec | 3 | 3 | 1 | 7 |' in text
    assert '| peak_memory_mb | 0 | | | |' in text and '| progress_throttle | on |' in text
    figures.write_text(json.dumps({'rows': [{'what': 'a|b', 'seed': '4x', 'before': '1', 'now': '2', 'ratio': '2', 'holds': False}]}))
    program('perf', 'report', '-o', out, '--profile', profile[1], '--baseline', profile[1], '--figures', figures, code=0, env=env)
    text = out.read_text()
    for part in profile[0]['modules']:
        assert f'| {part["module"]} | {part["wall"]:.2f} |' in text and f'| {part["module"]} | 1.00 | 1.00 | 1.00 |' in text
    assert '| a b | 4x | 1 | 2 | 2 | **no** |' in text and 'No profile' not in text
    findings = [f['text'] for m in profile[0]['modules'] for f in m['findings']]
    assert all(f in text for f in findings) and 'On a device: nothing was measured' in text
    busy = tmp_path / 'busy.json'
    busy.write_text(json.dumps({**profile[0], 'modules': [{**m, 'gpu_utilization_percent': 42} for m in profile[0]['modules'][:2]]}))
    program('perf', 'report', '-o', out, '--profile', busy, code=0, env=env)
    names = [m['module'] for m in profile[0]['modules']]
    assert f'device: {names[0]} 42 %, {names[1]} 42 %.' in out.read_text() and 'nothing was measured' not in out.read_text()
    assert 'no "modules"' in program('perf', 'report', '-o', out, '--profile', figures, code=1, env=env).err
