"""The service and its workers are killed at random points under load: what was accepted is made, once, and rightly."""

import hashlib
import http.client
import os
import random
import signal
import sqlite3
import subprocess
import threading
import time


LONG = bool(os.environ.get('TA_TEST_LONG'))
KILLS = 200 if LONG else 12
AT_ONCE = 20 if LONG else 5
SEED = int(os.environ.get('TA_TEST_SEED', '16'))
OPTIONS = {'segment-length': '0.2', 'crf': 30, 'preset-speed': 'ultrafast', 'quality': 'fast', 'resolution': 'source'}
LEGAL = {'': {'queued'}, 'queued': {'planning', 'paused', 'cancelled', 'failed'}, 'planning': {'queued', 'running', 'done', 'failed'},
    'running': {'queued', 'done', 'failed'}, 'failed': {'queued'}, 'done': set()}


def sum_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def film(path, seconds):
    subprocess.run(['ffmpeg', '-v', 'error', '-f', 'lavfi', '-i', f'testsrc2=s=160x120:r=25:d={seconds},setfield=tff', '-c:v', 'mpeg2video',
        '-flags', '+ilme+ildct', '-q:v', '4', '-y', path], check=True)


def undisturbed(program, source, out):
    program('restore', source, '-o', out, *(word for name, value in OPTIONS.items() for word in (f'--{name}', str(value))))
    return sum_of(out)


class Submitter(threading.Thread):
    """Submits jobs while it can, and knows which were accepted."""

    def __init__(self, service, most):
        super().__init__(daemon=True)
        self.service, self.most, self.accepted, self.left = service, most, {}, threading.Event()

    def run(self):
        number = 0
        while not self.left.is_set():
            number += 1
            output = str(self.service.files / f'{number}.mp4')
            try:
                answer = self.service.ask('GET', '/api/v1/system')[1]['jobs']
                if sum(answer[s] for s in ('queued', 'planning', 'running')) < self.most:
                    status, job = self.service.ask('POST', '/api/v1/jobs',
                        {'input': str(self.service.files / 'tape.mpg'), 'output': output, 'options': OPTIONS})
                    assert status == 201, job
                    self.accepted[job['id']] = output
            except (OSError, http.client.HTTPException, ValueError):
                pass  # it has just been killed: whether that one was accepted nobody was told
            self.left.wait(0.1)


def orphans(pids):
    left = []
    for pid in pids:
        try:
            with open(f'/proc/{pid}/cmdline', 'rb') as f:
                if b'worker' in f.read():
                    left.append(pid)
        except OSError:
            pass
    return left


def kill_service(service):
    workers = service.workers()
    service.process.send_signal(signal.SIGKILL)
    service.process.wait()
    end = time.monotonic() + 10
    while orphans(workers) and time.monotonic() < end:
        time.sleep(0.01)
    assert not orphans(workers)
    service.start(service.port)


def test_random_kills(serve, program):
    service, dice = serve('--workers', 3), random.Random(SEED)
    film(service.files / 'tape.mpg', 1)
    wanted = undisturbed(program, service.files / 'tape.mpg', service.files / 'alone.mp4')
    submitter = Submitter(service, 6)
    submitter.start()
    counts = {'service': 0, 'worker': 0}
    while sum(counts.values()) < KILLS:
        time.sleep(dice.uniform(0.02, 0.6))
        workers = service.workers()
        if workers and dice.random() < 0.5:
            try:
                os.kill(dice.choice(workers), signal.SIGKILL)
                counts['worker'] += 1
            except ProcessLookupError:
                pass
        else:
            kill_service(service)
            counts['service'] += 1
    submitter.left.set()
    submitter.join()
    assert submitter.accepted
    for job in submitter.accepted:  # none is lost; what crashed three times is tried again when it is asked for
        while (now := service.wait(job, 'done', 'failed', limit=300))['state'] == 'failed':
            assert 'attempt 3 of 3' in now['reason'], now
            assert service.ask('POST', f'/api/v1/jobs/{job}/retry')[0] == 200
    for job, output in submitter.accepted.items():
        assert sum_of(service.files / output) == wanted, job
        states = service.history(job)
        assert states.count('done') == 1, states
        assert all(b in LEGAL[a] for a, b in zip(['', *states], states)), states
    listed = service.ask('GET', '/api/v1/jobs?limit=1000')[1]['jobs']
    assert set(submitter.accepted) <= {j['id'] for j in listed}
    assert service.stop() == 0
    with sqlite3.connect(service.state / 'jobs.db') as db:
        assert db.execute('PRAGMA integrity_check').fetchall() == [('ok',)]
        assert db.execute("SELECT count(*) FROM jobs WHERE state NOT IN ('done', 'queued', 'failed')").fetchone() == (0,)
    print(f'{counts}, {len(submitter.accepted)} jobs, seed {SEED}')


def test_killed_while_many_run(serve, program):
    """All at once, each on its way: the next service makes of each what an undisturbed run makes."""
    service = serve('--workers', AT_ONCE)
    slow = {**OPTIONS, 'denoise': 'nlmeans', 'preset-speed': 'medium'}
    film(service.files / 'tape.mpg', 3)
    alone = service.files / 'alone.mp4'
    program('restore', service.files / 'tape.mpg', '-o', alone, *(word for name, value in slow.items() for word in (f'--{name}', str(value))))
    jobs = {service.submit('tape.mpg', output=str(service.files / f'{i}.mp4'), options=slow): service.files / f'{i}.mp4' for i in range(AT_ONCE)}
    end = time.monotonic() + 300
    while time.monotonic() < end:
        states = [service.job(j)['state'] for j in jobs]
        if states.count('running') >= AT_ONCE - states.count('done') > 0 or 'done' in states:
            break
        time.sleep(0.05)
    assert states.count('running') > AT_ONCE // 2, states
    kill_service(service)
    for job, output in jobs.items():
        assert service.wait(job, 'done', 'failed', limit=600)['state'] == 'done'
        assert sum_of(output) == sum_of(alone)
