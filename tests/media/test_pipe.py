"""Raw pictures to standard output: those that a file would have, as soon as they are made, with nothing on the disk."""

import json
import os
import signal
import subprocess
import time

import pytest

import clips
import judge

RAW = ['-o', '-', '--encoder', 'raw', '--progress', 'none']
VHS = ['--preset', 'vhs', '--segment-length', '0.5']
CLEAN = ['--preset', 'clean', '--resolution', 'source', '--quality', 'fast']


def start(program, folder, source, *more, **kw):
    return program.start('restore', source, *RAW, *more, cwd=folder, **kw)


def piped(program, folder, source, *more, code=0):
    running = start(program, folder, source, *more)
    out, err = running.communicate(timeout=120)
    assert running.returncode == code, err.decode()
    assert judge.listing(folder) == {}, 'nothing lies on the disk'
    return out, err.decode()


@pytest.fixture(scope='module')
def tape(tmp_path_factory, program):
    """Interlaced, noisy, and with far more pictures than pipes and queues hold."""
    path = tmp_path_factory.mktemp('pipe') / 'tape.avi'
    program('simulate', '-o', path, '--noise', 3, '--frames', 90, code=0)
    return path


@pytest.fixture(scope='module')
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp('pipe') / 'film.mkv'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=320x240:r=24000/1001:d=2,telecine=pattern=23', '-c:v', 'ffv1', path)
    return path


# What is given


@pytest.mark.parametrize('name, more, code', [
    ('tape', [*VHS, '--quality', 'fast', '--resolution', '480'], 0),
    ('tape', [*VHS, '--quality', 'good', '--resolution', '320x240', '--denoise', 'hqdn3d'], 0),
    ('tape', [*VHS, '--deinterlace', 'off', '--denoise', 'off', '--resolution', 'source', '--range', '0.4-1.9'], 0),
    ('film', ['--preset', 'clean', '--deinterlace', 'ivtc', '--resolution', 'source', '--segment-length', '0.7'], 0),
    ('h264_open_gop', [*CLEAN, '--segment-length', '0.7'], 0),
    ('huffyuv', CLEAN, 0),
    ('vfr_mkv', CLEAN, 3),
], ids=['bob-8', 'bob-10', 'woven', 'ivtc', 'open-gop', '422', 'vfr'])
def test_the_same_bytes_as_a_file(program, request, tmp_path, name, more, code):
    source = request.getfixturevalue(name) if name in ('tape', 'film') else clips.path(name)
    empty = tmp_path / 'empty'
    empty.mkdir()
    out, _ = piped(program, empty, source, *more, code=code)
    program('restore', source, '-o', tmp_path / 'x.y4m', '--encoder', 'raw', *more, code=code)
    assert out == (tmp_path / 'x.y4m').read_bytes()
    plan = judge.report(tmp_path / 'x.y4m')
    assert out.count(b'FRAME\n') >= judge.planned_frames(plan)


def test_a_preview(program, tape, tmp_path):
    args = ['preview', tape, '--preset', 'vhs', '--quality', 'fast', '--resolution', '240', '--encoder', 'raw', '--start', '0.5', '--duration',
        '0.5', '-o']
    out = subprocess.run(program.command(*args, '-'), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=program.env, check=True).stdout
    program(*args, tmp_path / 'p.y4m', code=0)
    assert out == (tmp_path / 'p.y4m').read_bytes()


def test_one_picture(program, tmp_path):
    out, _ = piped(program, tmp_path, clips.path('frames_1'), *CLEAN)
    assert len(out.partition(b'\n')[2]) == 352 * 288 * 3 // 2 + 6


def test_into_ffmpeg(program, tape, tmp_path):
    """Another program understands it, 10 bit too."""
    running = start(program, tmp_path, tape, *VHS, '--resolution', '320x240')
    done = subprocess.run(['ffprobe', '-v', 'error', '-count_packets', '-show_entries',
        'stream=pix_fmt,width,height,r_frame_rate,nb_read_packets', '-of', 'csv=p=0', '-'], stdin=running.stdout, stdout=subprocess.PIPE,
        check=True)
    running.stdout.close()
    assert running.wait(30) == 0
    assert done.stdout.decode().strip() == '320,240,yuv422p10le,60000/1001,180'


def test_damage_is_told(program, tmp_path):
    """Frames that can't be decoded: what a file would hold, counted, status 3."""
    folder = tmp_path / 'empty'
    folder.mkdir()
    data = bytearray(clips.path('h264').read_bytes())
    middle = data.find(b'mdat') + len(data) // 3
    data[middle : middle + 3000] = b'\x55' * 3000
    source = tmp_path / 'bad.mp4'
    source.write_bytes(data)
    out, err = piped(program, folder, source, *CLEAN, '--json', code=3)
    result = json.loads(err[err.index('{'):])['files'][0]
    assert result['concealed'] + result['damaged'] > 0 and result['losses'] > 0
    assert {'frames-concealed', 'frames-damaged'} & {p['code'] for p in result['problems']}
    program('restore', source, '-o', tmp_path / 'x.y4m', '--encoder', 'raw', *CLEAN, code=3)
    assert out == (tmp_path / 'x.y4m').read_bytes()
    piped(program, folder, source, *CLEAN, '--strict', code=1)


def test_times_that_y4m_does_not_hold(program, tmp_path):
    _, err = piped(program, tmp_path, clips.path('vfr_mkv'), *CLEAN, '--json', code=3)
    problems = json.loads(err[err.index('{'):])['files'][0]['problems']
    assert [(p['code'], p['severity']) for p in problems] == [('times-lost', 'loss')]
    plan = json.loads(program('plan', clips.path('vfr_mkv'), *RAW[:-2], *CLEAN, '--json', code=0).out)
    assert [w['code'] for w in plan['warnings']] == ['times-lost']
    assert program('plan', clips.path('frames_3'), *RAW[:-2], *CLEAN, '--json', code=0).json()['warnings'] == []


