"""Who is told what, and that everybody hears of everything at least once."""

import email
import email.header
import hashlib
import hmac
import json
import random
import shutil
import signal
import sqlite3
import subprocess
import time

import kit
import pytest
from receivers import Mail, Web, certificate

SECRET = 'correct-horse-battery'
QUICK = {'segment-length': '0.4', 'crf': 30, 'preset-speed': 'ultrafast'}


@pytest.fixture
def tell(serve, tmp_path):
    """tell(ENTRY...): a service with these endpoints; texts in {"secret:NAME": TEXT} become files."""

    def start(*entries, args=()):
        listed = []
        for entry in entries:
            entry = dict(entry)
            for key in list(entry):
                if key.endswith('-file') and not str(entry[key]).startswith('/'):
                    path = tmp_path / f'{entry["name"]}.{key}'
                    path.write_text(entry[key] + '\n')
                    path.chmod(0o600)
                    entry[key] = str(path)
            listed.append({'private': True, 'retry': 0.2, **entry} if entry.get('kind') != 'command' else entry)
        config = tmp_path / 'notify.yaml'
        config.write_text(json.dumps({'notify': listed}))
        return serve('--config', config, *args)

    return start


def broken(service, name='text.avi'):
    """A job that fails at once."""
    (service.files / name).write_text('this is no film')
    return service.submit(name)


def test_what_receivers_get(tell, tmp_path):
    discord, slack, hook, out = Web(), Web(), Web(), tmp_path / 'said'
    script = tmp_path / 'say.sh'
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>{out}\ncat >>{out}.json\necho >>{out}.json\n')
    script.chmod(0o755)
    service = tell({'name': 'chat', 'kind': 'discord', 'address-file': discord.url('/api/webhooks/1/s3cret')},
        {'name': 'slack', 'kind': 'slack', 'address-file': slack.url('/services/T/B/s3cret')},
        {'name': 'hook', 'address': hook.url('/in'), 'secret-file': SECRET},
        {'name': 'run', 'kind': 'command', 'command': [str(script), '{event}', '{title}', 'a{file}b', '$HOME `id`; {none}']})
    name = 'a_b *x* <!here> & @everyone.mkv'
    shutil.copy(kit.source('interlaced'), service.files / name)
    job = service.wait(service.submit(name, options=QUICK, batch='shelf'), 'done', 'failed')
    assert job['state'] == 'done', job
    for receiver in (discord, slack, hook):
        receiver.wait(2)
    done, empty = discord.bodies()
    embed = done['embeds'][0]
    assert embed['title'] == 'Restored: a\\_b \\*x\\* \\<!here\\> & @everyone.mkv'
    assert (embed['color'], empty['embeds'][0]['color']) == (3066993, 3447003)
    assert done['allowed_mentions'] == {'parse': []}
    fields = {f['name']: f['value'] for f in embed['fields']}
    assert list(fields) == ['File', 'Status', 'Duration', 'Resolution', 'Preset', 'Source size', 'Output size', 'Output'], fields
    assert fields['Status'] == 'done' and fields['Preset'] == 'default'
    assert fields['Resolution'] == f'{job["result"]["width"]}x{job["result"]["height"]}'
    assert empty['embeds'][0]['title'] == 'The queue is empty'
    attachment = slack.bodies()[0]['attachments'][0]
    assert attachment['color'] == '#2ECC71' and attachment['title'] == 'Restored: a_b *x* &lt;!here&gt; &amp; @everyone.mkv'
    path, headers, body, _, _ = hook.got[0]
    signed = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert path == '/in' and headers['X-Terminalai-Signature'] == 'sha256=' + signed
    o = json.loads(body)
    assert headers['X-Terminalai-Delivery'] == str(o['id'])
    assert (o['v'], o['event'], o['job']['id'], o['job']['batch'], o['job']['state']) == (1, 'done', job['id'], 'shelf', 'done')
    assert [b['event'] for b in hook.bodies()] == ['done', 'empty']
    said = out.read_text().split('\n')
    assert said[:4] == ['done', f'Restored: {name}', f'a{name}b', '$HOME `id`; {none}'], said
    assert json.loads((tmp_path / 'said.json').read_text().split('\n')[0])['job']['id'] == job['id']
    # One that fails.
    failed = service.wait(broken(service), 'failed')
    embed = discord.wait(3)[2]['embeds'][0]
    assert embed['color'] == 15158332 and embed['title'] == 'Failed: text.avi'
    assert {f['name']: f['value'] for f in embed['fields']}['Error'].replace('\\', '') == failed['reason']
    # A test, and what is shown of it all.
    status, answer = service.ask('POST', '/api/v1/notifications/hook/test')
    assert status == 202 and answer['id'] > 0
    assert hook.wait(5)[4]['event'] == 'test' and hook.bodies()[4]['id'] == answer['id']
    assert service.ask('POST', '/api/v1/notifications/nobody/test')[0] == 404
    shown = service.ask('GET', '/api/v1/notifications')[1]
    assert [(e['name'], e['kind'], e['where']) for e in shown['endpoints']] == [
        ('chat', 'discord', '127.0.0.1'), ('slack', 'slack', '127.0.0.1'), ('hook', 'webhook', '127.0.0.1'), ('run', 'command', 'say.sh')]
    assert shown['notices'][0]['event'] == 'test'
    # Secrets are nowhere: not in answers, not in the log, not on disk.
    texts = [json.dumps(shown).encode(), service.log.read_bytes(), service.ask('GET', '/api/v1/jobs', raw=True)[1]]
    texts += [f.read_bytes() for f in service.state.iterdir() if f.is_file()]
    assert not any(s.encode() in t for t in texts for s in ('s3cret', SECRET))


