"""What each optimisation is: how often something happens, and who waits for whom, with its switch on and off.

Nothing here looks at the clock of a machine that does other things besides. The timed side runs with

    pytest tests/test_performance_validation.py --benchmark-only -s
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

import clips
import judge

ROOT = Path(__file__).resolve().parents[1]
BUILD = Path(os.environ.get('TA_BUILD', ROOT / 'build'))
CHAIN = ['--preset', 'vhs', '--quality', 'fast', '--deinterlace', 'bwdif', '--colour-saturation', 1.1]
RUN = [*CHAIN, '--resolution', '480x360', '--encoder', 'ffv1', '--jobs', 1, '--segment-length', 36000]


@pytest.fixture
def switched(program, tmp_path):
    """switched(name): the program's environment with this switch off."""
    def make(name=None):
        folder = tmp_path / ('without-' + name if name else 'with-all') / 'terminalai'
        folder.mkdir(parents=True, exist_ok=True)
        if name:
            (folder / 'tuning.yaml').write_text('version: 1\n%s: off\n' % name)
        return {'XDG_CONFIG_HOME': str(folder.parent)}
    return make


def counted(program, *args, env):
    """Runs it; its messages, and the bytes that it and its children wrote anywhere: read before it is buried."""
    with subprocess.Popen(program.command(*args), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**program.env, **env}) as child:
        messages = child.stderr.read().decode()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        io = dict(line.split(': ') for line in Path('/proc/%d/io' % child.pid).read_text().splitlines())
    assert child.returncode == 0, messages
    return messages, int(io['wchar'])


def tool(*args, skip='this build has no service', **kw):
    path = BUILD / 'tests/perf_tool'
    if not path.exists():
        pytest.skip(f'{path} is not built')
    done = subprocess.run([path, *(str(a) for a in args)], capture_output=True, text=True, timeout=60, **kw)
    if done.returncode == 77:
        pytest.skip(skip)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope='module')
def tape(tmp_path_factory):
    path = tmp_path_factory.mktemp('perf') / 'tape.mkv'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=320x240:r=50:d=0.48,interlace,setfield=tff', '-c:v', 'ffv1', *clips.BITEXACT, path)
    return path


def test_video_preprocessing_speed(program, switched, tape, tmp_path):
    """video_pipeline_filters: one pass without files; before, a pass and a file a stage. The same bytes."""
    out = {name: tmp_path / (name + '.mkv') for name in ('now', 'before')}
    now, now_bytes = counted(program, 'restore', tape, '-o', out['now'], *RUN, '--progress', 'none', '-vv', env=switched())
    before, before_bytes = counted(program, 'restore', tape, '-o', out['before'], *RUN, '--progress', 'none', '-vv', env=switched('video_pipeline_filters'))
    assert judge.sha256(out['now']) == judge.sha256(out['before'])
    passes = [line.split(': pass ')[1] for line in before.splitlines() if ': pass ' in line]
    assert ': pass ' not in now
    stages = [s['stage'] for s in judge.report(out['now'])['plan']['video']['stages']]
    assert len(stages) > 2 and [p.split(', ')[1].split(':')[0] for p in passes] == stages
    files = [p for p in passes if 'put into a file' in p]
    assert len(files) == len(passes) - 1 and 'put into a file' not in passes[-1]
    # Each frame (two behind the deinterlacer) of the 12 goes through each file, and the bytes were really written.
    frames = [int(p.split(': ')[1].split()[0]) for p in files]
    assert set(frames) <= {12, 24} and frames == sorted(frames) and frames[-1] == 24
    written = sum(int(p.split(' bytes')[0].split()[-1]) for p in files)
    assert written > 24 * 320 * 240 / 4
    assert 0.9 * written < before_bytes - now_bytes < 1.2 * written, (written, before_bytes, now_bytes)
    left = [p.name for p in tmp_path.iterdir() if p.suffix not in ('.mkv', '.json') and not p.name.startswith('with')]
    assert left == []


