"""Work folders: what is trusted, refused, shown and removed."""

import hashlib
import json
import os
import re
import shutil
import signal
import time

import pytest

import clips
import judge
import kit

CASE = ('progressive', 'h264', 'mp4')
ARGS = kit.options('progressive', 'h264')


@pytest.fixture(scope='module')
def finished(program, tmp_path_factory):
    """A finished work folder with its output, made once; tests take copies."""
    where = tmp_path_factory.mktemp('finished')
    source = where / 'tape.mp4'
    shutil.copy2(kit.source('progressive'), source)
    program.restore(source, where / 'out.mp4', *ARGS, '--keep-work', cwd=where)
    return where


class Half:
    """Interrupted work: all segments but the last are done."""

    def __init__(self, finished, folder):
        if finished:
            shutil.copytree(finished, folder, dirs_exist_ok=True)
        self.folder, self.source, self.out = folder, folder / 'tape.mp4', folder / 'out.mp4'
        self.work = judge.work_folder(self.out)
        self.whole = judge.sha256(self.out)
        self.segments = judge.segment_files(self.work)
        self.journal, self.plan = self.work / 'journal.jsonl', self.work / 'plan.json'
        for path in (self.out, judge.report_path(self.out), self.segments[-1]):
            path.unlink()
        last = len(self.segments) - 1
        lines = self.journal.read_text().splitlines(keepends=True)
        self.journal.write_text(''.join(line for line in lines if not re.search('joined|joining|keep_work', line) and
            json.loads(line)['entry'].get('task') != f'seg-{last:05d}'))

    def goes_on(self, program, *args, reused=None):
        result = program.restore(self.source, self.out, *ARGS, *args, '--json')
        assert judge.sha256(self.out) == self.whole, result
        if reused is not None:
            assert result.json()['files'][0]['segments_reused'] == reused, result
        assert not self.work.exists()
        return result


@pytest.fixture
def half(finished, folder):
    return Half(finished, folder)


@pytest.fixture
def half_here(program, folder):
    """The same, made in this folder: its plan names this folder's source."""
    source = folder / 'tape.mp4'
    shutil.copy2(kit.source('progressive'), source)
    program.restore(source, folder / 'out.mp4', *ARGS, '--keep-work', cwd=folder)
    return Half(None, folder)


def refused(result, *words):
    assert len(result.error_lines) <= 2, result
    for word in words:
        assert word in result.err, f'"{word}" is missing: {result}'


# resume


def test_resume(program, half, tmp_path):
    """From another folder, by the output alone."""
    result = program('resume', half.out, '--json', code=0, cwd=tmp_path)
    assert judge.sha256(half.out) == half.whole and result.json()['files'][0]['segments_reused'] == 2
    assert not half.work.exists()
    assert program('resume', half.out, '--json', code=0).json()['files'][0]['already']
    judge.report_path(half.out).unlink()
    refused(program('resume', half.out, '-q', code=1), 'nothing to resume')


def test_resume_relative_names(program, folder, tmp_path):
    """The run was started by relative names; going on is possible from anywhere."""
    shutil.copy2(kit.source('progressive'), folder / 'tape.mp4')
    program.restore('tape.mp4', 'out.mp4', *ARGS, '--keep-work', cwd=folder)
    out, work = folder / 'out.mp4', folder / 'out.mp4.terminalai'
    whole = judge.sha256(out)
    for path in (out, judge.report_path(out), judge.segment_files(work)[0]):
        path.unlink()
    program('resume', out, code=0, cwd=tmp_path)
    assert judge.sha256(out) == whole


def test_resume_with_work_dir(program, folder, tmp_path):
    scratch = tmp_path / 'scratch'
    scratch.mkdir()
    source, out = kit.source('progressive'), folder / 'out.mp4'
    program.restore(source, out, *ARGS, '--keep-work', '--work-dir', scratch)
    whole = judge.sha256(out)
    for path in (out, judge.report_path(out), next(scratch.glob('*/seg-*.nut'))):
        path.unlink()
    refused(program('resume', out, '-q', code=1), '--work-dir')
    state = program('status', out, '--work-dir', scratch, '--json', code=0).json()
    assert state['state'] == 'interrupted' and str(scratch) in state['next'], state
    program('resume', out, '--work-dir', scratch, code=0)
    assert judge.sha256(out) == whole and not list(scratch.iterdir())


