"""How the program looks to people: colours, width, progress, sizes that fit."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

import pytest

import clips
import judge

FAST = ['--preset', 'clean', '--resolution', 'source', '--quality', 'fast', '--preset-speed', 'ultrafast', '--crf', '30']
LONG = 'a-name-that-is-long-enough-to-need-more-than-a-line-of-a-narrow-terminal.mp4'


def on_terminal(program, *args, columns=60, **env):
    """What a terminal of so many columns gets on standard error."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
    running = subprocess.Popen(program.command(*args), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave,
        env={**program.env, 'TERM': 'xterm', **env})
    os.close(slave)
    data = b''
    try:
        while chunk := os.read(master, 4096):
            data += chunk
    except OSError:  # how a pty says that it ends
        pass
    os.close(master)
    running.wait(30)
    return data.decode().replace('\r\n', '\n')


@pytest.mark.parametrize('env, coloured', [({}, True), ({'NO_COLOR': '1'}, False), ({'NO_COLOR': ''}, True), ({'TERM': 'dumb'}, False),
    ({'TERM': ''}, False)])
def test_colours(program, tmp_path, env, coloured):
    said = on_terminal(program, 'restore', tmp_path / 'none.avi', **env)
    assert ('\x1b[1;31merror:\x1b[0m' in said) == coloured and ('\x1b[1;' in said) == coloured, said
    assert '\x1b' not in said or env.get('TERM') is None, said
    assert 'error:' in re.sub(r'\x1b\[[0-9;]*m', '', said)
    assert '\x1b' not in program('restore', tmp_path / 'none.avi', env=env).err


@pytest.mark.parametrize('term', ['xterm', 'dumb'])
def test_long_lines_break_at_words(program, tmp_path, term):
    message = program('restore', clips.path('frames_2'), '-o', '-', '--encoder', 'h264', *FAST, code=2).err.splitlines()[0]
    assert len(message) > 60
    said = on_terminal(program, 'restore', clips.path('frames_2'), '-o', '-', '--encoder', 'h264', *FAST, TERM=term)
    lines = re.sub(r'\x1b\[[0-9;]*[mK]|\r', '', said).splitlines()
    assert all(len(line) < 60 for line in lines) and len(lines) > 1, said
    assert ' '.join(' '.join(lines).split()).replace('index 0.0%', '').strip().startswith(message), said


def test_a_long_word_stays_whole(program, tmp_path):
    """A name can still be copied."""
    said = on_terminal(program, 'restore', tmp_path / LONG, columns=50)
    assert LONG in said


def test_plain_progress_ends_what_it_begins(program, tmp_path):
    """A phase that was told of comes to its end; one that is over at once says nothing."""
    told = program.restore(clips.path('frames_3'), tmp_path / 'short.mp4', *FAST, '--progress', 'plain').err.splitlines()
    assert [line.split()[0] for line in told[:-1]] == ['size', 'disk', 'time'] and 'short.mp4' in told[-1], told
    tape = tmp_path / 'tape.avi'
    program('simulate', '-o', tape, '--frames', 200, code=0)
    # Long enough for a line or two.
    told = program.restore(tape, tmp_path / 'long.mp4', '--preset-speed', 'slower', '--denoise', 'nlmeans', '--resolution', 'source',
        '--range', '0-24f', '--progress', 'plain').err.splitlines()
    lines = [line for line in told[:-1] if '%' in line]
    assert lines, told
    for phase in {line.split()[0] for line in lines}:
        last = [line for line in lines if line.split()[0] == phase][-1]
        assert '100.0%' in last, told


def test_short_times(program, tmp_path):
    told = program.restore(clips.path('frames_3'), tmp_path / 'out.mp4', *FAST).err
    assert '0:00 of video' not in told and re.search(r'0\.1 s of video', told), told


@pytest.mark.parametrize('layout', ['side', 'stack', 'split'])
def test_preview_fits_a_screen(program, tmp_path, layout):
    tape, shown = tmp_path / 'tape.avi', tmp_path / 'shown.mkv'
    program('simulate', '-o', tape, '--frames', 30, code=0)
    program('preview', tape, '-o', shown, '--layout', layout, '--duration', 0.1, '--quality', 'fast', '--preset-speed', 'ultrafast', code=0)
    video, = judge.streams(shown, 'video')
    assert video['width'] <= 1920 and video['height'] <= 1080, video
    assert video['width'] > 1200 or video['height'] > 900, video  # and uses it
    program('preview', tape, '-o', shown, '--layout', layout, '--duration', 0.1, '--quality', 'fast', '--preset-speed', 'ultrafast',
        '--resolution', 720, '--overwrite', code=0)
    video, = judge.streams(shown, 'video')
    assert video['width'] == {'side': 960 * 2 + 8, 'stack': 960, 'split': 960}[layout], video
