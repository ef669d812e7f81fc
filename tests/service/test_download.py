"""Films of addresses: plain files by HTTP, pages by yt-dlp (a stand-in of it)."""

import hashlib
import http.server
import json
import os
import shutil
import signal
import socket
import threading
import time

import kit
import pytest

QUICK = {'segment-length': '0.4', 'crf': 30, 'preset-speed': 'ultrafast'}

# What yt-dlp does with the arguments that it gets here, and no network. It can write nowhere but into its folder, so what it
# was asked it tells by a datagram; and it tries whether that is so.
STAND_IN = '''#!/usr/bin/env python3
import json, os, shutil, socket, sys, time
args = sys.argv[1:]
try:
    open(os.path.dirname(os.path.dirname(sys.argv[0])) + '/escaped', 'w').close()
except OSError:
    pass
port = int(os.environ['TA_FAKE_PORT'])
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(json.dumps([args, os.getcwd()]).encode(), ('127.0.0.1', port))
assert args[-2] == '--', args
assert os.path.samefile(os.environ['TMPDIR'], '.')
address = args[-1]
if 'broken' in address:
    sys.exit('WARNING: hm\\nERROR: [generic] Unable to download webpage: HTTP Error 404: Not Found')
if '--skip-download' in args:
    if 'list' in address:
        print('TA-FILM False not_live "a"')
        print('TA-LIST')
    else:
        print('TA-FILM', 'live' in address, 'is_live' if 'live' in address else 'not_live', json.dumps('Tape <b>$(touch x)</b> \\u00e4'))
    sys.exit()
folder = args[args.index('--paths') + 1]
if 'slow' in address:
    for i in range(600):
        print('TA-BYTES', i, 'NA', 'NA', file=sys.stderr, flush=True)
        time.sleep(0.1)
print('TA-BYTES 500 1000 NA', file=sys.stderr, flush=True)
shutil.copy(os.environ['TA_FAKE_FILM'], folder + '/media.mkv')
print('TA-DONE', json.dumps(folder + '/media.mkv'))
'''


class Site:
    """Files by HTTP. `cut`: the next answers end after so many bytes."""

    def __init__(self, data):
        self.data, self.asked, self.cut, self.etag, self.type = data, [], [], '"v1"', 'video/x-matroska'
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append((self.path, self.headers.get('Range'), self.headers.get('If-Range')))
                if self.path.startswith('/to/'):
                    self.send_response(302)
                    self.send_header('Location', self.path[4:].replace('_', '/'))
                    self.end_headers()
                    return
                if 'none' in self.path:
                    self.send_error(404)
                    return
                start, data = 0, outer.data
                given = self.headers.get('Range')
                if given and self.headers.get('If-Range') == outer.etag:
                    start = int(given[6:-1])
                self.send_response(206 if start else 200)
                self.send_header('Content-Type', 'text/html' if 'page' in self.path else outer.type)
                self.send_header('ETag', outer.etag)
                self.send_header('Content-Length', str(len(data) - start))
                if start:
                    self.send_header('Content-Range', f'bytes {start}-{len(data) - 1}/{len(data)}')
                self.end_headers()
                end = len(data)
                if outer.cut:
                    end = min(end, start + outer.cut.pop(0))
                self.wfile.write(data[start:end])
                self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.address = f'http://127.0.0.1:{self.server.server_port}'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def site():
    return Site(open(kit.source('interlaced'), 'rb').read())


@pytest.fixture
def fetch(serve, tmp_path, monkeypatch):
    """fetch(ADDRESS): a job of a service whose yt-dlp is the stand-in."""
    tools = tmp_path / 'tools'
    tools.mkdir()
    (tools / 'yt-dlp').write_text(STAND_IN)
    (tools / 'yt-dlp').chmod(0o755)
    monkeypatch.setenv('PATH', f'{tools}:{os.environ["PATH"]}')
    shutil.copy(kit.source('interlaced'), tools / 'film.mkv')
    asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asked.bind(('127.0.0.1', 0))
    asked.setblocking(False)
    monkeypatch.setenv('TA_FAKE_PORT', str(asked.getsockname()[1]))
    monkeypatch.setenv('TA_FAKE_FILM', str(tools / 'film.mkv'))

    def start(*args):
        service = serve('--private-downloads', *args)

        def submit(address, name='out.mp4'):
            status, job = service.ask('POST', '/api/v1/jobs', {'input': address, 'output': str(service.files / name), 'options': QUICK})
            assert status == 201, job
            return job['id']

        service.fetch, service.asked = submit, asked
        return service

    yield start
    asked.close()


def calls(service):
    """What the stand-in was asked so far: arguments and folder of each call."""
    made = []
    while True:
        try:
            made.append(json.loads(service.asked.recv(65536)))
        except BlockingIOError:
            return made


def test_a_plain_file(fetch, site):
    service = fetch()
    job = service.wait(service.fetch(site.address + '/films/tape.mkv?key=1'), 'done', 'failed')
    assert job['state'] == 'done', job
    assert service.history(job['id']) == ['queued', 'downloading', 'queued', 'planning', 'running', 'done']
    assert job['input'].endswith('tape.mkv?key=1') and job['result']['frames'] == 100
    assert not calls(service)
    assert not list((service.state / 'downloads').glob('*'))  # it was got for this alone
    # The same bytes as of the file itself.
    alone = service.files / 'alone.mp4'
    options = [word for name, value in QUICK.items() for word in (f'--{name}', str(value))]
    service.program('restore', kit.source('interlaced'), '-o', alone, *options)
    assert hashlib.sha256(alone.read_bytes()).digest() == hashlib.sha256((service.files / 'out.mp4').read_bytes()).digest()


