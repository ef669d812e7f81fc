"""Small sources, runs that are stopped, and what may be found afterwards."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'media'))

import clips  # noqa: E402
import handmade  # noqa: E402
import judge  # noqa: E402

BUILD = Path(os.environ.get('TA_BUILD', Path(__file__).resolve().parents[2] / 'build')).resolve()
SIZE = (160, 128)
JOBS = 2


# Sources: two seconds each


def make_progressive(out):
    clips.ffmpeg('-f', 'lavfi', '-i', clips.first(50, clips.scene(SIZE, clips.PAL)), '-f', 'lavfi', '-i', clips.tone(2),
        *clips.X264.split(), *clips.AAC.split(), '-threads:v', 1, *clips.BITEXACT, out)


def make_interlaced(out):
    clips.ffmpeg('-f', 'lavfi', '-i', clips.first(50, clips.interlaced(SIZE, clips.PAL, 'tff')), '-f', 'lavfi', '-i',
        clips.tone(2), '-c:v', 'ffv1', '-field_order', 'tt', '-threads:v', 1, *clips.PCM.split(), *clips.BITEXACT, out)


def make_vfr(out):
    source = clips.scene(SIZE, clips.PAL, extra='settb=1/1000,' + clips.VFR)
    clips.ffmpeg('-f', 'lavfi', '-i', clips.first(50, source), '-f', 'lavfi', '-i', clips.tone(2.6),
        *clips.X264.split(), '-vsync', 'passthrough', '-enc_time_base', '1:1000', *clips.AAC.split(), '-threads:v', 1,
        *clips.BITEXACT, out)


def make_telecine(out):
    """Film with 3:2 repeat flags: each picture is shown for three or two fields."""
    film = out.with_name('film.m2v')
    clips.ffmpeg('-f', 'lavfi', '-i', clips.scene(SIZE, clips.FILM), '-frames:v', 50, *clips.MPEG2.split(), '-threads', 1,
        *clips.BITEXACT, film)
    es, fields, display = handmade.soft_telecine(film.read_bytes())
    film.write_bytes(es)
    begin = [sum(fields[:i]) for i in range(len(fields))]
    pts = [begin[d] * 3003 // 2 + 9009 for d in display]
    coded = [fields[d] for d in display]
    dts = [min(p, sum(coded[:i]) * 3003 // 2) for i, p in enumerate(pts)]
    clips.ffmpeg('-i', film, '-f', 'lavfi', '-i', clips.tone(50 / clips.FILM), '-map', '0:v', '-map', '1:a', '-c:v',
        'copy', '-c:a', 'ac3', '-b:a', '192k', '-bsf:v',
        f'setts=time_base=1/90000:pts={clips.by_number(pts)}:dts={clips.by_number(dts)}:duration=0', '-f', 'dvd',
        *clips.BITEXACT, out)


def source_clip(name, suffix, make, rate=clips.PAL, scan='progressive'):
    return clips.Clip(f'fault_{name}', suffix, make, lambda: f'2 {name} {SIZE}', 50, SIZE, rate, scan, audio=True)


SOURCES = {
    'progressive': source_clip('progressive', 'mp4', make_progressive),
    'interlaced': source_clip('interlaced', 'mkv', make_interlaced, scan='tff'),
    'vfr': source_clip('vfr', 'mkv', make_vfr, None),
    'telecine': source_clip('telecine', 'mpg', make_telecine, None),
}
ENCODERS = [('h264', 'mp4'), ('h264', 'mkv'), ('hevc', 'mp4'), ('av1', 'mkv'), ('ffv1', 'mkv')]
CASES = [(source, encoder, suffix) for source in SOURCES for encoder, suffix in ENCODERS]


def source(name):
    return clips.made(SOURCES[name])


def options(name, encoder):
    """What makes such an output in several segments, quickly but not too quickly to be caught."""
    args = ['--encoder', encoder, '--resolution', 'source', '--quality', 'fast', '--segment-length', 0.3, '--jobs', JOBS]
    args += ['--preset', 'vhs' if name == 'interlaced' else 'clean']
    if encoder in ('h264', 'hevc', 'av1'):
        args += ['--preset-speed', 'superfast', '--crf', 28]
    return args


_whole = {}


def uninterrupted(program, name, encoder, suffix, folder):
    """(sha256, seconds) of a run that nothing disturbs; made once."""
    key = (name, encoder, suffix)
    if key not in _whole:
        out = Path(folder) / f'whole-{name}-{encoder}.{suffix}'
        started = time.monotonic()
        program.restore(source(name), out, *options(name, encoder))
        _whole[key] = judge.sha256(out), time.monotonic() - started
        for path in (out, judge.report_path(out)):
            path.unlink()
    return _whole[key]


# The journal, read by nobody's code but this


def journal(work):
    """(segments that it proves, whether the file was joined)."""
    done, joined = {}, False
    path = work / 'journal.jsonl'
    for line in path.read_bytes().splitlines() if path.exists() else []:
        try:
            tree = json.loads(line)
            text = json.dumps(tree['entry'], separators=(',', ':'), ensure_ascii=False)
            if hashlib.sha256(text.encode()).hexdigest() != tree['sha256']:
                continue
        except (ValueError, KeyError, TypeError):
            continue
        if 'task' in tree['entry']:
            done[int(tree['entry']['task'][4:])] = tree['entry']
        joined |= 'joined_sha256' in tree['entry']
    return done, joined


def state(out):
    """What a stopped run has left: (finished segments, segments that were in flight, whether it was joined)."""
    work = judge.work_folder(out)
    done, joined = journal(work)
    flying = len(list(work.glob('seg-*.part'))) if work.exists() else 0
    unnoted = [p for p in judge.segment_files(work) if int(p.name[4:9]) not in done]
    return set(done), flying + len(unnoted), joined


# Stopping


class Stopped:
    """One run that was stopped, and its end after going on."""

    def __init__(self, lost, identical, early=False):
        self.lost, self.identical, self.early = lost, identical, early


SIGNALS = ('KILL', 'TERM', 'INT', 'INT twice', 'STOP+KILL')


def end(running, how):
    """Sends the whole group what `how` says and waits until it is gone."""
    group = running.pid  # it was started as the leader of its own
    try:
        if running.poll() is not None:
            pass
        elif how == 'STOP+KILL':
            os.killpg(group, signal.SIGSTOP)
            time.sleep(0.03)
            os.killpg(group, signal.SIGKILL)
        elif how == 'INT twice':
            os.killpg(group, signal.SIGINT)
            time.sleep(0.01)
            os.killpg(group, signal.SIGINT)
        else:
            os.killpg(group, getattr(signal, 'SIG' + how))
    except ProcessLookupError:
        pass
    out, err = running.communicate(timeout=60)
    return running.returncode, err.decode(errors='replace')


def runs_on(running, seconds):
    """Waits `seconds`; False when the run ended before."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and running.poll() is None:
        time.sleep(max(0.0, min(0.02, until - time.monotonic())))
    return running.poll() is None


