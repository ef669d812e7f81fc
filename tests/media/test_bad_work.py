"""Work folders, caches and reports that are garbled: made anew or refused, never believed."""

import json
import shutil

import pytest

import judge
from bad_kit import FAST, copy, folder  # noqa: F401

WORK = [*FAST, '--segment-length', 1]


@pytest.fixture
def half_done(program, folder):
    """A work folder as an interrupted run leaves it: everything done but the last segment and the joined file."""
    source = copy('steady', folder)
    out = folder / 'out.mp4'
    program.restore(source, out, *WORK, '--keep-work')
    whole = judge.sha256(out)
    for path in (out, judge.report_path(out)):
        path.unlink()
    work = judge.work_folder(out)
    segments = judge.segment_files(work)
    assert len(segments) >= 2
    journal = work / 'journal.jsonl'
    lines = journal.read_text().splitlines(keepends=True)
    segments[-1].unlink()
    journal.write_text(
        ''.join(line for line in lines if 'joined' not in line and json.loads(line).get('segment') != len(segments) - 1)
    )
    return source, out, work, whole


def test_goes_on(program, half_done):
    source, out, work, whole = half_done
    result = program.restore(source, out, *WORK, '--json')
    assert judge.sha256(out) == whole
    assert result.json()['files'][0]['segments_reused'] >= 1, result
    assert not work.exists()


def test_no_resume(program, half_done):
    source, out, work, whole = half_done
    before = judge.listing(work)
    result = program('restore', source, '-o', out, *WORK, '--no-resume', '-q', code=1)
    assert len(result.error_lines) == 1 and 'out.mp4' in result.err, result
    assert judge.listing(work) == before


def test_restart(program, half_done):
    source, out, work, whole = half_done
    result = program.restore(source, out, *WORK, '--restart', '--json')
    assert judge.sha256(out) == whole and result.json()['files'][0]['segments_reused'] == 0


def test_another_plan(program, half_done):
    """What differs is named; nothing is touched."""
    source, out, work, whole = half_done
    before = judge.listing(work)
    args = [a if a != '30' else '31' for a in WORK]
    result = program('restore', source, '-o', out, *args, '-q', code=1)
    assert len(result.error_lines) <= 2 and 'crf' in result.err, result
    assert judge.listing(work) == before
    program.restore(source, out, *args, '--restart')


@pytest.mark.parametrize('how', ['garbage', 'empty', 'number', 'frames', 'binary', 'missing', 'deep'])
def test_broken_plan(program, half_done, how):
    source, out, work, whole = half_done
    plan = work / 'plan.json'
    text = plan.read_text()
    if how == 'missing':
        plan.unlink()
    else:
        plan.write_bytes({'garbage': b'{"version": 1, "source', 'empty': b'', 'number': text.replace('"version": 1',
            '"version": 1e99', 1).encode(), 'frames': text.replace('"frames": 90', '"frames": 9000000000', 1).encode(),
            'binary': bytes(range(256)) * 50, 'deep': b'[' * 200000}[how])
        assert plan.read_text(errors='replace') != text
    result = program('restore', source, '-o', out, *WORK, '-q', code=(0, 1))
    if result.code:
        assert result.error_lines and 'plan.json' in result.error_lines[0] or 'out.mp4' in result.error_lines[0], result
        assert not out.exists()
        program.restore(source, out, *WORK, '--restart')
    assert judge.sha256(out) == whole


@pytest.mark.parametrize('how', ['garbage', 'half line', 'empty', 'missing', 'lies', 'doubled', 'binary'])
def test_broken_journal(program, half_done, how):
    """What the journal can't prove is done again: the result is the same, or one line says what is wrong."""
    source, out, work, whole = half_done
    journal = work / 'journal.jsonl'
    text = journal.read_bytes()
    if how == 'missing':
        journal.unlink()
    else:
        lies = text.replace(b'"frames":30', b'"frames":29').replace(b'"frames": 30', b'"frames": 29')
        journal.write_bytes({'garbage': b'what\n' + text, 'half line': text[:-20], 'empty': b'', 'lies': lies,
            'doubled': text + text, 'binary': bytes(range(256)) * 10 + text}[how])
    result = program('restore', source, '-o', out, *WORK, '-q', code=(0, 1))
    if result.code:
        assert len(result.error_lines) <= 2 and 'journal' in result.err, result
        program.restore(source, out, *WORK, '--restart')
    assert judge.sha256(out) == whole


