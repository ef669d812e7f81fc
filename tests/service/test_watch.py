"""Watched folders: each file that appears in one becomes a job, once."""

import json
import os
import random
import shutil
import signal
import subprocess
import time
import urllib.parse

import kit
import pytest

QUICK = {'segment-length': '0.4', 'crf': 30, 'preset-speed': 'ultrafast'}


@pytest.fixture
def watch(serve, tmp_path):
    """watch(**ENTRY): a service that watches tmp_path/in."""

    def start(*args, missing=False, **entry):
        folder = tmp_path / 'in'
        if not missing:
            folder.mkdir(exist_ok=True)
        config = tmp_path / 'watch.yaml'
        config.write_text(json.dumps({'watch': [{'path': str(folder), 'settle': 0.3, 'interval': 0.4, 'options': QUICK, **entry}]}))
        service = serve('--config', config, *args)
        service.folder = folder
        ready(service, *(('missing',) if missing else ('watched', 'polled')))
        return service

    return start


def ready(service, *states, limit=20):
    end = time.monotonic() + limit
    while True:
        one = service.ask('GET', '/api/v1/folders')[1]['folders'][0]
        # Before its first look at a folder the state is that of one that is missing, without a reason.
        if one['state'] in states and (one['state'] != 'missing' or one['reason']):
            return one
        assert time.monotonic() < end, one
        time.sleep(0.05)


def jobs(service, count=None, limit=20):
    end = time.monotonic() + limit
    while True:
        found = service.ask('GET', '/api/v1/jobs?limit=1000')[1]['jobs']
        if count is None or len(found) >= count:
            return found
        assert time.monotonic() < end, (found, service.ask('GET', '/api/v1/folders'), service.log.read_text())
        time.sleep(0.05)


def quiet(service, count, seconds=1.5):
    """No further job appears."""
    time.sleep(seconds)
    found = jobs(service)
    assert len(found) == count, [j['input'] for j in found]


def no_film(path, text=None):
    path.write_text(text or f'no film: {path.name}')
    return path


def until(what, limit=20):
    end = time.monotonic() + limit
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_file_is_done_once(watch, tmp_path):
    (tmp_path / 'in' / 'sub').mkdir(parents=True)
    no_film(tmp_path / 'in' / 'old.avi')
    service = watch(output=str(tmp_path / 'out'), done=str(tmp_path / 'in' / 'done'), batch='shelf', priority=7)
    tape = service.folder / 'sub' / 'tape.mkv'
    shutil.copy(kit.source('interlaced'), tape)
    job = service.wait(jobs(service, 1)[0]['id'], 'done', 'failed')
    assert (job['state'], job['batch'], job['priority'], job['options']['crf']) == ('done', 'shelf', 7, '30'), job
    assert job['input'] == str(tape) or job['input'] == str(tmp_path / 'in' / 'done' / 'sub' / 'tape.mkv')
    assert job['output'] == str(tmp_path / 'out' / 'sub' / 'tape.restored.mp4')
    moved = service.folder / 'done' / 'sub' / 'tape.mkv'
    until(moved.exists)
    assert not tape.exists()
    # What was there before, the same again under other names, and what is not for it.
    shutil.copy(moved, service.folder / 'again.mkv')
    shutil.copy(moved, service.folder / 'x.restored.mp4')
    no_film(service.folder / 'notes.txt')
    no_film(service.folder / '.hidden.avi')
    (service.folder / 'empty.avi').touch()
    os.rename(service.folder / 'old.avi', service.folder / 'renamed.avi')
    quiet(service, 1)
    service.stop()
    service.start()
    quiet(service, 1)