def test_retries_keep_the_order(tell):
    hook = Web(503, (429, {'Retry-After': '2'}), 204)
    other = Web(400, 204)
    service = tell({'name': 'hook', 'address': hook.url(), 'events': 'failed'},
        {'name': 'other', 'address': other.url(), 'events': 'failed'})
    jobs = [broken(service, f'{i}.avi') for i in range(3)]
    hook.wait(5)
    assert [b['job']['id'] for b in hook.bodies()] == [jobs[0], jobs[0], jobs[0], jobs[1], jobs[2]]
    times = [at for _, _, _, at, _ in hook.got]
    assert times[1] - times[0] >= 0.2 and times[2] - times[1] >= 2, times
    # What is refused for good is given up, said, and does not hold up the rest.
    assert [b['job']['id'] for b in other.wait(3)] == jobs
    end = time.monotonic() + 10
    while time.monotonic() < end:
        notices = service.ask('GET', '/api/v1/notifications')[1]['notices']
        if not any(n['state'] == 'waiting' for n in notices):
            break
        time.sleep(0.05)
    first = [n for n in notices if n['endpoint'] == 'other'][-1]
    assert (first['state'], first['error']) == ('given up', 'the receiver answers 400'), first
    assert sorted(n['state'] for n in notices) == ['given up'] + ['sent'] * 5
    assert 'is given up: the receiver answers 400' in service.log.read_text()
    assert 'notification hook: the receiver answers 503; it is tried again' in service.log.read_text()


def test_filters(tell):
    failed, shelf = Web(), Web()
    service = tell({'name': 'failed', 'address': failed.url(), 'events': 'failed'},
        {'name': 'shelf', 'address': shelf.url(), 'events': 'failed,empty', 'batch': 'shelf*'})
    broken(service, 'a.avi')
    (service.files / 'b.avi').write_text('nor this')
    service.submit('b.avi', batch='shelf 2')
    assert len(failed.wait(2)) == 2
    got = shelf.wait(2)
    assert [b['event'] for b in got if b['event'] == 'failed'] == ['failed']
    assert all(b['job']['batch'] == 'shelf 2' for b in got if b['event'] == 'failed')


