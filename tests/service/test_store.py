"""The list of jobs on disk: older forms, newer ones."""

import sqlite3
import subprocess

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
