"""Who may ask for what, and what becomes of requests that are wrong."""

import json
import os
import random
import re
import shutil
import socket
import subprocess
from pathlib import Path

import kit
import pytest


def put(service, name='tape.mkv'):
    shutil.copy(kit.source('interlaced'), service.files / name)
    return str(service.files / name)


def refused(service, body, status, words):
    got, problem = service.ask('POST', '/api/v1/jobs', body)
    assert got == status, problem
    assert problem['status'] == status and words in problem['detail'], problem


def test_what_a_job_may_be(serve, tmp_path):
    service = serve()
    tape = put(service)
    outside = tmp_path / 'outside.mkv'
    outside.write_bytes(b'x')
    (service.files / 'link.mkv').symlink_to(outside)
    (service.files / 'out').symlink_to(tmp_path)
    refused(service, {}, 422, 'only the input must be there')
    refused(service, {'input': 5}, 422, 'only the input must be there')
    refused(service, {'input': tape, 'inptu': 1}, 422, 'did you mean "input"')
    refused(service, {'input': 'tape.mkv'}, 422, 'give the whole path')
    refused(service, {'input': tape + 'x'}, 422, 'no file of this name')
    refused(service, {'input': str(outside)}, 403, 'not in a folder that was opened')
    refused(service, {'input': str(service.files / '..' / 'outside.mkv')}, 403, 'not in a folder')
    refused(service, {'input': str(service.files / 'link.mkv')}, 403, 'not in a folder')
    refused(service, {'input': tape, 'output': str(tmp_path / 'x.mp4')}, 403, 'not in a folder')
    refused(service, {'input': tape, 'output': str(service.files / 'out' / 'x.mp4')}, 403, 'not in a folder')
    refused(service, {'input': tape, 'output': str(service.files / 'none' / 'x.mp4')}, 422, 'no such folder')
    refused(service, {'input': tape, 'output': tape}, 422, 'that is the source')
    refused(service, {'input': tape, 'output': str(service.files / 'x')}, 422, 'the name of a folder ends with "/"')
    refused(service, {'input': tape, 'output': str(service.files / 'x.avi')}, 422, 'does not tell the container (.mp4, .mkv and others)')
    refused(service, {'input': tape, 'options': {'crf': 99}}, 422, 'crf: "99": must lie in 0..51')
    refused(service, {'input': tape, 'options': {'cfr': 18}}, 422, 'crf')
    refused(service, {'input': tape, 'options': {'crf': [18]}}, 422, 'a text, a number, true or false')
    refused(service, {'input': tape, 'options': {'work-dir': '/tmp'}}, 403, 'not for clients')
    refused(service, {'input': tape, 'priority': 1000}, 422, '-100..100')
    refused(service, {'jobs': [{'input': tape}, {'input': tape}]}, 422, 'two of the jobs')
    refused(service, {'jobs': []}, 422, '1 to 1000')
    assert service.ask('GET', '/api/v1/jobs')[1]['jobs'] == []  # all or none


def test_without_a_root_nothing_is_changed(serve):
    service = serve(roots=False)
    status, problem = service.ask('POST', '/api/v1/jobs', {'input': put(service)})
    assert status == 403 and '--root' in problem['detail'], problem
    assert service.ask('GET', '/api/v1/jobs')[0] == 200
    # The user's own shell may.
    assert service.shell('submit', service.files / 'tape.mkv').returncode == 0


def test_other_sites_are_refused(serve):
    service = serve()
    own = f'127.0.0.1:{service.port}'
    for headers, status in [({'Host': 'evil.example'}, 403), ({'Host': 'localhost'}, 200),
            ({'Host': '127.0.0.1.evil.example'}, 403), ({'Origin': 'http://evil.example'}, 403),
            ({'Origin': 'null'}, 403), ({'Origin': f'http://{own}'}, 200)]:
        assert service.ask('GET', '/api/v1/jobs', headers=headers)[0] == status, headers


def test_token(serve, tmp_path):
    secret = tmp_path / 'token'
    secret.write_text('open sesame\n')
    secret.chmod(0o600)
    service = serve('--token-file', secret)
    for header, status in [(None, 401), ('Bearer open', 401), ('Bearer open sesame', 200), ('Bearer ', 401),
            ('open sesame', 401), ('Bearer open sesame!', 401)]:
        headers = {'Authorization': header} if header else {}
        assert service.ask('GET', '/api/v1/jobs', headers=headers)[0] == status, header
    secret.chmod(0o644)
    got = subprocess.run([service.program.path, 'jobs', '--server', f'http://127.0.0.1:{service.port}',
        '--token-file', secret], capture_output=True, text=True, env=service.env, check=False)
    assert got.returncode == 1 and 'others may read it' in got.stderr, got.stderr
    secret.chmod(0o600)
    got = subprocess.run([service.program.path, 'jobs', '--server', f'http://127.0.0.1:{service.port}',
        '--token-file', secret], capture_output=True, text=True, env=service.env, check=False)
    assert got.returncode == 0, got.stderr


