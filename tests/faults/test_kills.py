"""Stopped at any moment and gone on with: the same bytes, and no more lost than what was in flight."""

import pytest

import kit

# Each source, encoder and container, few times here; the full counts with TA_TEST_LONG.
FEW = [
    ('progressive', 'h264', 'mp4'),
    ('interlaced', 'h264', 'mkv'),
    ('vfr', 'h264', 'mp4'),
    ('telecine', 'h264', 'mp4'),
    ('progressive', 'hevc', 'mp4'),
    ('vfr', 'av1', 'mkv'),
    ('interlaced', 'ffv1', 'mkv'),
    ('telecine', 'ffv1', 'mkv'),
]


@pytest.fixture(scope='module')
def shared(tmp_path_factory):
    """A folder of its own for all of them, so that undisturbed runs are made once."""
    return tmp_path_factory.mktemp('kills')


def check(program, folder, case, how, seed):
    found = kit.stop_and_go_on(program, folder, case, how, seed)
    assert found.identical, f'{case} {how} {seed}'


@pytest.mark.parametrize('number', range(10))
def test_killed(program, shared, number):
    check(program, shared, FEW[number % len(FEW)], 'KILL', number)


@pytest.mark.parametrize('how', [s for s in kit.SIGNALS if s != 'KILL'])
def test_stopped(program, shared, how):
    check(program, shared, FEW[0], how, 1)


@pytest.mark.long
@pytest.mark.parametrize('number', range(10))
@pytest.mark.parametrize('case', kit.CASES, ids='-'.join)
def test_killed_often(program, shared, case, number):
    check(program, shared, case, 'KILL', 1000 + number)


@pytest.mark.long
@pytest.mark.parametrize('how', [s for s in kit.SIGNALS if s != 'KILL'])
@pytest.mark.parametrize('case', kit.CASES, ids='-'.join)
def test_stopped_often(program, shared, case, how):
    check(program, shared, case, how, 2)


@pytest.mark.long
@pytest.mark.parametrize('seed', range(10))
def test_killed_again_and_again(program, shared, seed):
    """A run that is killed each time it is started gets there all the same."""
    case = FEW[seed % len(FEW)]
    name, encoder, suffix = case
    whole, seconds = kit.uninterrupted(program, *case, shared)
    out = shared / f'again-{seed}.{suffix}'
    chance = kit.random.Random(seed)
    for _ in range(40):
        running = program.start('restore', kit.source(name), '-o', out, *kit.options(name, encoder), '--progress', 'none',
            start_new_session=True)
        caught = kit.runs_on(running, chance.uniform(0.3, 1.2) * seconds)
        kit.end(running, 'KILL')
        if not caught:
            break
    if not kit.judge.report_path(out).exists() or kit.judge.work_folder(out).exists():
        program.restore(kit.source(name), out, *kit.options(name, encoder))
    assert kit.judge.sha256(out) == whole
