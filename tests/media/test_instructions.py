"""How many instructions the program's own code takes for a fixed piece of work: the same on every machine with the same
--cpu-mask, so that a path that has become dearer is seen where clocks see nothing."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import judge

WIDTH, HEIGHT, FRAMES = 160, 96, 6
# Millions of instructions of the program alone, without libraries (which choose by the machine): as counted with this compiler, -O2.
# A change that is meant changes the number here, and says so in its commit.
COMPILER = 'gcc 12'
PATHS = {
    'bwdif, recursive, spline36; no SIMD': (['--deinterlace', 'bwdif', '--denoise', 'recursive', '--resolution', '240x144', '--scale-kernel', 'spline36',
        '--cpu-mask', 'none'], 175.5),
    'motion, hqdn3d; SSE2': (['--deinterlace', 'motion', '--denoise', 'hqdn3d', '--resolution', 'source', '--cpu-mask', 'sse2'], 219.7),
}
MORE, LESS = 1.10, 0.80  # so much less is a gain, to be kept by a new number here


def make_film(path):
    """Interlaced, with an edge that moves by three columns a field over texture."""
    with open(path, 'wb') as f:
        f.write(b'YUV4MPEG2 W%d H%d F30000:1001 It A10:11 C420mpeg2\n' % (WIDTH, HEIGHT))
        for n in range(FRAMES):
            f.write(b'FRAME\n')
            for y in range(HEIGHT):
                at = (3 * (2 * n + y % 2)) % 40
                f.write(bytes(40 + (x * 7 + y * 13 + (x ^ y) * 5) % 60 + (90 if (x - at) % 40 < 20 else 0) for x in range(WIDTH)))
            f.write(bytes(110 + (i * 11) % 23 for i in range(WIDTH * HEIGHT // 2)))


def own_instructions(path, program):
    """Of callgrind's costs by function those that were spent in the program itself."""
    names, total, inside, called = {}, 0, False, False
    with open(path, encoding='utf-8', errors='replace') as f:
        for line in f:
            if line.startswith('ob='):
                number, name = re.match(r'ob=\((\d+)\)(?: (.*))?', line).groups()
                names.setdefault(number, name)
                inside = os.path.realpath(names[number] or '') == program
            elif line.startswith('cob='):
                number, name = re.match(r'cob=\((\d+)\)(?: (.*))?', line).groups()
                names.setdefault(number, name)
            elif line.startswith('calls='):
                called = True  # the next line is what the called function took
            elif line[0] in '+-*0123456789':
                if inside and not called:
                    total += int(line.split()[1])
                called = False
    return total


@pytest.fixture(scope='module')
def built():
    """The build folder, where numbers hold for it."""
    if not shutil.which('valgrind'):
        pytest.skip('valgrind is not installed')
    build = Path(os.path.realpath(judge.find_program()[0])).parent
    info = build / 'meson-info'
    if not info.is_dir():
        pytest.skip('this is no build folder')
    options = {o['name']: o['value'] for o in json.loads((info / 'intro-buildoptions.json').read_text())}
    made = re.search(rb'GCC: \([^)]*\) (\d+)|clang version (\d+)', Path(os.path.realpath(judge.find_program()[0])).read_bytes())
    found = 'another compiler' if not made else f'gcc {int(made[1])}' if made[1] else f'clang {int(made[2])}'
    if found != COMPILER or options['optimization'] != '2' or options['b_sanitize'] not in ('none', []) or os.uname().machine != 'x86_64':
        pytest.skip(f'the numbers are of {COMPILER} at -O2 for x86_64, this is {found} at -O{options["optimization"]}')
    return build


@pytest.mark.parametrize('path', PATHS)
def test_no_dearer(path, built, program, tmp_path):
    options, expected = PATHS[path]
    make_film(tmp_path / 'film.y4m')
    counts, own = tmp_path / 'counts', os.path.realpath(program.path)
    command = ['valgrind', '-q', '--tool=callgrind', f'--callgrind-out-file={counts}', own, 'restore', tmp_path / 'film.y4m', '-o', tmp_path / 'out.y4m',
        '--encoder', 'raw', '--preset', 'vhs', '--quality', 'fast', '--jobs', '1', '--progress', 'none', '-q', *options]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env={**program.env, 'TERMINALAI_CACHE': 'off'}, timeout=120)
    assert done.returncode == 0, done.stderr
    found = own_instructions(counts, own) / 1e6
    assert found <= MORE * expected, f'{path}: {found:.1f} million instructions, {expected:.1f} before'
    assert found >= LESS * expected, f'{path}: {found:.1f} million instructions, {expected:.1f} before: keep the gain, by the new number in PATHS'
