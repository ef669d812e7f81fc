"""Folders, uploads, results: what clients may see, send and get."""

import hashlib
import http.client
import json
import os
import shutil
import socket
import threading
import time
import wave

import pytest


def test_folders(serve, tmp_path):
    service = serve()
    root = service.files
    (root / 'tape10.avi').write_bytes(b'x' * 10)
    (root / 'tape2.AVI').write_bytes(b'x')
    (root / 'notes.txt').write_text('x')
    (root / '.hidden.avi').write_text('x')
    (root / 'shelf').mkdir()
    (tmp_path / 'outside').mkdir()
    (tmp_path / 'outside' / 'secret.avi').write_text('x')
    (root / 'out').symlink_to(tmp_path / 'outside')
    (root / 'in').symlink_to(root / 'shelf')
    (root / 'out.avi').symlink_to(tmp_path / 'outside' / 'secret.avi')
    os.mkfifo(root / 'pipe.avi')
    with open(os.fsencode(str(root)) + b'/\xff.avi', 'wb'):
        pass
    status, folder = service.ask('GET', f'/api/v1/files?path={root}')
    assert status == 200 and folder['path'] == str(root) and folder['parent'] is None, folder
    assert [(e['name'], e['kind'], e['bytes'], e['video']) for e in folder['entries']] == [
        ('in', 'folder', 0, False), ('shelf', 'folder', 0, False), ('notes.txt', 'file', 1, False),
        ('tape2.AVI', 'file', 1, True), ('tape10.avi', 'file', 10, True)], folder
    assert service.ask('GET', '/api/v1/files')[1]['roots'] == [str(root)]
    assert service.ask('GET', f'/api/v1/files?path={root}/shelf')[1]['parent'] == str(root)
    for path, status in [(tmp_path, 403), ('/', 403), ('/etc', 403), (f'{root}/../outside', 403), (f'{root}/out', 403),
            (f'{root}/none', 404), ('files', 422), (f'{root}/notes.txt', 404), (f'{root}/pipe.avi', 404), (f'{root}/%2e%2e', 403),
            (f'{root}%00', 400), (f'{root}/in', 200)]:
        got, answer = service.ask('GET', f'/api/v1/files?path={path}')
        assert got == status, (path, answer)
        assert 'secret' not in json.dumps(answer)
    # The user's own shell sees all of the user's files.
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(service.socket))
        s.sendall(f'GET /api/v1/files?path={tmp_path}/outside HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'.encode())
        text = b''
        while chunk := s.recv(65536):
            text += chunk
    assert b'secret.avi' in text


def test_an_upload_in_pieces(serve):
    service = serve()
    data = os.urandom(3_000_000)
    status, upload = service.ask('POST', '/api/v1/uploads', {'name': 'tape é.avi', 'size': len(data)})
    assert status == 201 and (upload['offset'], upload['state']) == (0, 'arriving'), upload
    place = f'/api/v1/uploads/{upload["id"]}'
    assert service.ask('PATCH', place + '?offset=0', data[:1_000_000])[1]['offset'] == 1_000_000
    # A connection that breaks off leaves what has come.
    s = socket.create_connection(('127.0.0.1', service.port))
    s.sendall(f'PATCH {place}?offset=1000000 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n'.encode() + data[1_000_000:1_200_000])
    while service.ask('GET', place)[1]['offset'] < 1_200_000:
        pass
    s.close()
    status, problem = service.ask('PATCH', place + '?offset=1000000', data[1_000_000:1_100_000])
    assert (status, problem['code'], problem['args']['offset']) == (409, 'other-offset', 1_200_000), problem
    # So does an end of the service.
    service.stop()
    service.start()
    assert service.ask('GET', place)[1]['offset'] == 1_200_000
    status, whole = service.ask('PATCH', place + '?offset=1200000', data[1_200_000:])
    assert (status, whole['state']) == (200, 'whole'), whole
    assert whole['path'] == str(service.files / 'uploads' / 'tape é.avi')
    with open(whole['path'], 'rb') as f:
        assert hashlib.sha256(f.read()).digest() == hashlib.sha256(data).digest()
    assert service.ask('GET', place)[1]['state'] == 'whole'
    assert service.ask('PATCH', place + f'?offset={len(data)}', b'x')[1]['code'] == 'upload-whole'
    # A name that is taken gets a number.
    upload = service.ask('POST', '/api/v1/uploads', {'name': 'tape é.avi', 'size': 1})[1]
    assert service.ask('PATCH', f'/api/v1/uploads/{upload["id"]}?offset=0', b'x')[1]['path'].endswith('tape é (2).avi')


