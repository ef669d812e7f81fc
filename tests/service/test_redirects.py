"""Redirects from public addresses to private ones. The public address is one of a network of its own, in which this file runs as
a program: it can't be told from a real one."""

import http.server
import json
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

PUBLIC, TRUSTED = '8.8.4.4', '/etc/ssl/certs/ca-certificates.crt'
QUICK = {'segment-length': '0.4', 'crf': 30, 'preset-speed': 'ultrafast'}


class Site:
    def __init__(self, film):
        self.asked = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                outer.asked.append((self.headers.get('Host', '').rsplit(':', 1)[0], self.path))
                self.rfile.read(int(self.headers.get('Content-Length', 0)))
                to = {'/to-private.mkv': '127.0.0.1', '/hook-private': '127.0.0.1', '/to-public.mkv': PUBLIC}.get(self.path)
                if to:
                    self.send_response(307)
                    self.send_header('Location', f'http://{to}:{outer.port}/' + ('film.mkv' if to == PUBLIC else 'secret.mkv'))
                    self.send_header('Content-Length', '0')
                    self.end_headers()
                    return
                body = film if self.command == 'GET' else b''
                self.send_response(200)
                self.send_header('Content-Type', 'video/x-matroska')
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self.port = self.listen(Handler).server_port
        self.address = f'http://{PUBLIC}:{self.port}'
        self.handler = Handler

    def listen(self, handler, certificate=None):
        server = http.server.ThreadingHTTPServer(('0.0.0.0', 0), handler)
        server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server


def make_certificate(folder):
    """Of the public address, and known to the whole of this place as one to be trusted."""
    key, certificate = folder / 'key.pem', folder / 'certificate.pem'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '2', '-subj',
        '/CN=test', '-addext', f'subjectAltName=IP:{PUBLIC},IP:127.0.0.1'], check=True, capture_output=True)
    subprocess.run(['mount', '--bind', certificate, TRUSTED], check=True)
    return certificate, key


def inside(program, film):
    """Within the network: what the service makes of each address, and who was asked."""
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from service import Service  # noqa: PLC0415

    class Program:
        path = program

    for command in ('link set lo up', f'addr add {PUBLIC}/32 dev lo'):
        subprocess.run(['ip', *command.split()], check=True)
    site, folder = Site(Path(film).read_bytes()), Path(tempfile.mkdtemp(prefix='redirects-'))
    secure = site.listen(site.handler, make_certificate(folder)).server_port
    hooks = ''.join(f'  - {{name: {n}, kind: webhook, address: "https://{PUBLIC}:{secure}/{n}"}}\n' for n in ('hook', 'hook-private'))
    (folder / 'config.yaml').write_text('notify:\n' + hooks)
    service = Service(Program, folder, '--config', folder / 'config.yaml')
    found = {}
    for name in ('film', 'to-public', 'to-private'):
        status, job = service.ask('POST', '/api/v1/jobs',
            {'input': f'{site.address}/{name}.mkv', 'output': str(service.files / f'{name}.mp4'), 'options': QUICK})
        assert status == 201, job
        ended = service.wait(job['id'], 'done', 'failed')
        found[name] = [ended['state'], ended['reason']]
    end = time.monotonic() + 30
    while time.monotonic() < end:
        notices = [n for n in service.ask('GET', '/api/v1/notifications')[1]['notices'] if n['event'] == 'failed']
        if {n['endpoint']: n for n in notices if n['state'] == 'sent' or n['attempt']}.keys() >= {'hook', 'hook-private'}:
            break
        time.sleep(0.1)
    found['notices'] = {n['endpoint']: [n['state'], n['error']] for n in service.ask('GET', '/api/v1/notifications')[1]['notices']}
    found['asked'] = site.asked
    service.stop()
    shutil.rmtree(folder)
    print('FOUND', json.dumps(found))


def test_to_private_addresses(program, has_service):
    import kit  # noqa: PLC0415
    tools = all(shutil.which(tool) for tool in ('unshare', 'ip', 'mount', 'openssl')) and Path(TRUSTED).exists()
    if not has_service or not tools or subprocess.run(['unshare', '-rnm', 'ip', 'link', 'set', 'lo', 'up'], capture_output=True,
            check=False).returncode:
        pytest.skip('no network of its own can be made here')
    done = subprocess.run(['unshare', '-rnm', sys.executable, __file__, program.path, kit.source('interlaced')], capture_output=True,
        text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.split('FOUND', 1)[1])
    assert found['film'][0] == found['to-public'][0] == 'done', found
    assert found['to-private'][0] == 'failed' and 'not opened to downloads' in found['to-private'][1], found
    assert found['notices']['hook'][0] == 'sent', found
    assert found['notices']['hook-private'][0] != 'sent' and 'address' in found['notices']['hook-private'][1], found
    assert [PUBLIC, '/hook'] in found['asked'] and not [a for a in found['asked'] if 'secret' in a[1]], found


if __name__ == '__main__':
    inside(*sys.argv[1:3])