def test_audio_model_preload_speed(program, switched, tmp_path):
    """audio_model_preload: ten files, one load; before, each file loads again. The same bytes."""
    sys.path.insert(0, str(Path(__file__).resolve().parent / 'media'))
    from test_neural import twice
    (tmp_path / 'any.onnx').write_bytes(twice())
    (tmp_path / 'engine.dummy').write_text('terminalai dummy engine\nload_ms 50\n')
    first = tmp_path / 'in0.mkv'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=32x32:r=25:d=0.2', '-c:v', 'ffv1', *clips.BITEXACT, first)
    sources = [tmp_path / f'in{i}.mkv' for i in range(10)]
    for more in sources[1:]:
        more.write_bytes(first.read_bytes())
    loads, sums = {}, set()
    for label, env in (('now', switched()), ('before', switched('audio_model_preload'))):
        out = tmp_path / label
        program('restore', *sources, '-o', out, '--preset', 'clean', '--encoder', 'ffv1', '--resolution', '64x64', '--scale', 'neural',
            '--scale-model', tmp_path / 'any.onnx', '--engine', 'dummy', '--engine-library', tmp_path / 'engine.dummy', '--progress', 'none',
            code=0, env=env)
        found = [json.loads(p.read_text())['networks'] for p in sorted(out.glob('*.json'))]
        assert len(found) == 10
        loads[label] = [n['loads'] for n in found]  # so far, of this process
        sums |= {judge.sha256(p) for p in out.glob('*.mkv')}
    assert loads['now'] == [1] * 10, loads
    assert loads['before'] == sorted(loads['before']) and loads['before'][-1] >= 10, loads
    assert len(sums) == 1


def test_queue_concurrent_read_performance():
    """queue_rwlock: four readers are in the queue at once; before, one."""
    now, before = tool('readers', 'on'), tool('readers', 'off')
    assert now == {'readers': 4, 'at_once': 4, 'read': 4}
    assert before == {'readers': 4, 'at_once': 1, 'read': 4}


def test_gui_polling_interval(node_modules, tmp_path):
    """gui_polling: how often a page asks, and how often it draws, in a minute of a clock made up."""
    shutil.copytree(ROOT / 'web', tmp_path / 'web', ignore=shutil.ignore_patterns('node_modules'))
    (tmp_path / 'web/node_modules').symlink_to(node_modules / 'node_modules')
    done = subprocess.run(['node', 'test/run.mjs', 'follow'], capture_output=True, text=True, timeout=120, cwd=tmp_path / 'web', check=False)
    assert done.returncode == 0 and '# pass 3' in done.stdout, done.stdout + done.stderr


def test_progress_update_throttling(program, switched, tape, tmp_path):
    """progress_throttle: ten reports a second at most, with the first, the last and each change of phase; before, one a frame."""
    now, before = tool('progress', 'on'), tool('progress', 'off')
    for told in (now, before):
        assert told['phases'] == 4 and told['first'] == 0 and told['last'] == told['frames'] == 1000 and told['done'] == 1
    assert now['least_ms'] > 99 and 95 <= now['reports'] <= 10 * now['seconds'] + now['phases']
    assert before['reports'] == 1000 + before['phases']
    # The same through the whole program, whose frames come as fast as they come.
    told = {}
    for label, env in (('now', switched()), ('before', switched('progress_throttle'))):
        done = program('restore', tape, '-o', tmp_path / 'out.mkv', *RUN, '--progress', 'json', '--overwrite', '--restart', code=0, env=env)
        events = [json.loads(line) for line in done.out.splitlines() if line.startswith('{')] or \
            [json.loads(line) for line in done.err.splitlines() if line.startswith('{')]
        told[label] = [e for e in events if e['event'] == 'progress']
        assert told[label][-1]['phase'] == 'done'
        told[label + ' frames'] = [e['frames_done'] for e in told[label] if e['phase'] == 'restore']
    assert [e['phase'] for e in told['now'] if e['phase'] in ('index', 'restore', 'join', 'verify', 'done')]
    assert set(range(25)) <= set(told['before frames']), told['before frames']
    elapsed = [e['elapsed'] for e in told['now'] if e['phase'] == 'restore']
    assert all(b - a > 0.099 for a, b in zip(elapsed, elapsed[1:])), elapsed


def test_filter_chain_cache_performance():
    """filter_chain_cache: one text built for ten files; before, ten. The same text."""
    now, before = tool('texts', 'on', 10), tool('texts', 'off', 10)
    assert (now['misses'], now['hits'], now['same']) == (1, 9, 10)
    assert (before['hits'], before['same'], before['length']) == (0, 10, now['length'])


