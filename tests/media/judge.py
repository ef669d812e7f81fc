"""Running the program, and judging its files with ffmpeg and ffprobe. What the tests know of the program's own words
(JSON keys, names of files it makes) stands here and nowhere else."""

import functools
import hashlib
import json
import os
import re
import signal
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

SYNC = 0.005  # seconds: what the specification allows


# The program


class Result:
    def __init__(self, command, code, out, err):
        self.command, self.code, self.out, self.err = command, code, out, err

    def __str__(self):
        return f'$ {" ".join(self.command)}\n[{self.code}]\n{self.out[-3000:]}{self.err[-3000:]}'

    def json(self):
        try:
            return json.loads(self.out)
        except ValueError as error:
            raise AssertionError(f'no JSON on standard output: {error}\n{self}') from None

    @property
    def error_lines(self):
        """What was told, without the three lines of what a run costs."""
        costs = ('size  ', 'disk  ', 'time  ')
        return [line for line in self.err.splitlines() if line.strip() and not line.startswith(costs)]


def find_program():
    """The path of the program, and whether somebody named it."""
    root = Path(__file__).resolve().parents[2]
    named = os.environ.get('TERMINALAI') or os.environ.get('TA_PROGRAM')
    if named:
        return Path(named), True
    for place in ('build/terminalai', 'build/src/cli/terminalai'):
        if (root / place).exists():
            return root / place, False
    return root / 'build/terminalai', False


