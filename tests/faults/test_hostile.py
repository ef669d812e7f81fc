"""Plans, reports, journals and whole work folders from a stranger, through every command that reads them: each is used as this program
would have written it, or refused with words. tests/unit/test_plan_walk.c does the same for each member of a plan."""

import copy
import hashlib
import json
import os
import random
import shutil

import pytest

RECIPE = ['--preset-speed', 'ultrafast', '--resolution', '192', '--deinterlace', 'bwdif', '--denoise', 'recursive',
    '--segment-length', '0.6', '--progress', 'none']
LONG = bool(os.environ.get('TA_TEST_LONG'))
DROPPED = object()
OTHERS = [DROPPED, None, True, -1, 0, 2**31, 2**63 - 1, -(2**63), 1e300, '', '../../../etc/passwd', '/dev/zero', 'a=b:c,d;e|f',
          'while(1,0)', '\x1b[2J\n\u202e', '1/0', 'nan', 'x' * 70000, [], {}, [[]], {'hex': '2f00'}]


@pytest.fixture(scope='module')
def begun(program, tmp_path_factory):
    """A folder with a tape, its plan, one of its tasks made, and another tape's whole result."""
    folder = tmp_path_factory.mktemp('hostile')
    tape = folder / 'tape.avi'
    program('simulate', '-o', tape, '--frames', 48, code=0)
    (folder / 'plan.json').write_text(program('plan', tape, '-o', folder / 'out.mp4', *RECIPE[:-2], '--json', code=0).out)
    program('segment', '--plan', folder / 'plan.json', '--index', 0, code=0)
    program('restore', tape, '-o', folder / 'whole.mp4', *RECIPE, '--keep-work', code=0)
    return folder


def places(tree, path=()):
    """Every member and item below."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def changed(tree, path, value):
    tree = copy.deepcopy(tree)
    node = tree
    for key in path[:-1]:
        node = node[key]
    if value is DROPPED:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return tree


def sample(tree, count, seed):
    """Changed copies of a tree, with what was done: `count` of all there are, or all of them in the long run."""
    rng = random.Random(seed)
    # A recipe's options and a diagnosis are many, and alike.
    all_places = [p for p in places(tree) if p[:1] not in (('recipe',), ('diagnosis',)) and p[:2] not in (
        ('plan', 'recipe'), ('plan', 'diagnosis')) or rng.random() < 0.05]
    every = [(p, v) for p in all_places for v in OTHERS]
    for path, value in every if LONG else rng.sample(every, min(count, len(every))):
        yield f'{"/".join(map(str, path))} = {"dropped" if value is DROPPED else repr(value)[:60]}', changed(tree, path, value)


def stamp(folder):
    """What must not change: all that lies beside the work folders."""
    return {p.name: (p.stat().st_size, p.stat().st_mtime_ns) for p in folder.iterdir() if p.is_file()}


def call(program, *args):
    done = program(*args, timeout=60)
    assert done.code in (0, 1, 2, 3), done
    assert 'Sanitizer' not in done.err and 'runtime error' not in done.err and 'internal:' not in done.err, done
    assert '\x1b' not in done.out + done.err and '\u202e' not in done.err, done
    assert len(done.err) < 20000, f'{done.command}: {len(done.err)} bytes of words'
    assert done.code in (0, 3) or done.err, done
    return done


def copied(begun, tmp_path):
    """A copy whose plan is of the copy's own tape."""
    folder = tmp_path / 'copy'
    shutil.copytree(begun, folder, copy_function=shutil.copy2)
    for plan in (folder / 'plan.json', folder / 'out.mp4.terminalai' / 'plan.json'):
        plan.write_text(plan.read_text().replace(str(begun), str(folder)))
    return folder