@pytest.mark.parametrize('how', ['cut', 'flipped', 'empty', 'missing', 'swapped'])
def test_broken_segment(program, half_done, how):
    source, out, work, whole = half_done
    segments = judge.segment_files(work)
    data = segments[0].read_bytes()
    if how == 'missing':
        segments[0].unlink()
    elif how == 'swapped':
        segments[0].write_bytes(segments[-1].read_bytes() if len(segments) > 1 else b'NUT')
    else:
        flipped = bytearray(data)
        flipped[len(data) // 2] ^= 1
        segments[0].write_bytes({'cut': data[:-100], 'flipped': bytes(flipped), 'empty': b''}[how])
    program.restore(source, out, *WORK)
    assert judge.sha256(out) == whole


def test_broken_index_in_the_work_folder(program, half_done):
    source, out, work, whole = half_done
    index = work / 'index.bin'
    if index.exists():
        data = bytearray(index.read_bytes())
        data[len(data) // 2] ^= 255
        index.write_bytes(data)
    result = program('restore', source, '-o', out, *WORK, '-q', code=(0, 1))
    if result.code:
        assert len(result.error_lines) <= 2, result
        program.restore(source, out, *WORK, '--restart')
    assert judge.sha256(out) == whole


def test_broken_cache(program, folder, tmp_path):
    """An index in the cache that is garbled is made anew."""
    cache = tmp_path / 'cache'
    source = copy('h264', folder)
    env = {'XDG_CACHE_HOME': str(cache)}
    first = program('plan', source, '--json', env=env, code=0).out
    files = [p for p in cache.rglob('*') if p.is_file()]
    for path in files:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 255
        path.write_bytes(data)
    assert program('plan', source, '--json', env=env, code=0).out == first
    for path in files:
        path.write_bytes(b'short')
    assert program('plan', source, '--json', env=env, code=0).out == first


def test_cache_can_not_be_written(program, folder):
    source = copy('frames_1', folder)
    program('restore', source, '-o', folder / 'out.mp4', *FAST, env={'XDG_CACHE_HOME': '/proc/none'}, code=0)


def test_work_folder_elsewhere(program, folder, tmp_path):
    source = copy('steady', folder)
    scratch = tmp_path / 'scratch'
    scratch.mkdir()
    out = folder / 'out.mp4'
    program.restore(source, out, *WORK, '--work-dir', scratch, '--keep-work')
    assert set(judge.listing(folder)) == {source.name, 'out.mp4', 'out.mp4.json'}
    assert len(list(scratch.iterdir())) == 1
    shutil.rmtree(scratch)
    result = program('restore', source, '-o', folder / 'other.mp4', *WORK, '--work-dir', scratch / 'none' / 'such',
        '-q', code=(0, 1))
    assert result.code == 0 or len(result.error_lines) == 1


# verify


def test_verify(program, folder):
    source = copy('h264', folder)
    out = folder / 'out.mp4'
    program.restore(source, out, *FAST)
    program('verify', out, code=0)
    data = bytearray(out.read_bytes())
    data[len(data) * 2 // 3] ^= 8
    out.write_bytes(data)
    result = program('verify', out, '-q', code=1)
    assert len(result.error_lines) >= 1 and 'out.mp4' in result.err, result
    out.write_bytes(data[: len(data) // 2])
    result = program('verify', out, '-q', code=1)
    assert 'out.mp4' in result.err
    out.unlink()
    result = program('verify', out, '-q', code=1)
    assert len(result.error_lines) == 1 and 'out.mp4' in result.err


@pytest.mark.parametrize('text', [b'', b'{', b'{}', b'[]', bytes(range(256))])
def test_verify_with_a_broken_report(program, folder, text):
    source = copy('frames_3', folder)
    out = folder / 'out.mp4'
    program.restore(source, out, *FAST)
    judge.report_path(out).write_bytes(text)
    result = program('verify', out, '-q', code=1)
    assert len(result.error_lines) >= 1 and 'out.mp4.json' in result.err, result
