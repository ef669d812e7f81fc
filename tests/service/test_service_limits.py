"""Hostile clients: no request ends the service, none is answered with a failure of it, none keeps others out."""

import http.client
import json
import random
import resource
import socket
import sys
import time
import urllib.parse
from pathlib import Path

import kit
import pytest


def raw(service, data, limit=5):
    """What comes back for bytes that need not be HTTP."""
    with socket.create_connection(('127.0.0.1', service.port), timeout=limit) as s:
        s.settimeout(limit)
        text = b''
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            while chunk := s.recv(65536):
                text += chunk
        except OSError:  # the service may close before all was sent, or before our end was
            pass
        return text


def test_every_route_with_rubbish(serve):
    """Random requests to all routes of the description: paths, queries, bodies, some by the schemas' own names."""
    service = serve()
    api = service.ask('GET', '/api/v1/openapi.json')[1]
    dice = random.Random(11)
    texts = ['', '0', '-1', '1e999', '99999999999999999999', 'x' * 3000, '/etc/passwd', '../..', '%', '{}', '[[[[', '\ud83d\udcfc', '\u202e', "' OR 1=1",
        str(service.files), 'true', '{"preset":"vhs"}', '\x7f', '25%', 'source']
    values = [None, True, -1, 1e300, 10 ** 30, '', 'x' * 5000, [], {}, [[[]]], {'a': {'a': {}}}, '/etc/passwd', str(service.files), '\u0000', '\ud800']
    tried = set()
    for _ in range(700):
        path = dice.choice(list(api['paths']))
        method = dice.choice(list(api['paths'][path]) + ['put', 'options', 'head'])
        operation = api['paths'][path].get(method, {})
        if path.endswith('events') and method in ('get', 'head'):
            continue
        query = {p['name']: dice.choice(texts) for p in operation.get('parameters', []) if p['in'] == 'query' and dice.random() < 0.5}
        for p in operation.get('parameters', []):
            if p['in'] == 'path':
                place = dice.choice(['1', '0', '9' * 18, 'pause', 'x', '..', '%2e%2e', '-h', '0' * 32, 'é'])
                path = path.replace('{' + p['name'] + '}', urllib.parse.quote(place, safe='%'))
        body = None
        if 'requestBody' in operation:
            schema = operation['requestBody']['content'].get('application/json', {}).get('schema', {})
            names = list(api['components']['schemas'].get(schema.get('$ref', '').split('/')[-1], {}).get('properties', {})) + ['input', 'options', 'jobs']
            body = json.dumps({dice.choice(names): dice.choice(values) for _ in range(dice.randrange(4))}).encode()
            if dice.random() < 0.2:
                body = body[:dice.randrange(len(body))] + bytes([dice.randrange(256)])
        connection = http.client.HTTPConnection('127.0.0.1', service.port, timeout=30)
        connection.request(method.upper(), path.split('{')[0] + ('?' + urllib.parse.urlencode(query, errors='surrogatepass') if query else ''), body)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        tried.add((method, answer.status))
        assert answer.status < 500, (method, path, query, body, text)
        if answer.status >= 400 and method != 'head':
            problem = json.loads(text)
            assert problem['code'] and problem['detail'] and isinstance(problem['args'], dict), (path, problem)
    assert service.ask('GET', '/api/v1/health')[0] == 200
    assert len(tried) > 10, tried


def test_bodies_that_are_bombs(serve):
    service = serve()
    for body in [b'[' * 500_000, b'{"a":' * 100_000, b'{"options":{"crf":1' + b'0' * 500_000 + b'}}', b'{"a":1e' + b'9' * 1000 + b'}',
            b'{"input":"\xc3\x28"}', b'{"input":"\x00"}', b'\x00' * 1000, b'{"input":"' + b'\\u0000' * 1000 + b'"}', b'{"a":1,"a":2}', b'\xef\xbb\xbf{}']:
        status, problem = service.ask('POST', '/api/v1/jobs', body)
        assert 400 <= status < 500 and problem['code'], (body[:30], problem)
    assert service.ask('POST', '/api/v1/jobs', b' ' * (3 << 20))[0] == 413
    # One without an end is not read for ever.
    with socket.create_connection(('127.0.0.1', service.port), timeout=60) as s:
        s.sendall(b'POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n')
        chunk, sent = b'10000\r\n' + b'x' * 65536 + b'\r\n', 0
        with pytest.raises(ConnectionError):
            while sent < 500 << 20:
                s.sendall(chunk)
                sent += 65536
    assert sent < 100 << 20
    with open(f'/proc/{service.process.pid}/status', encoding='ascii') as f:
        rss = next(int(line.split()[1]) for line in f if line.startswith('VmRSS'))
    assert rss < 120_000, rss


