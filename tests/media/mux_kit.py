"""What the tests of the muxer share: the tool that joins a source with itself, and looking at what came out."""

import array
import json
import os
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

import judge

SYNC = 0.001  # seconds
# Times in Matroska are whole milliseconds: half of one is rounding, the rest is a packet's own.
SYNC_MKV = SYNC + 0.0006


def sync_of(container):
    return SYNC_MKV if container in ('mkv', 'webm') else SYNC


PICTURES = 'testsrc2=s=160x120:r=25:d=3'


# Tools


@pytest.fixture(scope='session')
def tool():
    named = os.environ.get('TA_MUX_TOOL')
    path = Path(named) if named else judge.find_program()[0].parent / 'tests/mux_tool'
    if not path.exists():
        pytest.skip(f'{path} is not built')
    return str(path)


class Joined:
    """What the tool said."""

    def __init__(self, done, path):
        self.code, self.log, self.text, self.path = done.returncode, done.stderr, done.stdout, Path(path)
        self.streams, self.values = {}, {}
        for line in done.stdout.splitlines():
            key, _, rest = line.partition(' ')
            if key == 'stream':
                index, action, codec, reason = rest.split(' ', 3)
                self.streams[int(index)] = (action, codec)
            else:
                self.values[key] = rest

    def __getitem__(self, key):
        return float(self.values[key])


@pytest.fixture
def join(tool, tmp_path):
    """join(source, 'name.ext', options...): joins and checks that it went as `ok` says."""
    def run(source, name, *options, ok=True, env=None, **kw):
        path = tmp_path / name
        done = subprocess.run([tool, *map(str, options), str(source), str(path)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=120, env={**os.environ, **(env or {})}, **kw)
        assert done.returncode == (0 if ok else 1), f'{done.stdout}{done.stderr}'
        return Joined(done, path)
    return run


def ffmpeg(*args):
    subprocess.run(['ffmpeg', '-nostdin', '-hide_banner', '-loglevel', 'error', '-y', *map(str, args)], check=True, timeout=120)


def probe(path, *args):
    done = subprocess.run(['ffprobe', '-v', 'error', '-of', 'json', *map(str, args), str(path)], check=True, stdout=subprocess.PIPE,
                          timeout=120)
    return json.loads(done.stdout)


def streams(path):
    return probe(path, '-show_streams')['streams']


def stream(path, kind, index=0):
    return [s for s in streams(path) if s['codec_type'] == kind][index]


def packets(path, select, entry='pts'):
    """(time, duration) as exact fractions, in the order of the file."""
    data = probe(path, '-select_streams', select, '-show_streams', '-show_packets')
    base = Fraction(data['streams'][0]['time_base'])
    return [(int(p[entry]) * base, int(p.get('duration', 0)) * base) for p in data['packets']]


def payload(path, select):
    """Hashes of the packets' data."""
    out = subprocess.run(['ffmpeg', '-v', 'error', '-i', path, '-map', select, '-c', 'copy', '-f', 'framehash', '-hash', 'md5',
            '-'],
                         check=True, stdout=subprocess.PIPE, text=True, timeout=120).stdout
    return [line.split(',')[5].strip() for line in out.splitlines() if not line.startswith('#')]


def samples(path, index=0, rate=48000, copyts=True):
    """Mono samples by their times: number i is the one at i / rate seconds."""
    out = subprocess.run(['ffmpeg', '-nostdin', '-v', 'error', *(['-copyts'] if copyts else []), '-i', path, '-map', f'0:a:{index}',
            '-af',
                          f'aresample={rate}:async=1:first_pts=0:min_hard_comp=0.003', '-ac', '1', '-f', 's16le', '-'], check=True,
                          stdout=subprocess.PIPE,
                         timeout=120).stdout
    return array.array('h', out[:len(out) // 2 * 2])


def click_time(path, index=0, rate=48000):
    """Centre of energy around the loudest sample."""
    data = samples(path, index, rate)
    peak = max(range(len(data)), key=lambda i: abs(data[i]))
    assert abs(data[peak]) > 8000, 'there is no click'
    first, last = max(0, peak - rate // 100), min(len(data), peak + rate // 100)
    energy = [data[i] * data[i] for i in range(first, last)]
    return (first + sum(i * e for i, e in enumerate(energy)) / sum(energy)) / rate


def click(at, seconds, rate=48000):
    """A filter source: silence with a click of 2 ms whose middle is at `at`."""
    t = f'(t-{at - 0.001})'
    return f'aevalsrc=if(between(t\\,{at - 0.001}\\,{at + 0.001})\\,0.8*sin(2*PI*3000*{t})*sin(PI*{t}/0.002)\\,0):s={rate}:d={seconds}'


@pytest.fixture(scope='session')
def made(tmp_path_factory):
    """made(name, arguments...): a file made by ffmpeg once."""
    folder = tmp_path_factory.mktemp('made')

    def make(name, *args):
        path = folder / name
        if not path.exists():
            ffmpeg(*args, path)
        return path
    return make


LAVFI = ('-f', 'lavfi', '-i')


def clicked(made, name, video, audio, *more):
    return made(name, *LAVFI, PICTURES, *LAVFI, click(1.0, 3), '-c:v', *video.split(), '-c:a', *audio.split(), *more)
