"""Several files that are one film: --join, against the film before it was cut."""

import json
import math
import shutil
import time
from pathlib import Path

import pytest

import clips
import judge

PICTURE = 'testsrc2=r={rate}:s={size}:d={seconds}'
ARGS = ['--resolution', 'source', '--denoise', 'off', '--preset-speed', 'ultrafast', '--progress', 'none']
ARCHIVE = [*ARGS, '--encoder', 'ffv1', '--audio-codec', 'flac', '--framemd5']
NTSC = '30000/1001'


def make(path, rate, *coding, size='160x120', seconds=3):
    clips.ffmpeg('-f', 'lavfi', '-i', PICTURE.format(rate=rate, size=size, seconds=seconds), '-f', 'lavfi', '-i',
        f'sine=f=440:r=48000:d={seconds}', *coding, path)


def cut_by_packets(path, seconds=1):
    """Each piece is a file of its own that begins at 0, as capture programs make them."""
    pattern = path.with_name(f'{path.stem}_%03d{path.suffix}')
    clips.ffmpeg('-i', path, '-map', '0', '-c', 'copy', '-f', 'segment', '-segment_time', seconds,
        '-reset_timestamps', 1, pattern)
    return sorted(path.parent.glob(f'{path.stem}_*{path.suffix}'))


def cut_by_bytes(path, unit=1, count=3):
    data = path.read_bytes()
    step = len(data) // count // unit * unit
    pieces = []
    for i in range(count):
        piece = path.with_name(f'{path.stem}_{i}{path.suffix}')
        piece.write_bytes(data[i * step : (i + 1) * step if i + 1 < count else None])
        pieces.append(piece)
    return pieces


def intra(codec, sound='pcm_s16le'):
    return ['-c:v', codec, '-q:v', 3, '-c:a', sound]


