"""Work folders are ours: what another user has made, or planted in one, is neither believed nor written through."""

import os
import shutil
import signal
import stat
import time

import pytest

import judge
import kit

ARGS = kit.options('progressive', 'h264')
MINE = [*ARGS, '--segment-length', 1]
NOBODY = 65534


def as_nobody():
    os.setgid(NOBODY)
    os.setuid(NOBODY)


@pytest.fixture
def tape(folder):
    source = folder / 'tape.mp4'
    shutil.copy2(kit.source('progressive'), source)
    return source


@pytest.fixture
def shared(tmp_path):
    """A place such as /tmp: everybody may write, nobody may remove what is another's."""
    place = tmp_path / 'shared'
    place.mkdir()
    place.chmod(0o1777)
    for parent in place.parents:
        if parent.owner() == 'root' and str(parent).startswith('/tmp/'):
            parent.chmod(parent.stat().st_mode | 0o755)
    return place


@pytest.fixture
def two_users(program, tape, tmp_path):
    """The program as another user, with a home of his own; needs root."""
    if os.geteuid():
        pytest.skip('two users need root')
    home = tmp_path / 'nobody'
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    env = {name: str(home / name) for name in ('XDG_CONFIG_HOME', 'XDG_CACHE_HOME', 'XDG_STATE_HOME')}

    def run(*args, code=None):
        return program(*args, code=code, env=env, preexec_fn=as_nobody)

    return run


def contents(folder):
    return {p.name: (p.lstat().st_mode, p.read_bytes() if p.is_file() and not p.is_symlink() else None)
        for p in folder.iterdir()}


def one_line(result, *words):
    assert result.code == 1, result
    assert len(result.error_lines) == 1, result
    for word in words:
        assert word in result.err, f'"{word}" is missing: {result}'


def work_in(folder, program, tape, out, *args):
    """Where a run of this output would work; found by making one that is stopped at once."""
    program('restore', tape, '-o', out, '--work-dir', folder, *ARGS, '--keep-work', *args, code=0)
    work, = folder.glob('*.terminalai')
    return work


# folders of others


def test_folder_of_another_user(program, two_users, folder, tape, shared):
    """Whoever comes second is refused with a line, whichever of the two he is, and changes nothing."""
    out = folder / 'v.mp4'
    folder.chmod(0o777)
    work = work_in(shared, program, tape, out)
    out.unlink()
    for path, _, files in os.walk(work):
        for name in ['.', *files]:
            os.chown(os.path.join(path, name), NOBODY, NOBODY)
    work.chmod(0o777)
    before = contents(work)
    plan = folder / 'plan.json'
    plan.write_text((work / 'plan.json').read_text())
    where = ('--work-dir', shared, '-q')
    for args in (['restore', tape, '-o', out, *ARGS], ['restore', tape, '-o', out, *ARGS, '--restart'], ['resume', out],
            ['segment', '--plan', plan, '--index', 0], ['join', '--plan', plan]):
        judge.report_path(out).unlink(missing_ok=True)
        one_line(program(*args, *where), "another user's")
        assert contents(work) == before, args
    program('clean', work, '--remove')
    assert contents(work) == before
    # And the other way round.
    for path, _, files in os.walk(work):
        for name in ['.', *files]:
            os.chown(os.path.join(path, name), 0, 0)
    result = two_users('restore', tape, '-o', out, *ARGS, *where)
    one_line(result, "another user's")
    assert contents(work) == before


def test_standard_output_in_a_shared_place(program, two_users, folder, tape, shared):
    """join to standard output works below $TMPDIR, where names can be foreseen."""
    plan = folder / 'plan.json'
    plan.write_text(program('plan', tape, '-o', '-', '--encoder', 'raw', '--resolution', 'source', '--preset', 'clean',
        '--json', code=0).out)
    env = {'TMPDIR': str(shared)}
    program('segment', '--plan', plan, '--index', 0, code=0, env=env)
    work, = shared.glob('*.terminalai')
    assert stat.S_IMODE(work.stat().st_mode) == 0o700
    for path in [*work.iterdir(), work]:
        os.chown(path, NOBODY, NOBODY)
    before = contents(work)
    one_line(program('segment', '--plan', plan, '--index', 0, '-q', env=env), "another user's")
    assert contents(work) == before


# modes


@pytest.mark.parametrize('umask', [0o000, 0o002, 0o022, 0o077])
def test_nobody_else_writes(program, folder, tape, shared, umask):
    def start():
        os.umask(umask)

    for place, most in ((folder, 0o755), (shared, 0o700)):
        out = place / 'v.mp4'
        program('restore', tape, '-o', out, *ARGS, '--keep-work', code=0, preexec_fn=start)
        mode = stat.S_IMODE(judge.work_folder(out).stat().st_mode)
        assert mode & ~most == 0, f'{mode:o}'


def test_open_folders_are_closed(program, folder, tape):
    """One of an older version, made where umask lets everybody write."""
    out = folder / 'v.mp4'
    program('restore', tape, '-o', out, *ARGS, '--keep-work', code=0)
    work = judge.work_folder(out)
    work.chmod(0o777)
    out.unlink()
    program('restore', tape, '-o', out, *ARGS, '--keep-work', code=0)
    assert stat.S_IMODE(work.stat().st_mode) == 0o755


