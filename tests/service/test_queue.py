"""Jobs from submission to a file that is right, whatever is stopped or killed on the way."""

import fcntl
import hashlib
import http.client
import json
import os
import pty
import shutil
import signal
import struct
import subprocess
import termios
import time

import kit
import pytest

SOURCE = 'tape.mkv'
OPTIONS = {'segment-length': '0.4', 'crf': 24, 'preset-speed': 'ultrafast'}
# Slow enough to be met in the middle of it.
SLOW = {**OPTIONS, 'denoise': 'nlmeans', 'resolution': '640x512', 'preset-speed': 'slow'}


def sum_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_job_is_done(serve, tape, program):
    service = serve()
    tape(service, SOURCE)
    job = service.wait(service.submit(SOURCE, options=OPTIONS), 'done', 'failed')
    assert job['state'] == 'done', job
    assert job['result']['frames'] == 100 and job['progress']['total'] == 1, job
    out = service.files / 'tape.restored.mp4'
    assert job['output'] == str(out)
    assert service.history(job['id']) == ['queued', 'planning', 'running', 'done']
    # The same bytes as the program makes by itself.
    alone = service.files / 'alone.mp4'
    options = [word for name, value in OPTIONS.items() for word in (f'--{name}', str(value))]
    program('restore', service.files / SOURCE, '-o', alone, *options)
    assert sum_of(out) == sum_of(alone)
    # Once more: it is there already.
    again = service.wait(service.submit(SOURCE, options=OPTIONS), 'done', 'failed')
    assert (again['state'], again['reason']) == ('done', 'it was done already')
    # With other options it is not ours to replace.
    other = service.wait(service.submit(SOURCE, options={**OPTIONS, 'crf': 30}), 'done', 'failed')
    assert other['state'] == 'failed' and 'exists already' in other['reason'], other
    assert sum_of(out) == sum_of(alone)


def test_order_and_priority(serve, tape):
    service = serve()
    names = [f'{i}.mkv' for i in range(4)]
    tape(service, *names)
    service.ask('POST', '/api/v1/queue/pause')
    jobs = [service.submit(n, options=OPTIONS) for n in names]
    service.ask('PATCH', f'/api/v1/jobs/{jobs[3]}', {'priority': 5})
    service.ask('PATCH', f'/api/v1/jobs/{jobs[2]}', {'before': jobs[0]})
    assert all(service.job(j)['state'] == 'queued' for j in jobs)
    service.ask('POST', '/api/v1/queue/resume')
    for j in jobs:
        assert service.wait(j, 'done', 'failed')['state'] == 'done'
    begun = {j: [c['time_ms'] for c in service.ask('GET', f'/api/v1/jobs/{j}/history')[1]['changes']
                 if c['state'] == 'planning'][0] for j in jobs}
    assert sorted(jobs, key=begun.get) == [jobs[3], jobs[2], jobs[0], jobs[1]]


def test_pause_and_resume_of_running_work(serve, tape):
    service = serve()
    tape(service, SOURCE)
    job = service.submit(SOURCE, options=SLOW)
    while service.job(job)['progress']['segments_done'] < 1:
        time.sleep(0.05)
    begin = time.monotonic()
    status, answer = service.ask('POST', f'/api/v1/jobs/{job}/pause')
    assert status == 200 and answer['wish'] == 'pause', answer
    service.wait(job, 'paused')
    assert time.monotonic() - begin < 10  # two seconds, and what a busy machine adds
    work = service.files / 'tape.restored.mp4.terminalai'
    assert work.is_dir()
    service.ask('POST', f'/api/v1/jobs/{job}/resume')
    done = service.wait(job, 'done', 'failed')
    assert done['state'] == 'done' and done['result']['segments_reused'] >= 1, done
    assert not work.exists()


