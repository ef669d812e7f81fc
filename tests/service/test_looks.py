"""What the service can say of files and show of them: asked of processes of their own."""

import http.client
import json
import os
import re
import struct
import time
import urllib.parse
import zlib
from pathlib import Path


OPTIONS = {'segment-length': '0.4', 'crf': 24, 'preset-speed': 'ultrafast', 'resolution': 'source'}


def get(service, path, **query):
    connection = http.client.HTTPConnection('127.0.0.1', service.port, timeout=120)
    connection.request('GET', path + '?' + urllib.parse.urlencode(query))
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), data


def pixels(png):
    """Width, height and rows of RGB bytes of a PNG."""
    at, width, height, packed = 8, 0, 0, b''
    while at < len(png):
        size, kind = struct.unpack('>I4s', png[at:at + 8])
        if kind == b'IHDR':
            width, height = struct.unpack('>II', png[at + 8:at + 16])
        elif kind == b'IDAT':
            packed += png[at + 8:at + 8 + size]
        at += size + 12
    data, rows, above = zlib.decompress(packed), [], bytearray(width * 3)
    for y in range(height):
        line = data[y * (width * 3 + 1):(y + 1) * (width * 3 + 1)]
        kind, row = line[0], bytearray(line[1:])
        for i, _ in enumerate(row):
            left, up, corner = (row[i - 3], above[i], above[i - 3]) if i > 2 else (0, above[i], 0)
            p = left + up - corner
            paeth = min((abs(p - left), 0, left), (abs(p - up), 1, up), (abs(p - corner), 2, corner))[2]
            row[i] = (row[i] + (0, left, up, (left + up) // 2, paeth)[kind]) & 255
        rows.append(bytes(row))
        above = row
    return width, height, rows


def mean_difference(a, b):
    (_, _, x), (_, _, y) = pixels(a), pixels(b)
    count = total = 0
    for p, q in zip(x[::4], y[::4]):
        total += sum(abs(i - k) for i, k in zip(p, q))
        count += len(p)
    return total / count


def test_probe_and_plan(serve, tape):
    service = serve()
    tape(service, 'a b.mkv')
    film = str(service.files / 'a b.mkv')
    status, _, data = get(service, '/api/v1/probe', input=film)
    assert status == 200 and json.loads(data)['streams'][0]['codec'], data
    status, plan = service.ask('POST', '/api/v1/plan', {'input': film, 'options': {**OPTIONS, 'preset': 'vhs_clean'}})
    assert status == 200 and plan['plan']['recipe']['crf']['value'] == '24', plan
    assert plan['frames'] == 100 and 'interlaced' in plan['words'] and plan['estimate']['output_bytes'] > 0
    assert plan['measures'] and all(m['name'] for m in plan['measures']), plan
    status, plan = service.ask('POST', '/api/v1/plan', {'input': film, 'options': {**OPTIONS, 'denoise': 'off', 'denoise-strength': '9:9:9:9'}})
    assert status == 200 and ('option-without-effect', 'denoise-strength') in [(p['code'], p['where']['option']) for p in plan['plan']['warnings']], plan
    (service.files / 'text.avi').write_text('no film')
    for path, body in [('/api/v1/plan', {'input': str(service.files / 'text.avi')})]:
        status, problem = service.ask('POST', path, body)
        assert status == 422 and problem['code'] and problem['detail'], problem
    status, _, data = get(service, '/api/v1/probe', input=str(service.files / 'text.avi'))
    assert status == 422 and 'text.avi' in json.loads(data)['detail'], data
    for name, status in [('/etc/passwd', 403), ('none.avi', 422), (str(service.files / 'none.avi'), 422), ('', 422)]:
        assert get(service, '/api/v1/probe', input=name)[0] == status, name


def test_pictures_in_step(serve, tape):
    """The source at frame N is what the result at frame N was made of, before, while and after it is made."""
    service = serve()
    tape(service, 'a.mkv')
    film, options = str(service.files / 'a.mkv'), json.dumps(OPTIONS)
    status, head, source = get(service, '/api/v1/picture', input=film, side='source', frame=51, options=options)
    assert (status, head['X-Frame'], head['X-Frames'], head['X-Source-Frame'], head['X-Field']) == (200, '51', '100', '25', '1'), head
    status, _, result = get(service, '/api/v1/picture', input=film, side='result', frame=51, options=options)
    assert status == 200
    near, far = mean_difference(source, result), mean_difference(source, get(service, '/api/v1/picture', input=film, side='result', frame=11, options=options)[2])
    assert near < 8 and far > 2 * near, (near, far)
    status, head, small = get(service, '/api/v1/picture', input=film, at='50%', width=100, format='jpeg', options=options)
    assert status == 200 and head['Content-Type'] == 'image/jpeg' and small[:2] == b'\xff\xd8' and head['X-Size'].startswith('100x'), head
    assert get(service, '/api/v1/picture', input=film, frame=100, options=options)[0] == 422
    assert get(service, '/api/v1/picture', input=film, frame=0, options='[')[0] == 422
    assert get(service, '/api/v1/picture', input=film, side='x')[0] == 422
    # Kept: the same question gets the same bytes.
    again = get(service, '/api/v1/picture', input=film, side='result', frame=51, options=options)
    assert again[2] == result
    job = service.submit('a.mkv', options={**OPTIONS, 'keep-work': True})
    service.wait(job, 'done')
    place = f'/api/v1/jobs/{job}/picture'
    status, head, made = get(service, place, frame=51)
    assert (status, head['X-Source-Frame'], head['X-Field']) == (200, '25', '1'), made
    assert mean_difference(made, result) < 4  # but for the encoder
    assert get(service, place, frame=51, side='source')[2] == source
    assert get(service, place)[0] == 422
    # Out of its segments: the finished file is gone, the work is kept.
    (service.files / 'a.restored.mp4').unlink()
    other = get(service, place, frame=50)
    planned = get(service, '/api/v1/picture', input=film, side='result', frame=50, options=options)[2]
    assert other[0] == 200 and mean_difference(other[2], planned) < 4
    measured = json.loads(get(service, f'/api/v1/jobs/{job}/measurements')[2])
    assert measured['frames'] == 100 and isinstance(measured['measures'], list)
    assert all(m['name'] for m in measured['measures'])
    assert json.loads(get(service, f'/api/v1/jobs/{job}/plan')[2])['recipe']['crf']['value'] == '24'


def test_a_name_that_is_no_text(serve, tape):
    service = serve()
    tape(service, 'a.mkv')
    (service.files / 'a.mkv').rename(os.fsdecode(os.fsencode(service.files) + b'/\xff.mkv'))
    name = os.fsencode(service.files) + b'/\xff.mkv'
    for route in ['probe', 'picture', 'thumbnail']:
        status, _, data = get(service, f'/api/v1/{route}', input=name)
        assert status == 422 and json.loads(data)['code'] == 'name-not-utf8', data
    assert service.ask('POST', '/api/v1/models/%ff/fetch')[0] == 404
    assert service.ask('DELETE', '/api/v1/models/%ff')[0] == 404


def test_what_is_not_made_yet(serve, tape):
    service = serve()
    tape(service, 'a.mkv')
    service.ask('POST', '/api/v1/queue/pause')
    job = service.submit('a.mkv')
    for part in ['picture?frame=0', 'plan', 'report', 'measurements']:
        status, problem = service.ask('GET', f'/api/v1/jobs/{job}/{part}')
        assert (status, problem['code']) == (404, 'not-made-yet'), (part, problem)
    assert service.ask('GET', '/api/v1/jobs/77/picture?frame=0')[1]['code'] == 'no-such-job'


def test_thumbnails(serve, tape):
    service = serve()
    tape(service, 'a.mkv')
    film = str(service.files / 'a.mkv')
    service.ask('GET', '/api/v1/health')
    begin = time.monotonic()
    status, head, data = get(service, '/api/v1/thumbnail', input=film, width=160)
    assert status == 200 and head['X-Placeholder'] == '1' and b'<svg' in data
    assert time.monotonic() - begin < 1  # nobody waits for it
    end = time.monotonic() + 30
    while head.get('X-Placeholder') and time.monotonic() < end:
        time.sleep(0.1)
        status, head, data = get(service, '/api/v1/thumbnail', input=film, width=160)
    assert head['Content-Type'] == 'image/jpeg' and data[:2] == b'\xff\xd8'
    kept = list((service.files.parent / 'cache' / 'terminalai' / 'thumbnails').iterdir())
    assert [k.read_bytes() for k in kept] == [data]
    # Another file of the name is another picture.
    (service.files / 'a.mkv').write_bytes(b'no film')
    status, head, data = get(service, '/api/v1/thumbnail', input=film, width=160)
    assert head.get('X-Placeholder') == '1'
    end = time.monotonic() + 30
    while status == 200 and time.monotonic() < end:
        time.sleep(0.1)
        status, head, data = get(service, '/api/v1/thumbnail', input=film, width=160)
    assert status == 422 and json.loads(data)['detail'], data
    assert get(service, '/api/v1/thumbnail', input='/etc/passwd')[0] == 403
    events = http.client.HTTPConnection('127.0.0.1', service.port, timeout=20)
    events.request('GET', '/api/v1/events?after=0')
    text = b''
    answer = events.getresponse()
    while text.count(b'event: thumbnail') < 2:
        text += answer.readline()
    assert b'"state":"ready"' in text
    events.close()


def test_an_excerpt(serve, tape):
    service = serve()
    tape(service, 'a.mkv')
    wanted = {'input': str(service.files / 'a.mkv'), 'options': OPTIONS, 'start': '0.5', 'duration': 0.5}
    status, excerpt = service.ask('POST', '/api/v1/excerpts', wanted)
    assert status == 202 and excerpt['state'] == 'working', excerpt
    place, end = f'/api/v1/excerpts/{excerpt["id"]}', time.monotonic() + 60
    while service.ask('GET', place)[1]['state'] == 'working' and time.monotonic() < end:
        time.sleep(0.1)
    assert service.ask('GET', place)[1]['state'] == 'ready'
    assert service.ask('POST', '/api/v1/excerpts', wanted) == (200, {'id': excerpt['id'], 'state': 'ready'})
    status, head, data = get(service, place + '/video')
    assert status == 200 and head['Content-Type'] == 'video/mp4' and b'ftyp' in data[:12]
    assert service.ask('GET', '/api/v1/excerpts/' + '0' * 32)[0] == 404
    assert service.ask('GET', '/api/v1/excerpts/..%2f..%2fjobs')[0] == 404
    for change, status in [({'duration': 0}, 422), ({'duration': 1e9}, 422), ({'duration': 'x'}, 422), ({'input': '/etc/passwd'}, 403), ({'options': {'crf': 'x'}}, 422)]:
        assert service.ask('POST', '/api/v1/excerpts', {**wanted, **change})[0] == status, change


def test_a_part_made_again(serve, tape):
    service = serve()
    tape(service, 'a.mkv')
    job = service.wait(service.submit('a.mkv', options={**OPTIONS, 'keep-work': True}), 'done', 'failed')
    assert job['state'] == 'done', job
    before = (service.files / 'a.restored.mp4').read_bytes()
    assert service.ask('POST', f'/api/v1/jobs/{job["id"]}/redo', {'range': '0.8-1.2', 'options': {'crf': 99}})[0] == 422
    assert service.ask('POST', f'/api/v1/jobs/{job["id"]}/redo', {})[0] == 422
    status, again = service.ask('POST', f'/api/v1/jobs/{job["id"]}/redo', {'range': '0.8-1.2', 'options': {'crf': 40, 'denoise': 'off', 'denoise-strength': '9:9:9:9'}})
    assert status == 201, again  # what changes nothing is no reason to refuse it
    again = service.wait(again['id'], 'done', 'failed')
    assert again['state'] == 'done', again
    after = (service.files / 'a.restored.mp4').read_bytes()
    assert after != before and len(after) < len(before)


def test_the_machine(serve):
    service = serve()
    assert any(e['name'] == 'h264' for e in service.ask('GET', '/api/v1/system/encoders')[1])
    assert service.ask('GET', '/api/v1/system/devices')[0] == 200
    assert service.ask('GET', '/api/v1/system/doctor')[0] == 200
    models = service.ask('GET', '/api/v1/models')[1]
    assert isinstance(models, list) and models[0]['name']
    status, answer = service.ask('POST', '/api/v1/models/none/fetch')
    assert status == 202, answer
    end = time.monotonic() + 30
    while status == 202 and time.monotonic() < end:
        time.sleep(0.1)
        status, answer = service.ask('POST', '/api/v1/models/none/fetch')
    assert (status, answer['code']) == (404, 'not-found'), answer
    assert service.ask('DELETE', '/api/v1/models/--help')[0] == 404


def test_no_child_outlives_the_service(serve, tape):
    service = serve()
    tape(service, 'a.mkv')
    get(service, '/api/v1/probe', input=str(service.files / 'a.mkv'))
    children = [int(n) for t in children_of(service) for n in t.split()]
    assert children
    service.stop()
    end = time.monotonic() + 5
    while any(is_alive(c) for c in children) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(is_alive(c) for c in children)


def children_of(service):
    for task in Path(f'/proc/{service.process.pid}/task').iterdir():
        yield (task / 'children').read_text()


def is_alive(pid):
    try:
        with open(f'/proc/{pid}/stat', encoding='ascii') as f:
            return re.search(r'\) (\w)', f.read())[1] != 'Z'
    except OSError:
        return False


def test_an_excerpt_that_is_given_up(serve, tape):
    service = serve()
    tape(service, 'tape.mkv')
    slow = {'denoise': 'nlmeans', 'resolution': '1280x1024', 'preset-speed': 'slow'}
    wanted = {'input': str(service.files / 'tape.mkv'), 'duration': 4, 'options': slow}
    others = [service.ask('POST', '/api/v1/excerpts', {**wanted, 'start': str(n)})[1]['id'] for n in (0, 1)]  # one waits
    event = service.ask('GET', '/api/v1/jobs')[1]['event']
    for number in reversed(others):
        assert service.ask('DELETE', f'/api/v1/excerpts/{number}') == (200, {'id': number, 'state': 'cancelled'})
    end = time.monotonic() + 10
    while service.ask('GET', f'/api/v1/excerpts/{others[0]}')[0] != 404:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert service.ask('GET', f'/api/v1/excerpts/{others[1]}')[0] == 404
    assert service.ask('DELETE', f'/api/v1/excerpts/{others[0]}')[0] == 404
    assert service.ask('DELETE', '/api/v1/excerpts/nothing')[0] == 404
    connection = http.client.HTTPConnection('127.0.0.1', service.port, timeout=10)
    connection.request('GET', f'/api/v1/events?after={event}')
    answer, text = connection.getresponse(), b''
    while text.count(b'"cancelled"') < 2:
        text += answer.read1(65536)
    connection.close()
    # The process that made it is gone, and the next question gets another.
    assert service.ask('POST', '/api/v1/excerpts', {'input': wanted['input'], 'duration': 0.2, 'options': {'preset-speed': 'ultrafast'}})[0] == 202
    # One that is there is removed.
    status, made = service.ask('POST', '/api/v1/excerpts', {'input': wanted['input'], 'duration': 0.2, 'options': {'preset-speed': 'ultrafast'}})
    end = time.monotonic() + 60
    while (status := service.ask('GET', f'/api/v1/excerpts/{made["id"]}')[1].get('state')) != 'ready' and time.monotonic() < end:
        time.sleep(0.05)
    assert status == 'ready'
    assert service.ask('DELETE', f'/api/v1/excerpts/{made["id"]}') == (200, {'id': made['id'], 'state': 'removed'})
    assert service.ask('GET', f'/api/v1/excerpts/{made["id"]}/video')[0] == 404
    assert service.ask('DELETE', '/api/v1/models/upconv7-photo-x2/fetch')[0] == 409
    assert service.ask('DELETE', '/api/v1/models/..%2f/fetch')[0] == 404
