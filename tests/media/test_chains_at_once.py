"""How many chains a run has at once: one more than encoders, unless that takes much memory; the result is the same."""

import re

import pytest

import judge

RUN = ['--preset', 'vhs', '--quality', 'fast', '--range', '0f-48f', '--segment-length', 0.4, '--preset-speed', 'ultrafast', '--jobs', 1, '--progress', 'none', '-vv']


@pytest.fixture(scope='module')
def tape(program, tmp_path_factory):
    path = tmp_path_factory.mktemp('chains') / 'tape.avi'
    program('simulate', '-o', path, '--frames', 48, code=0)
    return path


@pytest.mark.parametrize('resolution, chains', [('480', 2), ('2160', 1)])
def test_chains(program, tape, tmp_path, resolution, chains):
    """With one, a segment's source is opened once the chain before has given its last picture: never two segments further."""
    done = program('restore', tape, '-o', tmp_path / 'a.mkv', *RUN, '--resolution', resolution, code=0, timeout=300)
    assert f'at once: 1, chains: {chains}' in done.err, done.err
    begun = finished = 0
    for line in done.err.splitlines():
        begun += bool(re.match(r'\[segment \d+\] .*: opened', line))
        finished += bool(re.match(r'\[restore\] seg-\d+: ', line))
        assert begun - finished <= 2, done.err
    assert begun == finished >= 3, done.err
    assert judge.report(tmp_path / 'a.mkv')['plan']['video']['frames'] == 96
