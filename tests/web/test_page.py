"""The page of the service: its logic by node, its types, and walks through it with a browser."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import kit
import pytest

WEB = Path(__file__).resolve().parents[2] / 'web'
QUICK = {'resolution': 'source', 'preset-speed': 'ultrafast', 'crf': 30}
ODD_NAMES = [
    '<img src=x onerror=alert(1)>.avi',
    '"><script>alert(2)</script>.mpg'.replace('/', '\u2215'),
    'عيد الميلاد \u0661\u0669\u0669\u0664.mpg',
    'rtl \u202egpm.exe.avi',
    '🎄 Weihnachten bei Oma 👵🏽.mkv',
    "it's {n} & `more` %s.mov",
    'n' * 251 + '.avi',
]


@pytest.fixture
def sources(node_modules, tmp_path):
    """The page's sources beside the packages that they need."""
    folder = tmp_path / 'web'
    folder.mkdir()
    for name in ('src', 'test'):
        shutil.copytree(WEB / name, folder / name)
    for name in ('package.json', 'tsconfig.json', 'build.mjs'):
        shutil.copy(WEB / name, folder / name)
    (folder / 'node_modules').symlink_to(node_modules / 'node_modules')
    return folder


def run(command, folder, **env):
    done = subprocess.run(command, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done.stdout


def test_logic(sources, serve, tmp_path):
    options = tmp_path / 'options.json'
    options.write_bytes(serve().ask('GET', '/api/v1/options', raw=True)[1])
    run(['node', 'test/run.mjs'], sources, TA_JSON_MD=str(WEB.parent / 'docs/json.md'), TA_NETWORKS=str(WEB.parent / 'models/manifest.yaml'),
        TA_SERVER=str(WEB.parent / 'src/server'), TA_OPTIONS=str(options))


def test_types(sources):
    run(['node', 'node_modules/typescript/bin/tsc', '--noEmit'], sources)


def test_size(sources, tmp_path):
    printed = run(['node', 'build.mjs', str(tmp_path / 'dist')], sources)
    assert int(printed.split('all: ')[1].split()[0]) <= 120_000, printed
    # The lock names no address of packages.
    assert 'resolved' not in (WEB / 'package-lock.json').read_text()


def put(service, *names, kind='interlaced'):
    for name in names:
        shutil.copy(kit.source(kind), service.files / name)


def test_restore(serve, walk):
    service = serve()
    put(service, 'Christmas 1994.mkv')
    found = walk('restore', service, film='Christmas 1994.mkv')
    assert found['attention'] < 60, found


def test_queue(serve, walk):
    service = serve()
    names = [f'tape{i}.mkv' for i in range(1, 6)]
    put(service, *names)
    walk('queue', service, names=names, options=QUICK)


def test_names(serve, walk):
    service = serve()
    put(service, *ODD_NAMES)
    shutil.copy(kit.source('progressive'), service.files / ODD_NAMES[1])
    walk('names', service, names=ODD_NAMES)


def test_failing(serve, walk):
    service = serve()
    (service.files / 'garbage.avi').write_bytes(os.urandom(5000))
    (service.files / 'empty.mp4').write_bytes(b'')
    walk('failing', service, names=['garbage.avi', 'empty.mp4'], options=QUICK)


def test_views(serve, walk):
    service = serve()
    put(service, 'tape.mkv')
    for i in range(3):  # so that there is a course over time
        job = service.submit('tape.mkv', options=QUICK, output=str(service.files / f'{i}.mp4'))
        service.wait(job, 'done')
    walk('views', service, job=job)


def test_token(serve, walk, tmp_path):
    secret = tmp_path / 'token'
    secret.write_text('a very long secret\n')
    secret.chmod(0o600)
    walk('token', serve('--token-file', secret), token='a very long secret')


def in_turn(walk, name, service, folder, acts, **given):
    """A walk that asks for something to be done outside of the page, now and then: acts by their names, in order."""
    signals = folder / 'signals'
    signals.mkdir()
    process = walk(name, service, start_only=True, signals=str(signals), **given)
    for what, act in acts.items():
        end = time.monotonic() + 180
        while not (signals / what).exists() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.1)
        act()
        (signals / f'{what}.done').write_text('')
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors[-6000:]


def test_restart(serve, walk, tmp_path):
    service = serve()
    port = service.port
    put(service, 'a.mkv', 'b.mkv')
    in_turn(walk, 'restart', service, tmp_path, {'stop': service.stop, 'start': lambda: service.start(port)},
        names=['a.mkv', 'b.mkv'], options=QUICK)


def test_full_disk(serve, walk, tmp_path):
    service = serve()
    own = tmp_path / 'own.mkv'
    shutil.copy(kit.source('interlaced'), own)
    with kit.SmallDisk(service.files / 'disk', '30m') as disk:
        if not disk:
            pytest.skip('no file system can be mounted')
        # What fills it is in the way of the result and of what is sent.
        (service.files / 'uploads').symlink_to(disk)
        shutil.copy(own, disk / 'tape.mkv')
        filler = disk / 'filler'
        filler.write_bytes(bytes((30 << 20) - own.stat().st_size - (200 << 10)))
        in_turn(walk, 'full', service, tmp_path, {'room': filler.unlink}, files=str(disk), film='tape.mkv', own=str(own),
            options={**QUICK, 'encoder': 'h264', 'crf': 1})


def test_many(serve, walk):
    service = serve()
    count = 10_000
    for i in range(count):
        (service.files / f'tape-{i}.avi').touch()
    found = walk('many', service, count=count)
    print(found)


def test_reaction(serve, walk):
    """A click is answered while a restore runs; the figure itself is the bench's (bench/page.py)."""
    service = serve()
    put(service, 'a.mkv', 'b.mkv')
    found = walk('reaction', service, names=['a.mkv', 'b.mkv'], turns=2,
        options={'denoise': 'nlmeans', 'resolution': '640x512', 'preset-speed': 'slow'})
    assert found['clicks'] == 16, found


def test_memory(serve, walk):
    """Jobs that come and go leave nothing in the page."""
    service = serve()
    put(service, 'tape.mkv')
    service.ask('POST', '/api/v1/queue/pause')
    seconds = 1800 if os.environ.get('TA_TEST_LONG') else 20
    found = walk('heap', service, film='tape.mkv', seconds=seconds, each=1, limit=seconds + 300)
    assert found['second_bytes'] < found['first_bytes'] * 1.1 + 200_000, found


def test_upload(serve, walk, tmp_path):
    own = tmp_path / 'own film.mkv'
    shutil.copy(kit.source('interlaced'), own)
    with open(own, 'ab') as film:  # longer than two pieces; what is behind the film is passed over
        film.write(os.urandom(17 << 20))
    walk('upload', serve(), own=str(own))


def test_scene(serve, walk):
    service = serve()
    put(service, 'tape.mkv')
    walk('scene', service, film='tape.mkv', options={**QUICK, 'segment-length': '0.4'})


def test_settings(serve, walk):
    service = serve()
    (service.files / 'new tapes').mkdir()
    put(service, 'new tapes/tape.mkv')
    walk('settings', service, folder='new tapes')