# When it is given


def read_head(running, size=100):
    data = b''
    while len(data) < size:
        more = os.read(running.stdout.fileno(), size - len(data))
        assert more, running.stderr.read().decode()
        data += more
    return data


def peak_kib(pid):
    with open(f'/proc/{pid}/status') as status:
        return next(int(line.split()[1]) for line in status if line.startswith('VmHWM'))


def test_begins_at_once_and_waits_for_the_reader(program, tape, tmp_path):
    """The first picture comes while most are not made yet; memory stays what it is while nobody reads (the whole is 620 MB)."""
    running = start(program, tmp_path, tape, *VHS, '--quality', 'fast', '--resolution', '1440x1080')
    head = read_head(running, 100000)
    assert head.startswith(b'YUV4MPEG2 W1440 H1080 F60000:1001')
    time.sleep(1.5)
    assert running.poll() is None and judge.listing(tmp_path) == {}
    assert peak_kib(running.pid) < 350 * 1024
    total, peak = len(head), 0
    while data := os.read(running.stdout.fileno(), 1 << 20):
        total += len(data)
        peak = max(peak, peak_kib(running.pid)) if running.poll() is None else peak
    assert running.wait(30) == 0, running.stderr.read()
    assert total > 180 * 1440 * 1080 * 3 // 2 and peak < 350 * 1024


@pytest.mark.parametrize('bytes_read', [0, 1, 300000])
def test_a_reader_that_ends(program, tape, tmp_path, bytes_read):
    """"| head": not a word, status 1, nothing left that is in the next run's way."""
    running = start(program, tmp_path, tape, *VHS, '--quality', 'fast', '--resolution', '480')
    if bytes_read:
        read_head(running, bytes_read)
    running.stdout.close()
    assert running.wait(30) == 1
    assert running.stderr.read() == b''
    assert judge.listing(tmp_path) == {}
    running.stderr.close()
    program('restore', tape, '-o', tmp_path / 'x.y4m', '--encoder', 'raw', *VHS, '--range', '0-0.2', code=0)


def test_a_join_whose_reader_ends(program, tmp_path):
    """What its tasks have made stays, and is in no other plan's way."""
    work, plans = tmp_path / 'work', []
    work.mkdir()
    for crf, denoise in enumerate(['off', 'recursive']):
        plan = tmp_path / f'{crf}.json'
        plan.write_text(program('plan', clips.path('frames_3'), '-o', '-', '--encoder', 'raw', *CLEAN, '--denoise', denoise, '--json',
            code=0).out)
        plans.append(plan)
        program('task', '--plan', plan, '--task', 'seg-00000', '--work-dir', work, code=0)
        running = program.start('join', '--plan', plan, '--work-dir', work, '--progress', 'none')
        running.stdout.close()
        assert running.wait(30) == 1 and b'error' not in running.stderr.read()
    assert len(list(work.iterdir())) == 2
    made = [subprocess.run(program.command('join', '--plan', plan, '--work-dir', work), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=program.env, check=True).stdout for plan in plans]
    assert made[0] != made[1] and not list(work.iterdir())
    for denoise, data in zip(['off', 'recursive'], made):
        assert data == piped(program, work, clips.path('frames_3'), *CLEAN, '--denoise', denoise)[0]


def test_a_reader_that_ends_as_json(program, tape, tmp_path):
    running = start(program, tmp_path, tape, *VHS, '--quality', 'fast', '--resolution', '480', '--json')
    read_head(running)
    running.stdout.close()
    result = json.loads(running.stderr.read())
    assert running.wait(30) == result['exit_code'] == 1
    assert (result['files'][0]['status'], result['files'][0]['code'], result['files'][0]['resumable']) == ('failed', 'reader-gone', False)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_the_reader_waits(program, tape, tmp_path, number):
    running = start(program, tmp_path, tape, *VHS, '--resolution', '1080')
    read_head(running)
    time.sleep(0.5)
    running.send_signal(number)
    assert running.wait(20) == 130
    assert b'interrupted' in running.stderr.read() and judge.listing(tmp_path) == {}


def test_a_full_device(program, tmp_path):
    with open('/dev/full', 'wb') as full:
        done = subprocess.run(program.command('restore', clips.path('frames_3'), *RAW, *CLEAN), stdin=subprocess.DEVNULL, stdout=full,
            stderr=subprocess.PIPE, env=program.env, cwd=tmp_path)
    assert done.returncode == 1
    assert 'standard output: can\'t be written: No space left on device' in done.stderr.decode()


def test_to_a_file_of_the_shell(program, tmp_path):
    """"> x.y4m": no pipe, the same bytes."""
    with open(tmp_path / 'shell.y4m', 'wb') as out:
        subprocess.run(program.command('restore', clips.path('frames_3'), *RAW, *CLEAN), stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.PIPE, env=program.env, cwd=tmp_path, check=True)
    program('restore', clips.path('frames_3'), '-o', tmp_path / 'x.y4m', '--encoder', 'raw', *CLEAN, code=0)
    assert (tmp_path / 'shell.y4m').read_bytes() == (tmp_path / 'x.y4m').read_bytes()


@pytest.mark.parametrize('more, words', [
    (['-o', '-', '--encoder', 'h264'], 'raw'),
    (['-o', '-', '--encoder', 'raw', '--framemd5'], 'framemd5'),
], ids=['encoder', 'framemd5'])
def test_wrong_calls(program, tmp_path, more, words):
    result = program('restore', clips.path('frames_3'), *more, code=2, cwd=tmp_path)
    assert words in result.err and not result.out