def test_calls_that_are_refused(program, serve, tmp_path):
    service = serve()

    def call(*args):
        got = subprocess.run([program.path, 'serve', *map(str, args)], capture_output=True, text=True,
            env=service.env, timeout=30, check=False)
        return got.returncode, got.stderr

    status, said = call('--state', service.state)
    assert status == 1 and f'process {service.process.pid}' in said, said
    other = ['--state', tmp_path / 'other']
    assert call(*other, '--listen', '0.0.0.0:7860')[0] == 2
    status, said = call(*other, '--listen', '127.0.0.1:x')
    assert status == 2 and 'no address' in said, said
    for wrong in ('nonsense', '127.0.0.1', '0.0.0.0:'):
        status, said = call(*other, '--listen', wrong)
        assert status == 2 and f'"{wrong}" is no address' in said, said
    status, said = call(*other, '--listen', f'127.0.0.1:{service.port}')
    assert status == 1 and "can't listen there" in said, said
    assert call(*other, '--root', tmp_path / 'none')[0] == 2
    assert subprocess.run([program.path, 'worker'], capture_output=True, stdin=subprocess.DEVNULL,
        check=False).returncode == 2


def test_wrong_requests(serve):
    service = serve()
    for method, path, body, status in [
            ('GET', '/none', None, 404), ('GET', '/api/v1/none', None, 404), ('GET', '/api/v1/jobs/0', None, 404), ('GET', '/api/v1/jobs/-1', None, 404),
            ('GET', '/api/v1/jobs/99999999999999999999', None, 404), ('PUT', '/api/v1/jobs', b'{}', 405),
            ('POST', '/api/v1/jobs', b'[1]', 400), ('POST', '/api/v1/jobs', b'{"a":', 400),
            ('POST', '/api/v1/jobs', b'\xff\xfe', 400), ('POST', '/api/v1/jobs', b'{"input":"a\\u0000b"}', 400),
            ('POST', '/api/v1/jobs', b'[' * 100000, 400), ('POST', '/api/v1/jobs', b'{"input":1e999}', 400),
            ('POST', '/api/v1/jobs', b' ' * (2 << 20), 413), ('POST', '/api/v1/jobs/1/explode', b'{}', 404),
            ('GET', '/api/v1/jobs?limit=0', None, 422), ('GET', '/api/v1/jobs?limit=x', None, 422),
            ('GET', '/api/v1/jobs?state=odd', None, 422), ('GET', '/api/v1/jobs?order=odd', None, 422),
            ('PATCH', '/api/v1/jobs/1', b'{}', 422), ('PATCH', '/api/v1/jobs/1', b'{"priority":1}', 404),
            ('GET', '/api/v1/../../etc/passwd', None, 404)]:
        got, problem = service.ask(method, path, body)
        assert got == status, (method, path, problem)
        assert problem['detail'] and problem['title'] and problem['type'], problem
    assert service.ask('GET', '/api/v1/health') == (200, {'status': 'ok'})


def test_random_requests(serve):
    """No request ends the service, and none is answered with a failure of it."""
    service = serve()
    dice = random.Random(3)
    paths = ['/api/v1/jobs', '/api/v1/jobs/1', '/api/v1/jobs/1/pause', '/api/v1/queue/pause', '/api/v1/events']
    values = ['"\\u0000"', '1e400', '-1', '[[[]]]', '{}', 'null', 'true', '"\ud800"', '"/etc/passwd"', '99999999999999999999']
    names = ['input', 'output', 'options', 'batch', 'priority', 'jobs', 'before', '\\u0000', '']
    for _ in range(300):
        method = dice.choice(['GET', 'POST', 'PATCH', 'DELETE', 'PUT', 'HEAD', 'OPTIONS'])
        path = dice.choice(paths)
        if path.endswith('events') and method == 'GET':
            continue
        body = '{' + ','.join(f'"{dice.choice(names)}":{dice.choice(values)}' for _ in range(dice.randrange(4))) + '}'
        data = body.encode('utf-8', 'surrogatepass')
        if dice.random() < 0.3:
            at = dice.randrange(len(data))
            data = data[:at] + bytes([dice.randrange(256)]) + data[at + 1:]
        status, text = service.ask(method, path, data, raw=True)
        assert status < 500, (method, path, data, text)
    # What is no HTTP at all.
    for text in [b'\0' * 100, b'GET / HTTP/9.9\r\n\r\n', b'GET ' + b'/' * 100000, b'POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n']:
        with socket.create_connection(('127.0.0.1', service.port)) as s:
            s.sendall(text)
            s.settimeout(0.2)
            try:
                s.recv(1000)
            except (TimeoutError, ConnectionError):
                pass
    assert service.ask('GET', '/api/v1/health')[0] == 200
    assert service.process.poll() is None