def test_nothing_to_resume(program, folder):
    refused(program('resume', folder / 'none.mp4', '-q', code=1), 'none.mp4', 'no unfinished work')
    refused(program('status', folder / 'none.mp4', '-q', code=1), 'none.mp4')
    result = program('resume', folder / 'none.mp4', '--restart', code=2)
    assert 'begins anew' in result.err


def test_same_command_elsewhere(program, half):
    """Where files lie and where values come from is no other plan."""
    program('restore', 'tape.mp4', '-o', './out.mp4', *[a for a in ARGS if a not in ('--crf', 28)], code=0,
        env={'TERMINALAI_CRF': '28'}, cwd=half.folder)
    assert judge.sha256(half.out) == half.whole and not half.work.exists()


def test_other_plan_is_told(program, half):
    """Each option that differs, old and new, and what to do next."""
    before = judge.listing(half.work)
    args = [31 if a == 28 else a for a in ARGS]
    result = program('restore', half.source, '-o', half.out, *args, '--quality', 'good', code=1)
    for word in ('--crf: 28 -> 31', '--quality: fast -> good', 'resume', '--restart'):
        assert word in result.err, result
    assert 'video.' not in result.err, f'what follows from the options need not be told: {result}'
    assert judge.listing(half.work) == before
    half.goes_on(program, reused=2)


def test_source_changed_since(program, half_here):
    os.utime(half_here.source, (1, 1))
    for command in (('restore', half_here.source, '-o', half_here.out, *ARGS), ('resume', half_here.out)):
        refused(program(*command, '-q', code=1), 'changed')
    assert half_here.work.exists()
    assert program('status', half_here.out, '--json', code=0).json()['source']['unchanged'] is False


def test_source_gone(program, half_here):
    """A source that comes back is gone on with."""
    away = half_here.source.rename(half_here.folder / 'away.mp4')
    assert program('status', half_here.out, '--json', code=0).json()['source']['exists'] is False
    assert program('clean', half_here.folder, '--json', code=0).json()[0]['source_exists'] is False
    refused(program('resume', half_here.out, '-q', code=1), 'tape.mp4')
    away.rename(half_here.source)
    program('resume', half_here.out, code=0)
    assert judge.sha256(half_here.out) == half_here.whole


# What is trusted


def flipped(data, place):
    data = bytearray(data)
    data[place] ^= 0x20
    return bytes(data)


