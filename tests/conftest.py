"""The built program, the generated clips and the packages of the page's tests as fixtures. Tests marked "long" run when TA_TEST_LONG is set."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent / 'media'))

import clips  # noqa: E402
import judge  # noqa: E402

WEB = Path(__file__).resolve().parents[1] / 'web'
BUILD = Path(os.environ.get('TA_BUILD', WEB.parent / 'build')).resolve()


def pytest_addoption(parser):
    parser.addoption('--benchmark-only', action='store_true',
        help='run the timed side of the performance tests alone: figures of this machine, which say nothing on a busy one')


def pytest_configure(config):
    config.addinivalue_line('markers', 'benchmark: measures time; runs with --benchmark-only')
    config.addinivalue_line('markers', 'long: takes long; runs when TA_TEST_LONG is set')
    config.addinivalue_line('markers', 'sanitizer: also runs with sanitizer builds')


def pytest_collection_modifyitems(config, items):
    timed = config.getoption('--benchmark-only')
    left_out = [i for i in items if bool(i.get_closest_marker('benchmark')) != timed]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [i for i in items if i not in left_out]
    if os.environ.get('TA_TEST_LONG'):
        return
    left_out = [i for i in items if i.get_closest_marker('long')]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [i for i in items if not i.get_closest_marker('long')]


@pytest.fixture(scope='session')
def program(tmp_path_factory):
    path, named = judge.find_program()
    if not os.access(path, os.X_OK):
        # Where the tests are meant to run, a missing program is a failure and no reason to skip.
        if named or os.environ.get('CI'):
            pytest.fail(f'the program {path} is missing or can not be run')
        pytest.skip(f'{path} is not built yet')
    return judge.Program(path, tmp_path_factory.mktemp('home'))


@pytest.fixture
def clip():
    """clip(name): the path of a generated file. It is shared: read it only."""
    return clips.path


@pytest.fixture(scope='session')
def node_modules():
    """The folder with what package-lock.json names, tools for tests too; installed once for each lock."""
    for name in ('node', 'npm'):
        if not shutil.which(name):
            pytest.skip(f'{name} is not installed')
    folder = BUILD / 'page-tests'
    folder.mkdir(parents=True, exist_ok=True)
    stamp, wanted = folder / 'installed', hashlib.sha256((WEB / 'package-lock.json').read_bytes()).hexdigest()
    with open(folder / 'lock', 'w') as lock:  # tests may run in several processes
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            for name in ('package.json', 'package-lock.json', '.npmrc'):
                shutil.copy(WEB / name, folder / name)
            done = subprocess.run(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error',
                '--fetch-retries=1', '--fetch-timeout=20000'], cwd=folder, capture_output=True, text=True, timeout=600, check=False)
            if done.returncode:
                pytest.skip('npm: ' + (done.stderr.strip().splitlines() or ['?'])[0])
            stamp.write_text(wanted)
    return folder
