"""The same asked for twice: what is done is not done again, what is another is not replaced, kept work is not lost."""

import json
import os
import shutil
import signal
import time

import pytest

import clips
import judge

FAST = ['--preset', 'clean', '--resolution', 'source', '--quality', 'fast', '--preset-speed', 'ultrafast', '--crf', '30',
    '--progress', 'none']


def copy(name, to):
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(clips.path(name), to)
    return to


@pytest.fixture
def shelf(tmp_path):
    """Four tapes."""
    for i in range(4):
        copy('frames_2' if i % 2 else 'frames_1', tmp_path / 'tapes' / f'{i}.mp4')
    return tmp_path / 'tapes'


@pytest.fixture
def tape(tmp_path):
    return copy('frames_2', tmp_path / 'tape.mp4')


def files(result):
    return result.json()['files']


# A shelf given twice


def test_shelf_twice(program, shelf, tmp_path):
    out = tmp_path / 'out'
    program('restore', *(shelf / f'{i}.mp4' for i in range(3)), '-o', out, *FAST, code=0)
    before = judge.listing(out)
    done = program('restore', shelf, '-o', out, *FAST, '--json', code=0)
    assert '3 already done, 1 restored' in done.err, done
    assert [f['already'] for f in files(done)] == [True, True, True, False]
    assert all(f['status'] == 'done' and f['frames'] > 0 and f['bytes'] > 0 for f in files(done))
    after = judge.listing(out)
    assert {name: after[name] for name in before} == before and len(after) == len(before) + 2
    again = program('restore', shelf, '-o', out, *FAST, code=0)
    assert '4 already done, 0 restored' in again.err and judge.listing(out) == after
    assert not program('restore', shelf, '-o', out, *FAST, '-q', code=0).err


@pytest.mark.parametrize('command', ['restore', 'audio', 'plan'])
def test_a_name_that_leads_to_nothing_is_said_first(program, tape, command):
    """`restore tape.mp4 out.mp4` spent hours on the tape before it said that there is no out.mp4."""
    for names, hint in ((['out.mp4'], True), (['none/'], True), (['none.mp4', 'tape.mp4'], False), (['none.mp4', 'other.mp4'], True)):
        done = program(command, tape, *names, cwd=tape.parent, code=1)
        assert ('-o ' + names[-1] in done.err) == hint, done
        assert len(done.error_lines) == len(names) - names.count('tape.mp4') and done.error_lines[0].startswith(f'error: {names[0]}: there is no such file'), done
    assert '-o' not in program(command, tape, 'none.mp4', '-o', 'new/', cwd=tape.parent, code=1).err
    assert program(command, tape, 'out.mp4', '--json', cwd=tape.parent, code=1).json()['code'] == 'not-found'
    assert judge.listing(tape.parent).keys() == {'tape.mp4'}


@pytest.mark.parametrize('command', [['preview'], ['compare', '--presets', 'clean']])
def test_one_film_and_its_output(program, tape, command):
    assert '-o out.mp4' in program(*command, tape, 'out.mp4', cwd=tape.parent, code=2).err
    assert '--join' in program(*command, tape, tape, cwd=tape.parent, code=2).err


def test_files_that_are_there_have_their_turn(program, tape):
    """What is wrong with them does not stop the others, as in a folder."""
    folder = tape.parent
    (folder / 'empty.mp4').touch()
    os.symlink('nowhere', folder / 'link.mp4')
    done = program('restore', 'empty.mp4', 'link.mp4', 'tape.mp4', '-o', 'out/', *FAST, '--json', cwd=folder, code=1)
    assert [f['status'] for f in files(done)] == ['failed', 'failed', 'done'], done


def test_resume_says_first_what_is_not_there(program, tape, tmp_path):
    out = tmp_path / 'out.mp4'
    program('restore', tape, '-o', out, *FAST, code=0)
    done = program('resume', out, 'none.mp4', code=1, cwd=tmp_path)
    assert 'none.mp4' in done.err and 'already done' not in done.err, done
    assert 'already done' in program('resume', out, code=0).err