@pytest.mark.sanitizer
def test_plans(program, begun, tmp_path):
    """As a file, and in a work folder, of which there are others in the tree."""
    folder = copied(begun, tmp_path)
    plan = json.loads((folder / 'plan.json').read_text())
    inside, other = folder / 'out.mp4.terminalai' / 'plan.json', folder / 'whole.mp4.terminalai'
    before, work = stamp(folder), {p.name: p.read_bytes() for p in inside.parent.iterdir()}
    for what, tree in sample(plan, 16, 1):
        print(what)
        (tmp_path / 'evil.json').write_text(json.dumps(tree))
        inside.write_text(json.dumps(tree))
        call(program, 'task', '--plan', tmp_path / 'evil.json', '--list')
        made = call(program, 'segment', '--plan', tmp_path / 'evil.json', '--index', 0, '--progress', 'none')
        call(program, 'join', '--plan', tmp_path / 'evil.json', '--progress', 'none')
        call(program, 'status', folder / 'out.mp4')
        found = call(program, 'clean', '--json', folder)
        assert {f['folder'] for f in found.json()} >= {str(other)}, f'{what}: one folder hides the others: {found}'
        assert made.code == 0 or made.err.count('\n') <= 3, made
        assert stamp(folder) == before, f'{what}: files beside the work folder have changed'
        shutil.rmtree(inside.parent, ignore_errors=True)
        inside.parent.mkdir(mode=0o700)
        for name, data in work.items():
            (inside.parent / name).write_bytes(data)


@pytest.mark.sanitizer
def test_resumed_plans(program, begun, tmp_path):
    """A whole folder of a stranger's, gone on with: the output is the one that the caller names, or there is none."""
    folder = copied(begun, tmp_path)
    plan = json.loads((folder / 'out.mp4.terminalai' / 'plan.json').read_text())
    clean = folder / 'out.mp4.terminalai'
    shutil.copytree(clean, tmp_path / 'kept')
    for what, tree in sample(plan, 8, 2):
        print(what)
        shutil.rmtree(clean, ignore_errors=True)
        shutil.copytree(tmp_path / 'kept', clean)
        (clean / 'plan.json').write_text(json.dumps(tree))
        call(program, 'restore', folder / 'tape.avi', '-o', folder / 'out.mp4', '--redo', '0-0.2', '--denoise', 'off', '--progress', 'none')
        (clean / 'plan.json').write_text(json.dumps(tree)) if clean.exists() else None
        call(program, 'resume', folder / 'out.mp4', '--progress', 'none')
        names = {p.name for p in folder.iterdir()} - {'out.mp4', 'out.mp4.json', 'out.mp4.terminalai'}
        assert names == {p.name for p in begun.iterdir()} - {'out.mp4.terminalai'}, what
        for name in ('out.mp4', 'out.mp4.json'):
            (folder / name).unlink(missing_ok=True)


@pytest.mark.sanitizer
def test_reports(program, begun, tmp_path):
    folder = copied(begun, tmp_path)
    path = folder / 'whole.mp4.json'
    report = json.loads(path.read_text())
    for what, tree in sample(report, 24, 3):
        print(what)
        path.write_text(json.dumps(tree))
        call(program, 'verify', folder / 'whole.mp4')
        call(program, 'status', folder / 'whole.mp4')
        call(program, 'clean', folder)


def line_of(entry):
    text = json.dumps(entry, separators=(',', ':'), ensure_ascii=False)
    return json.dumps({'entry': entry, 'sha256': hashlib.sha256(text.encode()).hexdigest()}, separators=(',', ':'), ensure_ascii=False)


@pytest.mark.sanitizer
def test_journals(program, begun, tmp_path):
    """Lines whose checksum is right: a stranger can count, too. The tasks are proven by their files, and so the end is the same."""
    folder = copied(begun, tmp_path)
    work, kept = folder / 'out.mp4.terminalai', tmp_path / 'kept'
    shutil.copytree(work, kept)
    entries = [json.loads(line)['entry'] for line in (work / 'journal.jsonl').read_text().splitlines()]
    entries += [{'joined_sha256': '0' * 64, 'bytes': 5}, {'joining': 'abcdefgh'}, {'keep_work': 'done'},
                {'segment': 1, 'sha256': '0' * 64, 'bytes': 3, 'frames': 5, 'concealed': 0, 'damaged': 0, 'delay': 2}]
    for what, tree in sample(entries, 14, 4):
        print(what)
        lines = '\n'.join(line_of(e) for e in tree if e is not None) + '\n'
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(kept, work)
        (work / 'journal.jsonl').write_text(lines)
        call(program, 'status', folder / 'out.mp4')
        call(program, 'clean', folder)
        call(program, 'task', '--plan', folder / 'plan.json', '--list')
        call(program, 'segment', '--plan', folder / 'plan.json', '--index', 0, '--progress', 'none')
        assert not (folder / 'out.mp4').exists()


