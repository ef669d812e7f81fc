"""The list of jobs on disk: older forms and newer ones, full disks, damage, clocks that jump."""

import http.client
import json
import os
import select
import shutil
import signal
import sqlite3
import subprocess
import time

import kit
import pytest

# As the first version made it.
FIRST = """
CREATE TABLE jobs(id INTEGER PRIMARY KEY AUTOINCREMENT, state TEXT NOT NULL, wish INTEGER NOT NULL,
 priority INTEGER NOT NULL, position REAL NOT NULL, attempt INTEGER NOT NULL, created INTEGER NOT NULL,
 changed INTEGER NOT NULL, not_before INTEGER NOT NULL, warnings INTEGER NOT NULL, input TEXT NOT NULL,
 output TEXT NOT NULL, options TEXT NOT NULL, batch TEXT NOT NULL, reason TEXT NOT NULL, result TEXT NOT NULL);
CREATE TABLE changes(job INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE, time INTEGER NOT NULL,
 was TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL);
CREATE INDEX changes_of_job ON changes(job);
CREATE TABLE switches(key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO jobs VALUES(7, 'paused', 0, 3, 1.5, 0, 1000, 2000, 0, 0, '/a.avi', '/a.mp4', '{"crf":"20"}', 'shelf', 'paused', '{}');
INSERT INTO changes VALUES(7, 1000, '', 'queued', 'submitted');
INSERT INTO switches VALUES('paused', 'on');
PRAGMA user_version=1;
"""


def test_the_first_form(serve, tmp_path):
    """It is changed to that of today, and a copy of it is kept."""
    state = tmp_path / 'state'
    state.mkdir(mode=0o700)
    with sqlite3.connect(state / 'jobs.db') as db:
        db.executescript(FIRST)
    service = serve()
    job = service.job(7)
    assert (job['state'], job['priority'], job['input'], job['options'], job['batch'], job['title']) == (
        'paused', 3, '/a.avi', {'crf': '20'}, 'shelf', ''), job
    assert service.history(7) == ['queued']
    assert service.ask('GET', '/api/v1/jobs')[1]['paused']
    with sqlite3.connect(state / 'jobs.db.before-2') as copy:
        assert copy.execute('PRAGMA user_version').fetchone() == (1,)
        assert copy.execute('SELECT id, state FROM jobs').fetchall() == [(7, 'paused')]
    service.ask('POST', '/api/v1/jobs/7/resume')
    service.stop()
    with sqlite3.connect(state / 'jobs.db') as db:
        assert db.execute('SELECT id, state, source FROM jobs').fetchall() == [(7, 'queued', '')]
        assert db.execute('PRAGMA integrity_check').fetchone() == ('ok',)


def test_a_newer_form_is_refused(program, tmp_path):
    state = tmp_path / 'state'
    state.mkdir(mode=0o700)
    with sqlite3.connect(state / 'jobs.db') as db:
        db.executescript(FIRST + 'PRAGMA user_version=99;')
    got = subprocess.run([program.path, 'serve', '--state', state, '--listen', 'none'], capture_output=True, text=True,
        timeout=30, check=False)
    assert got.returncode == 1 and 'newer version' in got.stderr, got.stderr
    with sqlite3.connect(state / 'jobs.db') as db:
        assert db.execute('PRAGMA user_version').fetchone() == (99,)
        assert db.execute('SELECT id, state FROM jobs').fetchall() == [(7, 'paused')]


def submit(service, name):
    (service.files / name).write_text('no film')
    return service.ask('POST', '/api/v1/jobs', {'input': str(service.files / name)})