class Program:
    """The built program with a configuration and a cache of its own."""

    def __init__(self, path, home):
        self.path = str(path)
        self.home = Path(home)
        for name in ('config', 'cache'):
            (self.home / name).mkdir(parents=True, exist_ok=True)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith('TERMINALAI_')}
        self.env.update(XDG_CONFIG_HOME=str(self.home / 'config'), XDG_CACHE_HOME=str(self.home / 'cache'),
            XDG_STATE_HOME=str(self.home / 'state'),
            LC_ALL='C.UTF-8')

    def command(self, *args):
        return [self.path, *(str(a) for a in args)]

    def __call__(self, *args, code=None, env=None, timeout=120, cwd=None, **kw):
        """Runs it; `code` is the exit status or a tuple of those that are right, None: any but a crash."""
        command = self.command(*args)
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=timeout, env={**self.env, **(env or {})}, cwd=cwd, **kw)
        result = Result(command, done.returncode, done.stdout.decode(errors='replace'),
            done.stderr.decode(errors='replace'))
        assert 0 <= result.code < 126, f'crashed: {result}'
        if code is not None:
            assert result.code in (
                code if isinstance(code, tuple) else (code,)
            ), f'exit status should be {code}: {result}'
        return result

    def start(self, *args, env=None, **kw):
        # A shell that runs tests in the background has them ignore Ctrl-C, and what is ignored is inherited.
        kw.setdefault('preexec_fn', lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        return subprocess.Popen(self.command(*args), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env={**self.env, **(env or {})}, **kw)

    def restore(self, source, out, *args, code=0, **kw):
        return self('restore', source, '-o', out, *args, code=code, **kw)


def report_path(out):
    return Path(f'{out}.json')


def work_folder(out):
    return Path(f'{out}.terminalai')


def segment_files(folder):
    return sorted(folder.glob('seg-*.nut')) if folder.exists() else []


def report(out):
    return json.loads(report_path(out).read_text())


def find_key(tree, *names):
    """The first value under one of `names` anywhere in a JSON tree, nearest the root first."""
    level = [tree]
    while level:
        following = []
        for node in level:
            if isinstance(node, dict):
                for name in names:
                    if name in node:
                        return node[name]
                following += node.values()
            elif isinstance(node, list):
                following += node
        level = following
    return None


def planned_frames(tree):
    """Frames the plan promises; `tree` is a plan or a report."""
    plan = tree.get('plan', tree)
    video = plan.get('video', {})
    for name in ('frames', 'output_frames', 'frames_out'):
        if isinstance(video.get(name), int):
            return video[name]
    raise AssertionError(f'no planned frame count in {json.dumps(plan)[:2000]}')


def concealed_frames(tree):
    value = find_key(tree, 'concealed', 'frames_concealed', 'concealed_frames')
    return len(value) if isinstance(value, list) else value


def warnings(tree):
    """The words of a plan's warnings; plans of before had nothing else."""
    return [w['message'] if isinstance(w, dict) else w for w in find_key(tree, 'warnings') or []]


def option_origin(plan, name):
    """(value, where it came from) of a recipe option in a plan."""
    options = find_key(plan, 'recipe', 'options')
    entry = find_key(options, name)
    return str(entry['value']), entry['from']


# ffprobe and ffmpeg


def run(*args):
    done = subprocess.run([str(a) for a in args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    assert done.returncode == 0, f'{" ".join(map(str, args))}\n{done.stderr.decode(errors="replace")}'
    return done.stdout


def probe(path, *args):
    return json.loads(run('ffprobe', '-v', 'error', '-of', 'json', *args, path))


_seen = {}


def look(path):
    """Streams and decoded frames of a file, by one run of ffprobe; kept as long as the file stays the same."""
    facts = os.stat(path)
    key = (str(path), facts.st_mtime_ns, facts.st_size)
    if key not in _seen:
        entries = 'frame=media_type,stream_index,best_effort_timestamp_time,interlaced_frame,nb_samples'
        entries += ':frame_side_data=side_data_type'
        _seen[key] = probe(path, '-show_streams', '-show_frames', '-show_entries', entries)
    return _seen[key]


def streams(path, kind=None):
    return [s for s in look(path)['streams'] if kind is None or s['codec_type'] == kind]


def video_stream(path):
    return next(s for s in streams(path, 'video') if not s['disposition']['attached_pic'])


def frames_of(path, stream):
    return [f for f in look(path)['frames'] if f.get('stream_index') == stream['index']]


def display_aspect(stream):
    w, h = map(int, stream.get('sample_aspect_ratio', '1:1').split(':'))
    return stream['width'] * (w or 1) / (stream['height'] * h)


def rotation(stream):
    for side in stream.get('side_data_list', []):
        if 'rotation' in side:
            return -int(side['rotation']) % 360
    return 0


def pictures(path):
    """Decoded pictures as ffprobe tells them."""
    return frames_of(path, video_stream(path))


def decoded_count(path):
    return len(pictures(path))


def number(text):
    return None if text in (None, 'N/A') else float(text)


def picture_times(path):
    """Time of each decoded picture; None where ffprobe knows none."""
    return [number(f.get('best_effort_timestamp_time')) for f in pictures(path)]


def sound_span(path, which=0):
    """(start, end, seconds of samples) of a sound track as decoded."""
    stream = streams(path, 'audio')[which]
    rate = int(stream['sample_rate'])
    frames = [(number(f.get('best_effort_timestamp_time')), f['nb_samples'] / rate) for f in frames_of(path, stream)]
    known = next(i for i, f in enumerate(frames) if f[0] is not None)
    start = frames[known][0] - sum(d for _, d in frames[:known])
    known = next(i for i in range(len(frames) - 1, -1, -1) if frames[i][0] is not None)
    end = frames[known][0] + sum(d for _, d in frames[known:])
    return start, end, sum(d for _, d in frames)


def captioned_pictures(path):
    return sum(any('Closed Captions' in d.get('side_data_type', '') for d in f.get('side_data_list',
        [])) for f in pictures(path))


def picture_sums(path, pixel_format=None, filters=None, count=None):
    """MD5 of each decoded picture, in order."""
    stream = video_stream(path)['index']
    args = ['-map', f'0:{stream}', '-an', '-fps_mode', 'passthrough']
    chain = ','.join(f for f in (filters, pixel_format and f'format={pixel_format}') if f)
    if chain:
        args += ['-vf', chain, '-sws_flags', '+accurate_rnd+full_chroma_int+bitexact']
    if count:
        args += ['-frames:v', count]
    out = run('ffmpeg', '-v', 'error', '-nostdin', '-noautorotate', '-i', path, *args, '-f', 'framehash', '-hash',
        'md5', '-').decode()
    return [line.split(',')[-1].strip() for line in out.splitlines() if line and not line.startswith('#')]


def pixel_format(path):
    return video_stream(path)['pix_fmt']


def ssim(a, b, common='yuv420p'):
    graph = f'[0:v]format={common},settb=1/1000,setpts=N[a];[1:v]format={common},settb=1/1000,setpts=N[b];[a][b]ssim'
    done = subprocess.run(['ffmpeg', '-nostdin', '-hide_banner', '-i', str(a), '-i', str(b), '-lavfi', graph, '-f',
        'null', '-'], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    found = re.search(r'SSIM .*All:([0-9.]+)', done.stderr.decode(errors='replace'))
    assert found, done.stderr.decode(errors='replace')[-2000:]
    return float(found[1])


def samples(path, which=0, rate=48000):
    """Mono 16 bit samples of a track and the time of the first."""
    start = sound_span(path, which)[0]
    data = run('ffmpeg', '-v', 'error', '-nostdin', '-i', path, '-map', f'0:a:{which}', '-ac', 1, '-ar', rate, '-f',
        's16le', '-')
    return memoryview(data).cast('h'), start


def brightness(path):
    """Mean luma of each picture."""
    stream = video_stream(path)['index']
    data = run('ffmpeg', '-v', 'error', '-nostdin', '-i', path, '-map', f'0:{stream}', '-fps_mode', 'passthrough',
        '-vf', 'scale=8:8:flags=area,format=gray', '-f', 'rawvideo', '-')
    return [sum(data[i : i + 64]) / 64 for i in range(0, len(data), 64)]


# Files


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def listing(folder):
    """Everything below a folder: {relative name: what it is}, to compare before and after."""
    found = {}
    for path in sorted(Path(folder).rglob('*')):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = 'link to ' + os.readlink(path)
        elif path.is_file():
            found[name] = sha256(path)
        else:
            found[name] = 'other'
    return found


def close(value, wanted, tolerance=SYNC):
    return abs(value - wanted) <= tolerance + 1e-9


def even(value):
    return int(Fraction(value) / 2 + Fraction(1, 2)) * 2


@functools.lru_cache(maxsize=None)
def instructions(program):
    """The sets of instructions that this machine has."""
    found = re.search(r'^ok +instructions +(.*)$', program('doctor').out, re.M)
    return frozenset(found.group(1).split()) if found else frozenset()


def need_instructions(program, mask):
    """Skips a test of --cpu-mask where the machine has nothing of that set. "all" is whatever it has."""
    if not instructions(program) & ({mask} if mask != 'all' else {'sse2', 'ssse3', 'sse4.1', 'avx2', 'avx512', 'vnni'}):
        pytest.skip(f'this machine has no {mask}')
