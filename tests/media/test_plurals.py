"""One is one: no message says "1 frames"."""

import re

import clips

FAST = ['--preset', 'clean', '--resolution', 'source', '--preset-speed', 'ultrafast', '--progress', 'plain', '-v']
# Words that are written so for one as well: "1 is", "1 channels=2".
ODD = re.compile(r'(?<![\w.:/-])1 ([a-z]+s)\b(?! of\b)')
FINE = {'is', 'was', 'has', 'frames/s', 's'}


def many_of_one(text):
    return [m.group(0) for m in ODD.finditer(text) if m.group(1) not in FINE]


def test_the_test_can_fail():
    assert many_of_one('out.mp4: 1 frames, in 1 segments; 1 frame, 21 frames, 0.1 frames') == ['1 frames', '1 segments']


def test_one_frame(program, tmp_path):
    source, out, plan = clips.path('frames_1'), tmp_path / 'out.mp4', tmp_path / 'plan.json'
    said = {}
    for name, args in {
        'plan': ['plan', source],
        'restore': ['restore', source, '-o', out, *FAST, '--keep-work'],
        'status finished': ['status', out],
        'verify': ['verify', out],
        'clean': ['clean', tmp_path],
        'preview': ['preview', source, '-o', tmp_path / 'p.mp4'],
        'range': ['restore', source, '-o', tmp_path / 'q.mp4', '--range', '50f-60f'],
    }.items():
        done = program(*args)
        said[name] = done.out + done.err
    out.unlink()
    said['status'] = program('status', out, code=0).out
    plan.write_text(program('plan', source, '-o', tmp_path / 'r.mp4', '--json', code=0).out)
    for name, args in {
        'join too early': ['join', '--plan', plan],
        'list': ['task', '--plan', plan, '--list'],
        'segment': ['segment', '--plan', plan, '--index', 0],
        'segment again': ['segment', '--plan', plan, '--index', 0],
        'join': ['join', '--plan', plan],
        'simulate': ['simulate', '-o', tmp_path / 's.avi', '--frames', 1],
    }.items():
        done = program(*args)
        said[name] = done.out + done.err
    assert '1 frame' in said['restore'] and '1 frame' in said['segment'], said
    for name, text in said.items():
        assert not many_of_one(text), f'{name}: {many_of_one(text)} in\n{text}'