def test_files_that_are_still_written(watch):
    service = watch()
    path = service.folder / 'slow.avi'
    with open(path, 'wb') as f:
        for i in range(5):
            f.write(b'piece %d' % i)
            f.flush()
            time.sleep(0.4)  # longer than it has to be quiet: but it is open
        assert not jobs(service)
    jobs(service, 1)
    # Closed and opened again, as some copying programs do.
    for i in range(4):
        with open(service.folder / 'steps.avi', 'ab') as f:
            f.write(b'step %d' % i)
        time.sleep(0.1)
    # Under a name that is none, then moved.
    no_film(service.folder / 'moved.avi.part')
    os.rename(service.folder / 'moved.avi.part', service.folder / 'moved.avi')
    found = jobs(service, 3)
    assert sorted(os.path.basename(j['input']) for j in found) == ['moved.avi', 'slow.avi', 'steps.avi']
    quiet(service, 3, 1)


def test_a_file_that_fails(watch, tmp_path):
    service = watch(failed=str(tmp_path / 'failed'), done=str(tmp_path / 'done'))
    path = no_film(service.folder / 'tape.avi')
    job = service.wait(jobs(service, 1)[0]['id'], 'failed')
    moved, note = tmp_path / 'failed' / 'tape.avi', tmp_path / 'failed' / 'tape.avi.error.txt'
    until(note.exists)
    assert moved.exists() and not path.exists()
    text = note.read_text()
    assert job['reason'] in text and f'job {job["id"]}' in text, text
    # Another one of that name fails too.
    no_film(path, 'another one that is none')
    until((tmp_path / 'failed' / 'tape.2.avi.error.txt').exists)
    # "retry" finds it where it is, and the note goes when it is done.
    shutil.copy(kit.source('interlaced'), moved)
    until(lambda: service.job(job['id'])['input'] == str(moved))
    service.ask('POST', f'/api/v1/jobs/{job["id"]}/retry')
    done = service.wait(job['id'], 'done')
    assert done['input'] == str(moved)
    until(lambda: not note.exists())
    assert moved.exists()  # it is another file than the one that was taken


def test_folders_in_folders_and_loops(watch, tmp_path):
    outside = tmp_path / 'outside'
    outside.mkdir()
    no_film(outside / 'outside.avi')
    service = watch()
    (service.folder / 'loop').symlink_to(service.folder)
    (service.folder / 'link').symlink_to(outside)
    (service.folder / 'link.avi').symlink_to(outside / 'outside.avi')
    ready_made = tmp_path / 'made'
    (ready_made / 'a' / 'b').mkdir(parents=True)
    no_film(ready_made / 'a' / 'b' / 'deep.avi')
    os.rename(ready_made, service.folder / 'made')
    (service.folder / 'new').mkdir()
    no_film(service.folder / 'new' / 'one.avi')
    jobs(service, 2)
    time.sleep(0.5)
    no_film(service.folder / 'made' / 'a' / 'b' / 'later.avi')
    found = jobs(service, 3)
    assert sorted(os.path.basename(j['input']) for j in found) == ['deep.avi', 'later.avi', 'one.avi']
    # A folder that was renamed is told of by its new name.
    os.rename(service.folder / 'made', service.folder / 'other')
    no_film(service.folder / 'other' / 'a' / 'renamed.avi')
    assert str(service.folder / 'other' / 'a' / 'renamed.avi') in [j['input'] for j in jobs(service, 4)]
    quiet(service, 4)


def test_not_recursive_and_patterns(watch):
    service = watch(recursive=False, pattern='tape*.avi, *.DAT')
    (service.folder / 'sub').mkdir()
    for name in ('sub/tape1.avi', 'tape2.avi', 'other.avi', 'a.dat', 'tape.mkv'):
        no_film(service.folder / name)
    found = jobs(service, 2)
    quiet(service, 2, 1)
    assert sorted(os.path.basename(j['input']) for j in found) == ['a.dat', 'tape2.avi']


