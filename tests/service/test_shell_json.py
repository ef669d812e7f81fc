"""What submit and jobs print with --json: what docs/api.md says of a job, and an object also where they fail."""

import json
import re
from pathlib import Path

import clips

API = (Path(__file__).resolve().parents[2] / 'docs' / 'api.md').read_text()


def named(section):
    return set(re.findall(r'`([a-z_]+)`', API.split(f'## {section}\n', 1)[1].split('\n## ', 1)[0]))


def test_members_of_a_job(serve):
    service = serve()
    (service.files / 'tape.mkv').write_bytes(clips.path('frames_2').read_bytes())
    assert json.loads(service.shell('jobs', 'pause', '--json').stdout)['paused'] is True
    made = service.shell('submit', service.files / 'tape.mkv', '--preset', 'clean', '--batch-name', 'shelf', '--json')
    assert made.returncode == 0, made
    job, = json.loads(made.stdout)['jobs']
    assert set(job) <= named('A job'), set(job) - named('A job')
    assert (job['state'], job['batch'], job['options']) == ('queued', 'shelf', {'preset': 'clean'})
    listed = json.loads(service.shell('jobs', '--json').stdout)
    assert set(listed) == {'jobs', 'next', 'paused', 'event'} and listed['paused'] is True and listed['jobs'] == [job]
    shown = json.loads(service.shell('jobs', 'show', job['id'], '--json').stdout)
    assert {k: shown[k] for k in job} == job and [c['state'] for c in shown['changes']] == ['queued'] and set(shown) == {*job, 'changes'}
    changed, = json.loads(service.shell('jobs', 'priority', job['id'], '--priority', 7, '--json').stdout)
    assert changed['priority'] == 7 and set(changed) == set(job)
    assert json.loads(service.shell('jobs', 'cancel', job['id'], '--json').stdout)[0]['state'] == 'cancelled'
    assert json.loads(service.shell('jobs', 'clear', '--json').stdout) == {'removed': 1}


def test_jobs_that_are_not_there(serve):
    service = serve()
    for action in ('cancel', 'remove', 'retry'):
        done = service.shell('jobs', action, 41, 42, '--json')
        said = json.loads(done.stdout)
        assert done.returncode == 1 and [(o['id'], o['status'], o['code']) for o in said] == [(41, 'failed', 'not-found'), (42, 'failed', 'not-found')], done
        assert all(str(o['id']) in o['message'] and len(o['problems']) == 1 for o in said), said
    done = service.shell('jobs', 'show', 41, '--json')
    assert done.returncode == 1 and json.loads(done.stdout)['code'] == 'not-found', done
    done = service.shell('submit', service.files / 'none.mkv', '--json')
    assert json.loads(done.stdout)['status'] == 'failed' and done.returncode == 2, done