def test_heads_that_are_wrong(serve):
    service = serve()
    for text in [b'GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nX: ' + b'y' * 100_000 + b'\r\n\r\n', b'GET ' + b'/' * 100_000 + b' HTTP/1.1\r\n\r\n',
            b'GET /api/v1/health HTTP/1.1\r\n' + b'A: b\r\n' * 20_000 + b'\r\n', b'\x16\x03\x01' + b'\x00' * 200,
            b'POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n', b'GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n',
            b'GET /api/v1/files?path=%ff%fe HTTP/1.1\r\nHost: localhost\r\n\r\n', b'GET /api/v1/jobs?text=%00 HTTP/1.1\r\nHost: localhost\r\n\r\n']:
        answer = raw(service, text)
        assert not answer or answer[:10] in (b'HTTP/1.1 4', b'HTTP/1.0 4'), answer[:100]
    assert service.ask('GET', '/api/v1/health')[0] == 200


def test_many_slow_clients_keep_nobody_out(serve):
    """More connections than the service lets wait, each with half a request: who asks is answered all the same."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    service = serve()
    slow = []
    for i in range(600):
        s = socket.create_connection(('127.0.0.1', service.port))
        s.sendall(b'GET /api/v1/jobs HTTP/1.1\r\nHost: local' if i % 2 else b'POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{')
        slow.append(s)
        if i % 100 == 99:
            begin = time.monotonic()
            assert service.ask('GET', '/api/v1/health')[0] == 200
            assert time.monotonic() - begin < 2
    for s in slow:
        s.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_followers_have_a_limit(serve):
    service = serve()
    followers, statuses = [], []
    for _ in range(130):
        connection = http.client.HTTPConnection('127.0.0.1', service.port, timeout=20)
        connection.request('GET', '/api/v1/events')
        answer = connection.getresponse()
        statuses.append(answer.status)
        followers.append((connection, answer))
    assert statuses == [200] * 128 + [429] * 2
    assert service.ask('GET', '/api/v1/health')[0] == 200
    for connection, _ in followers:
        connection.close()


def test_etags(serve, tape):
    service = serve()
    tape(service, 'a.mkv')
    service.ask('POST', '/api/v1/queue/pause')

    def get(path, etag=None):
        connection = http.client.HTTPConnection('127.0.0.1', service.port, timeout=20)
        connection.request('GET', path, headers={'If-None-Match': etag} if etag else {})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, answer.getheader('ETag'), text

    for path in ['/api/v1/options', '/api/v1/options/schema', '/api/v1/presets', '/api/v1/openapi.json', '/api/v1/jobs', '/']:
        status, etag, _ = get(path)
        assert status == 200 and etag, path
        assert get(path, etag)[0] == 304 and get(path, etag)[2] == b'', path
        assert get(path, '"other"')[0] == 200, path
    etag = get('/api/v1/jobs')[1]
    service.submit('a.mkv')
    assert get('/api/v1/jobs', etag)[0] == 200


def test_a_session_stands_for_the_token(serve, tmp_path):
    secret = tmp_path / 'token'
    secret.write_text('open sesame\n')
    secret.chmod(0o600)
    service = serve('--token-file', secret)
    assert service.ask('GET', '/', raw=True)[0] == 200  # the page itself is no secret
    assert service.ask('POST', '/api/v1/session', {'token': 'x'})[0] == 401
    connection = http.client.HTTPConnection('127.0.0.1', service.port, timeout=20)
    connection.request('POST', '/api/v1/session', json.dumps({'token': 'open sesame'}))
    answer = connection.getresponse()
    cookie = answer.getheader('Set-Cookie')
    answer.read()
    connection.close()
    assert 'HttpOnly' in cookie and 'SameSite=Strict' in cookie and 'sesame' not in cookie
    for sent, status in [(cookie.split(';')[0], 200), ('terminalai=x', 401), ('terminalai=', 401), ('other=1', 401)]:
        assert service.ask('GET', '/api/v1/jobs', headers={'Cookie': sent})[0] == status, sent
    # Another site that a browser shows has the cookie sent along at most; it is refused all the same.
    assert service.ask('GET', '/api/v1/jobs', headers={'Cookie': cookie.split(';')[0], 'Origin': 'http://evil.example'})[0] == 403


def test_options_that_reach_further(serve, tape, tmp_path):
    service = serve()
    tape(service, 'a.mkv')
    (tmp_path / 'secret.yaml').write_text('version: 1\nname: x\nsecret: 5\n')
    film = str(service.files / 'a.mkv')
    for option, value in [('preset', str(tmp_path / 'secret.yaml')), ('preset', '../secret.yaml'), ('preset', 'secret.yaml'), ('engine-library', str(service.files)), ('work-dir', str(service.files)),
            ('scale-model', str(tmp_path / 'net.onnx'))]:
        status, problem = service.ask('POST', '/api/v1/jobs', {'input': film, 'options': {option: value}})
        assert status in (403, 422) and 'secret: ' not in problem['detail'], problem
        assert problem['code'] in ('option-not-for-clients', 'not-opened', 'option-value'), problem
    status, checked = service.ask('POST', '/api/v1/options/check', {'options': {'crf': 99, 'foo': 1, 'denoise': 'off'}})
    assert status == 200 and not checked['ok']
    assert sorted(p['args']['option'] for p in checked['problems']) == ['crf', 'foo'], checked
    checked = service.ask('POST', '/api/v1/options/check', {'options': {'denoise': 'off', 'denoise-strength': '9:9:9:9'}})[1]
    assert checked['ok'] and [(p['code'], p['args'], p['detail']) for p in checked['problems']] == [
        ('option-without-effect', {'option': 'denoise-strength'}, '--denoise-strength changes nothing: denoise is off')], checked
    # It is no reason to refuse a job: its run tells, as on the command line.
    vain = {'denoise': 'off', 'denoise-strength': '9:9:9:9'}
    assert service.ask('POST', '/api/v1/jobs', {'jobs': [{'input': film, 'options': vain}]})[0] == 201
    (service.files / 'in').mkdir()
    assert service.ask('POST', '/api/v1/folders', {'path': str(service.files / 'in'), 'options': vain})[0] == 201
    for preset in service.ask('GET', '/api/v1/presets')[1]:
        checked = service.ask('POST', '/api/v1/options/check', {'options': {'preset': preset['name']}})[1]
        assert checked['ok'] and checked['values']['preset']['value'] == preset['name'], checked


def test_idle(serve):
    """No wake-ups, no time, little memory."""
    service = serve()
    service.ask('GET', '/api/v1/health')
    time.sleep(0.5)

    def switches():
        total = 0
        for task in Path(f'/proc/{service.process.pid}/task').iterdir():
            total += sum(int(line.split()[1]) for line in (task / 'status').read_text().splitlines() if 'voluntary_ctxt' in line)
        return total

    before = switches()
    time.sleep(3)
    assert switches() - before <= 2
    with open(f'/proc/{service.process.pid}/status', encoding='ascii') as f:
        rss = next(int(line.split()[1]) for line in f if line.startswith('VmRSS'))
    assert rss <= 30 << 10, f'{rss} KiB'


def test_schemathesis(serve):
    """What a program that reads the description makes of it; setup.sh --test puts it into the build folder."""
    sys.path.append(str(kit.BUILD / 'schemathesis'))  # last: it brings a pytest of its own
    schemathesis = pytest.importorskip('schemathesis')
    service = serve()
    schema = schemathesis.openapi.from_url(f'http://127.0.0.1:{service.port}/api/v1/openapi.json')
    tried = 0
    for found in schema.exclude(path='/api/v1/events').get_all_operations():
        requests_of(found.ok())()
        tried += 1
    assert tried > 30
    assert service.process.poll() is None


def requests_of(operation):
    """A function that sends requests made after the description of one operation."""
    from hypothesis import HealthCheck, Phase, given, settings

    @settings(max_examples=8, deadline=None, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def one(case):
        answer = case.call(timeout=60)
        assert answer.status_code < 500, (case.method, case.path, answer.text)

    return one