@pytest.mark.parametrize('clock', ('event', 'timer'))
def test_what_a_profile_sees_and_costs(clock):
    """Samples agree with a program whose shares are known, and take at most 2 % of its time."""
    found = tool('shares', 'on', 8000, 250, clock, skip='the system does not allow perf_event_open()')
    assert found['clock'] in (('cycles', 'task clock') if clock == 'event' else ('timer',))
    assert found['samples'] > 200
    for name, share in (('half_of_it', 0.5), ('three_tenths', 0.3), ('a_fifth', 0.2)):
        assert abs(found[name] - share) <= 0.05, found
    assert found['own'] / found['cpu'] <= 0.02, found


@pytest.mark.parametrize('clock', ('event', 'timer'))
def test_threads_come_and_go(clock):
    """The last of more threads than are watched at once is seen as well as the first."""
    assert tool('threads', 600, 500, clock, skip='the system does not allow perf_event_open()')['samples'] >= 5


@pytest.mark.parametrize('clock', ('event', 'timer'))
def test_threads_without_a_clock_are_counted(clock):
    """Where the system gives no more clocks the profile says how many threads it did not see."""
    kind, most = (resource.RLIMIT_NOFILE, 40) if clock == 'event' else (resource.RLIMIT_SIGPENDING, 40)
    skip = 'the system gives no such clock'
    few = tool('threads', 100, 500, clock, skip=skip, preexec_fn=lambda: resource.setrlimit(kind, (most, most)))
    assert 50 <= few['lost'] <= 102 and tool('threads', 100, 500, clock, skip=skip)['lost'] == 0, few


# ---- the timed side ----

def ratio(label, now, before, repeats=5):
    """Medians of interleaved runs: before / now, and each pair's."""
    pairs = []
    for _ in range(repeats):
        took = []
        for run in (before, now):
            began = time.monotonic()
            run()
            took.append(time.monotonic() - began)
        pairs.append(took[0] / took[1])
    print('%s: %.2f times as fast (%s)' % (label, statistics.median(pairs), ', '.join('%.2f' % p for p in pairs)))
    return statistics.median(pairs)


@pytest.mark.benchmark
def test_time_of_video_pipeline_filters(program, switched, tmp_path):
    """At least 2.5 times as fast before the encoder (raw pictures are the least that an encoder can cost)."""
    source = tmp_path / 'tape.avi'
    program('simulate', '-o', source, '--frames', 90, code=0)
    def run(env):
        return lambda: program('restore', source, '-o', tmp_path / 'out.y4m', *CHAIN, '--denoise', 'recursive', '--resolution', '1440x1080', '--encoder', 'raw',
            '--jobs', 1, '--progress', 'none', '--overwrite', '--restart', '--verify', 'quick', code=0, env=env, timeout=600)
    assert ratio('video_pipeline_filters', run(switched()), run(switched('video_pipeline_filters')), 3) >= 2.5


@pytest.mark.benchmark
def test_time_of_queue_rwlock():
    """At least four times the reads of four readers beside others that report, and one that takes 5 ms to hear of it."""
    path = BUILD / 'bench/queue_bench'
    if not path.exists():
        pytest.skip(f'{path} is not built')
    done = subprocess.run([path, 'reads', '1'], capture_output=True, text=True, timeout=120, check=False)
    found = json.loads(done.stdout)
    print('queue_rwlock: %.1f times as many reads on %d cores; without a receiver %.1f' % (
        found['ratios']['status'], found['cores'], found['ratios']['status_without_receiver']))
    assert found['ratios']['status'] >= 4


@pytest.mark.benchmark
def test_time_of_filter_chain_cache():
    """Whatever it is: a text takes microseconds of the minutes that a file takes."""
    now, before = tool('texts', 'on', 100000), tool('texts', 'off', 100000)
    print('filter_chain_cache: %.2f us a text for %.2f before' % (now['us_each'], before['us_each']))
    assert max(now['us_each'], before['us_each']) < 1000


@pytest.mark.benchmark
def test_time_of_a_profile():
    """What samples cost altogether, of processor time: at most 2 %."""
    on, off = zip(*((tool('shares', 'on', 4000, 100)['cpu'], tool('shares', 'off', 4000)['cpu']) for _ in range(5)))
    print('profile: %.2f %% of processor time' % (100 * (min(on) / min(off) - 1)))
    assert min(on) / min(off) <= 1.02
