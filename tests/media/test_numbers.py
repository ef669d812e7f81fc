"""Hostile numbers in headers, options and journals: computed with only after a look. Worth most under the sanitizers."""

import hashlib
import json

import pytest

import judge

RATES = ['1000000000:1', '1:2147483647', '0:1']
ASPECTS = ['2147483647:1', '1:2147483647', '0:0']


def y4m(path, rate, aspect, frames=3, width=32, height=16):
    head = f'YUV4MPEG2 W{width} H{height} F{rate} A{aspect} Ip C420jpeg\n'.encode()
    path.write_bytes(head + (b'FRAME\n' + bytes(width * height * 3 // 2)) * frames)
    return path


@pytest.mark.sanitizer
@pytest.mark.parametrize('rate', RATES)
def test_headers(program, tmp_path, rate):
    for number, aspect in enumerate(ASPECTS):
        source = y4m(tmp_path / f'{number}.y4m', rate, aspect)
        for args in (['probe', source], ['plan', source], ['preview', source, '-o', tmp_path / f'{number}.png']):
            result = program(*args)
            assert 'runtime error' not in result.err and result.code in (0, 1, 3), result


@pytest.mark.sanitizer
@pytest.mark.parametrize('option, values', [('aspect', ['1:2147483647', '2147483647:1', '1e300', 'nan']),
    ('range', ['0-1e300', '-1f', '9223372036854775807f']), ('segment-length', ['1e300', '1e-300', 'nan']),
    ('max-temp-size', ['9223372036854775807', '99999999999T']), ('memory', ['9223372036854775807G'])])
def test_options(program, tmp_path, option, values):
    source = y4m(tmp_path / 'x.y4m', '25:1', '1:1', 50)
    for value in values:
        result = program('plan', source, f'--{option}={value}')
        assert 'runtime error' not in result.err and result.code in (0, 1, 2, 3), result


@pytest.mark.sanitizer
@pytest.mark.parametrize('count', ['concealed', 'damaged', 'frames', 'delay'])
def test_journals(program, tmp_path, count):
    """Counts whose sums would not fit: the task is made again, and the report has what is so."""
    source, out = y4m(tmp_path / 'x.y4m', '25:1', '1:1', 100), tmp_path / 'v.mkv'
    args = ['--encoder', 'ffv1', '--resolution', 'source', '--segment-length', 1]
    program.restore(source, out, *args, '--keep-work')
    whole, work = judge.sha256(out), judge.work_folder(out)
    for path in (out, judge.report_path(out)):
        path.unlink()
    lines = []
    for line in (work / 'journal.jsonl').read_text().splitlines():
        entry = json.loads(line)['entry']
        if 'joined_sha256' in entry or 'joining' in entry or 'keep_work' in entry:
            continue
        if 'counts' in entry:
            entry['counts'][count] = 2 ** 62
        text = json.dumps(entry, separators=(',', ':'), ensure_ascii=False)
        lines.append(f'{{"entry":{text},"sha256":"{hashlib.sha256(text.encode()).hexdigest()}"}}\n')
    (work / 'journal.jsonl').write_text(''.join(lines))
    for args_of in (['status', out], ['clean', work]):
        assert 'runtime error' not in program(*args_of).err
    result = program.restore(source, out, *args)
    assert 'runtime error' not in result.err and judge.sha256(out) == whole, result
    assert judge.report(out)['result'][count if count in ('concealed', 'damaged', 'frames') else 'frames'] < 1000
