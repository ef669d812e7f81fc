"""Tasks of a second kind beside the segments: a program of the tests has them, the product does not know them."""

import hashlib
import json
import os
import time

import pytest

import judge
import kit

ARGS = kit.options('progressive', 'h264')
# Three segments; the last one waits for the first tally, the second tally for both.
TASKS = [
    {'kind': 'video', 'stem': 'seg-00002', 'index': 2, 'needs': ['tally-0']},
    {'kind': 'tally', 'stem': 'tally-0', 'index': 0, 'expect': {'samples': 20}, 'needs': ['seg-00000', 'seg-00001']},
    {'kind': 'tally', 'stem': 'tally-1', 'index': 1, 'expect': {'samples': 20}, 'needs': ['tally-0', 'seg-00002']},
]
ORDER = ['seg-00000', 'seg-00001', 'tally-0', 'seg-00002', 'tally-1']


@pytest.fixture(scope='module')
def tally(program):
    path = kit.BUILD / 'tests' / 'tally_program'
    if not path.exists():
        pytest.skip('the program with a second kind of task is not built')
    return judge.Program(path, program.home)


class Planned:
    """A plan with tasks of both kinds, nothing of it made yet."""

    def __init__(self, program, folder, tasks=None):
        self.folder, self.out, self.path = folder, folder / 'out.mp4', folder / 'plan.json'
        self.work = judge.work_folder(self.out)
        plan = program('plan', kit.source('progressive'), '-o', self.out, *ARGS, '--json', code=0).json()
        plan['tasks'] = TASKS if tasks is None else tasks
        self.path.write_text(json.dumps(plan))

    def make(self, program, stem, code=0, **kw):
        return program('task', '--plan', self.path, '--task', stem, '--json', code=code, **kw)

    def states(self, program):
        found = program('task', '--plan', self.path, '--list', '--json', code=0).json()
        return {t['task']: t['state'] for t in found['tasks']}

    def lines(self):
        entries = [json.loads(line)['entry'] for line in (self.work / 'journal.jsonl').read_text().splitlines()]
        return [e for e in entries if 'task' in e]

    def tallies(self):
        return {p.name: judge.sha256(p) for p in self.work.glob('tally-*.txt')}


@pytest.fixture
def planned(tally, folder):
    return Planned(tally, folder)


@pytest.fixture(scope='module')
def whole(program, tmp_path_factory):
    return kit.uninterrupted(program, 'progressive', 'h264', 'mp4', tmp_path_factory.mktemp('whole'))[0]


def hold(folder):
    """A file that keeps tallies half-way, and the environment that says so."""
    path = folder / 'hold'
    path.touch()
    return path, {'TA_TALLY_HOLD': str(path)}


def wait_for(what, running, seconds=30):
    end = time.monotonic() + seconds
    while not what():
        assert running.poll() is None and time.monotonic() < end, f'it never came: {running.communicate()}'
        time.sleep(0.005)


def test_list(tally, planned):
    found = tally('task', '--plan', planned.path, '--list', '--json', code=0).json()
    assert [t['task'] for t in found['tasks']] == ['seg-00000', 'seg-00001', 'seg-00002', 'tally-0', 'tally-1']
    assert sum(t['expect']['frames'] for t in found['tasks'][:3]) == 50
    assert found['tasks'][2]['needs'] == ['tally-0'] and found['tasks'][3]['kind'] == 'tally'
    assert found['tasks'][4] == {'task': 'tally-1', 'kind': 'tally', 'index': 1, 'expect': {'samples': 20}, 'state': 'left',
        'needs': ['tally-0', 'seg-00002']}
    text = tally('task', '--plan', planned.path, '--list', code=0).out.splitlines()
    assert len(text) == 6 and text[4].split() == ['tally-0', 'tally', 'left', '20', 'samples', 'seg-00000', 'seg-00001']
    assert not planned.work.exists(), 'looking changes nothing'