def test_killed_while_telling(tell):
    """Whatever the moment: each job's end is told at least once."""
    hook = Web(204)
    service = tell({'name': 'hook', 'address': hook.url(), 'events': 'failed'})
    dice, jobs = random.Random(5), []
    for i in range(6):
        jobs += [broken(service, f'{i}-{k}.avi') for k in range(4)]
        time.sleep(dice.random() * 0.4)
        service.stop(signal.SIGKILL)
        service.start()
    for j in jobs:
        service.wait(j, 'failed')
    end = time.monotonic() + 20
    while time.monotonic() < end and {b['job']['id'] for b in hook.bodies()} != set(jobs):
        time.sleep(0.05)
    told = [b['job']['id'] for b in hook.bodies()]
    assert set(told) == set(jobs)
    ids = {}
    for b in hook.bodies():
        assert ids.setdefault(b['job']['id'], b['id']) == b['id'], 'told as another message'


def test_killed_while_the_receiver_thinks(tell):
    hook = Web(None, 204)
    service = tell({'name': 'hook', 'address': hook.url(), 'events': 'failed'})
    job = broken(service)
    hook.wait(1)
    service.stop(signal.SIGKILL)
    service.start()
    assert [b['job']['id'] for b in hook.wait(2)] == [job, job]
    # One that stops in order does not wait for such a receiver.
    hook.answers, hook.count = [None], 0
    broken(service, 'other.avi')
    hook.wait(3)
    begin = time.monotonic()
    assert service.stop() == 0 and time.monotonic() - begin < 10


def test_private_addresses(tell):
    hook = Web()
    service = tell({'name': 'a', 'address': f'https://localhost:{hook.port}/', 'private': False, 'events': 'failed'})
    broken(service)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        notices = service.ask('GET', '/api/v1/notifications')[1]['notices']
        if notices and notices[0]['state'] != 'waiting':
            break
        time.sleep(0.05)
    assert notices[0]['state'] == 'given up' and 'of this machine or its network' in notices[0]['error'], notices
    assert not hook.got


def test_mail(tell, tmp_path):
    pair = certificate(tmp_path)
    if not pair:
        pytest.skip('no openssl to make a certificate with')
    server = Mail(pair, data_answers=['451 later', '250 ok'])
    plain = Mail()
    common = {'kind': 'mail', 'from': 'tapes@example.org', 'events': 'failed', 'user': 'tapes', 'password-file': SECRET}
    service = tell({'name': 'mail', 'address': f'smtp://localhost:{server.port}', 'to': 'a@example.org,b@example.org',
                    'ca-file': str(pair[1]), **common},
        {'name': 'plain', 'address': f'smtp://localhost:{plain.port}', 'to': 'a@example.org', **common})
    name = 'Tänze\nBcc: evil@example.org.avi'
    job = broken(service, name)
    sender, to, text = server.wait(1)[0]
    assert sender == 'MAIL FROM:<tapes@example.org>' or sender.startswith('MAIL FROM:<tapes@example.org> ')
    assert [t.split('<')[1].rstrip('>') for t in to] == ['a@example.org', 'b@example.org']
    message = email.message_from_bytes(text)
    subject = str(email.header.make_header(email.header.decode_header(message['Subject'])))
    assert subject == 'Failed: Tänze\\nBcc: evil@example.org.avi' and message['Bcc'] is None
    body = message.get_payload(decode=True).decode()
    assert 'Status: failed' in body and 'Error: ' in body, body
    assert all(len(line) < 100 for line in text.split(b'\r\n'))
    assert server.logins and all(secure and who == [b'tapes', SECRET.encode()] for secure, who in server.logins)
    # A server that speaks no TLS hears no password and gets no message.
    end = time.monotonic() + 15
    while not plain.lines and time.monotonic() < end:
        time.sleep(0.05)
    assert plain.lines and not plain.messages and not any('AUTH' in line for line in plain.lines), plain.lines
    assert service.job(job)['state'] == 'failed'