def test_a_folder_that_goes_and_comes(watch, tmp_path):
    service = watch(missing=True)
    service.folder.mkdir()
    ready(service, 'watched')
    no_film(service.folder / 'a.avi')
    jobs(service, 1)
    shutil.rmtree(service.folder)
    ready(service, 'missing')
    said = service.log.read_text().count("can't be watched")
    time.sleep(1.5)
    assert service.log.read_text().count("can't be watched") == said == 2  # once each time
    service.folder.mkdir()
    no_film(service.folder / 'b.avi')
    assert os.path.basename(jobs(service, 2)[1]['input']) == 'b.avi'
    # Another folder under the name.
    os.rename(service.folder, tmp_path / 'elsewhere')
    service.folder.mkdir()
    until(lambda: ready(service, 'watched'))
    time.sleep(1)
    no_film(tmp_path / 'elsewhere' / 'c.avi')
    no_film(service.folder / 'd.avi')
    assert os.path.basename(jobs(service, 3)[2]['input']) == 'd.avi'
    quiet(service, 3, 1)


@pytest.mark.skipif(os.geteuid() == 0, reason='root may read all')
def test_a_folder_that_may_not_be_read(watch):
    service = watch()
    service.folder.chmod(0)
    try:
        service.stop()
        service.start()
        assert ready(service, 'missing')['reason']
    finally:
        service.folder.chmod(0o700)
    ready(service, 'watched')


def test_polling(watch):
    service = watch(poll='on')
    assert ready(service, 'polled')
    no_film(service.folder / 'a.avi')
    jobs(service, 1)
    with open(service.folder / 'b.avi', 'wb') as f:
        for _ in range(4):
            f.write(b'grows')
            f.flush()
            time.sleep(0.3)
        assert len(jobs(service)) == 1
    jobs(service, 2)
    quiet(service, 2)


def test_existing_files_and_names_that_collide(watch, tmp_path):
    (tmp_path / 'in').mkdir()
    for name in ('tape.avi', 'tape.mpg', 'tape.mov'):
        no_film(tmp_path / 'in' / name)
    service = watch(existing=True)
    found = jobs(service, 3)
    assert sorted(os.path.basename(j['output']) for j in found) == [
        'tape.restored.2.mp4', 'tape.restored.3.mp4', 'tape.restored.mp4']


def test_killed_while_files_come(watch):
    """Whenever it is killed: each file has one job."""
    service = watch('--workers', 2)
    dice, names = random.Random(3), []
    for i in range(6):
        for k in range(5):
            names.append(f'{i}-{k}.avi')
            no_film(service.folder / names[-1])
        time.sleep(dice.random())
        service.stop(signal.SIGKILL)
        for k in range(2):
            names.append(f'{i}-gap{k}.avi')
            no_film(service.folder / names[-1])
        service.start()
    found = jobs(service, len(names), 40)
    assert sorted(os.path.basename(j['input']) for j in found) == sorted(names)
    quiet(service, len(names))
    until(lambda: sorted(p.name for p in service.folder.glob('*.error.txt')) == sorted(n + '.error.txt' for n in names))


@pytest.mark.parametrize('entry, words', [
    ({}, 'path must be a folder'), ({'path': 'tapes'}, 'path must be a folder'), ({'path': '/t', 'done': 'd'}, 'done must be a folder'),
    ({'path': '/t', 'options': {'crf': 99}}, 'must lie in 0..51'), ({'path': '/t', 'options': {'cfr': 9}}, 'crf'),
    ({'path': '/t', 'options': 5}, 'options must be a group'), ({'path': '/t', 'paht': '/x'}, 'did you mean "path"?'),
    ({'path': '/tmp', 'done': '/tmp'}, 'other folders'), (5, 'an entry of watch'),
], ids=range(9))
def test_entries_that_are_refused(program, tmp_path, entry, words):
    config = tmp_path / 'bad.yaml'
    config.write_text(json.dumps({'watch': [entry]}))
    got = subprocess.run([program.path, 'serve', '--state', tmp_path / 'state', '--listen', 'none', '--config', config],
        capture_output=True, text=True, timeout=30, check=False)
    assert got.returncode == 2 and words in got.stderr and 'bad.yaml:1' in got.stderr, got.stderr


