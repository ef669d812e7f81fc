"""What a terminal shows is text: nothing in a name or a tag breaks a line, turns its direction, or drives the terminal."""

import os
import re

import pytest

import clips

# A line break, ESC, CSI as one character, a mark that shows what follows from right to left, and what is no UTF-8.
NASTY = 'a\nerror: all lost\x1b[31m\u009b2J\u202egpj.exe\u2066'
BAD_BYTES = b'\xff\xfe'
# Line breaks of our own are all that may be there.
CONTROL = re.compile('[\x00-\x08\x0b-\x1f\x7f\u0080-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]')


@pytest.fixture(scope='module')
def nasty(program, tmp_path_factory):
    """A folder with a file of such a name and such tags, restored, and one whose work is kept."""
    where = tmp_path_factory.mktemp('nasty')
    source = os.fsdecode(os.fsencode(where / NASTY) + BAD_BYTES + b'.mkv')
    tags = [x for key in ('title', 'comment', f'k{NASTY}') for x in ('-metadata', f'{key}={NASTY}')]
    clips.ffmpeg('-i', clips.path('frames_1'), '-c', 'copy', *tags, '-metadata:s:v', f'title={NASTY}', where / 'plain.mkv')
    os.rename(where / 'plain.mkv', source)
    program('restore', source, '-o', where / 'out.mkv', '--preset', 'clean', '--resolution', 'source', '--keep-work', code=0)
    return where, source


@pytest.mark.parametrize('args', [
    ['probe', 'SOURCE'], ['plan', 'SOURCE'], ['plan', 'SOURCE', '--values'], ['-v', 'plan', 'SOURCE'], ['status', 'out.mkv'],
    ['clean', '.'], ['verify', 'out.mkv'], ['restore', 'SOURCE', '-o', 'out.mkv'], ['restore', 'SOURCE', '-o', 'new.mp4', '--preset',
    'clean', '--resolution', 'source', '--progress', 'plain'], ['restore', 'SOURCE', 'SOURCE', '-o', 'folder'], ['restore', 'SOURCE.no'],
    ['verify', 'SOURCE'], ['resume', 'SOURCE'], ['preview', 'SOURCE', '-o', 'frame.png', '--start', '9:00'], ['plan', NASTY],
    ['restore', '--preset', NASTY, 'SOURCE'], ['restore', '--' + NASTY, 'SOURCE'], ['plan', 'SOURCE', '--encoder', NASTY],
    ['presets', NASTY], [NASTY], ['restore', 'SOURCE', '-o', 'no' + NASTY + '/x.mp4'], ['segment', '--plan', 'SOURCE', '--index', '0'],
])
def test_text_alone(program, nasty, args):
    where, source = nasty
    args = [source + a[6:] if a.startswith('SOURCE') else a for a in args]
    result = program(*args, cwd=where, code=None)
    assert 0 <= result.code < 128, result
    for text in (result.out, result.err):
        assert not CONTROL.search(text), f'{CONTROL.search(text)} in {text!r}'
        assert not any(line.startswith('error: all lost') for line in text.splitlines()), text