def test_cancel_and_retry(serve, tape):
    service = serve()
    tape(service, SOURCE)
    job = service.submit(SOURCE, options=SLOW)
    service.wait(job, 'running')
    service.ask('POST', f'/api/v1/jobs/{job}/cancel')
    service.wait(job, 'cancelled')
    assert not (service.files / 'tape.restored.mp4').exists()
    status, problem = service.ask('POST', f'/api/v1/jobs/{job}/cancel')
    assert status == 409 and 'is cancelled: there is nothing to cancel' in problem['detail'], problem
    service.ask('POST', f'/api/v1/jobs/{job}/retry')
    assert service.wait(job, 'done', 'failed')['state'] == 'done'


def test_killed_worker_costs_an_attempt(serve, tape):
    service = serve()
    tape(service, SOURCE)
    job = service.submit(SOURCE, options=SLOW)
    service.wait(job, 'running')
    os.kill(service.at_work(), signal.SIGKILL)
    waiting = service.wait(job, 'queued')
    assert waiting['attempt'] == 1 and 'crashed' in waiting['reason'], waiting
    assert 4000 < waiting['not_before_ms'] - waiting['changed_ms'] < 8000, waiting
    # Another job does not wait for it.
    tape(service, 'other.mkv')
    assert service.wait(service.submit('other.mkv', options=OPTIONS), 'done', 'failed')['state'] == 'done'
    assert service.wait(job, 'done', 'failed')['state'] == 'done'


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGTERM], ids=['kill', 'term'])
def test_service_that_ends_loses_nothing(serve, tape, number):
    service = serve('--workers', 2)
    names = [f'{i}.mkv' for i in range(3)]
    tape(service, *names)
    jobs = [service.submit(n, options=SLOW) for n in names]
    service.wait(jobs[0], 'running')
    workers = service.workers()
    assert workers
    assert service.stop(number) == (-9 if number == signal.SIGKILL else 0)
    end = time.monotonic() + 10
    while any(os.path.exists(f'/proc/{w}') for w in workers) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(os.path.exists(f'/proc/{w}') for w in workers), 'a worker outlived its service'
    service.start()
    for j in jobs:
        assert service.wait(j, 'done', 'failed')['state'] == 'done', service.job(j)
        assert service.history(j).count('done') == 1
    sums = {sum_of(service.files / f'{i}.restored.mp4') for i in range(3)}
    assert len(sums) == 1  # the same source, the same bytes, whoever was stopped


def test_a_source_that_is_none(serve):
    service = serve()
    (service.files / 'text.avi').write_text('this is no film')
    job = service.wait(service.submit('text.avi'), 'done', 'failed')
    assert job['state'] == 'failed' and job['attempt'] == 1, job
    assert job['result']['code'] and 'text.avi' in job['reason'], job
    assert service.history(job['id']) == ['queued', 'planning', 'failed']  # not tried again


def test_events(serve, tape):
    service = serve()
    tape(service, SOURCE)
    job = service.submit(SOURCE, options=OPTIONS)
    service.wait(job, 'done')
    connection = http.client.HTTPConnection('127.0.0.1', service.port, timeout=20)
    connection.request('GET', '/api/v1/events', headers={'Last-Event-ID': '0'})
    answer = connection.getresponse()
    assert answer.getheader('Content-Type') == 'text/event-stream'
    seen, state, kind = [], None, ''
    while state != 'done':
        line = answer.readline().decode()
        assert line, seen
        if line.startswith('event: '):
            kind = line[7:].strip()
        elif line.startswith('data: ') and kind != 'log':
            o = json.loads(line[6:])
            state = o.get('state', state)
            seen.append(o)
    connection.close()
    states = [o['state'] for o in seen if 'state' in o]
    assert states == ['queued', 'planning', 'running', 'done'], states
    assert all(o['id'] == job for o in seen)
    # One that comes later hears what happens from then on.
    connection = http.client.HTTPConnection('127.0.0.1', service.port, timeout=20)
    connection.request('GET', '/api/v1/events')
    answer = connection.getresponse()
    assert answer.readline() == b'retry: 2000\n'
    service.ask('DELETE', f'/api/v1/jobs/{job}')
    lines = [answer.readline().decode() for _ in range(5)]
    assert 'event: gone\n' in lines and f'data: {{"id":{job}}}\n' in lines, lines
    connection.close()


