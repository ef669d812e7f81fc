"""Walks of a browser through the page of a real service."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'service'))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'faults'))

from service import Service  # noqa: E402

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get('TA_BUILD', HERE.parents[1] / 'build')).resolve()


@pytest.fixture(scope='session')
def browser():
    for name in ('chromium', 'chromium-browser', 'google-chrome'):
        if shutil.which(name):
            return shutil.which(name)
    pytest.skip('chromium is not installed')


@pytest.fixture
def serve(program, tmp_path):
    """serve(...): a service with its page; see tests/service/service.py."""
    started = []

    def start(*args, **options):
        service = Service(program, tmp_path, *args, **options)
        started.append(service)
        status, page = service.ask('GET', '/', raw=True)
        if status != 200 or b'<div id="page">' not in page:
            pytest.skip('built without the page')
        return service

    shown = subprocess.run([program.path, 'serve', '--help'], capture_output=True, text=True, check=True)
    if 'Not in this build' in shown.stdout:
        pytest.skip('built without the service')
    yield start
    for service in started:
        if service.process.poll() is None:
            service.process.kill()
            service.process.wait()


@pytest.fixture
def walk(node_modules, browser):
    """walk(NAME, SERVICE, ...): a walk of walks/ through the service's page; what it found."""

    def go(name, service, limit=600, start_only=False, **given):
        given = {'url': f'http://127.0.0.1:{service.port}', 'browser': browser, 'files': str(service.files),
            'pictures': str(BUILD / 'page-pictures'), **given}
        command = ['node', str(HERE / 'walk.mjs'), name, json.dumps(given)]
        env = {**os.environ, 'TA_PAGE_MODULES': str(node_modules)}
        if start_only:
            return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=limit, check=False)
        assert done.returncode == 0, done.stderr[-6000:]
        return json.loads(done.stdout.splitlines()[-1])

    return go
