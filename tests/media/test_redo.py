"""A part of an output made again with other settings, the rest untouched."""

import hashlib
import json
import re
import signal
import subprocess
import time

import pytest

import judge

RECIPE = ['--resolution', '240', '--quality', 'fast', '--preset-speed', 'ultrafast', '--segment-length', '0.5', '--progress', 'none']


@pytest.fixture(scope='module')
def tape(program, tmp_path_factory):
    path = tmp_path_factory.mktemp('redo') / 'tape.avi'
    program('simulate', '-o', path, '--frames', 75, code=0)
    return path


@pytest.fixture
def kept(program, tape, tmp_path):
    """An output with its work folder: five segments of 15 source frames."""
    out = tmp_path / 'out.mp4'
    program.restore(tape, out, *RECIPE, '--keep-work')
    assert judge.report(out)['plan']['video']['cuts'] == [0, 15, 30, 45, 60, 75]
    return out


def packets(path):
    """Checksum and time of each video packet."""
    data = subprocess.run(['ffprobe', '-v', 'error', '-select_streams', 'v', '-show_packets', '-show_data_hash', 'md5', '-show_entries',
        'packet=data_hash,pts_time', '-of', 'csv=p=0', path], stdout=subprocess.PIPE, check=True).stdout.decode()
    return data.splitlines()


def redo(program, tape, out, where, *more, code=0, **kw):
    return program('restore', tape, '-o', out, '--redo', where, '--progress', 'none', *more, code=code, **kw)


def test_one_scene(program, tape, kept):
    before, first = packets(kept), judge.sha256(kept)
    work = judge.work_folder(kept)
    files = {p.name: hashlib.sha256(p.read_bytes()).digest() for p in judge.segment_files(work)}
    done = redo(program, tape, kept, '33f-43f', '--denoise-strength', '20:15:20:15', '--overwrite')
    assert 'source frames 30 to 44 are made again' in done.err  # ten frames: borders move to the cuts near by
    after = packets(kept)
    assert len(after) == len(before) == 150
    assert after[:60] == before[:60] and after[90:] == before[90:]
    assert all(a != b for a, b in zip(after[60:90], before[60:90]))
    assert judge.picture_times(kept) == sorted(float(p.split(',')[0]) for p in after)
    # Nothing that was finished is gone or changed.
    now = {p.name: hashlib.sha256(p.read_bytes()).digest() for p in judge.segment_files(work)}
    assert {k: now[k] for k in files} == files and len(now) == len(files) + 1
    program('verify', kept, code=0)
    told, = judge.report(kept)['plan']['video']['redo']
    assert (told['first'], told['count']) == (30, 15)
    assert told['changes'] == {'denoise-strength': {'was': 'auto', 'is': '20:15:20:15'}}
    # The same once more: nothing to make. Taken back: the file is what it was.
    again = redo(program, tape, kept, '33f-43f', '--denoise-strength', '20:15:20:15', '--overwrite')
    assert 'have these settings already' in again.err and packets(kept) == after
    redo(program, tape, kept, '33f-43f', '--denoise-strength', 'auto', '--overwrite')
    back = packets(kept)
    assert back == before
    program('restore', tape, '-o', kept, *RECIPE, '--overwrite', code=0)
    assert judge.sha256(kept) == first


def test_borders_within_segments(program, tape, tmp_path):
    """Long enough pieces are cut at the range itself."""
    out = tmp_path / 'out.mp4'
    program.restore(tape, out, *RECIPE, '--segment-length', 1, '--keep-work')
    assert judge.report(out)['plan']['video']['cuts'] == [0, 30, 60, 75]
    before = packets(out)
    done = redo(program, tape, out, '10f-48f', '--denoise', 'off', '--crf', '26', '--overwrite', '--json').json()
    assert done['files'][0]['segments_reused'] == 1
    plan = judge.report(out)['plan']['video']
    assert plan['cuts'] == [0, 10, 30, 48, 60, 75] and plan['base_cuts'] == [0, 30, 60, 75]
    after = packets(out)
    assert after[120:] == before[120:] and len(after) == 150
    assert judge.picture_times(out) == sorted(float(p.split(',')[0]) for p in before)
    program('verify', '--full', out, code=0)


def test_encoder_that_is_alone(program, tape, tmp_path):
    """SVT-AV1 can be open once in a process: headers are compared one after the other."""
    out = tmp_path / 'out.mkv'
    program.restore(tape, out, *RECIPE, '--range', '0-45f', '--encoder', 'av1', '--keep-work')
    before = packets(out)
    done = redo(program, tape, out, '15f-30f', '--crf', '30', '--overwrite', '--json', timeout=120).json()
    assert done['files'][0]['segments_reused'] == 2
    after = packets(out)
    assert len(after) == len(before) == 90
    assert after[:30] == before[:30] and after[60:] == before[60:]
    assert after[30:60] != before[30:60]
    program('verify', '--full', out, code=0)