def test_uploads_that_are_refused(serve):
    service = serve('--upload-limit', '1M')
    for body, status in [({'name': 'a.avi', 'size': 2 << 20}, 413), ({'name': 'a.avi', 'size': 0}, 422), ({'name': 'a.avi', 'size': -5}, 422),
            ({'name': 'a.avi', 'size': '5'}, 422), ({'name': '', 'size': 5}, 422), ({'name': '../a.avi', 'size': 5}, 422),
            ({'name': '..', 'size': 5}, 422), ({'name': 'x' * 300, 'size': 5}, 422), ({'name': 'a\nb', 'size': 5}, 422),
            ({'size': 5}, 422), ({'name': 'a.avi', 'size': 1e300}, 422)]:
        got, problem = service.ask('POST', '/api/v1/uploads', body)
        assert got == status, (body, problem)
    upload = service.ask('POST', '/api/v1/uploads', {'name': 'a.avi', 'size': 1000})[1]
    place = f'/api/v1/uploads/{upload["id"]}'
    for query, body, status in [('?offset=0', b'x' * 1001, 422), ('?offset=5', b'x', 409), ('?offset=-1', b'x', 422), ('?offset=x', b'x', 422)]:
        got, problem = service.ask('PATCH', place + query, body)
        assert got == status, (query, problem)
    # A length that lies: no length is said, and more comes.
    connection = http.client.HTTPConnection('127.0.0.1', service.port, timeout=20)
    connection.request('PATCH', place + '?offset=0', iter([b'x' * 600, b'y' * 600]), encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 422 and json.loads(answer.read())['code'] == 'too-many-bytes'
    connection.close()
    assert service.ask('GET', place)[1]['offset'] == 0
    # One that is longer than what comes: the connection ends, and nothing is whole.
    with socket.create_connection(('127.0.0.1', service.port)) as s:
        s.sendall(f'PATCH {place}?offset=0 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc'.encode())
        s.shutdown(socket.SHUT_WR)
        s.recv(1000)
    assert service.ask('GET', place)[1]['state'] == 'arriving'
    assert not (service.files / 'uploads' / 'a.avi').exists()
    for key in ['x', '0' * 32, '..%2f..%2fetc', 'a' * 400]:
        assert service.ask('GET', f'/api/v1/uploads/{key}')[0] == 404, key
        assert service.ask('PATCH', f'/api/v1/uploads/{key}?offset=0', b'x')[0] == 404, key
    assert service.ask('DELETE', place)[1] == {'removed': 1}
    assert service.ask('GET', place)[0] == 404
    assert list((service.files / 'uploads' / '.unfinished').iterdir()) == []


def test_more_uploads_than_may_be_unfinished(serve):
    """A shelf of tapes: what is whole is in nobody's way, and what is known of it does not pile up."""
    service = serve()
    for i in range(270):
        status, upload = service.ask('POST', '/api/v1/uploads', {'name': f'{i}.avi', 'size': 1})
        assert status == 201, (i, upload)
        place = f'/api/v1/uploads/{upload["id"]}'
        status, sent = service.ask('PATCH', place + '?offset=0', b'x')
        assert status == 200 and sent['state'] == 'whole', sent
        assert service.ask('GET', place)[1] == sent
    known = list((service.files / 'uploads' / '.unfinished').iterdir())
    assert len(known) <= 66, known
    assert len(list((service.files / 'uploads').glob('*.avi'))) == 270
    # Those that are begun and no more are counted.
    statuses = [service.ask('POST', '/api/v1/uploads', {'name': 'a.avi', 'size': 9})[0] for _ in range(258)]
    assert statuses == [201] * 256 + [429] * 2


def test_records_of_an_older_version(serve):
    """What is whole is not counted as unfinished, whatever its record is called; surplus records go all at once."""
    service = serve()
    assert service.ask('POST', '/api/v1/uploads', {'name': 'a.avi', 'size': 1})[0] == 201
    assert service.stop() == 0
    kept = service.files / 'uploads' / '.unfinished'
    for i in range(300):
        record = kept / f'{i:032x}.json'
        record.write_text(json.dumps({'name': f'{i}.avi', 'size': 1, 'path': str(service.files / f'{i}.avi')}))
        os.utime(record, (time.time() - 1000 - i,) * 2)
        if i < 10:  # the end came between the two names
            shutil.copy2(record, record.with_suffix('.whole'))
    service = serve()
    assert sorted(p.name for p in kept.glob('*.whole')) == [f'{i:032x}.whole' for i in range(64)]
    assert len(list(kept.glob('*.json'))) == 1
    assert service.ask('GET', f'/api/v1/uploads/{5:032x}')[1]['state'] == 'whole'
    assert service.ask('POST', '/api/v1/uploads', {'name': 'a.avi', 'size': 1})[0] == 201


def test_another_connection_takes_an_upload_over(serve):
    service = serve()
    upload = service.ask('POST', '/api/v1/uploads', {'name': 'a.avi', 'size': 1000})[1]
    place = f'/api/v1/uploads/{upload["id"]}'
    first = socket.create_connection(('127.0.0.1', service.port))
    first.sendall(f'PATCH {place}?offset=0 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n'.encode() + b'a' * 100)
    while service.ask('GET', place)[1]['offset'] < 100:
        pass
    assert service.ask('PATCH', place + '?offset=100', b'b' * 900)[1]['state'] == 'whole'
    first.sendall(b'c' * 900)
    first.settimeout(10)
    assert b'409' in first.recv(100)
    first.close()
    assert (service.files / 'uploads' / 'a.avi').read_bytes() == b'a' * 100 + b'b' * 900


def test_without_a_root_nothing_is_sent(serve):
    service = serve(roots=False)
    status, problem = service.ask('POST', '/api/v1/uploads', {'name': 'a.avi', 'size': 5})
    assert (status, problem['code']) == (403, 'read-only'), problem


def get(service, path, **headers):
    connection = http.client.HTTPConnection('127.0.0.1', service.port, timeout=20)
    connection.request('GET', path, headers={k.replace('_', '-'): v for k, v in headers.items()})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), data


