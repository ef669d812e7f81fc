"""The service that a test asks for ends with it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'faults'))

import kit  # noqa: E402
from service import Service  # noqa: E402


@pytest.fixture
def tape():
    """tape(SERVICE, NAME...): copies of two seconds of interlaced video."""

    def put(service, *names):
        for name in names:
            shutil.copy(kit.source('interlaced'), service.files / name)

    return put


@pytest.fixture(scope='session')
def has_service(program):
    shown = subprocess.run([program.path, 'serve', '--help'], capture_output=True, text=True, check=True)
    return 'Not in this build' not in shown.stdout


@pytest.fixture(autouse=True)
def needs_service(has_service):
    """Also of tests that call the program alone."""
    if not has_service:
        pytest.skip('built without the service')


@pytest.fixture
def serve(program, tmp_path):
    """serve(...): a service; see service.py."""
    started = []

    def start(*args, **options):
        started.append(Service(program, tmp_path, *args, **options))
        return started[-1]

    yield start
    for service in started:
        if service.process.poll() is None:
            service.process.kill()
            service.process.wait()