def test_one_by_one(tally, planned, whole):
    """Each task refuses to run before what it needs; then the join takes the segments and lets the rest be."""
    refused = planned.make(tally, 'tally-1', code=1)
    assert len(refused.error_lines) == 1 and 'tally-1 needs tally-0, which is not made yet' in refused.err, refused
    assert not planned.work.exists(), 'nothing is left of a task that could not begin'
    for n, stem in enumerate(ORDER):
        assert planned.states(tally)[stem] == 'left'
        done = planned.make(tally, stem).json()
        assert done['task'] == stem and not done['already'] and done['tasks'] == 5, done
        assert planned.states(tally)[stem] == 'done'
        assert planned.make(tally, stem).json()['already']
        missing = tally('join', '--plan', planned.path, '--progress', 'none', code=(0, 1)) if n < 4 else None
        assert missing is None or missing.code == 1 and f'{4 - n} of 5 tasks' in missing.err, missing
    segments = [judge.sha256(p) for p in judge.segment_files(planned.work)]
    first, second = (planned.work / f'tally-{n}.txt' for n in range(2))
    assert first.read_text() == f'tally-0\n{segments[0]} seg-00000\n{segments[1]} seg-00001\n'
    assert second.read_text() == f'tally-1\n{judge.sha256(first)} tally-0\n{segments[2]} seg-00002\n'
    line = planned.lines()[2]
    assert line == {'task': 'tally-0', 'sha256': judge.sha256(first), 'bytes': first.stat().st_size,
        'counts': {'samples': 20, 'files': 2}}
    assert tally('join', '--plan', planned.path, '--json', code=0).json()['tasks'] == 5
    assert judge.sha256(planned.out) == whole and not planned.work.exists()
    report = judge.report(planned.out)
    assert [t['task'] for t in report['tasks']] == ['seg-00000', 'seg-00001', 'seg-00002', 'tally-0', 'tally-1']
    assert report['tasks'][3]['counts'] == {'samples': 20, 'files': 2} and len(report['segments']) == 3
    assert planned.make(tally, 'tally-1').json()['delivered']
    assert set(planned.states(tally).values()) == {'done'}


@pytest.mark.parametrize('how', ['KILL', 'TERM'])
def test_a_task_is_stopped(tally, planned, whole, how):
    """Half a tally is none; done again, it is what it would have been."""
    for stem in ORDER[:2]:
        planned.make(tally, stem)
    held, env = hold(planned.folder)
    running = tally.start('task', '--plan', planned.path, '--task', 'tally-0', '--progress', 'none', env=env,
        start_new_session=True)
    wait_for(lambda: any(p.stat().st_size for p in planned.work.glob('tally-0.*.part')), running)
    state = tally('status', planned.out, '--json', code=0).json()
    assert state['tasks'] == {'total': 5, 'done': 2, 'running': ['tally-0'], 'left': 2}, state
    assert state['segments'] == {'total': 3, 'done': 2, 'running': [], 'left': 1}, state
    text = tally('status', planned.out, code=0).out
    assert '2 of 5 tasks' in text and 'being made: tally-0' in text, text
    kit.end(running, how)
    assert planned.states(tally)['tally-0'] == 'left' and not planned.tallies()
    held.unlink()
    planned.make(tally, 'tally-0')
    result = tally('resume', planned.out, '--json', code=0).json()['files'][0]
    assert result['tasks_reused'] == 3 and result['segments_reused'] == 2, result
    assert judge.sha256(planned.out) == whole and not planned.work.exists()


@pytest.mark.sanitizer
def test_whole_run_keeps_the_order(tally, planned, whole):
    """The scheduler makes both kinds, each task after what it needs, however many may run at once."""
    planned.make(tally, 'seg-00001')
    result = tally('resume', planned.out, '--jobs', 4, '--keep-work', '--json', code=0).json()['files'][0]
    assert result['tasks_reused'] == 1 and judge.sha256(planned.out) == whole
    done = [e['task'] for e in planned.lines()]
    needs = {t['stem']: t['needs'] for t in TASKS}
    assert sorted(done) == sorted(ORDER)
    for n, stem in enumerate(done):
        assert set(needs.get(stem, [])) <= set(done[:n]), done
    state = tally('status', planned.out, '--json', code=0).json()
    assert state['state'] == 'finished' and state['work_folder'] == str(planned.work), state