# what is planted under the names of a work folder


def link(path, victim):
    path.symlink_to(victim)


def hard(path, victim):
    os.link(victim, path)


def pipe(path, victim):
    os.mkfifo(path)


def directory(path, victim):
    path.mkdir()


def of_another(path, victim):
    shutil.copy2(victim, path)
    os.chown(path, NOBODY, NOBODY)


PLANTED = [link, hard, pipe, directory, of_another]
TASKS = ['plan.json', 'journal.jsonl', 'seg-00000.nut']
NAMES = [*TASKS, 'index.bin', 'survey.json', 'run.json', '.ta-run.tmp', 'seg-00001.nut']


@pytest.fixture(scope='module')
def finished(program, tmp_path_factory):
    """A work folder whose output is gone, and that output's checksum."""
    where = tmp_path_factory.mktemp('finished') / 'films'
    where.mkdir()
    tape, out = where / 'tape.mp4', where / 'v.mp4'
    shutil.copy2(kit.source('progressive'), tape)
    program('restore', 'tape.mp4', '-o', 'v.mp4', *MINE, '--keep-work', code=0, cwd=where)
    whole = judge.sha256(out)
    for path in (out, judge.report_path(out)):
        path.unlink()
    shutil.copy2(judge.work_folder(out) / 'plan.json', where / 'plan.json')
    return where, whole


@pytest.mark.parametrize('what', PLANTED)
@pytest.mark.parametrize('name', NAMES)
def test_planted(program, finished, tmp_path, name, what):
    """In the way of every command that works there: none hangs, none writes anywhere else, none believes it."""
    if what is of_another and os.geteuid():
        pytest.skip('two users need root')
    where, whole = finished
    folder = tmp_path / 'films'
    shutil.copytree(where, folder)
    tape, out = folder / 'tape.mp4', folder / 'v.mp4'
    work, plan, victim = judge.work_folder(out), folder / 'plan.json', tmp_path / 'victim'
    for path in (plan, work / 'plan.json'):  # it names its files from the root
        path.write_text(path.read_text().replace(str(where), str(folder)))
    victim.write_text('precious')
    (work / name).unlink(missing_ok=True)
    what(work / name, victim)
    commands = [['status', out], ['clean', folder], ['resume', out]]
    if name in TASKS:
        commands = [['task', '--plan', plan, '--list'], ['segment', '--plan', plan, '--index', 0], *commands,
            ['join', '--plan', plan], ['restore', tape, '-o', out, *MINE, '--restart', '--overwrite']]
    for args in commands:
        program(*args, timeout=30, cwd=folder)
        assert victim.read_text() == 'precious', args
        assert not out.exists() or judge.sha256(out) == whole, args
    program('clean', work, '--remove', timeout=30)
    assert victim.read_text() == 'precious'


# the path that leads there


def test_link_in_its_place(program, tmp_path, folder, tape):
    """The work folder's own name is a link: to a folder of somebody, or to nothing."""
    out = folder / 'v.mp4'
    other = tmp_path / 'other'
    other.mkdir()
    for target in (other, tmp_path / 'nowhere'):
        judge.work_folder(out).symlink_to(target)
        result = program('restore', tape, '-o', out, *ARGS, '-q')
        one_line(result, 'v.mp4.terminalai')
        assert not list(other.iterdir()) and not (tmp_path / 'nowhere').exists()
        judge.work_folder(out).unlink()


def test_folder_swapped_while_it_runs(program, tmp_path, folder, tape):
    """Somebody who may write beside it moves the folder away and puts a link to another one there."""
    out, other = folder / 'v.mp4', tmp_path / 'other'
    other.mkdir()
    running = program.start('restore', tape, '-o', out, *ARGS, '-q')
    work, moved = judge.work_folder(out), folder / 'moved'
    end = time.monotonic() + 60
    while time.monotonic() < end and not (work / 'run.json').exists() and running.poll() is None:
        pass
    running.send_signal(signal.SIGSTOP)
    if running.poll() is None and work.exists():
        work.rename(moved)
        work.symlink_to(other)
    running.send_signal(signal.SIGCONT)
    running.communicate(timeout=60)
    assert running.returncode in (0, 1)
    assert not list(other.iterdir()), 'written through the link'


# the cache


def test_cache_of_another_user(program, two_users, folder, tape, tmp_path):
    cache = tmp_path / 'cache'
    for path in (cache, cache / 'terminalai', cache / 'terminalai/index'):
        path.mkdir()
        os.chown(path, NOBODY, NOBODY)
        path.chmod(0o777)
    program('plan', tape, code=0, env={'XDG_CACHE_HOME': str(cache)})
    assert not list((cache / 'terminalai/index').iterdir())


def test_state_by_a_link(program, folder, tape, tmp_path):
    """The file of records is no link, and has no second name."""
    victim = tmp_path / 'victim'
    victim.write_text('precious')
    for plant in (link, hard, pipe):
        state = tmp_path / f'state-{plant.__name__}/terminalai'
        state.mkdir(parents=True)
        plant(state / 'performance_metrics.jsonl', victim)
        out = folder / f'{plant.__name__}.mp4'
        program('restore', tape, '-o', out, *ARGS, code=0, env={'XDG_STATE_HOME': str(state.parent)}, timeout=30)
        assert victim.read_text() == 'precious'