def test_progress_alone_is_told_twice_a_second(serve, tape):
    """Who follows is not woken for each of ten reports a second; what changes a job's state comes at once."""
    service = serve()
    tape(service, SOURCE)
    connection = http.client.HTTPConnection('127.0.0.1', service.port, timeout=60)
    connection.request('GET', '/api/v1/events')
    answer = connection.getresponse()
    service.submit(SOURCE, options={'preset': 'vhs_heavy', 'resolution': '1080p', 'quality': 'best'})
    kind, told, changes, state = '', [], 0, ''
    while state != 'done':
        line = answer.readline().decode()
        assert line, told
        if line.startswith('event: '):
            kind = line[7:].strip()
        elif line.startswith('data: ') and kind == 'progress':
            told.append(time.monotonic())
        elif line.startswith('data: ') and kind == 'job':
            state = json.loads(line[6:])['state']  # the last of all: were it held back it would never come
            changes += 1
    connection.close()
    assert state == 'done' and len(told) > 10, (state, told)
    wakes = [told[0], *(b for a, b in zip(told, told[1:]) if b - a > 0.05)]
    # Each change of state may wake it between.
    assert len(wakes) <= 2 * (told[-1] - told[0]) + 2 + changes, wakes


def test_shell(serve, tape):
    service = serve()
    tape(service, 'a.mkv', 'b "x".mkv')
    service.ask('POST', '/api/v1/queue/pause')
    sent = service.shell('submit', service.files, '-o', service.files / 'out', '--batch-name', 'shelf', '--crf', '24',
        '--preset-speed', 'ultrafast')
    assert sent.returncode == 0, sent.stderr
    assert sent.stdout.count('job ') == 2 and 'out/a.restored.mp4' in sent.stdout, sent.stdout
    listed = service.shell('jobs', '--batch-name', 'shelf')
    assert listed.returncode == 0 and listed.stdout.count('queued') == 2, listed.stdout
    assert 'the queue is paused' in listed.stdout
    assert service.shell('jobs', 'move', '2', '--before', '1').returncode == 0
    assert service.job(2)['position'] < service.job(1)['position']
    assert service.shell('jobs', 'priority', '1', '--priority', '7').returncode == 0
    assert service.job(1)['priority'] == 7
    assert service.shell('jobs', 'cancel', '2').returncode == 0
    assert service.shell('jobs', 'resume').returncode == 0
    service.wait(1, 'done')
    shown = service.shell('jobs', 'show', '1')
    assert shown.returncode == 0 and 'state    done' in shown.stdout, shown.stdout
    both = json.loads(service.shell('jobs', '--json').stdout)
    assert [(j['id'], j['state']) for j in both['jobs']] == [(2, 'cancelled'), (1, 'done')]
    wrong = service.shell('jobs', 'cancel', '1')
    assert wrong.returncode == 1 and 'job 1 is done' in wrong.stderr, wrong.stderr
    assert service.shell('jobs', 'cancle', '1').returncode == 2
    assert service.shell('jobs', 'cancel', 'x').returncode == 2
    cleared = service.shell('jobs', 'clear', '--state', 'done')
    assert '1 job taken out' in cleared.stderr + cleared.stdout, cleared
    assert [j['id'] for j in json.loads(service.shell('jobs', '--json').stdout)['jobs']] == [2]
    assert service.shell('jobs', 'remove', '2').returncode == 0
    assert service.ask('GET', '/api/v1/jobs')[1]['jobs'] == []
    service.stop()
    gone = service.shell('jobs')
    assert gone.returncode == 1 and 'terminalai serve' in gone.stderr, gone.stderr


def cancelled_at_work(serve, tape):
    """(service, a job that was cancelled when a part was done, the folder of its work)"""
    service = serve()
    tape(service, SOURCE)
    job = service.submit(SOURCE, options=SLOW)
    while not service.job(job)['progress']['segments_done']:
        time.sleep(0.05)
    service.ask('POST', f'/api/v1/jobs/{job}/cancel')
    service.wait(job, 'cancelled')
    return service, job, service.files / 'tape.restored.mp4.terminalai'