@pytest.mark.parametrize('seed', range(4))
def test_a_run_is_killed(tally, planned, whole, seed):
    """At any moment, tallies held half-way among them."""
    held, env = hold(planned.folder)
    planned.make(tally, 'seg-00000')
    running = tally.start('resume', planned.out, '--progress', 'none', env=env if seed % 2 else {}, start_new_session=True)
    if seed % 2:
        wait_for(lambda: any(planned.work.glob('tally-0.*.part')), running)
    else:
        kit.runs_on(running, 0.1 * (seed + 1))
    kit.end(running, 'KILL')
    held.unlink()
    if not judge.report_path(planned.out).exists() or planned.work.exists():
        tally('resume', planned.out, code=0)
    assert judge.sha256(planned.out) == whole and not planned.work.exists()
    held.touch()  # so that only ours are left
    assert sorted(p.name for p in planned.folder.iterdir()) == ['hold', 'out.mp4', 'out.mp4.json', 'plan.json']


@pytest.mark.parametrize('alone', [False, True])
def test_progress_counts_all_kinds(tally, planned, alone):
    """A tally is worth 25 frames: with 50 frames in three segments and two tallies, all is 100."""
    frames = {t['task']: t['expect'].get('frames') for t in tally('task', '--plan', planned.path, '--list', '--json', code=0).json()['tasks']}
    for stem in ORDER[:2]:
        planned.make(tally, stem)
    held, env = hold(planned.folder)
    args = ['task', '--plan', planned.path, '--task', 'tally-0'] if alone else ['resume', planned.out]
    running = tally.start(*args, '--progress', 'json', env=env, start_new_session=True)
    at = []
    for line in running.stdout:
        at.append(json.loads(line))
        if at[-1].get('kind') == 'tally' and at[-1]['fraction'] > 0 and held.exists():
            wanted = 0.5 if alone else (frames['seg-00000'] + frames['seg-00001'] + 12.5) / 100
            if abs(at[-1]['fraction'] - wanted) < 1e-9 and at[-1]['eta'] > 0:
                held.unlink()
    assert running.wait() == 0 and not held.exists(), at
    made = [p for p in at if p.get('phase') == 'restore']
    assert all(a['fraction'] <= b['fraction'] for a, b in zip(made, made[1:])), made
    assert made[-1]['tasks_total'] == (1 if alone else 5) and made[-1]['segments_total'] == (0 if alone else 3)


def test_a_result_that_does_not_fit(tally, planned):
    """What a task says it made is compared with the plan before it counts."""
    for stem in ORDER[:2]:
        planned.make(tally, stem)
    refused = planned.make(tally, 'tally-0', code=1, env={'TA_TALLY_SAMPLES': '19'})
    assert 'tally-0' in refused.error_lines[-1] and 'planned' in refused.error_lines[-1], refused
    assert planned.states(tally)['tally-0'] == 'left' and not list(planned.work.glob('tally-*'))


def test_files_that_changed(tally, planned, whole):
    """A tally that is garbled is made again, and nothing is made of it before."""
    for stem in ORDER[:4]:
        planned.make(tally, stem)
    good = planned.tallies()
    path = planned.work / 'tally-0.txt'
    text = path.read_text()
    path.write_text(text.replace('tally', 'TALLY'))
    refused = planned.make(tally, 'tally-1', code=1)
    assert 'needs tally-0' in refused.err and 'made again' in refused.err, refused
    assert not planned.make(tally, 'tally-0').json()['already']
    assert planned.tallies() == good
    tally('resume', planned.out, code=0)
    assert judge.sha256(planned.out) == whole


def test_clean(tally, program, planned):
    """The program that made them knows their names; another one leaves them alone."""
    for stem in ORDER[:3]:
        planned.make(tally, stem)
    found = tally('clean', planned.folder, '--json', code=0).json()[0]
    assert found['tasks_done'] == 3 and found['tasks_total'] == 5 and found['segments_done'] == 2, found
    tally('clean', planned.folder, '--remove', code=0)
    assert not planned.work.exists()


