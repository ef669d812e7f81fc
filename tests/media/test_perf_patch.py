"""terminalai perf patch: the tuning file changed by its lines, and only by what holds."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

IDS = ['video_pipeline_filters', 'audio_model_preload', 'queue_rwlock', 'gui_polling', 'progress_throttle', 'filter_chain_cache']
FILE = b'# mine\nversion: 1\nprogress_throttle:  off   # for a test\r\ngui_polling: on\ndevices:\n  cpu:\n    batch: 4\n'


@pytest.fixture
def patch(program, tmp_path):
    """Runs it with folders of its own; patch.file is the tuning file."""
    env = {'XDG_CONFIG_HOME': str(tmp_path / 'config'), 'XDG_STATE_HOME': str(tmp_path / 'state')}

    class Patch:
        file = tmp_path / 'config/terminalai/tuning.yaml'
        environment = env

        def __call__(self, *args, code=0):
            return program('perf', 'patch', *args, code=code, env=env)

        def write(self, data):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_bytes(data)

    return Patch()


@pytest.fixture
def stand_in(tmp_path):
    """A program for trials: makes the film that is asked for in no time, in one of four ways."""
    def make(how):
        path = tmp_path / how
        path.write_text('''#!/bin/sh
off=$(grep -c ': off' "$XDG_CONFIG_HOME/terminalai/tuning.yaml")
while [ $# -gt 0 ]; do [ "$1" = -o ] && out=$2; shift; done
case %s in
good) echo film > "$out"; [ "$off" = 0 ] || i=0; while [ "${i:-9999}" -lt 9999 ]; do i=$((i + 1)); done ;;
differs) echo "film $off" > "$out" ;;
slow) echo film > "$out"; [ "$off" = 1 ] || i=0; while [ "${i:-9999}" -lt 9999 ]; do i=$((i + 1)); done ;;
waits) echo film > "$out"; sleep 0.3 ;;
fails) echo 'error: no film today' >&2; exit 1 ;;
esac
''' % how)
        path.chmod(0o755)
        return path
    return make


def test_list(patch):
    rows = patch('--list', '--json').json()
    assert [r['id'] for r in rows] == IDS and {r['state'] for r in rows} == {'applied'}
    assert all(r['gain'] is None and r['what'] and r['before'] and r['severity'] in ('medium', 'high', 'critical') for r in rows)
    patch.write(b'version: 1\nqueue_rwlock: off\n')
    text = patch().out.splitlines()
    assert [line.split()[:2] for line in text if line.split()[:1] and line.split()[0] in IDS] == \
        [[i, 'off' if i == 'queue_rwlock' else 'applied'] for i in IDS]


def test_a_real_trial(patch):
    """Measured here, kept, and shown with where it lies."""
    told = patch('--validate', 'filter_chain_cache', '--pairs', 3).out
    assert 'filter_chain_cache: the same comes out' in told and '3 pairs' in told
    gain = patch('--json').json()[IDS.index('filter_chain_cache')]['gain']
    assert gain['same'] and 0 < gain['low'] <= gain['ratio'] <= gain['high'] and gain['pairs'] == 3 and gain['cores'] >= 1
    assert not patch.file.exists()


def test_applied_and_reverted(patch, stand_in):
    """Only the line changes, whatever else is in the file; a backup brings back each byte."""
    patch.write(FILE)
    shown = patch('--apply', 'progress_throttle', '--dry-run').out
    assert '-progress_throttle:  off   # for a test' in shown and '+progress_throttle:  on   # for a test' in shown
    assert patch.file.read_bytes() == FILE and os.listdir(patch.file.parent) == ['tuning.yaml']
    patch('--apply', 'progress_throttle', '--backup', '--program', stand_in('good'), '--pairs', 3)
    assert patch.file.read_bytes() == FILE.replace(b':  off', b':  on')
    assert patch.file.with_name('tuning.yaml.before-progress_throttle').read_bytes() == FILE
    assert 'applied already' in patch('--apply', 'progress_throttle').out
    patch('--revert', 'progress_throttle')
    assert patch.file.read_bytes() == FILE and os.listdir(patch.file.parent) == ['tuning.yaml']
    patch('--revert', 'gui_polling', 'queue_rwlock')
    assert patch.file.read_bytes() == FILE.replace(b'gui_polling: on', b'gui_polling: off') + b'queue_rwlock: off\n'
    # Changed by hand since: the backup is no more what it was made of, and stays.
    patch.write(FILE)
    patch('--apply', 'progress_throttle', '--backup', '--program', stand_in('good'), '--pairs', 3)
    patch.write(patch.file.read_bytes() + b'queue_rwlock: off\n')
    patch('--revert', 'progress_throttle')
    assert patch.file.read_bytes() == FILE + b'queue_rwlock: off\n'


def test_no_file_and_other_forms(patch):
    patch('--revert', 'gui_polling')
    assert b'\ngui_polling: off' in patch.file.read_bytes() and b'\nqueue_rwlock: on' in patch.file.read_bytes()
    patch.write(b'{version: 1, gui_polling: on, devices: {cpu: {batch: 4}}}\n')
    patch('--revert', 'gui_polling')
    text = patch.file.read_text()
    assert '\ngui_polling: off' in text and 'batch: 4' in text
    patch('--revert')
    assert {r['state'] for r in patch('--json').json()} == {'off'}


@pytest.mark.parametrize('how, why', [('differs', 'what comes out with it is not'), ('slow', 'it is slower with it'), ('fails', 'no film today')])
def test_what_does_not_hold_is_not_applied(patch, stand_in, how, why):
    patch.write(FILE)
    result = patch('--apply', 'progress_throttle', '--backup', '--program', stand_in(how), '--pairs', 3, code=1)
    assert why in result.err and 'the file is as it was' in result.out
    assert patch.file.read_bytes() == FILE and os.listdir(patch.file.parent) == ['tuning.yaml']
    if how == 'differs':
        assert 'differs' in patch().out and why in patch('--validate', 'progress_throttle', '--program', stand_in(how), code=1).err


SERVICE = '''#!%s
import http.server, json, os, socketserver, sys, time
pauses = []
class Answer(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args): pass
    def address_string(self): return ''
    def reply(self, status, body):
        self.rfile.read(int(self.headers.get('Content-Length') or 0))
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def do_POST(self):
        pauses.extend(['one'] * self.path.endswith('/pause'))
        self.reply(500, {'code': 'internal', 'detail': 'not today'}) if len(pauses) > 2 else self.reply(200, {})
    def do_PATCH(self): self.reply(200, {})
    def do_GET(self):
        if '/jobs' in self.path: return self.reply(200, {'jobs': [], 'event': 0})
        self.send_response(200)
        self.end_headers()
        while True: time.sleep(1)
class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads, request_queue_size = True, 50
with open(os.path.join(os.path.dirname(__file__), 'pid'), 'w') as f: f.write(str(os.getpid()))
Server(sys.argv[sys.argv.index('--socket') + 1], Answer).serve_forever()
'''


def test_a_service_that_fails_in_the_end(patch, tmp_path):
    """Pages that wait for events do not wait for ever, and the service is gone."""
    service = tmp_path / 'service'
    service.write_text(SERVICE % sys.executable)
    service.chmod(0o755)
    assert 'not today' in patch('--validate', 'gui_polling', '--program', service, '--pairs', 3, code=1).err
    assert not Path('/proc', (tmp_path / 'pid').read_text()).exists()


def test_two_at_once(patch, stand_in, program):
    """The second is told that it has to wait; nothing is lost."""
    patch.write(FILE)
    command = program.command('perf', 'patch', '--apply', 'progress_throttle', '--program', str(stand_in('waits')), '--pairs', '3')
    with subprocess.Popen(command, env={**program.env, **patch.environment}, stdout=subprocess.DEVNULL) as first:
        lock = patch.file.parents[2] / 'state/terminalai/patches.json.lock'
        for _ in range(200):
            if lock.exists():
                break
            time.sleep(0.05)
        time.sleep(0.2)
        for args in (('--revert', 'gui_polling'), ('--validate', 'filter_chain_cache')):
            assert 'another "perf patch" is at work' in patch(*args, code=1).err
        assert patch.file.read_bytes() == FILE and patch('--list').out and patch('--revert', 'gui_polling', '--dry-run').out
        assert first.wait(timeout=60) == 0
    assert patch.file.read_bytes() == FILE.replace(b':  off', b':  on')


def test_bad_input(patch, stand_in):
    unknown = patch('--apply', 'gui_poling', code=2).err
    assert 'did you mean "gui_polling"' in unknown and all(i in unknown for i in IDS)
    assert 'needs ID, or all' in patch('--apply', code=2).err
    assert 'exclude each other' in patch('--apply', '--revert', 'gui_polling', code=2).err
    for broken in (b'version: 1\ngui_polling: perhaps\n', b'{', b'version: 7\n'):
        patch.write(broken)
        assert 'mend or remove it first' in patch('--revert', 'gui_polling', code=1).err and patch.file.read_bytes() == broken
    patch.write(FILE)
    assert patch('--validate', 'progress_throttle', '--program', stand_in('good').with_name('none'), code=1).err
    os.remove(patch.file)
    os.rmdir(patch.file.parent)
    patch.file.parent.write_text('in the way')
    assert str(patch.file.parent) in patch('--revert', 'gui_polling', code=1).err