def test_it_is_gone_on_with(fetch, site):
    service = fetch()
    site.cut = [5000]
    job = service.fetch(site.address + '/tape.mkv')
    assert service.wait(job, 'done', 'failed')['attempt'] == 0
    assert [a[1] for a in site.asked] == [None, 'bytes=5000-'], site.asked
    # Another version of it is got from its beginning.
    site.asked.clear()
    site.cut = [5000]
    job = service.fetch(site.address + '/tape.mkv', 'second.mp4')
    end = time.monotonic() + 10
    while not site.asked and time.monotonic() < end:
        time.sleep(0.02)
    site.etag = '"v2"'
    assert service.wait(job, 'done', 'failed')['result']['frames'] == 100
    assert [a[1] for a in site.asked] == [None, 'bytes=5000-']


def test_a_page(fetch, tmp_path):
    service = fetch()
    job = service.wait(service.fetch('https://films.example/watch?v=-x'), 'done', 'failed')
    assert job['state'] == 'done', job
    assert job['title'] == 'Tape <b>$(touch x)</b> ä' and job['result']['frames'] == 100
    made = calls(service)
    assert len(made) == 2 and all(a[-2:] == ['--', 'https://films.example/watch?v=-x'] and '--ignore-config' in a for a, _ in made)
    assert all(cwd == str(service.state / 'downloads' / str(job['id'])) for _, cwd in made)
    assert not (service.state / 'downloads' / str(job['id'])).exists() and not list(tmp_path.rglob('x'))
    if 'Landlock' not in service.log.read_text():
        assert not (tmp_path / 'escaped').exists()


@pytest.mark.parametrize('address, words', [
    ('https://films.example/list?id=3', 'it is a list of films'), ('https://films.example/live', 'it is a live stream'),
    ('https://films.example/broken', 'HTTP Error 404'),
])
def test_pages_that_are_no_film(fetch, address, words):
    service = fetch()
    job = service.wait(service.fetch(address), 'done', 'failed')
    assert job['state'] == 'failed' and words in job['reason'], job
    assert service.history(job['id']) == ['queued', 'downloading', 'failed']  # not tried again


def test_without_yt_dlp(fetch, site, tmp_path):
    (tmp_path / 'tools' / 'yt-dlp').unlink()
    service = fetch()
    page = service.wait(service.fetch(site.address + '/page'), 'done', 'failed')
    assert page['state'] == 'failed' and 'yt-dlp gets films of pages, and is not installed' in page['reason'], page
    assert 'answers 404' in service.wait(service.fetch(site.address + '/none.mkv', 'b.mp4'), 'failed')['reason']
    film = service.wait(service.fetch(site.address + '/get?id=5', 'c.mp4'), 'done', 'failed')
    assert film['state'] == 'done', film


def test_cancel_and_kill(fetch, tmp_path):
    service = fetch()
    job = service.fetch('https://films.example/slow')
    end = time.monotonic() + 20
    while service.job(job)['progress']['bytes'] < 2 and time.monotonic() < end:
        time.sleep(0.05)
    assert service.job(job)['state'] == 'downloading' and service.job(job)['progress']['phase'] == 'download'
    service.stop(signal.SIGKILL)  # the download ends with the service, and begins again with it
    service.start()
    service.wait(job, 'downloading')
    begin = time.monotonic()
    service.ask('POST', f'/api/v1/jobs/{job}/cancel')
    service.wait(job, 'cancelled')
    assert time.monotonic() - begin < 10
    time.sleep(0.5)
    for task in os.listdir('/proc'):
        if task.isdigit():
            try:
                line = open(f'/proc/{task}/cmdline', 'rb').read()
            except OSError:
                continue
            assert str(tmp_path).encode() not in line or b'yt-dlp' not in line, line


def test_addresses_that_are_refused(serve, site, tmp_path):
    service = serve()
    for address, output, words in [('http://u:p@x.org/a.mkv', True, 'names or passwords'), ('http://x.org/a b.mkv', True, 'no spaces'),
            ('http://x.org/a.mkv', False, 'say with "output"'), ('ftp://x.org/a.mkv', True, 'give the whole path')]:
        body = {'input': address, **({'output': str(service.files / 'x.mp4')} if output else {})}
        status, problem = service.ask('POST', '/api/v1/jobs', body)
        assert status == 422 and words in problem['detail'], problem
    # A machine that is not public, without permission.
    for path in ('/tape.mkv', '/to/_tape.mkv'):
        status, job = service.ask('POST', '/api/v1/jobs', {'input': site.address + path, 'output': str(service.files / 'x.mp4')})
        failed = service.wait(job['id'], 'failed')
        assert 'not opened to downloads' in failed['reason'], failed
    assert not site.asked


def test_shell(fetch, site, tmp_path):
    service = fetch()
    got = service.shell('submit', site.address + '/tape.mkv', '-o', service.files / 'shell.mp4', '--preset-speed', 'ultrafast')
    assert got.returncode == 0, got.stderr
    assert service.wait(1, 'done', 'failed')['state'] == 'done'
    got = service.shell('submit', site.address + '/tape.mkv')
    assert got.returncode != 0 and 'output' in got.stderr, got.stderr
