"""A service of its own for each test: started, asked, stopped, killed."""

import http.client
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path


class Service:
    """`terminalai serve` with a state folder and a folder of files below `folder`."""

    def __init__(self, program, folder, *args, roots=True):
        self.program, self.args = program, args
        self.files, self.state = folder / 'files', folder / 'state'
        self.files.mkdir(exist_ok=True)
        self.log = folder / 'serve.log'
        self.socket = self.state / 'serve.sock'
        self.roots = ['--root', self.files] if roots else []
        self.env = {**os.environ, 'HOME': str(folder), 'XDG_CACHE_HOME': str(folder / 'cache')}
        self.env.pop('XDG_STATE_HOME', None)
        self.process = None
        self.start()

    def start(self, port=0):
        with open(self.log, 'ab') as log:
            begin = log.tell()
            self.process = subprocess.Popen(
                [self.program.path, 'serve', '--state', self.state, '--listen', f'127.0.0.1:{port}', *self.roots, *map(str, self.args)],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.env)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            text = self.log.read_bytes()[begin:].decode()
            if 'at once' in text:
                self.port = int(re.search(r'http://[^ ]*:(\d+)', text)[1])
                return
            assert self.process.poll() is None, text
            time.sleep(0.02)
        raise AssertionError('the service did not start: ' + self.log.read_text())

    def stop(self, number=signal.SIGINT, limit=30):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(limit)

    def ask(self, method, path, body=None, headers=None, raw=False):
        """The status and the JSON (raw: the bytes) of an answer."""
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=30)
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        connection.request(method, path, data, headers or {})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, text if raw else json.loads(text)

    def shell(self, *args):
        """A command of the shell, which finds the service by its socket."""
        return subprocess.run([self.program.path, *map(str, args), '--socket', self.socket], env=self.env,
            capture_output=True, text=True, timeout=60, check=False)

    def submit(self, name, **more):
        status, job = self.ask('POST', '/api/v1/jobs', {'input': str(self.files / name), **more})
        assert status == 201, job
        return job['id']

    def job(self, number):
        return self.ask('GET', f'/api/v1/jobs/{number}')[1]

    def wait(self, number, *states, limit=120):
        end = time.monotonic() + limit
        while time.monotonic() < end:
            job = self.job(number)
            if job['state'] in states:
                return job
            time.sleep(0.05)
        raise AssertionError(f'job {number} is {job["state"]} ({job["reason"]}), not {states}: ' + self.log.read_text())

    def history(self, number):
        return [c['state'] for c in self.ask('GET', f'/api/v1/jobs/{number}/history')[1]['changes']]

    def workers(self):
        """Process numbers of the service's children."""
        listed = Path(f'/proc/{self.process.pid}/task/{self.process.pid}/children').read_text()
        return [int(n) for n in listed.split()]

    def at_work(self, limit=30):
        """The number of a worker that is there: a job is taken before its worker is started."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            if workers := self.workers():
                return workers[0]
            time.sleep(0.01)
        raise AssertionError('no worker is there: ' + self.log.read_text())
