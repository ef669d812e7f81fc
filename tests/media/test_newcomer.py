"""README as somebody reads it who has never seen the program: each command that it shows is run, on a sample tape."""

import re
import shlex
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / 'README.md'


def commands(section):
    """The commands that a section of README shows, in order."""
    text = README.read_text().split(f'## {section}\n', 1)[1].split('\n## ', 1)[0]
    return [line.split('#')[0].strip() for line in re.findall(r'^    (terminalai .*)$', text, re.M)]


@pytest.fixture(scope='module')
def place(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp('newcomer')
    program('simulate', '-o', folder / 'tape.avi', '--frames', 30, code=0)
    return folder


def run(program, place, command, *more, code=0, **kw):
    return program(*shlex.split(command)[1:], *more, code=code, cwd=place, **kw)


FAST = ['--quality', 'fast', '--preset-speed', 'ultrafast']


def test_first_restoration(program, place):
    """In the order given; what the text promises is there."""
    shown = commands('Your first restoration')
    assert [c.split()[1] for c in shown[:3]] == ['doctor', 'plan', 'restore'], shown
    assert re.search(r'\bok\b', run(program, place, shown[0], code=(0, 1)).out)
    planned = run(program, place, shown[1]).out
    assert [line.split()[0] for line in planned.splitlines()[:3]] == ['size', 'disk', 'time'] and 'deinterlace' in planned
    assert [p.name for p in place.iterdir()] == ['tape.avi'], 'nothing is made'
    run(program, place, shown[2])
    assert (place / 'tape.restored.mp4').exists()
    assert 'already done' in run(program, place, shown[2]).err
    verify = next(c for c in shown if c.split()[1] == 'verify')
    assert 'good' in run(program, place, verify).err
    for path in place.glob('tape.restored*'):
        path.unlink()
    keep = next(c for c in shown if '--keep-work' in c)
    run(program, place, keep, *FAST)
    resume = next(c for c in shown if c.split()[1] == 'resume')
    assert 'already done' in run(program, place, resume).err
    redo = next(c for c in shown if '--redo' in c)
    run(program, place, redo.replace('12:30-12:48', '0-1'))
    clean = next(c for c in shown if c.split()[1] == 'clean')
    assert 'removed' in run(program, place, clean).out and not list(place.glob('*.terminalai'))


def test_all_options_of_readme_are_known(program):
    """No option is shown that the command does not have."""
    for line in re.findall(r'^    (terminalai .*)$', README.read_text(), re.M):
        words = shlex.split(line.split('#')[0])
        help_ = program(words[1], '--help', code=0).out + program('restore', '--help', code=0).out
        for word in words[2:]:
            if word.startswith('--'):
                assert re.search(rf'(^|\s){re.escape(word)}\b', help_), line


def test_first_page_of_help(program):
    """Every command that it lists has help, and its first steps are real ones."""
    page = program('help', code=0).out
    listed = re.findall(r'^  ([a-z]+)  +\S', page.split('Commands:')[1].split('First steps:')[0], re.M)
    assert len(listed) >= 15
    for name in listed:
        assert program(name, '-h', code=0).out.startswith(f'Usage: terminalai {name}')
    for step in re.findall(r'^  terminalai (\S+)', page.split('First steps:')[1], re.M):
        assert step in listed
