"""The library as other programs have it: what it needs, and that it says nothing by itself."""

import os
import re
import subprocess
from pathlib import Path

import pytest

import clips
import judge

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def example():
    path = judge.find_program()[0].parent / 'examples/example_restore'
    if not os.access(path, os.X_OK):
        pytest.skip(f'{path} is not built yet')

    def run(*args):
        return subprocess.run([path, *map(str, args)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300,
                              env={**os.environ, 'HOME': str(args[-1].parent), 'XDG_CACHE_HOME': ''})
    return run


@pytest.fixture(scope='module')
def damaged(tmp_path_factory):
    """A file about whose pictures libav has much to say."""
    path = tmp_path_factory.mktemp('library') / 'tape.avi'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc=s=96x64:r=25:d=1.2', '-f', 'lavfi', '-i', 'sine=d=1.2', '-c:v', 'mpeg4', '-q:v', 2, '-c:a', 'mp3', *clips.BITEXACT, path)
    data = bytearray(path.read_bytes())
    for at in range(len(data) // 4, len(data) * 3 // 4, 997):
        data[at:at + 8] = b'\x55\xaa' * 4
    path.write_bytes(data)
    decoded = subprocess.run(['ffmpeg', '-v', 'error', '-i', path, '-f', 'null', '-'], stderr=subprocess.PIPE, text=True, timeout=60)
    assert decoded.stderr, 'libav has nothing to say'
    return path


def test_example_says_what_it_prints(example, damaged, tmp_path):
    """Its progress and the problems that it shows: no line of libav, no message of the library that it did not ask for."""
    done = example(damaged, tmp_path / 'out.mp4')
    assert done.returncode in (0, 3), done.stderr
    lines = [line for line in re.split(r'[\r\n]+', done.stderr) if line]
    shown = r'\S+ +[\d.]+%  \d+/\d+ frames|(warning|loss|error) \(|name the|look at|without '
    assert [line for line in lines if not re.match(shown, line)] == [], done.stderr
    refused = example(tmp_path / 'none.avi', tmp_path / 'out.mp4')
    assert refused.returncode == 1 and re.fullmatch(r'\s*index[^\n]*\nerror \(not-found\): [^\n]*\n([^\n]+\n)?', refused.stderr), refused.stderr


def test_words_of_decoders_are_in_the_log(program, damaged, tmp_path):
    """Its errors with -vv, as the component that says them; without it none."""
    quick = ['--preset', 'clean', '--quality', 'fast', '--preset-speed', 'ultrafast', '--resolution', 'source', '--progress', 'none', '-y']
    quiet, loud = (program('restore', damaged, '-o', tmp_path / 'out.mp4', *quick, *v, code=(0, 3)) for v in ([], ['-vv']))
    assert not re.search(r'\[\w+ @ ', quiet.err)
    said = [line for line in loud.err.splitlines() if re.search(r'\[?\w+ @ 0x', line)]
    assert said and all(line.startswith('[libav] ') for line in said), loud.err


def test_environment_is_asked_in_two_places():
    """The program, and what an option of the recipe says by default: nothing else depends on what the environment happens to hold."""
    asking = {path.relative_to(ROOT / 'src').parts[0] for path in (ROOT / 'src').rglob('*.[ch]')
              if re.search(r'\b(secure_)?getenv\s*\(|\benviron\b', re.sub(r'//[^\n]*', '', path.read_text()))}
    assert asking == {'cli', 'recipe'}