def test_a_full_store_loses_no_message(tell, tmp_path):
    """A row that was told and could not be marked is told again, not lost."""
    hook = Web()
    service = tell({'name': 'hook', 'address': hook.url(), 'events': 'failed'})
    job = broken(service)
    hook.wait(1)
    service.stop()
    with sqlite3.connect(tmp_path / 'state' / 'jobs.db') as db:
        assert db.execute("SELECT state FROM notices").fetchall() == [('sent',)]
        db.execute("UPDATE notices SET state='waiting', due=9e15")  # a clock that was set back meanwhile
        db.execute("INSERT INTO notices(endpoint, event, created, due, attempt, state, error, body)"
                   " VALUES('gone', 'failed', 0, 0, 0, 'waiting', '', '{}')")
    service.start()
    end = time.monotonic() + 10
    while time.monotonic() < end:
        notices = service.ask('GET', '/api/v1/notifications')[1]['notices']
        if notices[0]['state'] == 'given up':
            break
        time.sleep(0.05)
    assert 'no such endpoint' in notices[0]['error'], notices
    assert service.job(job)['state'] == 'failed'


BAD = [
    ({}, 'needs a name'),
    ({'name': 'a b', 'address': 'https://x.org'}, 'needs a name'),
    ({'name': 'a'}, 'where to?'),
    ({'name': 'a', 'address': 'ftp://x.org'}, 'must begin with https://'),
    ({'name': 'a', 'address': 'http://x.org'}, 'readable on the way'),
    ({'name': 'a', 'address': 'https://u:p@x.org'}, 'names and passwords'),
    ({'name': 'a', 'kind': 'discord', 'address': 'https://x.org'}, 'is a secret'),
    ({'name': 'a', 'address-env': 'TA_NOT_SET'}, 'has no address'),
    ({'name': 'a', 'address-file': '/none'}, 'No such file'),
    ({'name': 'a', 'address': 'https://x.org', 'events': 'done,all'}, 'events are'),
    ({'name': 'a', 'address': 'https://x.org', 'knid': 'mail'}, 'did you mean "kind"?'),
    ({'name': 'a', 'kind': 'mail', 'address': 'smtp://x.org', 'from': 'a@b', 'to': 'a@b>\r\nRCPT'}, 'from'),
    ({'name': 'a', 'kind': 'mail', 'address': 'https://x.org', 'from': 'a@b', 'to': 'a@b'}, 'smtp://'),
    ({'name': 'a', 'kind': 'command'}, 'must be a list'),
    ({'name': 'a', 'kind': 'command', 'command': 'rm -rf'}, 'must be a list'),
    ([], 'an entry of notify'),
]


@pytest.mark.parametrize('entry, words', BAD, ids=range(len(BAD)))
def test_entries_that_are_refused(program, tmp_path, entry, words):
    config = tmp_path / 'bad.yaml'
    config.write_text(json.dumps({'notify': [entry]}))
    got = subprocess.run([program.path, 'serve', '--state', tmp_path / 'state', '--listen', 'none', '--config', config],
        capture_output=True, text=True, timeout=30, check=False)
    assert got.returncode == 2 and words in got.stderr and 'bad.yaml:1' in got.stderr + 'bad.yaml:1' * ('No such' in words), got.stderr


def test_a_secret_that_others_may_read(program, tmp_path):
    secret = tmp_path / 'secret'
    secret.write_text('https://x.org/\n')
    secret.chmod(0o644)
    config = tmp_path / 'bad.yaml'
    config.write_text(json.dumps({'notify': [{'name': 'a', 'kind': 'slack', 'address-file': str(secret)}]}))
    got = subprocess.run([program.path, 'serve', '--state', tmp_path / 'state', '--listen', 'none', '--config', config],
        capture_output=True, text=True, timeout=30, check=False)
    assert got.returncode == 2 and 'others may read it' in got.stderr, got.stderr