def test_a_full_disk(serve, tmp_path):
    """Nothing is accepted that is not on disk; what was accepted stays, and all goes on when there is room."""
    with kit.SmallDisk(tmp_path / 'state', '1M') as disk:
        if not disk:
            pytest.skip('no file system can be mounted')
        service = serve()
        first = submit(service, 'a.avi')
        assert first[0] == 201
        service.wait(first[1]['id'], 'failed')
        filler = disk / 'filler'
        with open(filler, 'wb', buffering=0) as f:
            try:
                while True:
                    f.write(b'x' * 4096)
            except OSError:
                pass
        answers = [submit(service, f'{i}.avi')[0] for i in range(200)]
        assert 507 in answers and set(answers) <= {201, 507}, answers
        accepted = answers.count(201)
        assert service.ask('GET', '/api/v1/health')[0] == 200
        filler.unlink()
        status, job = submit(service, 'later.avi')
        assert status == 201
        service.wait(job['id'], 'failed')
        service.stop(signal.SIGKILL)
        service.start()
        assert len(service.ask('GET', '/api/v1/jobs?limit=1000')[1]['jobs']) == accepted + 2
        service.stop()
        with sqlite3.connect(disk / 'jobs.db') as db:
            assert db.execute('PRAGMA integrity_check').fetchone() == ('ok',)


@pytest.mark.parametrize('how', ['torn', 'garbled page'])
def test_a_damaged_list(serve, tmp_path, how):
    """It is moved aside whole, never deleted, and said; the service begins with a new one."""
    service = serve()
    for i in range(30):
        assert submit(service, f'{i}.avi')[0] == 201
    service.stop()
    path = tmp_path / 'state' / 'jobs.db'
    data = path.read_bytes()
    assert len(data) > 20000
    spoilt = data[:len(data) // 2 + 100] if how == 'torn' else data[:8192] + b'\xa5' * 4096 + data[12288:]
    path.write_bytes(spoilt)
    service.start()
    assert 'is damaged; it was moved to' in service.log.read_text()
    aside = [p for p in path.parent.glob('jobs.db.damaged-*') if not p.name.endswith(('-wal', '-shm'))]
    assert len(aside) == 1 and aside[0].read_bytes() == spoilt
    assert service.ask('GET', '/api/v1/jobs')[1]['jobs'] == []
    assert submit(service, 'new.avi')[0] == 201


def test_a_list_that_may_not_be_written(program, tmp_path):
    """It is said, with the file's name, and nothing is begun."""
    state = tmp_path / 'state'
    state.mkdir(mode=0o700)
    with sqlite3.connect(state / 'jobs.db') as db:
        db.executescript(FIRST)
    locked = subprocess.run(['mount', '-o', 'bind,ro', state, state], capture_output=True, check=False).returncode == 0 \
        and subprocess.run(['mount', '-o', 'remount,bind,ro', state], capture_output=True, check=False).returncode == 0
    try:
        if not locked:
            pytest.skip('no file system can be mounted')
        got = subprocess.run([program.path, 'serve', '--state', state, '--listen', 'none'], capture_output=True, text=True,
            timeout=30, check=False)
        assert got.returncode == 1 and str(state) in got.stderr, got.stderr
    finally:
        if locked:
            subprocess.run(['umount', state], check=False)


CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *t)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int ret = real(id, t);
    FILE *f = id == CLOCK_REALTIME ? fopen(getenv("TA_CLOCK_FILE"), "r") : NULL;
    long offset = 0;
    if (f && fscanf(f, "%ld", &offset) == 1)
        t->tv_sec += offset;
    if (f)
        fclose(f);
    return ret;
}
"""


def preload(text, tmp_path, monkeypatch):
    source, library = tmp_path / 'before.c', tmp_path / 'before.so'
    source.write_text(text)
    try:
        subprocess.run(['cc', '-shared', '-fPIC', '-o', library, source, '-ldl'], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip('no compiler')
    monkeypatch.setenv('LD_PRELOAD', str(library))


def test_a_clock_that_jumps(serve, tmp_path, monkeypatch):
    """A job whose worker was killed is tried again after seconds, wherever the clock has been set meanwhile."""
    offset = tmp_path / 'offset'
    offset.write_text('0')
    preload(CLOCK, tmp_path, monkeypatch)
    monkeypatch.setenv('TA_CLOCK_FILE', str(offset))
    service = serve()
    shutil.copy(kit.source('interlaced'), service.files / 'tape.mkv')
    slow = {'segment-length': '0.4', 'denoise': 'nlmeans', 'resolution': '640x512'}
    job = service.submit('tape.mkv', options=slow)
    service.wait(job, 'planning', 'running')
    os.kill(service.at_work(), signal.SIGKILL)
    before = service.wait(job, 'queued')
    offset.write_text('-86400')  # a day back
    begin = time.monotonic()
    service.wait(job, 'planning', 'running', limit=60)
    assert time.monotonic() - begin < 60
    offset.write_text('864000')  # ten days on, with the job at work: nothing is taken for hung
    time.sleep(3)
    now = service.job(job)
    assert now['state'] in ('planning', 'running', 'done') and now['attempt'] == before['attempt'] == 1, now
    changes = service.ask('GET', f'/api/v1/jobs/{job}/history')[1]['changes']
    assert any(b['time_ms'] < a['time_ms'] - 80000000 for a, b in zip(changes, changes[1:]))  # the clock did jump


def test_changes_that_wait_for_the_disk_keep_nobody_waiting(serve, tmp_path):
    """More changes than there are threads for connections, and a list that can't be written: who only reads is answered."""
    service = serve()
    job = submit(service, 'a.avi')[1]
    service.wait(job['id'], 'failed')
    with sqlite3.connect(service.state / 'jobs.db', isolation_level=None) as db:
        db.execute('BEGIN IMMEDIATE')
        changes = []
        for _ in range(12):
            changes.append(http.client.HTTPConnection('127.0.0.1', service.port, timeout=60))
            changes[-1].request('PATCH', f'/api/v1/jobs/{job["id"]}', json.dumps({'priority': 5}))
        for _ in range(20):
            assert service.ask('GET', '/api/v1/jobs')[0] == 200
        assert not select.select([c.sock for c in changes], [], [], 0)[0]
        db.execute('ROLLBACK')
    for connection in changes:
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())['priority']) == (200, 5)
        connection.close()
    # One that ends meanwhile answers what it has accepted.
    assert service.stop() == 0