def test_results_in_parts(serve, tape):
    service = serve()
    tape(service, 'ta pe.mkv')
    job = service.wait(service.submit('ta pe.mkv', options={'crf': 30, 'preset-speed': 'ultrafast'}), 'done')['id']
    place, made = f'/api/v1/jobs/{job}/result', (service.files / 'ta pe.restored.mp4').read_bytes()
    status, headers, data = get(service, place)
    assert status == 200 and data == made and headers['Accept-Ranges'] == 'bytes', headers
    assert 'attachment; filename="ta_pe.restored.mp4"' in headers['Content-Disposition'], headers
    assert headers['Content-Type'] == 'video/mp4' and 'Content-Disposition' not in get(service, place + '?show=1')[1]
    n = len(made)
    for text, first, end in [('bytes=0-9', 0, 10), ('bytes=10-', 10, n), ('bytes=-5', n - 5, n), (f'bytes={n - 1}-{n + 100}', n - 1, n), (f'bytes=-{n + 5}', 0, n)]:
        status, part, data = get(service, place, Range=text)
        assert (status, part['Content-Range']) == (206, f'bytes {first}-{end - 1}/{n}'), (text, part)
        assert data == made[first:end]
    status, part, data = get(service, place, Range=f'bytes={n}-')
    assert (status, part['Content-Range']) == (416, f'bytes */{n}')
    for text in ['bytes=9-3', 'bytes=x-y', 'lines=1-2', 'bytes=0-1,5-6', 'bytes=-']:
        assert get(service, place, Range=text)[0] == 200, text
    assert get(service, place, If_None_Match=headers['ETag'])[0] == 304
    assert get(service, place, Range='bytes=0-9', If_Range=headers['ETag'])[0] == 206
    assert get(service, place, Range='bytes=0-9', If_Range='"other"')[0] == 200
    # What is exchanged for a link to somewhere else is not followed.
    (service.files / 'ta pe.restored.mp4').unlink()
    (service.files / 'ta pe.restored.mp4').symlink_to('/etc/passwd')
    assert get(service, place)[0] == 403
    (service.files / 'ta pe.restored.mp4').unlink()
    assert get(service, place)[0] == 404


def test_sound_is_called_sound(serve):
    """A browser plays what it is told to be sound."""
    service = serve()
    with wave.open(str(service.files / 'talk.wav'), 'wb') as f:
        f.setparams((1, 2, 8000, 0, 'NONE', ''))
        f.writeframes(b'\0\1' * 8000)
    types = {'mp3': 'mpeg', 'ogg': 'ogg', 'opus': 'ogg', 'm4a': 'mp4', 'flac': 'flac', 'wav': 'wav'}
    jobs = {e: service.submit('talk.wav', output=str(service.files / f'made.{e}'), options={'pictures': 'copy'}) for e in types}
    for extension, job in jobs.items():
        done = service.wait(job, 'done', 'failed')
        assert done['state'] == 'done', done
        assert get(service, f'/api/v1/jobs/{job}/result')[1]['Content-Type'] == f'audio/{types[extension]}', extension


def test_no_result_before_it_is_done(serve, tape):
    service = serve()
    tape(service, 'a.mkv')
    service.ask('POST', '/api/v1/queue/pause')
    status, problem = service.ask('GET', f'/api/v1/jobs/{service.submit("a.mkv")}/result')
    assert (status, problem['code'], problem['args']) == (409, 'not-done', {'state': 'queued'}), problem


@pytest.mark.parametrize('count', [20])
def test_uploads_at_the_same_time(serve, count):
    service = serve()

    def send(i):
        upload = service.ask('POST', '/api/v1/uploads', {'name': 'same.avi', 'size': 200_000})[1]
        sent[i] = service.ask('PATCH', f'/api/v1/uploads/{upload["id"]}?offset=0', bytes([i]) * 200_000)[1]

    sent = [None] * count
    threads = [threading.Thread(target=send, args=(i,)) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    paths = {s['path'] for s in sent if 'path' in s}
    refused = [s for s in sent if 'path' not in s]
    assert all(s['code'] == 'too-many-uploads' for s in refused), refused
    assert len(paths) + len(refused) == count and len(paths) >= 16
    for i, s in enumerate(sent):
        if 'path' in s:
            with open(s['path'], 'rb') as f:
                assert f.read() == bytes([i]) * 200_000