def go_on(program, name, encoder, out, chance):
    """Goes on by one of the two ways; the result as JSON."""
    if chance.random() < 0.5 and (judge.work_folder(out) / 'plan.json').exists():
        result = program('resume', out, '--jobs', JOBS, '--json', code=0)
    else:
        result = program.restore(source(name), out, *options(name, encoder), '--json')
    return result.json()['files'][0]


def stop_and_go_on(program, folder, case, how, seed):
    """Stops a run at a random moment and goes on. Returns Stopped."""
    name, encoder, suffix = case
    chance = random.Random(f'{case} {how} {seed}')
    whole, seconds = uninterrupted(program, name, encoder, suffix, folder)
    whole, seconds = uninterrupted(program, name, encoder, suffix, folder)
    out = Path(folder) / f'out-{name}-{encoder}.{suffix}'
    moment = chance.uniform(0.03, 1.0) * seconds
    for attempt in range(6):  # a run that was faster this time is stopped earlier
        running = program.start('restore', source(name), '-o', out, *options(name, encoder), '--progress', 'none',
            start_new_session=True)
        runs_on(running, moment)
        code, err = end(running, how)
        if not out.exists() or (judge.work_folder(out) / 'journal.jsonl').exists():  # else it had come to its end
            break
        for path in (out, judge.report_path(out)):
            path.unlink(missing_ok=True)
        shutil.rmtree(judge.work_folder(out), ignore_errors=True)
        moment *= 0.7
    if how in ('TERM', 'INT') and code == 130 and state(out)[0]:
        assert 'same command' in err, err  # one line says how to go on
    if out.exists():  # caught between the rename and the end: it must be the whole file
        assert judge.sha256(out) == whole, f'{case} {how} {seed}: another file than the whole one was there'
    done, flying, joined = state(out)
    assert flying <= JOBS + 1, f'{case} {how} {seed}: {flying} segments in flight'
    delivered = out.exists()
    result = go_on(program, name, encoder, out, chance)
    # Stopped while it cleared up behind a file that was delivered: nothing had to be made again.
    assert (delivered and result.get('already')) or result['segments_reused'] == len(done), f'{case} {how} {seed}: {result}, {len(done)} were finished'
    identical = judge.sha256(out) == whole
    left = sorted(p.name for p in Path(folder).iterdir() if p.name.startswith(out.name))
    assert left == [out.name, out.name + '.json'], f'{case} {how} {seed}: left behind: {left}'
    for path in (out, judge.report_path(out)):
        path.unlink()
    return Stopped(flying, identical)


# Shims


def shim(name):
    """The environment that loads a shim, or None where there is none."""
    path = BUILD / 'tests' / f'{name}_shim.so'
    return {'LD_PRELOAD': str(path)} if path.exists() else None


# Disks


class SmallDisk:
    """A file system of a given size; None for `path` where none can be mounted."""

    def __init__(self, where, size):
        where.mkdir()
        self.path = None
        if os.getuid() == 0:
            done = subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size}', 'tmpfs', str(where)],
                stderr=subprocess.DEVNULL)
            self.path = where if done.returncode == 0 else None

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        if self.path:
            subprocess.run(['umount', '-l', str(self.path)], check=True)
