"""The plain task commands: segment and join, as other runners call them."""

import json
import subprocess

import pytest

import judge

RECIPE = ['--preset-speed', 'ultrafast', '--resolution', '288', '--segment-length', '0.5']


@pytest.fixture(scope='module')
def tape(program, tmp_path_factory):
    path = tmp_path_factory.mktemp('tasks') / 'tape.avi'
    program('simulate', '-o', path, '--frames', 60, code=0)
    return path


@pytest.fixture(scope='module')
def restored(program, tape):
    out = tape.with_name('whole.mp4')
    program('restore', tape, '-o', out, *RECIPE, '--progress', 'none', code=0)
    return out


def write_plan(program, tape, out, path, *more, cwd=None):
    done = program('plan', tape, '-o', out, *RECIPE, '--json', *more, code=0, cwd=cwd)
    path.write_text(done.out)
    return len(done.json()['video']['cuts']) - 1


def test_same_file_as_restore(program, tape, restored, tmp_path):
    """Tasks in any order, from another folder, make what restore makes."""
    folder = tmp_path / 'elsewhere'
    folder.mkdir()
    plan, out = tmp_path / 'plan.json', folder / 'out.mp4'
    count = write_plan(program, tape.name, f'{folder}/../elsewhere/out.mp4', plan, cwd=tape.parent)
    assert count >= 3
    for k in reversed(range(count)):
        done = program('segment', '--plan', plan, '--index', k, '--json', code=0, cwd=folder).json()
        assert done['already'] is False and done['frames'] > 0 and done['segments'] == count
    assert not out.exists()
    again = program('segment', '--plan', plan, '--index', 0, '--json', code=0)
    assert again.json()['already'] is True
    assert 'done already' in again.err
    done = program('join', '--plan', plan, '--json', code=0).json()
    assert done['already'] is False and done['segments'] == count
    assert judge.sha256(out) == judge.sha256(restored)
    assert not judge.work_folder(out).exists()
    # Once more: nothing is made, nothing is left.
    stamp = out.stat()
    assert program('join', '--plan', plan, '--json', code=0).json()['already'] is True
    done = program('segment', '--plan', plan, '--index', 1, '--json', code=0).json()
    assert done['already'] is True and done['delivered'] is True
    assert out.stat().st_mtime_ns == stamp.st_mtime_ns and out.stat().st_ino == stamp.st_ino
    assert not judge.work_folder(out).exists()
    program('verify', out, code=0)


def test_copies_at_once(program, tape, restored, tmp_path):
    """Each segment twice, all at once: no harm, one file each, whole lines in the journal."""
    plan, out, work = tmp_path / 'plan.json', tmp_path / 'out.mp4', tmp_path / 'work'
    work.mkdir()
    count = write_plan(program, tape, out, plan)
    running = [program.start('segment', '--plan', plan, '--index', k, '--work-dir', work, '--progress', 'none')
        for k in range(count) for _ in range(2)]
    for p in running:
        out_text, err_text = p.communicate(timeout=120)
        assert p.returncode == 0, err_text.decode()
    folder, = work.iterdir()
    assert len(judge.segment_files(folder)) == count
    assert not list(folder.glob('*.part'))
    lines = (folder / 'journal.jsonl').read_text().splitlines()
    entries = [json.loads(line)['entry'] for line in lines]
    assert {e['task'] for e in entries if 'task' in e} == {f'seg-{k:05d}' for k in range(count)}
    program('join', '--plan', plan, '--work-dir', work, code=0)
    assert judge.sha256(out) == judge.sha256(restored)
    assert not list(work.iterdir())


def test_tasks_and_runs_keep_apart(program, tape, restored, tmp_path):
    """While a segment is made, neither restore nor join may touch the folder; afterwards restore goes on with it."""
    plan, out = tmp_path / 'plan.json', tmp_path / 'out.mp4'
    write_plan(program, tape, out, plan)
    program('segment', '--plan', plan, '--index', 0, code=0)
    hold = subprocess.Popen(['flock', '--shared', judge.work_folder(out), 'sh', '-c', 'echo ready; read x'], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE)
    try:
        hold.stdout.readline()
        program('segment', '--plan', plan, '--index', 1, code=0)  # beside another task
        for command in (['restore', tape, '-o', out, *RECIPE, '--progress', 'none'], ['join', '--plan', plan]):
            refused = program(*command, code=1)
            assert len(refused.error_lines) == 1 and 'working on this output' in refused.err
    finally:
        hold.communicate(b'\n', timeout=10)
    missing = program('join', '--plan', plan, '--progress', 'none', code=1)
    assert len(missing.error_lines) == 1 and 'not made yet: seg-00002, seg-00003' in missing.err
    resumed = program('restore', tape, '-o', out, *RECIPE, '--json', code=0).json()
    assert resumed['files'][0]['segments_reused'] == 2
    assert judge.sha256(out) == judge.sha256(restored)


def test_by_stem_and_by_number(program, tape, tmp_path):
    """segment --index N is a name for task --task seg-N; --list shows what there is and how far it is."""
    plan, out = tmp_path / 'plan.json', tmp_path / 'out.mp4'
    count = write_plan(program, tape, out, plan)
    made = program('task', '--plan', plan, '--task', 'seg-00002', '--json', code=0).json()
    assert made['task'] == 'seg-00002' and made['kind'] == 'video' and made['tasks'] == count and not made['already']
    again = program('segment', '--plan', plan, '--index', 2, '--json', code=0).json()
    assert again['already'] and again['task'] == 'seg-00002' and again['segment'] == 2 and again['bytes'] == made['bytes']
    found = program('task', '--plan', plan, '--list', '--json', code=0).json()
    assert found['output'] == str(out) and not found['delivered']
    assert [t['task'] for t in found['tasks']] == [f'seg-{k:05d}' for k in range(count)]
    assert [t['state'] for t in found['tasks']] == ['done' if k == 2 else 'left' for k in range(count)]
    assert sum(t['expect']['frames'] for t in found['tasks']) == json.loads(plan.read_text())['video']['frames']
    # Another plan's work in the folder is not this plan's.
    other = tmp_path / 'other.json'
    write_plan(program, tape, out, other, '--crf', 30)
    found = program('task', '--plan', other, '--list', '--json', code=0).json()
    assert {t['state'] for t in found['tasks']} == {'left'}