@pytest.mark.long
def test_goes_on(program, tape, kept, tmp_path):
    """Killed in the middle, a redo goes on, by its own command or by resume, to the same bytes."""
    whole = tmp_path / 'whole.mp4'
    program.restore(tape, whole, *RECIPE, '--keep-work')
    change = ['--denoise-strength', '9:9:9:9', '--overwrite']
    redo(program, tape, whole, '0-60f', *change)
    running = program.start('restore', tape, '-o', kept, '--redo', '0-60f', '--jobs', 1, '--progress', 'none', *change)
    work = judge.work_folder(kept)
    for _ in range(3000):
        if len(judge.segment_files(work)) > 5 or running.poll() is not None:
            break
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.communicate(timeout=20)
    program('resume', kept, '--overwrite', '--keep-work', '--progress', 'none', code=0)
    assert judge.sha256(kept) == judge.sha256(whole)
    assert json.loads((work / 'plan.json').read_text())['video']['redo']


def test_range_beyond_the_end(program, tape, kept):
    """Says how long it is, and makes nothing."""
    done = redo(program, tape, kept, '9:00-9:10', '--overwrite', code=2)
    assert re.search(r'no frame of it lies in 9:00-9:10: there are \d+\.\d+ seconds, source frames 0 to 74', done.err)
    assert 'made again' not in done.err


def test_a_quality_that_chooses_another_stage(program, tape, tmp_path):
    """Is said, where it is done and where it is refused."""
    out, why = tmp_path / 'out.mp4', "recursive: the preset's motion gives way to --quality fast"
    recipe = [word for word in RECIPE if word not in ('--quality', 'fast')]
    program.restore(tape, out, *recipe, '--keep-work')
    refused = redo(program, tape, out, '1-2', '--quality', 'fast', '--preset-speed', 'slow', '--overwrite', code=1)
    assert '; besides, ' in refused.err and f'denoise would be {why}' in refused.err and len(refused.error_lines) == 1, refused
    done = redo(program, tape, out, '1-2', '--quality', 'fast', '--overwrite')
    assert 'are made again; ' in done.err and f'denoise is {why}\n' in done.err, done
    again = redo(program, tape, out, '1-2', '--crf', '30', '--overwrite')
    assert 'are made again\n' in again.err, again


def test_refusals(program, tape, kept, tmp_path):
    first = judge.sha256(kept)
    other = tmp_path / 'other.avi'
    other.write_bytes(tape.read_bytes())
    for more, code, word in [
        (['--redo', '1-2', '--resolution', '288'], 1, '384x288 instead of 320x240'),
        (['--redo', '1-2', '--encoder', 'hevc'], 1, 'libx265 instead of libx264'),
        (['--redo', '1-2', '--deinterlace', 'off'], 1, 'other frames'),
        (['--redo', '1-2', '--preset-speed', 'slow'], 1, 'headers'),
        (['--redo', '9:00-9:10', '--denoise', 'off'], 2, 'no frame'),
        (['--redo', '1-2', '--range', '0-1'], 2, '--range'),
        (['--redo', '1-2', '--denoise', 'off', '--restart'], 2, '--restart'),
    ]:
        done = program('restore', tape, '-o', kept, '--overwrite', '--progress', 'none', *more, code=code)
        assert word in done.err, done
        assert len([line for line in done.error_lines if not line.startswith('see ')]) == 1, done
    assert 'exists already' in redo(program, tape, kept, '1-2', '--denoise', 'off', code=1).err
    assert 'was made from' in program('restore', other, '-o', kept, '--redo', '1-2', '--overwrite', '--progress', 'none', code=1).err
    assert judge.sha256(kept) == first
    none = program('restore', tape, '-o', tmp_path / 'none.mp4', '--redo', '1-2', '--progress', 'none', code=1)
    assert len(none.error_lines) == 1 and 'none.mp4' in none.err


def test_status_knows_redone_parts(program, tape, kept):
    """They go by keys, not by numbers; what is made of them, and what can be played, are their places in the plan."""
    redo(program, tape, kept, '30f-45f', '--denoise-strength', '20:15:20:15', '--overwrite')
    work = judge.work_folder(kept)
    plan = json.loads((work / 'plan.json').read_text())
    assert plan['video']['cuts'] == [0, 15, 30, 45, 60, 75]
    keyed, = [p for p in judge.segment_files(work) if len(p.stem) == len('seg-') + 16]
    for path in (kept, judge.report_path(kept)):
        path.unlink()
    state = program('status', kept, '--json', code=0).json()
    assert state['tasks'] == {'total': 5, 'done': 5, 'running': [], 'left': 0}, state
    assert [p['segment'] for p in state['playable']] == [0, 1, 2, 3, 4]
    assert state['playable'][2]['path'] == str(keyed) and state['playable'][2]['task'] == keyed.stem
    # As if it were being made now.
    keyed.rename(work / f'{keyed.stem}.0123abcd-7.part')
    hold = subprocess.Popen(['flock', '--shared', work, 'sh', '-c', 'echo ready; read x'], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE)
    try:
        hold.stdout.readline()
        state = program('status', kept, '--json', code=0).json()
        text = program('status', kept, code=0).out
    finally:
        hold.communicate(b'\n', timeout=10)
    assert state['tasks'] == {'total': 5, 'done': 4, 'running': [keyed.stem], 'left': 0}, state
    assert state['segments'] == {'total': 5, 'done': 4, 'running': [2], 'left': 0}, state
    assert f'being made: {keyed.stem}' in text, text