def test_a_kind_that_the_program_lacks(tally, program, planned):
    """A plan with work that can't be made is refused before anything is, and so is the work folder of one."""
    for args in (['task', '--plan', planned.path, '--task', 'seg-00000'], ['join', '--plan', planned.path]):
        planned.make(tally, 'seg-00000')
        refused = program(*args, '-q', code=1)
        assert len(refused.error_lines) == 1 and '"tally"' in refused.err, refused
    refused = program('resume', planned.out, '-q', code=1)
    assert len(refused.error_lines) == 1 and '"tally"' in refused.err, refused
    assert planned.states(tally)['seg-00000'] == 'done', 'nothing of it is touched'


def video(k, *needs):
    return {'kind': 'video', 'stem': f'seg-{k:05d}', 'index': k, 'needs': list(needs)}


def other(n, *needs, **more):
    return {'kind': 'tally', 'stem': f'tally-{n}', 'index': n, 'needs': list(needs), **more}


@pytest.mark.parametrize('tasks, word', [
    ([other(0, 'tally-1'), other(1, 'tally-0')], 'circle'),
    ([other(0, 'tally-0')], 'circle'),
    ([video(1, 'tally-0'), other(0, 'seg-00001')], 'circle'),
    ([other(0, 'seg-00009')], 'does not have'),
    ([other(0, '')], 'does not have'),
    ([other(0, 7)], 'does not have'),
    ([other(0), other(0)], 'twice'),
    ([other(0, stem='seg-00001')], 'twice'),
    ([other(0, stem='seg-00009')], 'tally-NUMBER'),
    ([other(0, stem='../../etc-0')], 'no name'),
    ([other(0, stem='tally')], 'no name'),
    ([other(0, kind='tal/ly')], 'no name'),
    ([other(0, expect={'frames': 0})], 'frames'),
    ([other(0, needs=None)], 'needs'),
    ([{'kind': 'tally'}], 'stem'),
    ([video(7)], 'none of the plan'),
    ([{**video(1), 'stem': 'seg-00002'}], 'none of the plan'),
    ([{**video(1), 'expect': {'frames': 3}}], 'none of the plan'),
    ([video(1), video(1)], 'order'),
    ({}, 'tasks'),
])
def test_plans_that_can_not_be_run(tally, folder, tasks, word):
    planned = Planned(tally, folder, tasks)
    refused = planned.make(tally, 'seg-00000', code=1)
    assert len(refused.error_lines) == 1 and word in refused.err, refused
    assert not planned.work.exists()


def test_redo_beside_other_tasks(tally, folder):
    """A range that is made again leaves other tasks as they are; where they need segments it is refused."""
    source = kit.source('progressive')
    planned = Planned(tally, folder, [other(0), other(1, 'tally-0')])
    planned.make(tally, 'tally-0')
    tally('resume', planned.out, '--keep-work', code=0)
    before = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in planned.work.glob('tally-*.txt')}
    assert len(before) == 2
    redo = ['restore', source, '-o', planned.out, '--redo', '16f-32f', '--overwrite', '--colour-gamma', '1.2']
    result = tally(*redo, '--json', code=0).json()['files'][0]
    assert result['tasks_reused'] == 4, result  # two segments and both tallies
    assert before == {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in planned.work.glob('tally-*.txt')}
    plan = json.loads((planned.work / 'plan.json').read_text())
    assert plan['tasks'][1]['needs'] == ['tally-0'] and len(plan['video']['redo']) == 1

    second = folder / 'second'
    second.mkdir()
    linked = Planned(tally, second, [other(0, 'seg-00001')])
    linked.make(tally, 'seg-00000')
    tally('resume', linked.out, '--keep-work', code=0)
    redo[3] = linked.out
    refused = tally(*redo, '-q', code=1)
    assert len(refused.error_lines) == 1 and 'need each other' in refused.err, refused
    assert os.listdir(linked.work)