def test_shelf_with_a_failure(program, shelf):
    """Files that fail are named, whatever else is done already."""
    program('restore', shelf, *FAST, code=0)
    (shelf / '1b.mp4').write_text('no video')
    done = program('restore', shelf, *FAST, code=1)
    lines = done.err.splitlines()
    assert '4 already done, 0 restored; failed:' in lines and lines[-1].strip() == str(shelf / '1b.mp4'), done


def test_nothing_is_read_again(program, tape):
    """What is there is known by its report: a cache that is gone costs nothing."""
    out = tape.with_name('out.mp4')
    program.restore(tape, out, *FAST)
    begun = time.monotonic()
    events = program('restore', tape, '-o', out, *FAST[:-1], 'json', code=0).out.splitlines()
    assert [json.loads(e)['event'] for e in events] == ['result'] and time.monotonic() - begun < 5


@pytest.mark.parametrize('how, words', [
    (['--crf', '31'], ['other options', '--crf: 30 -> 31']),
    (['--denoise', 'recursive'], ['other options', '--denoise: ']),
    (['--preset', 'webcam'], ['other options', '--preset: clean -> webcam']),
])
def test_other_recipe(program, tape, how, words):
    out = tape.with_name('out.mp4')
    program.restore(tape, out, *FAST)
    before = judge.listing(tape.parent)
    refused = program('restore', tape, '-o', out, *FAST, *how, code=1)
    for word in [*words, 'exists already', '--overwrite', '--new-name']:
        assert word in refused.err, refused
    assert judge.listing(tape.parent) == before
    # How it is run is no other recipe.
    assert 'already done' in program('restore', tape, '-o', out, *FAST, '--jobs', 1, '--verify', 'full', code=0).err
    program('restore', tape, '-o', out, *FAST, *how, '--overwrite', code=0)
    assert judge.listing(tape.parent)['out.mp4'] != before['out.mp4']


def test_changed_source(program, tape):
    """Another file of the same name is made into a new name, and only when asked."""
    program('restore', tape, *FAST, code=0)
    out, second = tape.with_name('tape.restored.mp4'), tape.with_name('tape.restored.2.mp4')
    first = judge.sha256(out)
    copy('frames_1', tape)
    refused = program('restore', tape, *FAST, code=1)
    assert 'before that changed' in refused.err and '--new-name' in refused.err and judge.sha256(out) == first
    program('restore', tape, *FAST, '--new-name', code=0)
    assert judge.sha256(out) == first and judge.planned_frames(judge.report(second)) == 1
    # That again is idempotent, and nobody takes it for a source.
    before = judge.listing(tape.parent)
    assert 'tape.restored.2.mp4: already done' in program('restore', tape, *FAST, '--new-name', code=0).err
    assert judge.listing(tape.parent) == before
    program('restore', tape.parent, *FAST, '--new-name', code=0)
    assert judge.listing(tape.parent) == before
    # A third one.
    program('restore', tape, *FAST, '--crf', 31, '--new-name', code=0)
    assert tape.with_name('tape.restored.3.mp4').exists()


def test_touched_source(program, tape):
    out = tape.with_name('out.mp4')
    program.restore(tape, out, *FAST)
    os.utime(tape, (1, 1))
    assert 'its date is another' in program('restore', tape, '-o', out, *FAST, code=1).err


@pytest.mark.parametrize('how', ['no report', 'changed', 'of another program', 'report garbled', 'other source'])
def test_unknown_output(program, tape, how):
    """What no report speaks for is never taken for ours."""
    out = tape.with_name('out.mp4')
    program.restore(tape, out, *FAST)
    if how == 'no report':
        judge.report_path(out).unlink()
    elif how == 'changed':
        out.write_bytes(out.read_bytes() + b'x')
    elif how == 'of another program':
        out.write_text('precious')
    elif how == 'report garbled':
        judge.report_path(out).write_text('{')
    else:
        tape = copy('frames_1', tape.with_name('other.mp4'))
    before = judge.listing(tape.parent)
    refused = program('restore', tape, '-o', out, *FAST, code=1)
    assert 'exists already' in refused.err and '--overwrite' in refused.err, refused
    assert ('another source' if how == 'other source' else 'no report') in refused.err, refused
    assert judge.listing(tape.parent) == before