def test_a_file_right_after_its_folder_was_added(serve, tmp_path):
    """The answer comes when the folder was looked at: what is put in from then on was not there before."""
    config, large = tmp_path / 'watch.yaml', tmp_path / 'in'
    large.mkdir()
    for i in range(2000):  # it is looked at first, and that takes a while
        no_film(large / f'{i}.avi')
    config.write_text(json.dumps({'watch': [{'path': str(large)}]}))
    service = serve('--config', config)
    folder = service.files / 'new tapes'
    folder.mkdir()
    assert service.ask('POST', '/api/v1/folders', {'path': str(folder), 'settle': 0.3, 'options': QUICK})[0] == 201
    no_film(folder / 'one.avi')
    assert [j['input'] for j in jobs(service, 1)] == [str(folder / 'one.avi')]


def test_folders_that_are_added(serve, tmp_path):
    """By the API: watched at once and after a restart, until they are taken out."""
    config = tmp_path / 'watch.yaml'
    (tmp_path / 'in').mkdir()
    config.write_text(json.dumps({'watch': [{'path': str(tmp_path / 'in')}]}))
    service = serve('--config', config)
    folder = service.files / 'new tapes'
    folder.mkdir()
    entry = {'path': str(folder), 'settle': 0.3, 'options': {**QUICK, 'preset': 'clean'}}
    for wrong, status, code in (({**entry, 'path': '/etc'}, 403, 'not-opened'), ({**entry, 'path': 'tapes'}, 422, 'path-not-whole'),
            ({**entry, 'path': str(service.files / 'none')}, 422, 'no-such-folder'), ({'options': {}}, 422, 'no-watched-folder'),
            ({**entry, 'done': '/tmp'}, 403, 'not-opened'), ({**entry, 'options': {'crf': 'much'}}, 422, 'option-value'),
            ({**entry, 'setle': 1}, 422, 'folder-not-watched'), ({**entry, 'priority': 1000}, 422, 'folder-not-watched')):
        got, answer = service.ask('POST', '/api/v1/folders', wrong)
        assert (got, answer['code']) == (status, code), (wrong, answer)
    assert [f['added'] for f in service.ask('GET', '/api/v1/folders')[1]['folders']] == [False]
    status, answer = service.ask('POST', '/api/v1/folders', entry)
    assert status == 201 and [f['added'] for f in answer['folders']] == [False, True], answer
    assert service.ask('POST', '/api/v1/folders', entry)[1]['code'] == 'folder-watched'
    shutil.copy(kit.source('interlaced'), folder / 'one.mkv')
    job = jobs(service, 1)[0]
    assert job['options']['preset'] == 'clean' and service.wait(job['id'], 'done')

    port = service.port
    service.stop()
    service.start(port)
    shutil.copy(kit.source('progressive'), folder / 'two.mp4')
    jobs(service, 2)
    for path, status in ((tmp_path / 'in', 409), (tmp_path / 'none', 404), (folder, 200), (folder, 404)):
        assert service.ask('DELETE', '/api/v1/folders?path=' + urllib.parse.quote(str(path)))[0] == status, path
    shutil.copy(kit.source('vfr'), folder / 'three.mkv')
    quiet(service, 2)
    # What can't be watched now is told, and stays in the file when others come and go.
    service.stop()
    kept, wrong = service.state / 'folders.json', {'path': str(folder), 'setle': 1}
    kept.write_text(json.dumps({'watch': [wrong]}))
    service.start(port)
    assert service.ask('POST', '/api/v1/folders', entry)[0] == 201
    assert json.loads(kept.read_text())['watch'][1:] == [wrong] and 'is not watched' in service.log.read_text()
    assert service.ask('DELETE', '/api/v1/folders?path=' + urllib.parse.quote(str(folder)))[0] == 200
    assert json.loads(kept.read_text())['watch'] == [wrong]
    # What is damaged is told and moved aside, and the service starts.
    service.stop()
    (service.state / 'folders.json').write_text('{"watch": [{"path": 3}')
    service.start(port)
    assert len(service.ask('GET', '/api/v1/folders')[1]['folders']) == 1 and 'folders.json' in service.log.read_text()
    assert not kept.exists() and (service.state / 'folders.json.damaged').read_text() == '{"watch": [{"path": 3}'
