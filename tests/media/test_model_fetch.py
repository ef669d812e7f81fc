"""Networks by name: listed, fetched from a server that behaves well or badly, verified, removed."""

import hashlib
import http.server
import json
import os
import pathlib
import subprocess
import threading
import time

import pytest

import onnx_kit as kit

NETWORK = kit.enlarge(2) + kit.field(20, b'') + b''.join(kit.field(14, kit.field(1, 'k') + kit.field(2, bytes(range(97, 123)) * 40)) for _ in range(80))
SUM = hashlib.sha256(NETWORK).hexdigest()
HALF = len(NETWORK) // 2


class Server(http.server.ThreadingHTTPServer):
    """Sends NETWORK in the way that `mode` says; `asked` are the ranges that it was asked for."""
    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.mode, self.asked, self.gate = 'ranges', [], threading.Event()
        self.address = f'http://127.0.0.1:{self.server_address[1]}'

    def handle_error(self, request, client_address):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def answer(self, status, body=b'', length=None, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace('_', '-'), value)
        self.send_header('Content-Length', str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        mode, wanted = self.server.mode, self.headers.get('Range')
        self.server.asked.append(wanted)
        start = int(wanted[6:-1]) if wanted else 0
        body, status, headers = NETWORK, 200, {}
        if mode == 'moved' and self.path != '/there':
            return self.answer(302, Location='/there')
        if mode == 'round':
            return self.answer(302, Location='/round')
        if mode == 'to a file':
            return self.answer(302, Location='file:///etc/passwd')
        if mode in ('404', '403', '500'):
            return self.answer(int(mode), b'<html>sorry</html>')
        if mode == 'other':
            body = bytes(reversed(NETWORK))
        if mode == 'long':
            body = NETWORK + b'more'
        if mode == 'short':
            return self.answer(200, NETWORK[:HALF])
        if wanted and start >= len(body):
            return self.answer(416)
        if wanted and mode != 'no ranges':
            shift = 7 if mode == 'wrong range' else 0
            body, status = body[start + shift:], 206
            headers = {'Content_Range': f'bytes {start + shift}-{len(NETWORK) - 1}/{len(NETWORK)}'}
        if mode == 'cut off always' or (mode == 'cut off' and not wanted):
            self.answer(status, body[:len(body) // 2], len(body), **headers)
            self.close_connection = True
        elif mode == 'silent':
            self.answer(status, body[:HALF], len(body), **headers)
            self.server.gate.wait(20)  # says nothing more
        elif mode == 'gate':
            self.answer(status, body[:HALF], len(body), **headers)
            self.wfile.flush()
            self.server.gate.wait(20)
            self.wfile.write(body[HALF:])
        else:
            self.answer(status, body, **headers)


@pytest.fixture
def server():
    s = Server()
    thread = threading.Thread(target=s.serve_forever, args=(0.02,))
    thread.start()
    yield s
    s.gate.set()
    s.shutdown()
    s.server_close()
    thread.join()


class Home:
    """Folders of a user with a manifest of one network."""

    def __init__(self, program, root, server):
        self.program, self.server = program, server
        self.env = {'XDG_DATA_HOME': str(root / 'data'), 'XDG_CONFIG_HOME': str(root / 'config'), 'http_proxy': '', 'https_proxy': '', 'no_proxy': '*'}
        self.folder = root / 'data/terminalai/models'
        self.file = self.folder / 'test-x2.onnx'
        self.part = self.folder / f'test-x2.{SUM[:8]}.part'
        self.manifest = root / 'config/terminalai/models.yaml'
        self.manifest.parent.mkdir(parents=True)
        self.write_manifest()

    def write_manifest(self, **changes):
        entry = {'name': 'test-x2', 'summary': 'for tests', 'purpose': 'upscale', 'factor': 2, 'input': ['any', 3, 'any', 'any'],
                 'output': ['any', 3, 'any', 'any'], 'layout': 'nchw', 'range': 'unit', 'colour': 'rgb', 'licence': 'MIT', 'bytes': len(NETWORK),
                 'sha256': SUM, 'source': 'https://example.org/', 'file': f'{self.server.address}/test.onnx', **changes}
        self.manifest.write_text(json.dumps({'version': 1, 'models': [entry]}))

    def run(self, *args, code=0):
        rows = self.program('models', *args, '--json', env=self.env, code=code).json()
        return rows[0] if len(rows) == 1 else rows

    def fetch(self, *args, code=0):
        return self.run('fetch', 'test-x2', *args, code=code)

    def left(self):
        return sorted(p.name for p in self.folder.iterdir()) if self.folder.exists() else []


@pytest.fixture
def home(program, tmp_path, server):
    return Home(program, tmp_path, server)


def whole(home):
    assert home.file.read_bytes() == NETWORK
    assert home.left() == ['test-x2.onnx'], home.left()


def test_fetch(home):
    row = home.run('list')[0]
    assert row['name'] == 'test-x2' and row['state'] == 'absent' and row['manifest'] == str(home.manifest), row
    row = home.fetch()
    assert row['state'] == 'here' and row['fetched'] and row['path'] == str(home.file) and row['licence'] == 'MIT', row
    whole(home)
    row = home.fetch()  # nothing is asked of anybody
    assert row['state'] == 'here' and not row['fetched'] and home.server.asked == [None], home.server.asked
    assert home.run('verify', 'test-x2')['state'] == 'here'
    assert home.run('remove', 'test-x2')['removed'] and home.left() == []
    assert not home.run('remove', 'test-x2')['removed']
    assert home.run('verify', 'test-x2', code=1)['state'] == 'absent'


@pytest.mark.parametrize('mode', ['ranges', 'no ranges', 'wrong range', 'moved'])
def test_goes_on(home, mode):
    """From what is there, where the server can; from the start where it can't."""
    home.folder.mkdir(parents=True)
    home.part.write_bytes(NETWORK[:1000])
    home.server.mode = mode
    assert home.fetch()['fetched']
    assert home.server.asked[0] == 'bytes=1000-', home.server.asked
    whole(home)


def test_what_is_there_is_wrong(home):
    """A beginning of something else: found out by the checksum, thrown away, and right the next time."""
    home.folder.mkdir(parents=True)
    home.part.write_bytes(b'x' * 1000)
    row = home.fetch(code=1)
    assert 'checksum' in row['why'] and home.left() == [], (row, home.left())
    home.fetch()
    whole(home)
    # Longer than it can be, or all of it already.
    for content in (NETWORK + b'more', NETWORK):
        home.run('remove', 'test-x2')
        home.part.write_bytes(content)
        home.fetch()
        whole(home)


def test_cut_off(home):
    """Goes on by itself as long as something comes; else the next call does."""
    home.server.mode = 'cut off'
    assert home.fetch()['fetched'] and home.server.asked == [None, f'bytes={HALF}-'], home.server.asked
    whole(home)
    home.run('remove', 'test-x2')
    home.server.mode = 'silent'
    row = home.fetch('--timeout', '1', code=1)
    assert 'nothing came for 1 s' in row['why'] and 'goes on' in row['why'], row
    assert home.left() == [home.part.name] and home.part.read_bytes() == NETWORK[:HALF]
    home.server.mode, home.server.asked = 'ranges', []
    home.fetch()
    assert home.server.asked == [f'bytes={HALF}-']
    whole(home)


@pytest.mark.parametrize('mode, why', [('404', 'no such file'), ('403', '403'), ('500', '500'), ('other', 'its checksum is'), ('long', 'more than'),
    ('short', f'it ends after {HALF} of'), ('round', 'address to address'), ('to a file', 'no address that can be used')])
def test_bad_answers(home, mode, why):
    """Nothing gets the name, and what was there before stays."""
    home.folder.mkdir(parents=True)
    home.file.write_bytes(b'an older one')
    home.server.mode = mode
    row = home.fetch(code=1)
    assert row['state'] == 'failed' and why in row['why'], row
    assert home.file.read_bytes() == b'an older one'
    assert home.left() in (['test-x2.onnx'], [home.part.name, 'test-x2.onnx']), home.left()
    assert not home.part.exists() or home.part.stat().st_size <= len(NETWORK)
    home.server.mode = 'ranges'
    home.fetch()
    whole(home)


def test_nobody_there(home, server):
    home.write_manifest(file='http://127.0.0.1:1/x.onnx')
    row = home.fetch(code=1)
    assert "can't be reached" in row['why'] and 'online' in row['why'] and '--from FILE' in row['why'], row
    assert home.left() == []
    home.write_manifest(file='http://127.0.0.1:1/x\x7f.onnx')
    assert 'control characters' in home.program('models', 'list', env=home.env, code=1).err


def test_two_at_once(home):
    """One fetches, the other waits and finds it there: the server is asked once."""
    home.server.mode = 'gate'
    command = [str(home.program.path), 'models', 'fetch', 'test-x2', '--json']
    calls = [subprocess.Popen(command, env={**os.environ, **home.env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for _ in range(500):
        if home.server.asked and home.part.exists() and home.part.stat().st_size:
            break
        time.sleep(0.02)
    time.sleep(0.3)  # for the second to come to the lock
    home.server.gate.set()
    rows = []
    for call in calls:
        out, err = call.communicate(timeout=30)
        assert call.returncode == 0, err
        rows += json.loads(out)
    assert sorted(r['fetched'] for r in rows) == [False, True] and home.server.asked == [None], (rows, home.server.asked)
    whole(home)


def test_from_a_file(home, tmp_path):
    given = tmp_path / 'given.onnx'
    given.write_bytes(NETWORK)
    home.write_manifest(bytes=len(NETWORK))
    assert home.fetch('--from', given)['fetched'] and home.server.asked == []
    whole(home)
    assert given.read_bytes() == NETWORK
    home.run('remove', 'test-x2')
    for content, why in ((NETWORK[:-1], 'bytes, not'), (NETWORK[:-1] + b'?', 'its checksum is')):
        given.write_bytes(content)
        assert why in home.fetch('--from', given, code=1)['why'] and home.left() == []
    assert 'No such file' in home.fetch('--from', tmp_path / 'absent', code=1)['why']
    assert 'directory' in home.fetch('--from', tmp_path, code=1)['why']
    home.fetch('--from', f'{home.server.address}/elsewhere')
    whole(home)


def test_no_address(program, tmp_path):
    env = {'XDG_DATA_HOME': str(tmp_path), 'XDG_CONFIG_HOME': str(tmp_path)}
    row, = program('models', 'fetch', 'espcn-x2', '--json', env=env, code=1).json()
    assert 'sha256' in row['why'] and '--from FILE' in row['why'] and row['source'] in row['why'], row


def test_nothing_is_followed(home, tmp_path):
    """Links in the folder lead nowhere: what they name stays as it was."""
    victim = tmp_path / 'victim'
    victim.write_bytes(b'precious')
    home.folder.mkdir(parents=True)
    home.part.symlink_to(victim)
    home.fetch(code=1)
    assert victim.read_bytes() == b'precious'
    home.part.unlink()
    os.link(victim, home.part)
    home.fetch(code=1)
    assert victim.read_bytes() == b'precious'
    home.part.unlink()
    home.file.symlink_to(victim)
    home.fetch()
    assert victim.read_bytes() == b'precious' and not home.file.is_symlink()
    whole(home)


def test_verify_finds_changes(home):
    home.fetch()
    home.file.write_bytes(NETWORK[:-1] + b'?')  # of the same size
    row = home.run('verify', code=1)
    assert (row['state'], row['code']) == ('wrong', 'mismatch') and 'terminalai models fetch' in row['advice'], row
    assert home.run('list')[0]['state'] == 'here'  # by its size alone
    assert home.fetch()['fetched']
    whole(home)


def test_wrong_calls(program, tmp_path, home):
    for args, why in ((['fetch'], 'needs names'), (['paint'], 'it is one of list'), (['fetch', 'a.onnx'], 'takes names'), (['remove', 'test-x3'], 'did you mean'),
            (['list', '--from', 'x'], 'fetching one'), (['fetch', 'test-x2', 'espcn-x2', '--from', 'x'], 'fetching one')):
        assert why in program('models', *args, env=home.env, code=2).err, args
    assert home.left() == []
    home.manifest.write_text('version: 1\nmodels: 3\n')
    assert f'{home.manifest}:2: models must be a list' in program('models', 'list', env=home.env, code=1).err