KINDS = {
    'avi': ('avi', 25, ['-c:v', 'mpeg4', '-g', 6, '-c:a', 'pcm_s16le'], cut_by_packets),
    'avi-44100': ('avi', 25, ['-c:v', 'mpeg4', '-g', 5, '-c:a', 'pcm_s16le', '-ar', 44100], cut_by_packets),
    'mov': ('mov', NTSC, intra('mjpeg'), cut_by_packets),
    'mkv': ('mkv', NTSC, ['-c:v', 'mpeg2video', '-g', 10, '-c:a', 'pcm_s16le'], cut_by_packets),
    'ts': ('ts', NTSC, ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', 10, '-bf', 2, '-c:a', 'ac3'], cut_by_bytes),
    'vob': ('vob', 25, ['-c:v', 'mpeg2video', '-c:a', 'mp2', '-f', 'vob'], lambda p: cut_by_bytes(p, 2048)),
    'pieces': ('avi', 25, intra('mjpeg'), cut_by_bytes),
}


@pytest.mark.parametrize('kind', KINDS)
def test_as_before_it_was_cut(program, tmp_path, kind):
    suffix, rate, coding, cut = KINDS[kind]
    whole = tmp_path / f'film.{suffix}'
    make(whole, rate, *coding)
    pieces = cut(whole)
    assert len(pieces) >= 3
    before = judge.listing(tmp_path)
    one, joined = tmp_path / 'one.mkv', tmp_path / 'joined.mkv'
    program.restore(whole, one, *ARCHIVE)
    program('restore', '--join', *pieces, '-o', joined, *ARCHIVE, code=0)
    assert Path(f'{joined}.framemd5').read_text() == Path(f'{one}.framemd5').read_text()
    for name, was in before.items():
        assert judge.listing(tmp_path)[name] == was
    plan = judge.report(joined)['plan']
    assert plan['version'] == 2
    named = plan['source']['files']
    assert [f['name'] for f in named] == [p.name for p in pieces]
    assert [f['size_bytes'] for f in named] == [p.stat().st_size for p in pieces]
    assert len({f['head_tail_sha256'] for f in named}) == len(pieces)
    assert judge.report(one)['plan']['version'] == 1 and 'files' not in judge.report(one)['plan']['source']


def test_raw_dv(program, tmp_path):
    whole = tmp_path / 'tape.dv'
    make(whole, 25, '-target', 'pal-dv', size='720x576', seconds=1)
    pieces = cut_by_bytes(whole, 144000)
    for source, out in (([whole], 'one.mkv'), (['--join', *pieces], 'joined.mkv')):
        program('restore', *source, '-o', tmp_path / out, *ARCHIVE, '--deinterlace', 'off', code=0)
    assert (tmp_path / 'joined.mkv.framemd5').read_text() == (tmp_path / 'one.mkv.framemd5').read_text()


def clicks(path):
    """The largest step from the tone: its second difference, against that of a clean sine of this loudness."""
    values, _ = judge.samples(path)
    body = values[4800:-4800]
    loud = max(body)
    step = 2 * math.pi * 440 / 48000
    worst = max(abs(body[i + 1] - 2 * math.cos(step) * body[i] + body[i - 1]) for i in range(1, len(body) - 1))
    return worst / loud


@pytest.mark.parametrize('suffix', ['avi', 'mov'])
def test_sound_goes_on(program, tmp_path, suffix):
    """Cuts that lie between the pieces of sound: nothing is lost, nothing clicks."""
    whole = tmp_path / f'film.{suffix}'
    make(whole, 25, '-c:v', 'mpeg4', '-g', 7, '-c:a', 'pcm_s16le', seconds=4)
    pieces = cut_by_packets(whole)
    assert len(pieces) >= 4
    out = tmp_path / 'joined.mkv'
    program('restore', '--join', *pieces, '-o', out, *ARGS, code=0)
    assert clicks(out) < 0.02
    out_samples, start = judge.samples(out)
    assert judge.close(start, 0) and judge.close(len(out_samples) / 48000, 4, 0.03)
    assert judge.report(out)['sound']['gaps_filled'] == judge.report(out)['sound']['overlaps_trimmed'] == 0


def test_recordings_of_their_own(program, tmp_path):
    """Files whose sound is shorter and longer than their pictures: no drift, and what does not fit is said."""
    pieces = []
    for i, seconds in enumerate((0.8, 1.3, 1)):
        pieces.append(tmp_path / f'clip{i}.avi')
        clips.ffmpeg('-f', 'lavfi', '-i', PICTURE.format(rate=25, size='160x120', seconds=1), '-f', 'lavfi', '-i',
            f'sine=f=440:r=48000:d={seconds}', *intra('mjpeg'), pieces[-1])
    out = tmp_path / 'joined.mkv'
    done = program('restore', '--join', *pieces, '-o', out, *ARGS, '--audio-codec', 'flac', code=3)
    filled = 'clip1.avi: its sound begins 200 ms after that of the file before ends: silence fills this'
    assert filled in [d['why'] for d in judge.report(out)['plan']['decisions']]
    assert 'clip2.avi: its sound begins 300 ms before that of the file before ends: this is trimmed' in done.err
    assert judge.report(out)['sound']['gaps_filled'] == 1
    values, start = judge.samples(out)
    assert judge.close(start + len(values) / 48000, 3, 0.03)
    quiet = [max(abs(v) for v in values[i : i + 480]) < 200 for i in range(0, 48000, 480)]
    assert quiet[82:98] == [True] * 16 and not any(quiet[:78])
    assert judge.decoded_count(out) == 75


def test_stopped_and_gone_on(program, tmp_path):
    whole = tmp_path / 'film.avi'
    make(whole, 25, '-c:v', 'mpeg4', '-g', 6, '-c:a', 'pcm_s16le', seconds=4)
    pieces = cut_by_packets(whole)
    args = ['--join', *pieces, '--segment-length', '0.7', '--jobs', 1, *ARGS]
    one, out = tmp_path / 'one.mp4', tmp_path / 'out.mp4'
    program('restore', *args, '-o', one, code=0)
    running = program.start('restore', *args, '-o', out, '--denoise', 'nlmeans')
    journal = judge.work_folder(out) / 'journal.jsonl'
    until = time.monotonic() + 60
    while running.poll() is None and time.monotonic() < until:
        if journal.exists() and journal.read_bytes().count(b'\n') > 2:
            break
        time.sleep(0.01)
    running.kill()
    running.communicate()
    assert judge.segment_files(judge.work_folder(out))
    status = program('status', out, '--json', code=0).json()
    assert status['source']['exists'] is True and status['source']['unchanged'] is True
    program('resume', out, code=0)
    program('verify', out, code=0)
    again = tmp_path / 'again.mp4'
    program('restore', *args, '-o', again, '--denoise', 'nlmeans', code=0)
    assert judge.sha256(out) == judge.sha256(again)
    # By single tasks, from a plan, in another folder.
    folder = tmp_path / 'tasks'
    folder.mkdir()
    made = program('plan', '--join', *[p.name for p in pieces], '-o', 'tasks/out.mp4', *args[args.index('--segment-length'):-2],
        '--json', code=0, cwd=tmp_path)
    plan = folder / 'p.json'
    plan.write_text(made.out)
    for k in range(len(made.json()['video']['cuts']) - 1):
        program('segment', '--plan', plan, '--index', k, code=0, cwd=folder)
    program('join', '--plan', plan, code=0, cwd=folder)
    assert judge.sha256(folder / 'out.mp4') == judge.sha256(one)


@pytest.mark.parametrize('suffix', ['avi', 'mkv'])
def test_piece_that_is_cut_off(program, tmp_path, suffix):
    """What is there of it is used, the next file begins behind that, and the loss is said."""
    whole = tmp_path / f'film.{suffix}'
    make(whole, 25, *intra('mjpeg'), seconds=6)
    pieces = cut_by_packets(whole, 2)
    data = pieces[1].read_bytes()
    pieces[1].write_bytes(data[: len(data) // 2])
    out = tmp_path / 'out.mkv'
    done = program('restore', '--join', *pieces, '-o', out, *ARGS, code=3)
    assert f'{pieces[1].name}: says 2.0 s, holds ' in done.err
    assert 118 <= judge.decoded_count(out) <= 132
    values, start = judge.samples(out)
    assert judge.close(start + len(values) / 48000, judge.decoded_count(out) / 25, 0.06)


def test_damaged_bytes(program, tmp_path):
    """Damage in what is read as one stream of bytes is counted as in one file."""
    whole = tmp_path / 'film.vob'
    make(whole, 25, '-c:v', 'mpeg2video', '-c:a', 'mp2', '-f', 'vob')
    pieces = cut_by_bytes(whole, 2048)
    data = bytearray(pieces[1].read_bytes())
    data[20480:40960] = bytes(i * 89 & 255 for i in range(20480))
    pieces[1].write_bytes(data)
    whole.write_bytes(b''.join(p.read_bytes() for p in pieces))
    for i, source in enumerate(([whole], ['--join', *pieces])):
        program('restore', *source, '-o', tmp_path / f'{i}.mkv', *ARGS, code=3)
    assert judge.report(tmp_path / '0.mkv')['result'] == judge.report(tmp_path / '1.mkv')['result']


def test_changed_meanwhile(program, tmp_path):
    whole = tmp_path / 'film.avi'
    make(whole, 25, *intra('mjpeg'), seconds=2)
    pieces = cut_by_packets(whole)
    made = program('plan', '--join', *pieces, '-o', tmp_path / 'out.mp4', *ARGS[:-2], '--json', code=0)
    plan = tmp_path / 'p.json'
    plan.write_text(made.out)
    shutil.copy(pieces[0], pieces[1])
    done = program('segment', '--plan', plan, '--index', 0, code=1)
    assert 'not the one that was planned for' in done.err or 'has changed' in done.err, done


@pytest.mark.parametrize('what, coding, text', [
    ('size', {'size': '176x144'}, 'its pictures are 176x144 instead of 160x120'),
    ('rate', {'sound': ['-ar', 44100]}, 'its sound has 44100 samples a second instead of 48000'),
    ('codec', {'video': 'mpeg4'}, 'its pictures are mpeg4 instead of mjpeg'),
    ('channels', {'sound': ['-ac', 2]}, 'its sound has 2 channels instead of 1'),
    ('silent', {'sound': ['-an']}, 'it has 0 sound streams instead of 1'),
])
def test_what_does_not_fit(program, tmp_path, what, coding, text):
    a, b = tmp_path / 'a_1.avi', tmp_path / 'a_2.avi'
    make(a, 25, *intra('mjpeg'), seconds=1)
    make(b, 25, *intra(coding.get('video', 'mjpeg')), *coding.get('sound', []), size=coding.get('size', '160x120'),
        seconds=1)
    out = tmp_path / 'out.mp4'
    done = program('restore', '--join', a, b, '-o', out, *ARGS, code=1)
    assert f"a_2.avi can't be joined to a_1.avi: {text}" in done.err
    assert len(done.error_lines) == 1 and not out.exists()


def test_other_containers_and_no_video(program, tmp_path):
    a, b, c = tmp_path / 'a_1.avi', tmp_path / 'b.mov', tmp_path / 'notes.txt'
    make(a, 25, *intra('mjpeg'), seconds=1)
    make(b, 25, *intra('mjpeg'), seconds=1)
    c.write_text('words\n' * 100)
    done = program('plan', '--join', a, b, code=1)
    assert "b.mov can't be joined to a_1.avi: it is QuickTime / MOV, not AVI" in done.err
    assert 'no demuxer knows this file' in program('plan', '--join', a, c, code=1).err
    assert 'there is no such file' in program('plan', '--join', a, tmp_path / 'nosuch.avi', code=1).err
    done = program('restore', a, b, '-o', tmp_path / 'x.mp4', code=2)
    assert '--join if they are one film' in done.err


def test_hint(program, tmp_path):
    a, b = tmp_path / 'capture_001.avi', tmp_path / 'capture_002.avi'
    make(a, 25, *intra('mjpeg'), seconds=1)
    shutil.copy(a, b)
    alone = program('plan', a, code=0)
    assert 'seems to go on in capture_002.avi' in alone.out and '--join' in alone.out
    assert 'seems to go on' not in program('plan', b, code=0).out
    assert 'seems to go on' not in program('plan', '--join', a, b, code=0).out
    facts = json.loads(program('probe', '--json', '--join', a, b, code=0).out)
    assert [f['start_seconds'] for f in facts['files']] == [0, 1]
    assert facts['duration_seconds'] == 2


def test_looking_at_it(program, tmp_path):
    """`preview` and `compare` show the film, across a seam, as they show the one before it was cut."""
    whole = tmp_path / 'tape.avi'
    make(whole, 25, *intra('mjpeg'), seconds=2)
    pieces = cut_by_packets(whole)
    small = ['--resolution', 'source', '--preset-speed', 'ultrafast', '--progress', 'none']
    shown = {}
    for name, source in (('one', [whole]), ('joined', ['--join', *pieces])):
        out = tmp_path / f'{name}.mkv'
        program('preview', *source, '-o', out, '--start', '0.6', '--duration', '0.8', *small, code=0)
        shown[name] = judge.picture_sums(out, 'yuv420p')
        folder = tmp_path / name
        program('compare', *source, '-o', folder, '--presets', 'clean,vhs', '--start', '0.6', '--duration', '0.8', *small,
            code=0)
        report = json.loads((folder / 'report.json').read_text())
        shown[f'{name} measures'] = [p['measures'] for p in report['presets']]
    assert len(shown['one']) == 20 and shown['one'] == shown['joined']
    assert len(shown['one measures']) == 2 and shown['one measures'] == shown['joined measures']
    program('preview', '--join', *pieces, '-d', '0.2', *small, code=0)
    assert (tmp_path / 'tape_000.preview.mp4').exists()
    done = program('compare', *pieces, '--presets', 'clean,vhs', code=2)
    assert '--join if these 2 are one film' in done.err
    assert '--join makes one film of several' in program('preview', '--join', pieces[0], code=2).err


def test_redo(program, tmp_path):
    """A part across a seam made again is that of the tape before it was cut; other files, and another order, are refused."""
    whole = tmp_path / 'tape.avi'
    make(whole, 25, *intra('mjpeg'), seconds=2)
    pieces = cut_by_packets(whole)
    again = ['--redo', '0.9-1.2', '--denoise', 'recursive', '--denoise-strength', '4:3:6:5', '--overwrite', '--progress', 'none']
    sums = {}
    for name, source in (('one', [whole]), ('joined', ['--join', *pieces])):
        out = tmp_path / f'{name}.mkv'
        program('restore', *source, '-o', out, '--segment-length', '0.7', '--keep-work', *ARGS, code=0)
        before = judge.picture_sums(out, 'yuv420p')
        program('restore', *source, '-o', out, *again, code=0)
        sums[name] = judge.picture_sums(out, 'yuv420p')
        assert sums[name] != before and sums[name][:10] == before[:10]
        program('verify', out, code=0)
    assert sums['one'] == sums['joined']
    for other in ([pieces[0]], ['--join', *reversed(pieces)]):
        done = program('restore', *other, '-o', tmp_path / 'joined.mkv', *again, code=1)
        assert 'was made from' in done.err