def test_a_removed_job_leaves_no_work(serve, tape):
    service, job, work = cancelled_at_work(serve, tape)
    assert work.is_dir()
    # Another makes the same file, and goes on with it; the service may end meanwhile.
    service.ask('POST', '/api/v1/queue/pause')
    other = service.submit(SOURCE, options=SLOW)
    assert service.ask('DELETE', f'/api/v1/jobs/{job}')[1] == {'removed': 1}
    time.sleep(0.5)
    assert work.is_dir()
    service.stop()
    service.start()
    # No worker has had that one, which has this work all the same.
    assert service.ask('DELETE', f'/api/v1/jobs/{other}')[1] == {'removed': 1}
    end = time.monotonic() + 20
    while work.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not work.exists()


def test_work_that_was_taken_over(serve, tape):
    """Whoever finishes the file leaves nothing to those that come later."""
    service, job, work = cancelled_at_work(serve, tape)
    service.ask('POST', '/api/v1/queue/pause')
    other = service.submit(SOURCE, options=SLOW)
    assert service.ask('DELETE', f'/api/v1/jobs/{job}')[1] == {'removed': 1}
    service.ask('POST', '/api/v1/queue/resume')
    assert service.wait(other, 'done', 'failed')['result']['segments_reused'] >= 1
    assert not work.exists()
    # Somebody's own work of this name is not the service's, whose third job was never begun.
    service.ask('POST', '/api/v1/queue/pause')
    third = service.submit(SOURCE, options={**SLOW, 'overwrite': 'on'})
    work.mkdir()
    (work / 'plan.json').write_text('{}')
    assert service.ask('DELETE', f'/api/v1/jobs/{third}')[0] == 200
    time.sleep(0.5)
    assert (work / 'plan.json').exists()


def test_work_of_others_stays(serve, tape):
    """A job that no worker ever had has left nothing."""
    service = serve()
    tape(service, SOURCE)
    service.ask('POST', '/api/v1/queue/pause')
    work = service.files / 'tape.restored.mp4.terminalai'
    work.mkdir()
    (work / 'plan.json').write_text('{}')
    assert service.ask('DELETE', f'/api/v1/jobs/{service.submit(SOURCE)}')[0] == 200
    time.sleep(0.5)
    assert (work / 'plan.json').exists()


def test_a_live_table(serve, tape):
    """On a terminal `jobs watch` draws its table again in its place."""
    service = serve()
    tape(service, SOURCE, 'b\x1b[31m.mkv')
    service.ask('POST', '/api/v1/queue/pause')
    first, second = service.submit(SOURCE, options=OPTIONS), service.submit('b\x1b[31m.mkv', options=OPTIONS)
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 60, 0, 0))
    watch = subprocess.Popen([service.program.path, 'jobs', 'watch', '--socket', service.socket], stdout=slave, stderr=slave,
        env=service.env)
    os.close(slave)
    text, end = b'', time.monotonic() + 60
    resumed = False
    while b'2 done' not in text and time.monotonic() < end:
        text += os.read(master, 65536)
        if not resumed and b'2 queued; the queue is paused' in text:
            resumed = True
            service.ask('POST', '/api/v1/queue/resume')
    watch.terminate()
    watch.wait()
    os.close(master)
    screens = text.decode().split('\x1b[4A')
    assert len(screens) > 3 and all(s.count('STATE') == 1 for s in screens), text
    assert b'\x1b[31m' not in text and rb'b\x1b[31m.mkv' in text  # a name does not drive the terminal
    assert all(len(line.replace('\x1b[K', '')) <= 60 for s in screens for line in s.replace('\x1b[J', '').split('\r\n')), screens
    assert f'{first} done' in ' '.join(screens[-1].split()) and f'{second} done' in ' '.join(screens[-1].split())