@pytest.mark.sanitizer
def test_small_files(program, begun, tmp_path):
    """run.json and survey.json help, and decide nothing."""
    folder = copied(begun, tmp_path)
    work = folder / 'out.mp4.terminalai'
    survey = json.loads((folder / 'whole.mp4.terminalai' / 'survey.json').read_text())
    live = {'pid': 1, 'started': 1.0, 'updated': 2.0, 'phase': 'restore', 'fraction': 0.5, 'total': 0.5, 'frames_done': 5,
            'frames_total': 10, 'fps': 3.0, 'eta_seconds': 2.0, 'host': 'here'}
    for what, tree in sample(live, 12, 5):
        print(what)
        (work / 'run.json').write_text(json.dumps(tree))
        call(program, 'status', folder / 'out.mp4')
        call(program, 'status', '--json', folder / 'out.mp4')
    for what, tree in sample(survey, 12, 6):
        print(what)
        (work / 'survey.json').write_text(json.dumps(tree))
        done = call(program, 'segment', '--plan', folder / 'plan.json', '--index', 0, '--progress', 'none')
        assert done.code == 0, done


def test_formula_for_a_rate(program, begun, tmp_path):
    """libav's parser of rates would compute this one until somebody stops it."""
    plan = program('plan', begun / 'tape.avi', '-o', tmp_path / 'out.mp4', '--deinterlace', 'ivtc', '--deinterlace-rate', 'constant',
        '--json', code=0).json()
    stage, = (s for s in plan['video']['stages'] if s['stage'] == 'deinterlace.ivtc')
    stage['options']['frame-rate'] = 'while(1,0)'
    (tmp_path / 'plan.json').write_text(json.dumps(plan))
    done = program('task', '--plan', tmp_path / 'plan.json', '--list', code=1, timeout=20)
    assert 'is no frame rate' in done.err


@pytest.mark.parametrize('name', ['.bashrc', 'out', 'out.mkv', 'out.mp4.json', ''])
def test_output_that_is_none(program, begun, tmp_path, name):
    """A plan's output has a name that this program would take."""
    plan = json.loads((begun / 'plan.json').read_text())
    plan['output']['path'] = str(tmp_path / 'home' / name) if name else ''
    (tmp_path / 'plan.json').write_text(json.dumps(plan))
    (tmp_path / 'home').mkdir()
    for args in (['segment', '--index', 0], ['join']):
        done = program(args[0], '--plan', tmp_path / 'plan.json', *args[1:], code=1)
        assert 'container' in done.err or 'path' in done.err
    assert not list((tmp_path / 'home').iterdir())


def test_what_is_written_is_said_before(program, begun, tmp_path):
    """And the caller may name another output."""
    folder = copied(begun, tmp_path)
    plan, other = folder / 'plan.json', tmp_path / 'mine.mp4'
    said = program('segment', '--plan', plan, '--index', 1, '--progress', 'none', code=0).err
    assert f'out.mp4: makes seg-00001 in {folder}/out.mp4.terminalai' in said
    count = len(json.loads(plan.read_text())['video']['cuts']) - 1
    before = stamp(folder)
    for k in range(count):
        program('segment', '--plan', plan, '--index', k, '-o', other, '--progress', 'none', code=0)
    said = program('join', '--plan', plan, '-o', 'mine.mp4', '--progress', 'none', code=0, cwd=tmp_path).err
    assert f'mine.mp4: is made, with a report beside it, of what lies in {tmp_path}/mine.mp4.terminalai' in said
    assert other.exists() and stamp(folder) == before
    program('verify', other, code=0)
    done = program('segment', '--plan', plan, '--index', 0, '-o', tmp_path / 'mine.mkv', code=1)
    assert 'the plan makes mp4' in done.err


@pytest.mark.skipif(os.geteuid() != 0, reason='needs to be somebody else than the owner of a folder')
def test_folders_of_others(program, begun, tmp_path):
    """The plan's own word does not open them."""
    folder, home = copied(begun, tmp_path), tmp_path / 'home'
    home.mkdir()
    os.chown(home, 12345, 12345)
    plan = json.loads((folder / 'plan.json').read_text())
    plan['output']['path'] = str(home / 'out.mp4')
    (folder / 'other.json').write_text(json.dumps(plan))
    for args in (['segment', '--index', 0], ['join']):
        done = program(args[0], '--plan', folder / 'other.json', *args[1:], code=1)
        assert 'a folder that is not yours: name the output with -o' in done.err
    assert not list(home.iterdir())
    # Beside the plan, and where the caller says, it is his own wish.
    program('segment', '--plan', folder / 'other.json', '--index', 0, '-o', home / 'out.mp4', code=0)
