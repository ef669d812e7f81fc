"""Completion as people have it: the scripts in the shells that they are for, asked by a key or by the shell's own question."""

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import termios
import time

import pytest

# What is typed; names that are offered, all of them or some; a text that stands beside one of them.
CASES = [
    ('rest', {'restore'}, None),
    ('--log-level info per', {'perf'}, None),
    ('restore --denoise ', {'off', 'recursive', 'hqdn3d', 'nlmeans', 'motion'}, ('nlmeans', 'similar patches')),
    ('restore --colour-lut ', {'none', 'vhs_restore', 'warm_vintage', 'cool_modern', 'own.cube'}, ('warm_vintage', 'old film')),
    ('restore --preset vhs_h', {'vhs_heavy'}, None),
    ('restore --preset dvd', {'dvd', 'dvd_interlaced', 'dvd_progressive'}, ('dvd_interlaced', 'fields to full frames')),
    ('compare --presets dvd,vhs_', {'vhs_clean', 'vhs_heavy', 'vhs_standard'}, ('vhs_heavy', 'worn')),
    ('restore --encoder h', {'h264', 'hevc'}, ('h264', 'plays everywhere')),
    ('restore --aspect ', {'auto', '4:3', '16:9'}, ('16:9', 'wide')),
    ('restore --segment-l', {'--segment-length'}, None),
    ('presets broadcast_', {'broadcast_1080i'}, None),
    ('models ', {'list', 'show', 'fetch', 'verify', 'remove'}, ('verify', 'checksums')),
    ('models fetch espcn', {'espcn-x2'}, None),
    ('jobs resume --over', set(), None),  # which the command "resume" has
    ('jobs pause ', set(), None),
    ('jobs --state done,fa', {'failed'}, None),
    ('perf met', {'metrics'}, None),
    ('perf metrics --exp', {'--export'}, None),
    ('completion ', {'bash', 'zsh', 'fish'}, None),
    ('help pres', {'presets'}, None),
    ('doctor ', set(), None),
]


@pytest.fixture(scope='module')
def folder(program, tmp_path_factory):
    if 'Not in this build' in program('jobs', '-h', code=0).out:
        pytest.skip('built without the service')
    place = tmp_path_factory.mktemp('shells')
    (place / 'own.cube').write_text('')
    return place


@pytest.fixture(scope='module')
def script(program, tmp_path_factory):
    """The folder of a shell's script, by what it must be called there."""

    def make(shell, name):
        if not shutil.which(shell):
            pytest.skip(f'{shell} is not installed')
        place = tmp_path_factory.mktemp(shell)
        (place / name).write_text(program('completion', shell, code=0).out)
        return place

    return make


def same(name, word):
    """A list is completed as a whole (a,b), and what takes a value may say so by what stands behind it."""
    return word.rstrip(', =').split(',')[-1] == name


def judge_offer(offered, names, text):
    """`offered`: {word: text beside it}, texts as far as they fit."""
    missing = [n for n in names if not any(same(n, word) for word in offered)]
    more = [word for word in offered if word != '-' and not any(same(n, word) for n in names)]  # "-": there are options
    assert not missing and not more, offered
    if text:
        assert text[1] in next(said for word, said in offered.items() if same(text[0], word)), offered


# ---- fish ----


@pytest.fixture(scope='module')
def fish(program, folder, script):
    place = script('fish', 'terminalai.fish')

    def ask(line):
        done = subprocess.run(['fish', '--no-config', '-c', f'source {place}/terminalai.fish; complete -C $argv[1]', f'terminalai {line}'], cwd=folder,
            env={**program.env, 'HOME': str(folder)}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        assert not done.stderr and not done.returncode, done.stderr
        return dict((row.split('\t') + [''])[:2] for row in done.stdout.splitlines())

    return ask


@pytest.mark.parametrize('line, names, text', CASES, ids=[c[0] for c in CASES])
def test_fish(fish, line, names, text):
    judge_offer(fish(line), names, text)


def test_fish_takes_the_whole_script(fish):
    """No line of it is an error, and each command is offered with what it does."""
    offered = fish('')
    assert len(offered) > 20 and all(len(said.split()) > 1 for said in offered.values()), offered


# ---- zsh ----


class Zsh:
    """One that waits for keys, on a terminal of many lines."""

    def __init__(self, env, folder, place):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 300, 200, 0, 0))
        self.running = subprocess.Popen(['zsh', '-f', '-i'], stdin=slave, stdout=slave, stderr=slave, cwd=folder, start_new_session=True,
            env={**env, 'TERM': 'dumb', 'HOME': str(folder)})
        os.close(slave)
        # ^T tells the line as it is then; what it shows is behind all that completion shows.
        self.send(f'PS1= ; fpath=({place} $fpath); autoload -Uz compinit; compinit -u -D; LISTMAX=10000; unsetopt beep; '
            "tell() { zle -M \"<<<$BUFFER>>>\" }; zle -N tell; bindkey '^T' tell; bindkey '^U' kill-whole-line; print REA''DY\n")
        self.until('READY')

    def send(self, keys):
        os.write(self.master, keys.encode())

    def until(self, mark, seconds=100):
        told, end = '', time.monotonic() + seconds
        while not re.search(mark, told):
            assert time.monotonic() < end, told
            if select.select([self.master], [], [], 1)[0]:
                told += os.read(self.master, 1 << 16).decode(errors='replace')
        return told.replace('\r', '')

    def ask(self, line):
        self.send(f'terminalai {line}\t\x14')
        told = self.until('>>>')
        self.send('\x15')
        now = re.search('<<<terminalai (.*)>>>', told, re.S)[1]
        offered = {}
        for row in told.split('<<<')[0].splitlines():
            described = re.match(r'(\S+) +-- (.*?) *$', row)
            if described:
                offered[described[1]] = described[2]
            elif re.match('[a-z0-9-]', row) and not row.startswith('terminalai'):
                offered |= {word: '' for word in row.split()}
        # One alone is not listed: it is in the line.
        return offered if offered or now == line else {now.split()[-1]: ''}

    def end(self):
        self.running.kill()
        self.running.wait()
        os.close(self.master)


@pytest.fixture(scope='module')
def zsh(program, folder, script):
    shell = Zsh(program.env, folder, script('zsh', '_terminalai'))
    yield shell
    shell.end()


@pytest.mark.parametrize('line, names, text', CASES, ids=[c[0] for c in CASES])
def test_zsh(zsh, line, names, text):
    judge_offer(zsh.ask(line), names, text)