def test_a_slow_client_starves_nobody(serve):
    service = serve()
    slow = [socket.create_connection(('127.0.0.1', service.port)) for _ in range(50)]
    for s in slow:
        s.sendall(b'GET /api/v1/jobs HTTP/1.1\r\nHost: local')
    assert service.ask('GET', '/api/v1/health')[0] == 200
    for s in slow:
        s.close()


def test_tables_are_served(serve):
    service = serve()
    names = [o['name'] for o in service.ask('GET', '/api/v1/options')[1]]
    assert 'crf' in names
    assert set(names) >= set(service.ask('GET', '/api/v1/options/schema')[1]['properties'])
    assert 'vhs' in [p['name'] for p in service.ask('GET', '/api/v1/presets')[1]]
    system = service.ask('GET', '/api/v1/system')[1]
    assert system['roots'] == [str(service.files)] and system['jobs']['queued'] == 0


def test_how_many_at_once(serve):
    """Can be changed while the service runs: the next waits, or begins at once."""
    service = serve('--workers', '1')
    limits = service.ask('GET', '/api/v1/system')[1]['limits']
    assert limits['at_once'] == 1 and limits['at_once_most'] == max(1, len(os.sched_getaffinity(0)))
    for wrong in ({'at_once': 0}, {'at_once': limits['at_once_most'] + 1}, {'at_once': '1'}, {'at_once': 1, 'x': 1}, {}, []):
        assert service.ask('PATCH', '/api/v1/system', wrong)[0] in (400, 422), wrong
    if limits['at_once_most'] < 2:
        pytest.skip('one core')
    slow = {'denoise': 'nlmeans', 'resolution': '960x768', 'preset-speed': 'slow'}
    put(service)
    first, second = [service.submit('tape.mkv', output=str(service.files / f'{i}.mp4'), options=slow) for i in range(2)]
    service.wait(first, 'running')
    assert service.job(second)['state'] == 'queued'
    status, system = service.ask('PATCH', '/api/v1/system', {'at_once': 2})
    assert status == 200 and system['limits']['at_once'] == 2
    service.wait(second, 'planning', 'running')
    assert service.job(first)['state'] in ('running', 'planning')
    for job in (first, second):
        service.ask('POST', f'/api/v1/jobs/{job}/cancel')


@pytest.mark.parametrize('count', [300])
def test_pages_of_the_list(serve, count):
    service = serve()
    service.ask('POST', '/api/v1/queue/pause')
    tape = put(service)
    jobs = [{'input': tape, 'output': str(service.files / f'{i}.mp4'), 'batch': f'b{i % 2}'} for i in range(count)]
    status, answer = service.ask('POST', '/api/v1/jobs', {'jobs': jobs})
    assert status == 201 and len(answer['jobs']) == count
    seen, after = [], 0
    while after is not None:
        page = service.ask('GET', f'/api/v1/jobs?limit=70&batch=b1&after={after}')[1]
        seen += [j['id'] for j in page['jobs']]
        after = page['next']
    assert seen == list(range(2, count + 1, 2))


def test_routes_are_documented(serve):
    """docs/api.md has each route of the table, and no other; so has the description that is served."""
    root = Path(__file__).resolve().parents[2]
    table = re.findall(r'R\("([A-Z]+)", "(/[^"]*)"', (root / 'src/server/routes.c').read_text())
    told = re.findall(r'^\| ([A-Z]+) \| `(/[^`]*)`', (root / 'docs/api.md').read_text(), re.M)
    assert len(table) > 20
    assert sorted(told) == sorted(table)
    api = serve().ask('GET', '/api/v1/openapi.json')[1]
    assert api['openapi'] == '3.1.0'
    served = [(method.upper(), path) for path, methods in api['paths'].items() for method in methods]
    assert sorted(served) == sorted(table)
    schemas = api['components']['schemas']
    for name in re.findall(r'#/components/schemas/(\w+)', json.dumps(api)):
        assert name in schemas, name