def stray_journal(program, tape, tmp_path, plan, out):
    """A work folder whose journal is of another plan than its plan.json, as a copy by hand leaves it."""
    other = tmp_path / 'other.mp4'
    program('restore', tape, '-o', other, *RECIPE, '--crf', 35, '--keep-work', '--progress', 'none', code=0)
    program('segment', '--plan', plan, '--index', 0, code=0)
    journal = judge.work_folder(out) / 'journal.jsonl'
    journal.write_bytes((judge.work_folder(other) / 'journal.jsonl').read_bytes())
    return journal


def test_journal_of_another_plan(program, tape, restored, tmp_path):
    """It counts for nothing; but while other tasks have the folder, it is not taken away under their hands."""
    plan, out = tmp_path / 'plan.json', tmp_path / 'out.mp4'
    count = write_plan(program, tape, out, plan)
    journal = stray_journal(program, tape, tmp_path, plan, out)
    before = journal.read_bytes()
    hold = subprocess.Popen(['flock', '--shared', judge.work_folder(out), 'sh', '-c', 'echo ready; read x'], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE)
    try:
        hold.stdout.readline()
        refused = program('segment', '--plan', plan, '--index', 1, '--progress', 'none', code=1)
        assert len(refused.error_lines) == 1 and 'other tasks' in refused.err, refused
        assert journal.read_bytes() == before
    finally:
        hold.communicate(b'\n', timeout=10)
    made = program('segment', '--plan', plan, '--index', 1, '--json', code=0)
    assert 'not of the plan' in made.err and not made.json()['already']
    for k in range(count):
        assert program('segment', '--plan', plan, '--index', k, '--json', code=0).json()['already'] == (k == 1)
    program('join', '--plan', plan, code=0)
    assert judge.sha256(out) == judge.sha256(restored)


def test_only_what_is_done_is_said(program, tape, restored, tmp_path):
    """A task leaves a plan.json that is missing as it is, and does not say that it was written."""
    plan, out = tmp_path / 'plan.json', tmp_path / 'out.mp4'
    count = write_plan(program, tape, out, plan)
    program('segment', '--plan', plan, '--index', 0, code=0)
    kept = judge.work_folder(out) / 'plan.json'
    kept.unlink()
    for k in range(count):
        assert 'written anew' not in program('segment', '--plan', plan, '--index', k, code=0).err
    assert not kept.exists()
    joined = program('join', '--plan', plan, '--keep-work', code=0)
    assert 'written anew' in joined.err and kept.exists()
    assert judge.sha256(out) == judge.sha256(restored)


@pytest.mark.parametrize('limit', ['1', '100', '1k'])
def test_no_space_for_the_next_one(program, tape, tmp_path, limit):
    """A task that has its file in place has not failed for want of room, though another would; one that has not says why."""
    plan, out = tmp_path / 'plan.json', tmp_path / 'out.mp4'
    write_plan(program, tape, out, plan)
    made = program('segment', '--plan', plan, '--index', 0, code=(0, 1), env={'TERMINALAI_MAX_TEMP_SIZE': limit})
    found = program('task', '--plan', plan, '--list', '--json', code=0).json()
    assert (found['tasks'][0]['state'] == 'done') == (made.code == 0), made
    assert made.code == 0 or '--max-temp-size' in made.err and 'interrupted' not in made.err, made


def test_bad_calls(program, tape, tmp_path):
    plan, out = tmp_path / 'plan.json', tmp_path / 'out.mp4'
    count = write_plan(program, tape, out, plan)
    wrong = tmp_path / 'wrong.json'
    wrong.write_text('{"version": 1}')
    for args, code, word in [
        (['segment', '--index', 0], 2, '--plan'),
        (['segment', '--plan', plan], 2, '--index'),
        (['segment', '--plan', plan, '--index', count], 2, f'the plan has {count}'),
        (['segment', '--plan', tmp_path / 'none.json', '--index', 0], 1, 'none.json'),
        (['segment', '--plan', wrong, '--index', 0], 1, 'wrong.json'),
        (['join', '--plan', plan], 1, f'none of its tasks ({count})'),
        (['join'], 2, '--plan'),
        (['task', '--plan', plan], 2, '--list'),
        (['task', '--plan', plan, '--list', '--task', 'seg-00000'], 2, '--list'),
        (['task', '--plan', plan, '--task', 'seg-7'], 2, '"seg-7"'),
        (['task', '--list'], 2, '--plan'),
    ]:
        done = program(*args, code=code)
        assert word in done.err, done
        assert len([line for line in done.error_lines if not line.startswith('see ')]) == 1, done
    assert sorted(p.name for p in tmp_path.iterdir()) == ['plan.json', 'wrong.json']
    # A source that is not the planned one any more, and an output that is somebody else's.
    changed = tmp_path / 'changed.avi'
    changed.write_bytes(tape.read_bytes())
    write_plan(program, changed, out, plan)
    with changed.open('ab') as f:
        f.write(b'x')
    done = program('segment', '--plan', plan, '--index', 0, code=1)
    assert len(done.error_lines) == 1 and 'changed' in done.err
    assert not judge.work_folder(out).exists()