def test_changed_look_up_table(program, tape):
    """A recipe is what its files hold, too."""
    out, cube = tape.with_name('out.mp4'), tape.with_name('a.cube')
    text = program('presets', '--write-lut', 'cool_modern', code=0).out
    cube.write_text(text)
    program.restore(tape, out, *FAST, '--colour-lut', cube)
    assert 'already done' in program('restore', tape, '-o', out, *FAST, '--colour-lut', cube, code=0).err
    cube.write_text(program('presets', '--write-lut', 'warm_vintage', code=0).out)
    assert 'a.cube has changed' in program('restore', tape, '-o', out, *FAST, '--colour-lut', cube, code=1).err


# Kept work


@pytest.fixture
def kept(program, tape):
    out = tape.with_name('out.mp4')
    program.restore(tape, out, *FAST, '--keep-work')
    return out


def test_kept_work_is_finished(program, tape, kept):
    before = judge.listing(kept.parent)
    state = program('status', kept, '--json', code=0).json()
    assert state['state'] == 'finished' and state['kept'] is True and state['work_folder'] == str(judge.work_folder(kept))
    assert 'finished, work kept for --redo' in program('status', kept, code=0).out
    resumed = program('resume', kept, '--json', code=0)
    assert 'already done' in resumed.err and 'error' not in resumed.err and files(resumed)[0]['already'] is True
    assert 'already done' in program('restore', tape, '-o', kept, *FAST, code=0).err
    listed, = program('clean', kept.parent, '--remove', '--json', code=0).json()
    assert listed['state'] == 'kept' and listed['removed'] is False
    assert 'kept for --redo' in program('clean', kept.parent, code=0).out
    assert judge.listing(kept.parent) == before
    # What it is kept for.
    redone = program('restore', tape, '-o', kept, '--redo', '0-', '--crf', 20, '--overwrite', '--progress', 'none', code=0)
    assert 'are made again' in redone.err and judge.work_folder(kept).exists()
    assert program('status', kept, '--json', code=0).json()['kept'] is True
    assert program('clean', kept.parent, '--remove', '--kept', '--json', code=0).json()[0]['removed'] is True
    assert not judge.work_folder(kept).exists()
    assert program('status', kept, '--json', code=0).json()['kept'] is False


def test_kept_work_without_its_source(program, tape, kept):
    """Whoever has given the tape away still has a finished file."""
    tape.unlink()
    before = judge.listing(kept.parent)
    assert 'already done' in program('resume', kept, code=0).err and judge.listing(kept.parent) == before


def test_kept_work_can_be_dropped(program, tape, kept):
    program('restore', tape, '-o', kept, *FAST, '--overwrite', code=0)  # asks for the file, not for the folder
    assert judge.work_folder(kept).exists()
    program('resume', kept, '--overwrite', '--no-keep-work', '--progress', 'none', code=0)
    assert not judge.work_folder(kept).exists()


def test_keeping_outlives_a_stop(program, tmp_path):
    """A run that was asked to keep its work and is stopped keeps it also when "resume" ends it."""
    tape, out = tmp_path / 'tape.avi', tmp_path / 'out.mp4'
    program('simulate', '-o', tape, '--frames', 120, code=0)
    running = program.start('restore', tape, '-o', out, '--resolution', '240', '--quality', 'fast', '--preset-speed', 'ultrafast',
        '--segment-length', '0.5', '--jobs', 1, '--progress', 'none', '--keep-work')
    end = time.monotonic() + 60
    while time.monotonic() < end and running.poll() is None and len(judge.segment_files(judge.work_folder(out))) < 2:
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.communicate(timeout=20)
    assert not out.exists() and program('status', out, '--json', code=0).json()['state'] == 'interrupted'
    assert program('clean', tmp_path, '--json', code=0).json()[0]['state'] == 'unfinished'
    program('resume', out, '--progress', 'none', code=0)
    assert program('status', out, '--json', code=0).json()['kept'] is True
    assert program('clean', tmp_path, '--json', code=0).json()[0]['state'] == 'kept'


def test_redo_refuses_before_it_promises(program, tape, kept):
    refused = program('restore', tape, '-o', kept, '--redo', '0-', '--crf', 20, '--progress', 'none', code=1)
    assert 'exists already' in refused.err and 'made again' not in refused.err, refused
    assert program('status', kept, '--json', code=0).json()['kept'] is True
