"""What the configuration file says to the service."""

import shutil
import subprocess

import kit
import pytest


def test_options_of_serve(serve, tmp_path):
    """The group "serve" sets what the command line does not; what stands beside it is for the jobs."""
    config = tmp_path / 'house.yaml'
    (tmp_path / 'more').mkdir()
    config.write_text(f'serve:\n  workers: 3\n  root: [{tmp_path}/files, {tmp_path}/more]\n  listen: 127.0.0.1:1\n'
                      'encoder: ffv1\nframemd5: off\n')
    service = serve('--config', config, roots=False)
    assert '3 jobs at once' in service.log.read_text()
    assert service.ask('GET', '/api/v1/system')[1]['roots'] == [str(service.files), str(tmp_path / 'more')]
    shutil.copy(kit.source('interlaced'), service.files / 'tape.mkv')
    out = service.files / 'out.mkv'
    job = service.wait(service.submit('tape.mkv', output=str(out)), 'done', 'failed')
    assert job['state'] == 'done', job
    codec = subprocess.run(['ffprobe', '-v', 'error', '-select_streams', 'v', '-show_entries', 'stream=codec_name',
        '-of', 'csv=p=0', out], capture_output=True, text=True, check=True).stdout.strip()
    assert codec == 'ffv1'


@pytest.mark.parametrize('text, words', [
    ('serve:\n  wrokers: 3\n', ':2: unknown option "wrokers"; did you mean "workers"?'),
    ('serve:\n  workers: many\n', ':2: "many" for workers'),
    ('serve:\n  workers: [1, 2]\n', ':2: workers must be one value'),
    ('serve: 5\n', 'serve'),
    ('serve: [a]\n', ':1: serve must be a group'),
    ('serve:\n  config: x.yaml\n', 'named on the command line alone'),
    ('crf: 99\n', ':1: '),
    ('- serve\n', ':1: a configuration is a list'),
])
def test_settings_that_are_refused(program, tmp_path, text, words):
    config = tmp_path / 'bad.yaml'
    config.write_text(text)
    got = subprocess.run([program.path, 'serve', '--state', tmp_path / 'state', '--listen', 'none', '--config', config],
        capture_output=True, text=True, timeout=30, check=False)
    assert got.returncode == 2 and words in got.stderr, got.stderr
    assert not (tmp_path / 'state' / 'jobs.db').exists()


def test_other_commands_leave_the_group_alone(program, tmp_path):
    config = tmp_path / 'house.yaml'
    config.write_text('serve:\n  workers: 3\ncrf: 25\n')
    got = subprocess.run([program.path, 'plan', kit.source('interlaced'), '--config', config, '--values'],
        capture_output=True, text=True, timeout=60, check=False)
    assert got.returncode == 0 and 'house.yaml:3' in got.stdout, got.stdout + got.stderr