@pytest.mark.parametrize('what', ['plan.json', 'index.bin'])
@pytest.mark.parametrize('how', ['cut', 'flipped', 'empty', 'missing'])
def test_broken_plan_or_index(program, half, what, how):
    """Said, written anew, and what is finished is used."""
    path = half.work / what
    data = path.read_bytes()
    place = data.index(b'"cuts"') + 2 if what == 'plan.json' else len(data) // 3
    if how == 'missing':
        path.unlink()
    else:
        path.write_bytes({'cut': data[: len(data) // 2], 'flipped': flipped(data, place), 'empty': b''}[how])
    result = half.goes_on(program, reused=2)
    assert what in result.err, result


@pytest.mark.parametrize('how', ['number', 'frames', 'binary', 'deep', 'a list'])
def test_plan_of_nonsense(program, half, how):
    """The journal says whose work it is, whatever stands in plan.json."""
    text = half.plan.read_text()
    half.plan.write_bytes({'number': text.replace('"version": 1', '"version": 1e99', 1).encode(),
        'frames': text.replace('"frames": 50', '"frames": 5000000000', 1).encode(), 'binary': bytes(range(256)) * 50,
        'deep': b'[' * 200000, 'a list': b'[1]'}[how])
    assert half.plan.read_bytes() != text.encode()
    assert 'plan.json is garbled' in half.goes_on(program, reused=2).err


@pytest.mark.parametrize('how', ['cut', 'flipped', 'empty', 'missing', 'swapped'])
def test_broken_segment(program, half, how):
    first, second = half.segments[:2]
    data = first.read_bytes()
    if how == 'missing':
        first.unlink()
    else:
        first.write_bytes({'cut': data[:-100], 'flipped': flipped(data, len(data) // 2), 'empty': b'',
            'swapped': second.read_bytes()}[how])
    result = half.goes_on(program, reused=1)
    assert 'seg-00000.nut' in result.err and 'made again' in result.err, result


def test_no_resume(program, half):
    before = judge.listing(half.work)
    refused(program('restore', half.source, '-o', half.out, *ARGS, '--no-resume', '-q', code=1), 'out.mp4', '--restart')
    assert judge.listing(half.work) == before


def checked(entry):
    text = json.dumps(entry, separators=(',', ':'), ensure_ascii=False)
    return f'{{"entry":{text},"sha256":"{hashlib.sha256(text.encode()).hexdigest()}"}}\n'


def test_work_of_version_0_1(program, half):
    """Journals that speak of segments alone are gone on with."""
    lines = []
    for line in half.journal.read_text().splitlines():
        entry = json.loads(line)['entry']
        if 'task' in entry:
            entry = {'segment': int(entry['task'][4:]), 'frames': entry['counts']['frames'], 'bytes': entry['bytes'],
                'concealed': 0, 'damaged': 0, 'delay': entry['counts']['delay'], 'sha256': entry['sha256']}
        lines.append(checked(entry))
    half.journal.write_text(''.join(lines))
    state = program('status', half.out, '--json', code=0).json()
    assert state['tasks'] == {'total': 3, 'done': 2, 'running': [], 'left': 1}, state
    half.goes_on(program, reused=2)


@pytest.mark.parametrize('what, how', [('plan.json', 'cut'), ('plan.json', 'missing'), ('index.bin', 'cut')])
def test_resume_with_a_broken_plan_or_index(program, half, what, how):
    path = half.work / what
    data = path.read_bytes()
    if how == 'missing':
        path.unlink()
    else:
        path.write_bytes(data[: len(data) // 2])
    if what == 'index.bin':
        program('resume', half.out, code=0)
        assert judge.sha256(half.out) == half.whole
    else:
        result = program('resume', half.out, '-q', code=1)
        assert 'restore' in result.err and not half.out.exists(), result
        half.goes_on(program, reused=2)


@pytest.mark.parametrize('how, reused', [('cut', 1), ('first flipped', 1), ('head flipped', 2), ('empty', 0),
    ('missing', 0), ('garbage in between', 2), ('zeros behind', 2), ('turned round', 2), ('doubled', 2), ('binary', 2)])
def test_broken_journal(program, half, how, reused):
    lines = half.journal.read_bytes().splitlines(keepends=True)
    head, first, rest = lines[0], lines[1], b''.join(lines[2:])
    text = {
        'cut': lambda: b''.join(lines)[:-30],
        'first flipped': lambda: head + flipped(first, 40) + rest,
        'head flipped': lambda: flipped(head, 30) + first + rest,
        'empty': lambda: b'',
        'missing': lambda: None,
        'garbage in between': lambda: head + first + bytes(range(256)) + b'\n' + rest,
        'zeros behind': lambda: b''.join(lines) + b'\0' * 100,
        'turned round': lambda: b''.join(reversed(lines)),
        'doubled': lambda: 2 * b''.join(lines),
        'binary': lambda: bytes(range(256)) * 10 + b'\n' + b''.join(lines),
    }[how]()
    half.journal.unlink()
    if text is not None:
        half.journal.write_bytes(text)
    half.goes_on(program, reused=reused)


def test_journal_of_another_plan(program, half):
    """A journal that came through the removal of its folder brings nothing into another run."""
    half.plan.unlink()
    args = [35 if a == 28 else a for a in ARGS]
    other = half.folder / 'other.mp4'
    program.restore(half.source, other, *args)
    wanted = judge.sha256(other)
    # Killed as soon as it has begun: the journal that was there must not count for the new plan.
    running = program.start('restore', half.source, '-o', half.out, *args, '--progress', 'none', start_new_session=True)
    end = time.monotonic() + 20
    while not half.plan.exists() and running.poll() is None and time.monotonic() < end:
        time.sleep(0.001)
    kit.end(running, 'KILL')
    result = program.restore(half.source, half.out, *args, '--overwrite')
    assert judge.sha256(half.out) == wanted, result


def test_segments_of_another_program(program, half):
    """The same plan carried out by other libraries may give other bytes."""
    lines = half.journal.read_text().splitlines()
    entry = json.loads(lines[0])['entry']
    entry['made_by'] = entry['made_by'].replace('"terminalai":"', '"terminalai":"9')
    half.journal.write_text(checked(entry) + '\n'.join(lines[1:]) + '\n')
    refused(program('restore', half.source, '-o', half.out, *ARGS, '-q', code=1), 'the program')
    half.goes_on(program, '--restart', reused=0)


# Killed after the file has its name


def joined(half, finished):
    shutil.copy2(finished / 'out.mp4', half.out)
    lines = (judge.work_folder(finished / 'out.mp4') / 'journal.jsonl').read_text().splitlines(keepends=True)
    half.journal.write_text(''.join(line for line in lines if 'keep_work' not in line))
    last = half.segments[-1]
    shutil.copy2(judge.work_folder(finished / 'out.mp4') / last.name, last)


@pytest.mark.parametrize('command', ['restore', 'resume'])
@pytest.mark.parametrize('gone', [0, 2, 3])
def test_killed_before_the_report(program, half, finished, command, gone):
    """The output is in place; the report is not, and of the work folder some segments may be removed already."""
    joined(half, finished)
    for path in half.segments[:gone]:
        path.unlink()
    if command == 'restore':
        program.restore(half.source, half.out, *ARGS)
    else:
        program('resume', half.out, code=0)
    assert judge.sha256(half.out) == half.whole and not half.work.exists()
    report = judge.report(half.out)
    assert sum(s['frames'] for s in report['segments']) == 50 and report['run']['segments_reused'] == 3
    program('verify', half.out, code=0)


def remains(finished, folder, lines):
    """A work folder that was being removed: only the journal is left, or nothing."""
    shutil.copytree(finished, folder, dirs_exist_ok=True)
    work = judge.work_folder(folder / 'out.mp4')
    for path in work.iterdir():
        if path.name != 'journal.jsonl':
            path.unlink()
    text = ''.join(line for line in (work / 'journal.jsonl').read_text().splitlines(keepends=True) if lines(line))
    (work / 'journal.jsonl').write_text(text) if text else (work / 'journal.jsonl').unlink()
    return work


@pytest.mark.parametrize('command', ['restore', 'resume'])
@pytest.mark.parametrize('journal', [True, False])
def test_killed_while_the_folder_is_removed(program, finished, folder, command, journal):
    """File and report are there, the plan is not: that is done, and what is left goes."""
    work = remains(finished, folder, lambda line: journal)
    source, out = folder / 'tape.mp4', folder / 'out.mp4'
    before = judge.sha256(out)
    args = ['restore', source, '-o', out, *ARGS] if command == 'restore' else ['resume', out]
    done = program(*args, '--json', code=0).json()['files'][0]
    assert done['already'] and judge.sha256(out) == before and not work.exists(), done


def test_work_whose_plan_is_missing(program, finished, folder):
    """A journal that knows of no joined file, or of another one, is no rest of what was delivered."""
    work = remains(finished, folder, lambda line: 'joined' not in line)
    refused(program('resume', folder / 'out.mp4', '-q', code=1), 'the plan is missing')
    assert (work / 'journal.jsonl').exists()


def test_another_file_took_the_name(program, half):
    half.out.write_text('precious')
    refused(program('restore', half.source, '-o', half.out, *ARGS, '-q', code=1), 'exists', '--overwrite')
    assert half.out.read_text() == 'precious' and half.work.exists()
    half.goes_on(program, '--overwrite', reused=2)


def test_name_taken_at_the_last_moment(program, folder):
    """Another program makes a file of the output's name while ours is being joined: it is not overwritten."""
    out = folder / 'out.mp4'
    running = program.start('restore', kit.source('progressive'), '-o', out, *ARGS)
    end = time.monotonic() + 60
    while time.monotonic() < end and running.poll() is None:
        if list(folder.glob('out.mp4.*.part')):
            out.write_text('precious')
            break
    err = running.communicate(timeout=60)[1].decode()
    if running.returncode == 0:
        pytest.skip('it was too quick to be caught')
    assert running.returncode == 1 and out.read_text() == 'precious' and 'exists' in err or 'meantime' in err, err
    assert not list(folder.glob('*.part'))


# status


def test_status(program, half):
    state = program('status', half.out, '--json', code=0).json()
    assert state['state'] == 'interrupted' and state['segments'] == {'total': 3, 'done': 2, 'running': [], 'left': 1}
    assert state['frames'] == {'total': 50, 'done': sum(p['frames'] for p in state['playable'])}
    for piece in state['playable']:
        assert judge.decoded_count(piece['path']) == piece['frames']
    text = program('status', half.out, code=0).out
    assert '2 of 3 segments' in text and 'terminalai resume' in text, text
    half.goes_on(program)
    assert program('status', half.out, '--json', code=0).json()['state'] == 'finished'
    half.out.write_bytes(b'changed')
    assert 'look' in program('status', half.out, code=0).out


def test_status_of_a_variable_rate(program, folder):
    """Places and lengths are those of the timeline, whatever rate a header claims."""
    out = folder / 'out.mp4'
    told = program.restore(kit.source('vfr'), out, *kit.options('vfr', 'h264'), '--keep-work').err
    times = judge.picture_times(out)
    for path in (out, judge.report_path(out)):
        path.unlink()
    state = program('status', out, '--json', code=0).json()
    starts = [p['start_seconds'] for p in state['playable']]
    assert starts == [pytest.approx(times[p['first_frame']] - times[0], abs=0.002) for p in state['playable']], state
    assert len(starts) == 3 and starts[2] > 1.5, 'frames at 25 a second would begin there at 1.28 s'
    assert '0:03 of video' in told, told  # 2.6 s, where 50 frames at 25 a second are 2 s
    whole = judge.work_folder(out)
    (whole / 'index.bin').unlink()
    assert not any('start_seconds' in p for p in program('status', out, '--json', code=0).json()['playable'])


def test_status_of_finished_work(program, half):
    """A work folder that is only kept is no interruption."""
    program.restore(half.source, half.out, *ARGS, '--keep-work')
    state = program('status', half.out, '--json', code=0).json()
    assert state['state'] == 'finished' and state['work_folder'] == str(half.work), state
    assert 'nothing' in program('status', half.out, code=0).out
    judge.report_path(half.out).unlink()  # as if it had been killed before the report
    assert program('status', half.out, '--json', code=0).json()['state'] == 'interrupted'


@pytest.mark.sanitizer
def test_status_of_a_run(program, folder):
    """Looked at, a run shows what it does, is not disturbed, and its folder is not removed."""
    out = folder / 'out.mp4'
    running = program.start('restore', kit.source('progressive'), '-o', out, *ARGS, '--preset-speed', 'slower',
        start_new_session=True)
    try:
        end = time.monotonic() + 60
        while not judge.segment_files(judge.work_folder(out)) and running.poll() is None and time.monotonic() < end:
            time.sleep(0.001)
        os.killpg(running.pid, signal.SIGSTOP)
        if judge.segment_files(judge.work_folder(out)):
            state = program('status', out, '--json', code=0).json()
            assert state['state'] == 'running' and 'wait' in state['next'], state
            assert state['segments']['done'] <= 3 and state['segments']['total'] == 3, state
            program('clean', folder, '--remove', code=0)
            assert state_of_folder(program, folder) == 'running'
            refused(program('resume', out, '-q', code=1), 'another run')
    finally:
        os.killpg(running.pid, signal.SIGCONT)
        err = running.communicate(timeout=120)[1].decode()
    assert running.returncode == 0, err
    assert program('status', out, '--json', code=0).json()['state'] == 'finished'


def state_of_folder(program, folder):
    found = program('clean', folder, '--json', code=0).json()
    return found[0]['state'] if found else None


# clean


def test_clean(program, half_here):
    foreign = half_here.folder / 'mine.terminalai'
    foreign.mkdir()
    (foreign / 'letter.txt').write_text('mine')
    garbled = half_here.folder / 'deep' / 'old.mp4.terminalai'
    garbled.mkdir(parents=True)
    (garbled / 'plan.json').write_text('{')
    found = {os.path.basename(f['folder']): f for f in program('clean', half_here.folder, '-R', '--json', code=0).json()}
    assert {n: f['state'] for n, f in found.items()} == {'mine.terminalai': 'foreign', 'old.mp4.terminalai': 'garbled',
        'out.mp4.terminalai': 'unfinished'}
    ours = found['out.mp4.terminalai']
    assert ours['segments_done'] == 2 and ours['source_exists'] and not ours['output_exists']
    assert ours['output'] == str(half_here.out) and ours['bytes'] > 1000 and ours['age_seconds'] < 3600
    assert '--remove' in program('clean', half_here.folder, code=0).out
    assert half_here.work.exists()
    program('clean', half_here.folder, '--remove', '-R', code=0)
    assert not half_here.work.exists() and not garbled.exists() and (foreign / 'letter.txt').read_text() == 'mine'
    assert half_here.source.exists()
    assert len(program('clean', '/nonexistent', '-q', code=1).error_lines) == 1


def test_clean_removes_the_half_joined_file(program, half_here, finished):
    shutil.copy2(judge.work_folder(finished / 'out.mp4') / 'journal.jsonl', half_here.journal)
    tags = re.findall('"joining":"([0-9a-f]{8})"', half_here.journal.read_text())
    part = half_here.folder / f'out.mp4.{tags[-1]}.part'
    part.write_bytes(b'half')
    program('clean', half_here.work, '--remove', code=0)
    assert not part.exists() and not half_here.work.exists()


# Two runs


def test_two_runs_at_once(program, folder):
    """Of several that start together one works, the others say so; the file is right."""
    whole, _ = kit.uninterrupted(program, *CASE, folder)
    out = folder / 'out.mp4'
    command = ('restore', kit.source('progressive'), '-o', out, *ARGS, '-q')
    running = [program.start(*command) for _ in range(3)]
    codes = []
    for run in running:
        err = run.communicate(timeout=60)[1].decode()
        codes.append(run.returncode)
        assert run.returncode in (0, 1), err
        if run.returncode:
            assert len(err.splitlines()) == 1 and ('another run' in err or 'exists' in err), err
    assert 0 in codes and judge.sha256(out) == whole
    assert not judge.work_folder(out).exists()


# Names


LONGEST = 250  # the report's name has five bytes more


@pytest.mark.parametrize('length', [244, 245, LONGEST])
def test_long_names(program, folder, length):
    """The work folder of a name that is too long for OUTPUT.terminalai gets a shorter one."""
    source = folder / ('s' * 251 + '.mp4')
    shutil.copy2(kit.source('progressive'), source)
    out = folder / ('ö' * ((length - 4) // 2) + 'x' * (length % 2) + '.mp4')
    assert len(out.name.encode()) == length
    program.restore(source, out, *ARGS, '--keep-work')
    work = next(p for p in folder.iterdir() if p.is_dir())
    assert work.name.encode().decode() and (work == judge.work_folder(out)) == (length == 244)
    whole = judge.sha256(out)
    for path in (out, judge.report_path(out), judge.segment_files(work)[1]):
        path.unlink()
    program('resume', out, code=0)
    assert judge.sha256(out) == whole and len(list(folder.iterdir())) == 3


@pytest.mark.parametrize('length', [LONGEST + 1, 255])
def test_names_that_are_too_long(program, folder, length):
    out = folder / ('x' * (length - 4) + '.mp4')
    result = program('restore', kit.source('progressive'), '-o', out, *ARGS, '-q', code=1)
    refused(result, str(length), str(LONGEST))
    assert not list(folder.iterdir())


@pytest.mark.parametrize('name', ['new\nline.mp4', b'\xff\xfe.mp4'.decode(errors='surrogateescape')])
def test_strange_names(program, folder, name):
    source, out = folder / ('in ' + name), folder / name
    shutil.copy2(kit.source('progressive'), source)
    program.restore(source, out, *ARGS, '--keep-work')
    whole, work = judge.sha256(out), folder / (name + '.terminalai')
    for path in (out, judge.report_path(out), judge.segment_files(work)[1]):
        path.unlink()
    state = program('status', out, code=0)
    assert len(state.out.splitlines()) == 5, state
    shutil.copytree(work, folder / ('away ' + name + '.terminalai'))
    shutil.move(work, folder / 'aside')
    assert program('clean', folder, '--remove', '--json', code=0).json()[0]['removed']
    shutil.move(folder / 'aside', work)
    program('resume', out, code=0)
    assert judge.sha256(out) == whole and len(list(folder.iterdir())) == 3