# A folder that does not answer as long as the file TA_HUNG_FILE is there, as of a server that has gone.
HUNG = """
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static void hang(void)
{
    while (access(getenv("TA_HUNG_FILE"), F_OK) == 0)
        usleep(10000);
}
DIR *fdopendir(int fd)
{
    DIR *(*real)(int) = (DIR * (*)(int)) dlsym(RTLD_NEXT, "fdopendir");
    hang();
    return real(fd);
}
int stat64(const char *path, struct stat64 *st)
{
    int (*real)(const char *, struct stat64 *) = (int (*)(const char *, struct stat64 *))dlsym(RTLD_NEXT, "stat64");
    if (strstr(path, "/gone"))
        hang();
    return real(path, st);
}
"""


def test_folders_that_hang_keep_no_change_waiting(serve, tmp_path, monkeypatch):
    """More readers of a folder that does not answer, and jobs for one, than anybody would wait for: others go on."""
    hung = tmp_path / 'hung'
    preload(HUNG, tmp_path, monkeypatch)
    monkeypatch.setenv('TA_HUNG_FILE', str(hung))
    service = serve()
    service.ask('POST', '/api/v1/queue/pause')
    hung.write_text('')
    (service.files / 'gone').mkdir()
    (service.files / 'b.avi').write_text('no film')
    readers = [http.client.HTTPConnection('127.0.0.1', service.port, timeout=60) for _ in range(16)]
    wanted = {'input': str(service.files / 'b.avi')}
    try:
        for i, reader in enumerate(readers):
            if i % 2:
                reader.request('GET', f'/api/v1/files?path={service.files}')
            else:
                reader.request('POST', '/api/v1/jobs', json.dumps({**wanted, 'output': str(service.files / f'gone/{i}.mp4')}))
        assert not select.select([r.sock for r in readers], [], [], 0.5)[0]
        status, job = submit(service, 'a.avi')
        assert status == 201, job
        assert service.ask('POST', f'/api/v1/jobs/{job["id"]}/cancel')[0] == 200
        assert not select.select([r.sock for r in readers], [], [], 0)[0]
    finally:
        hung.unlink()
    for reader in readers:
        assert reader.getresponse().status in (200, 201)
        reader.close()
