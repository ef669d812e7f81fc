"""What goes wrong gets one clear line, the right exit status, and leaves nothing behind; the source stays as it was."""

import contextlib
import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

import clips
import judge

FAST = ['--preset', 'clean', '--resolution', 'source', '--quality', 'fast', '--preset-speed', 'ultrafast', '--crf',
    '30']


def refused(program, folder, source, *args, names=None, words=(), code=1, out=None):
    """Runs a restore that must fail: one line with `names` (the source's name) and `words` in it, the folder as before."""
    before = judge.listing(folder)
    target = out if out is not None else folder / 'out.mp4'
    result = program('restore', source, '-o', target, *FAST, *args, '-q', code=code, cwd=folder)
    assert len(result.error_lines) == 1, f'one line, please: {result}'
    line = result.error_lines[0]
    name = names if names is not None else Path(source).name
    assert name in line, f'the line does not name {name}: {result}'
    for word in words:
        options = word if isinstance(word, tuple) else (word,)
        assert any(w in line.lower() for w in options), f'the line should say "{word}": {result}'
    assert not result.out
    assert judge.listing(folder) == before, f'changed: {result}'
    return line


@pytest.fixture
def folder(tmp_path):
    """A folder with a good file to work on."""
    where = tmp_path / 'films'
    where.mkdir()
    return where


def copy(name, folder, new=None):
    source = clips.path(name)
    target = folder / (new or source.name)
    target.write_bytes(source.read_bytes())
    return target


# The source


@pytest.mark.sanitizer
def test_missing(program, folder):
    refused(program, folder, folder / 'gone.avi', words=[('no such', 'not found', 'does not exist')])


def test_empty(program, folder):
    (folder / 'empty.avi').touch()
    refused(program, folder, folder / 'empty.avi', words=['empty'])


def test_empty_folder(program, folder):
    inner = folder / 'album.avi'
    inner.mkdir()
    refused(program, folder, inner, out=folder / 'restored', words=[('no video', 'folder')])


def test_folder_for_other_commands(program, folder):
    result = program('probe', folder, '-q', code=1)
    assert len(result.error_lines) == 1 and ('folder' in result.err or 'directory' in result.err), result


@pytest.mark.parametrize('device', ['/dev/zero', '/dev/null', '/dev/tty'])
def test_device(program, folder, device):
    refused(program, folder, device, words=[('device', 'regular file', 'not a file')])


def test_pipe(program, folder):
    os.mkfifo(folder / 'pipe.avi')
    refused(program, folder, folder / 'pipe.avi', words=[('pipe', 'device', 'regular file', 'not a file')])


def test_socket(program, folder):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(folder / 's.avi'))
        refused(program, folder, folder / 's.avi')


def test_text_file(program, folder):
    (folder / 'letter.avi').write_text('Dear family,\nthis is no film at all.\n' * 200)
    refused(program, folder, folder / 'letter.avi', words=[('video', 'media', 'demuxer')])


def test_random_bytes(program, folder):
    (folder / 'noise.mkv').write_bytes(random.Random(1).randbytes(200000))
    refused(program, folder, folder / 'noise.mkv')


def test_picture(program, folder):
    """A photo is a video of one frame for libav; whatever is said of it, nothing may be left behind by a refusal."""
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=64x64', '-frames:v', 1, folder / 'photo.png')
    result = program('restore', folder / 'photo.png', '-o', folder / 'out.mp4', *FAST, '-q')
    assert result.code in (0, 1, 3), result
    if result.code == 1:
        assert len(result.error_lines) == 1 and set(judge.listing(folder)) == {'photo.png'}, result


def test_mp4_without_index(program, folder):
    source = copy('h264', folder, 'cut.mp4')
    data = source.read_bytes()
    source.write_bytes(data[: data.find(b'moov') - 4])
    refused(program, folder, source, words=[('index', 'moov')])


@pytest.mark.parametrize(
    'name', ['dv_ntsc', 'h264_mkv', 'mpeg2_480i_tff', 'h264_1080i', 'wmv', 'flv', 'vp9', 'mpeg4_packed']
)
def test_truncated(program, folder, name):
    """The end is missing: what is there is restored, all of it, or the one line says why not."""
    source = copy(name, folder)
    source.write_bytes(source.read_bytes()[: source.stat().st_size * 3 // 5])
    digest = judge.sha256(source)
    result = program('restore', source, '-o', folder / 'out.mkv', *FAST, '-q', code=(0, 1, 3))
    assert judge.sha256(source) == digest
    if result.code == 1:
        assert (
            len(result.error_lines) == 1 and source.name in result.err and set(judge.listing(folder)) == {source.name}
        ), result
        return
    wanted = judge.decoded_count(source)
    assert judge.decoded_count(folder / 'out.mkv') >= wanted - (1 if result.code == 0 else 0), result
    assert judge.planned_frames(judge.report(folder / 'out.mkv')) == judge.decoded_count(folder / 'out.mkv'), result


@pytest.mark.parametrize('name, size', [('h264', 40), ('h264_mkv', 300), ('dv_ntsc', 2000), ('mpeg2_480i_tff', 500)])
def test_truncated_to_nothing(program, folder, name, size):
    source = copy(name, folder)
    source.write_bytes(source.read_bytes()[:size])
    refused(program, folder, source)


def packets(path):
    found = judge.probe(path, '-select_streams', 'v', '-show_packets', '-show_entries',
        'packet=pos,size,flags')['packets']
    return [(int(p['pos']), int(p['size']), p['flags']) for p in found if 'pos' in p]


def damage(source, first, last, skip=40, seed=3):
    """Overwrites packets first..last-1 of the video with noise, all but their first `skip` bytes."""
    data = bytearray(source.read_bytes())
    noise = random.Random(seed)
    for pos, size, _ in packets(source)[first:last]:
        data[pos + skip : pos + size] = noise.randbytes(max(0, size - skip))
    source.write_bytes(data)


# How much of a packet is left: what lies ahead of it in the file, or enough for a decoder to find the damage only on its
# way.
DESTROYED = {'mjpeg': 8, 'h264': 0, 'hevc': 0, 'h264_mkv': 8, 'mpeg4_bframes': 8, 'prores': 0, 'vp9': 8, 'dv_ntsc': 8}
DAMAGED = {'h264': 40, 'h264_mkv': 40, 'checked': 40, 'mpeg4_bframes': 40}


@pytest.mark.sanitizer
@pytest.mark.parametrize('name, skip', [*DESTROYED.items(), *DAMAGED.items()])
def test_damage_in_the_middle(program, folder, name, skip):
    """Pictures that can't be decoded are concealed and counted, so nothing gets shorter; exit status 3. With --strict it
    is a failure."""
    source = copy(name, folder)
    damage(source, 6, 9, skip)
    digest = judge.sha256(source)
    out = folder / 'out.mp4'
    frames, rate = clips.CLIPS[name].frames, clips.CLIPS[name].rate
    result = program('restore', source, '-o', out, *FAST, code=3)
    assert judge.sha256(source) == digest
    assert judge.decoded_count(out) == frames, result
    report = judge.report(out)
    assert judge.planned_frames(report) == frames
    counted = (judge.concealed_frames(report) or 0) + (judge.find_key(report, 'damaged') or 0)
    assert counted >= 1, json.dumps(report)[:3000]
    assert result.err.strip(), 'it must be said'
    times = judge.picture_times(out)
    assert judge.close(times[-1] - times[0], (frames - 1) / float(rate)), times
    for path in (out, judge.report_path(out)):
        path.unlink()
    refused(program, folder, source, '--strict')


def test_damage_is_not_the_jobs_business(program, folder):
    """Concealment too is the same for every number of jobs."""
    source = copy('steady', folder)
    damage(source, 40, 44)
    found = set()
    for jobs in (1, 4):
        out = folder / 'out.mp4'
        program('restore', source, '-o', out, *FAST, '--segment-length', 1, '--jobs', jobs, '--overwrite', code=3)
        found.add(judge.sha256(out))
    assert len(found) == 1


def test_damaged_bytes_in_a_transport_stream(program, folder):
    source = copy('mpeg2_open_gop', folder)
    data = bytearray(source.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3000] = random.Random(5).randbytes(3000)
    source.write_bytes(data)
    out = folder / 'out.mp4'
    result = program('restore', source, '-o', out, *FAST, code=(0, 3))
    times = judge.picture_times(out)
    assert judge.close(times[-1] - times[0], 35 / 25, 0.05), result
    start, end, _ = judge.sound_span(out)
    assert judge.close(start - times[0], -0.01, 0.01) and judge.close(end - times[0], 1.43, 0.05), result


def test_sound_only(program, folder):
    source = copy('sound_only', folder)
    refused(program, folder, source, words=[('no video', 'no picture', 'sound')])


def test_one_pixel(program, folder):
    source = copy('one_pixel', folder)
    refused(program, folder, source, words=['1x1'])


def test_one_pixel_scaled(program, folder):
    """With a size for the output there is nothing wrong with it; if something is, one line says so."""
    source = copy('one_pixel', folder)
    result = program('restore', source, '-o', folder / 'out.mp4', *FAST, '--resolution', '64x64', '-q', code=(0, 1))
    if result.code:
        assert (
            len(result.error_lines) == 1 and source.name in result.err and set(judge.listing(folder)) == {source.name}
        ), result
    else:
        assert judge.decoded_count(folder / 'out.mp4') == 4


def test_very_wide(program, folder):
    source = copy('very_wide', folder)
    result = program('restore', source, '-o', folder / 'out.mp4', *FAST, '-q', code=(0, 1))
    if result.code:
        assert len(result.error_lines) == 1 and '16384' in result.err, result
        assert set(judge.listing(folder)) == {source.name}
    else:
        assert judge.decoded_count(folder / 'out.mp4') == 2


def test_size_that_no_encoder_takes(program, folder):
    source = copy('frames_1', folder)
    refused(program, folder, source, '--resolution', '20000x20000', code=(1, 2), words=['20000x20000'])


def test_unreadable(program, folder):
    if os.getuid() == 0:
        pytest.skip('root reads everything')
    source = copy('h264', folder)
    source.chmod(0)
    before = set(os.listdir(folder))
    result = program('restore', source, '-o', folder / 'out.mp4', *FAST, '-q', code=1)
    assert len(result.error_lines) == 1 and 'permission' in result.err and set(os.listdir(folder)) == before


def test_source_changes_under_way(program, folder):
    """A file that is still being written is no source for a plan that was made from less of it."""
    source = copy('steady', folder)
    out = folder / 'out.mp4'
    program('restore', source, '-o', out, *FAST, '--segment-length', 1, '--keep-work', code=0)
    for path in (out, judge.report_path(out)):
        path.unlink()
    with open(source, 'ab') as f:
        f.write(b'\0' * 100)
    result = program('restore', source, '-o', out, *FAST, '--segment-length', 1, '-q', code=1)
    assert len(result.error_lines) == 1, result
    assert not out.exists()


# The output


@pytest.mark.sanitizer
def test_output_exists(program, folder):
    source = copy('frames_3', folder)
    (folder / 'out.mp4').write_text('precious')
    refused(program, folder, source, names='out.mp4', words=['exists', 'overwrite'])
    program('restore', source, '-o', folder / 'out.mp4', *FAST, '--overwrite', code=0)
    assert judge.decoded_count(folder / 'out.mp4') == 3


def test_overwrite_keeps_the_old_file_until_the_end(program, folder):
    source = copy('frames_3', folder)
    damage(source, 0, 3)
    (folder / 'out.mp4').write_text('precious')
    program('restore', source, '-o', folder / 'out.mp4', *FAST, '--overwrite', '--strict', '-q', code=1)
    assert (folder / 'out.mp4').read_text() == 'precious'


@pytest.mark.parametrize('how', ['same', 'symlink', 'hardlink', 'dots', 'symlink_source', 'folder_link'])
def test_output_is_the_input(program, folder, how):
    source = copy('frames_3', folder, 'film.mp4')
    digest = judge.sha256(source)
    out, given = folder / 'other.mp4', source
    if how == 'same':
        out = source
    elif how == 'symlink':
        out.symlink_to(source)
    elif how == 'hardlink':
        os.link(source, out)
    elif how == 'dots':
        out = folder / '..' / folder.name / source.name
    elif how == 'symlink_source':
        given, out = folder / 'link.mp4', source
        given.symlink_to(source)
    else:
        (folder.parent / 'twin').symlink_to(folder)
        out = folder.parent / 'twin' / source.name
    for extra in ([], ['--overwrite']):
        refused(program, folder, given, *extra, out=out, names='', words=[('same file', 'the source', 'the input',
            'itself')])
    assert judge.sha256(source) == digest


def test_output_folder_missing(program, folder):
    source = copy('frames_1', folder)
    refused(program, folder, source, out=folder / 'no' / 'such' / 'out.mp4', names='no/such', words=[('no such',
        'not exist', 'missing', 'not found')])


def test_output_folder_read_only(program, folder):
    source = copy('frames_1', folder)
    target = folder / 'shelf'
    target.mkdir()
    if os.getuid() == 0:
        target = Path('/proc')  # root writes everywhere else
    else:
        target.chmod(0o555)
    refused(program, folder, source, out=target / 'out.mp4', names=str(target), words=[('permission', 'read-only',
        'written', 'write', 'create')])


def test_output_is_a_folder_that_is_a_file(program, folder):
    source = copy('frames_1', folder)
    (folder / 'file').write_text('x')
    refused(program, folder, source, out=folder / 'file' / 'out.mp4', names='file')


def test_unknown_container(program, folder):
    source = copy('frames_1', folder)
    refused(program, folder, source, out=folder / 'out.xyz', names='out.xyz', code=(1, 2), words=['mkv'])


def test_encoder_that_the_container_can_not_hold(program, folder):
    source = copy('frames_1', folder)
    refused(program, folder, source, '--encoder', 'ffv1', out=folder / 'out.webm', names='', code=(1, 2), words=['webm',
        'ffv1'])


LONG = ['--preset', 'clean', '--resolution', 'source', '--preset-speed', 'medium', '--crf', '20', '--segment-length', 2,
    '--jobs', 2]


def wait_for_segment(running, folder, count=1, timeout=60):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if len(judge.segment_files(folder)) >= count:
            return
        if running.poll() is not None:
            pytest.fail(f'it ended [{running.returncode}] before a segment was finished: {running.communicate()}')
        time.sleep(0.01)
    running.kill()
    pytest.fail('no segment in time')


@pytest.fixture(scope='module')
def uninterrupted(program, tmp_path_factory):
    out = tmp_path_factory.mktemp('whole') / 'out.mp4'
    program.restore(clips.path('long_run'), out, *LONG)
    return judge.sha256(out)


def small_disk(tmp_path, size):
    """A file system of `size` bytes, or None where none can be mounted."""
    where = tmp_path / 'disk'
    where.mkdir()
    done = (subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size}', 'tmpfs', str(where)],
        stderr=subprocess.DEVNULL) if os.getuid() == 0 else None)
    if done is None or done.returncode:
        where.rmdir()
        return None
    return where


def limited_files(size):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def test_full_disk_at_once(program, tmp_path):
    """There is no room from the start: said before or at the first write, nothing is left."""
    source = clips.path('steady_interlaced')
    args = ['--preset', 'clean', '--resolution', 'source', '--encoder', 'ffv1', '-q']
    disk = small_disk(tmp_path, '300k')
    try:
        where = disk or tmp_path
        limit = None if disk else limited_files(100000)
        result = program('restore', source, '-o', where / 'out.mkv', *args, code=1, preexec_fn=limit)
        assert len(result.error_lines) == 1, result
        assert any(w in result.err.lower() for w in ('space', 'full', 'too large')), result
        assert not judge.listing(where), result
    finally:
        if disk:
            subprocess.run(['umount', str(disk)], check=True)


def test_full_disk_later(program, tmp_path, uninterrupted):
    """The disk fills up under way: finished segments stay, a line says how to go on, which gives the same file."""
    disk = small_disk(tmp_path, '30m')
    if not disk:
        pytest.skip('no file system can be mounted here (needs root)')
    try:
        source = clips.path('long_run')
        out = disk / 'out.mp4'
        running = program.start('restore', source, '-o', out, *LONG)
        wait_for_segment(running, judge.work_folder(out))
        free = os.statvfs(disk)
        filler = disk / 'filler'
        # The program writes on meanwhile: where it was faster, this is what finds the disk full.
        with contextlib.suppress(OSError), open(filler, 'wb', buffering=0) as f:
            f.write(b'x' * max(0, free.f_bavail * free.f_bsize - 20000))
        err = running.communicate(timeout=120)[1].decode()
        assert running.returncode == 1, err
        told = [line for line in err.splitlines() if 'error' in line]
        assert len(told) == 1 and any(w in told[0] for w in ('space', 'full')) and out.name in told[0], err
        assert judge.segment_files(judge.work_folder(out)) and not out.exists()
        assert 'resume' in err.lower() or 'same command' in err.lower() or 'go on' in err.lower(), err
        filler.unlink()
        program.restore(source, out, *LONG)
        assert judge.sha256(out) == uninterrupted
        assert {p.name for p in disk.iterdir()} == {'out.mp4', 'out.mp4.json'}
    finally:
        subprocess.run(['umount', str(disk)], check=True)


# Interruption


@pytest.mark.parametrize(
    'number', [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=['ctrl-c', 'terminated', 'killed']
)
def test_interrupted(program, folder, uninterrupted, number):
    out = folder / 'out.mp4'
    running = program.start('restore', clips.path('long_run'), '-o', out, *LONG)
    wait_for_segment(running, judge.work_folder(out), 2)
    before = {p.name: p.stat().st_mtime_ns for p in judge.segment_files(judge.work_folder(out))}
    running.send_signal(number)
    started = time.monotonic()
    err = running.communicate(timeout=60)[1].decode()
    if number == signal.SIGKILL:
        assert running.returncode == -9
    else:
        assert running.returncode == 130, err
        assert time.monotonic() - started < 15
        assert 'out.mp4' in err and any(w in err.lower() for w in ('resume', 'same command', 'go on', 'continue')), err
        assert not [p for p in judge.work_folder(out).iterdir() if p.suffix == '.part'], 'unfinished pieces'
    assert not out.exists() and not judge.report_path(out).exists()
    assert set(before) <= {p.name for p in judge.segment_files(judge.work_folder(out))}
    result = program.restore(clips.path('long_run'), out, *LONG)
    assert judge.sha256(out) == uninterrupted, result
    assert set(judge.listing(folder)) == {'out.mp4', 'out.mp4.json'}


def test_interrupted_early_leaves_nothing(program, folder):
    """Before the first segment is finished there is nothing worth keeping."""
    out = folder / 'out.mp4'
    args = ['--preset', 'vhs', '--resolution', '1080', '--preset-speed', 'placebo', '--segment-length', 30, '--jobs', 1]
    running = program.start('restore', clips.path('long_run'), '-o', out, *args)
    end = time.monotonic() + 30
    while not judge.work_folder(out).exists() and time.monotonic() < end and running.poll() is None:
        time.sleep(0.02)
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)
    err = running.communicate(timeout=60)[1].decode()
    assert running.returncode == 130, err
    assert not judge.listing(folder), err


def test_second_run_on_the_same_output(program, folder):
    out = folder / 'out.mp4'
    running = program.start('restore', clips.path('long_run'), '-o', out, *LONG)
    try:
        wait_for_segment(running, judge.work_folder(out))
        result = program('restore', clips.path('long_run'), '-o', out, *LONG, '-q', code=1)
        assert len(result.error_lines) == 1 and any(
            w in result.err.lower() for w in ('in use', 'another', 'running', 'lock')
        ), result
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=60)
    finally:
        if running.poll() is None:
            running.kill()
            running.wait()


@pytest.mark.long
@pytest.mark.parametrize('seed', range(20))
def test_killed_at_random(program, folder, uninterrupted, seed):
    out = folder / 'out.mp4'
    chance = random.Random(seed)
    for _ in range(30):
        running = program.start('restore', clips.path('long_run'), '-o', out, *LONG)
        try:
            running.communicate(timeout=chance.uniform(0.02, 3))
            break
        except subprocess.TimeoutExpired:
            running.kill()
            running.communicate()
    if not out.exists():
        program.restore(clips.path('long_run'), out, *LONG)
    assert judge.sha256(out) == uninterrupted
    assert set(judge.listing(folder)) == {'out.mp4', 'out.mp4.json'}


# What the user wrote


def usage(program, folder, *args, words):
    before = judge.listing(folder)
    result = program(*args, code=2, cwd=folder)
    first = result.error_lines[0]
    assert len(result.error_lines) <= 2, f'one line and where to find help: {result}'
    for word in words:
        assert word in first, f'the line should say "{word}": {result}'
    assert not result.out
    assert judge.listing(folder) == before


@pytest.mark.sanitizer
@pytest.mark.parametrize(
    'args, words',
    [
        (['--qualty', 'fast'], ['--qualty', '--quality']),
        (['--denoise-strenght', '3:2:3:2'], ['--denoise-strength']),
        (['--crff', '3'], ['--crf']),
        (['--crf', '99'], ['crf', '0', '51']),
        (['--crf', '-1'], ['crf', '0', '51']),
        (['--crf', 'x'], ['crf']),
        (['--crf', ''], ['crf']),
        (['--crf'], ['--crf']),
        (['--jobs', '-3'], ['jobs']),
        (['--jobs', '1e9'], ['jobs']),
        (['--quality', 'fastest'], ['fastest', 'fast', 'good', 'best']),
        (['--preset', 'vsh'], ['vsh', 'vhs']),
        (['--encoder', 'h265'], ['h265']),
        (['--encoder', 'hvec'], ['hvec', 'hevc']),
        (['--resolution', '0x0'], ['resolution']),
        (['--resolution', 'huge'], ['huge']),
        (['--range', '5-2'], ['range']),
        (['--range', 'abc'], ['range', 'abc']),
        (['--deinterlace', 'bwdiff'], ['bwdiff', 'bwdif']),
        (['--denoise-strength', '3:2'], ['denoise-strength']),
        (['--segment-length', '0'], ['segment-length']),
        (['--segment-length', 'nan'], ['segment-length']),
        (['--cpu-mask', 'mmx'], ['mmx']),
        (['--progress', 'fancy'], ['fancy']),
        (['--preset-speed', 'warp'], ['warp']),
    ],
)
def test_wrong_option(program, folder, args, words):
    source = copy('frames_1', folder)
    usage(program, folder, 'restore', source, '-o', folder / 'out.mp4', *args, words=words)


@pytest.mark.parametrize(
    'args, words',
    [
        ([], []),
        (['restor', 'x.avi'], ['restor', 'restore']),
        (['restore'], []),
        (['presets', 'vsh'], ['vsh', 'vhs']),
        (['completion', 'tcsh'], ['tcsh']),
        (['help', 'restor'], ['restor', 'restore']),
        (['--wrong'], ['--wrong']),
    ],
)
def test_wrong_call(program, folder, args, words):
    result = program(*args, cwd=folder)
    assert result.code == 2, result
    for word in words:
        assert word in result.err, result


def test_range_behind_the_end(program, folder):
    source = copy('frames_3', folder)
    refused(program, folder, source, '--range', '10-20', code=(1, 2), names='', words=['range'])


PRESET = 'version: 1\nname: mine\nsummary: for this test\noptions:\n  crf: 20\n'


@pytest.mark.parametrize(
    'text, line, words',
    [
        (PRESET.replace('crf: 20', 'crf: 77'), 5, ['crf', '51']),
        (PRESET.replace('crf', 'crff'), 5, ['crff', 'crf']),
        (PRESET.replace('options:', 'option:'), 4, ['option']),
        (PRESET.replace('  crf: 20', '\tcrf: 20'), 5, []),
        (PRESET + '  crf: 21\n', 6, ['crf']),
        (PRESET.replace('version: 1', 'version: 99'), 1, ['version']),
        (PRESET + '  denoise: [a, b\n', None, []),
        ('just text\n', None, []),
        (PRESET + '  deinterlace: {a: b}\n', 6, ['deinterlace']),
    ],
    ids=['range', 'unknown', 'key', 'tab', 'twice', 'version', 'syntax', 'text', 'type'],
)
def test_broken_preset(program, folder, text, line, words):
    """File and line."""
    source = copy('frames_1', folder)
    preset = folder / 'mine.yaml'
    preset.write_text(text)
    result = program('restore', source, '-o', folder / 'out.mp4', '--preset', preset, code=2, cwd=folder)
    first = result.error_lines[0]
    assert 'mine.yaml' in first, result
    if line:
        assert f'{line}' in first.replace('51', '').replace('77', ''), f'line {line} is not named: {result}'
    for word in words:
        assert word in first, result
    assert set(judge.listing(folder)) == {source.name, 'mine.yaml'}


@pytest.mark.parametrize(
    'text, line, words',
    [
        ('crf: 20\ncrff: 3\n', 2, ['crff', 'crf']),
        ('# mine\n\ncrf: 900\n', 3, ['crf']),
        ('crf: [\n', None, []),
        ('- a\n', None, []),
    ],
    ids=['unknown', 'range', 'syntax', 'list'],
)
def test_broken_configuration(program, folder, text, line, words):
    source = copy('frames_1', folder)
    config = folder / 'settings.yaml'
    config.write_text(text)
    result = program('restore', source, '-o', folder / 'out.mp4', '--config', config, code=2, cwd=folder)
    first = result.error_lines[0]
    assert 'settings.yaml' in first, result
    if line:
        assert f'{line}' in first.split('settings.yaml', 1)[1], f'line {line} is not named: {result}'
    for word in words:
        assert word in first, result
    assert set(judge.listing(folder)) == {source.name, 'settings.yaml'}


def test_configuration_missing(program, folder):
    source = copy('frames_1', folder)
    result = program('restore', source, '-o', folder / 'out.mp4', '--config', folder / 'none.yaml', code=(1, 2),
        cwd=folder)
    assert 'none.yaml' in result.error_lines[0], result


def test_wrong_environment(program, folder):
    source = copy('frames_1', folder)
    result = program('restore', source, '-o', folder / 'out.mp4', code=2, env={'TERMINALAI_CRF': 'many'}, cwd=folder)
    assert 'TERMINALAI_CRF' in result.error_lines[0] and 'many' in result.error_lines[0], result


# The work folder

WORK = [*FAST, '--segment-length', 1]


@pytest.fixture
def half_done(program, folder):
    """A work folder as an interrupted run leaves it: everything done but the last segment and the joined file."""
    source = copy('steady', folder)
    out = folder / 'out.mp4'
    program.restore(source, out, *WORK, '--keep-work')
    whole = judge.sha256(out)
    for path in (out, judge.report_path(out)):
        path.unlink()
    work = judge.work_folder(out)
    segments = judge.segment_files(work)
    assert len(segments) >= 2
    journal = work / 'journal.jsonl'
    lines = journal.read_text().splitlines(keepends=True)
    segments[-1].unlink()
    journal.write_text(
        ''.join(line for line in lines if 'joined' not in line and json.loads(line).get('segment') != len(segments) - 1)
    )
    return source, out, work, whole


def test_goes_on(program, half_done):
    source, out, work, whole = half_done
    result = program.restore(source, out, *WORK, '--json')
    assert judge.sha256(out) == whole
    assert result.json()['files'][0]['segments_reused'] >= 1, result
    assert not work.exists()


def test_no_resume(program, half_done):
    source, out, work, whole = half_done
    before = judge.listing(work)
    result = program('restore', source, '-o', out, *WORK, '--no-resume', '-q', code=1)
    assert len(result.error_lines) == 1 and 'out.mp4' in result.err, result
    assert judge.listing(work) == before


def test_restart(program, half_done):
    source, out, work, whole = half_done
    result = program.restore(source, out, *WORK, '--restart', '--json')
    assert judge.sha256(out) == whole and result.json()['files'][0]['segments_reused'] == 0


def test_another_plan(program, half_done):
    """What differs is named; nothing is touched."""
    source, out, work, whole = half_done
    before = judge.listing(work)
    args = [a if a != '30' else '31' for a in WORK]
    result = program('restore', source, '-o', out, *args, '-q', code=1)
    assert len(result.error_lines) <= 2 and 'crf' in result.err, result
    assert judge.listing(work) == before
    program.restore(source, out, *args, '--restart')


@pytest.mark.parametrize('how', ['garbage', 'empty', 'number', 'frames', 'binary', 'missing', 'deep'])
def test_broken_plan(program, half_done, how):
    source, out, work, whole = half_done
    plan = work / 'plan.json'
    text = plan.read_text()
    if how == 'missing':
        plan.unlink()
    else:
        plan.write_bytes({'garbage': b'{"version": 1, "source', 'empty': b'', 'number': text.replace('"version": 1',
            '"version": 1e99', 1).encode(), 'frames': text.replace('"frames": 90', '"frames": 9000000000', 1).encode(),
            'binary': bytes(range(256)) * 50, 'deep': b'[' * 200000}[how])
        assert plan.read_text(errors='replace') != text
    result = program('restore', source, '-o', out, *WORK, '-q', code=(0, 1))
    if result.code:
        assert result.error_lines and 'plan.json' in result.error_lines[0] or 'out.mp4' in result.error_lines[0], result
        assert not out.exists()
        program.restore(source, out, *WORK, '--restart')
    assert judge.sha256(out) == whole


@pytest.mark.parametrize('how', ['garbage', 'half line', 'empty', 'missing', 'lies', 'doubled', 'binary'])
def test_broken_journal(program, half_done, how):
    """What the journal can't prove is done again: the result is the same, or one line says what is wrong."""
    source, out, work, whole = half_done
    journal = work / 'journal.jsonl'
    text = journal.read_bytes()
    if how == 'missing':
        journal.unlink()
    else:
        lies = text.replace(b'"frames":30', b'"frames":29').replace(b'"frames": 30', b'"frames": 29')
        journal.write_bytes({'garbage': b'what\n' + text, 'half line': text[:-20], 'empty': b'', 'lies': lies,
            'doubled': text + text, 'binary': bytes(range(256)) * 10 + text}[how])
    result = program('restore', source, '-o', out, *WORK, '-q', code=(0, 1))
    if result.code:
        assert len(result.error_lines) <= 2 and 'journal' in result.err, result
        program.restore(source, out, *WORK, '--restart')
    assert judge.sha256(out) == whole


@pytest.mark.parametrize('how', ['cut', 'flipped', 'empty', 'missing', 'swapped'])
def test_broken_segment(program, half_done, how):
    source, out, work, whole = half_done
    segments = judge.segment_files(work)
    data = segments[0].read_bytes()
    if how == 'missing':
        segments[0].unlink()
    elif how == 'swapped':
        segments[0].write_bytes(segments[-1].read_bytes() if len(segments) > 1 else b'NUT')
    else:
        flipped = bytearray(data)
        flipped[len(data) // 2] ^= 1
        segments[0].write_bytes({'cut': data[:-100], 'flipped': bytes(flipped), 'empty': b''}[how])
    program.restore(source, out, *WORK)
    assert judge.sha256(out) == whole


def test_broken_index_in_the_work_folder(program, half_done):
    source, out, work, whole = half_done
    index = work / 'index.bin'
    if index.exists():
        data = bytearray(index.read_bytes())
        data[len(data) // 2] ^= 255
        index.write_bytes(data)
    result = program('restore', source, '-o', out, *WORK, '-q', code=(0, 1))
    if result.code:
        assert len(result.error_lines) <= 2, result
        program.restore(source, out, *WORK, '--restart')
    assert judge.sha256(out) == whole


def test_broken_cache(program, folder, tmp_path):
    """An index in the cache that is garbled is made anew."""
    cache = tmp_path / 'cache'
    source = copy('h264', folder)
    env = {'XDG_CACHE_HOME': str(cache)}
    first = program('plan', source, '--json', env=env, code=0).out
    files = [p for p in cache.rglob('*') if p.is_file()]
    for path in files:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 255
        path.write_bytes(data)
    assert program('plan', source, '--json', env=env, code=0).out == first
    for path in files:
        path.write_bytes(b'short')
    assert program('plan', source, '--json', env=env, code=0).out == first


def test_cache_can_not_be_written(program, folder):
    source = copy('frames_1', folder)
    program('restore', source, '-o', folder / 'out.mp4', *FAST, env={'XDG_CACHE_HOME': '/proc/none'}, code=0)


def test_work_folder_elsewhere(program, folder, tmp_path):
    source = copy('steady', folder)
    scratch = tmp_path / 'scratch'
    scratch.mkdir()
    out = folder / 'out.mp4'
    program.restore(source, out, *WORK, '--work-dir', scratch, '--keep-work')
    assert set(judge.listing(folder)) == {source.name, 'out.mp4', 'out.mp4.json'}
    assert len(list(scratch.iterdir())) == 1
    shutil.rmtree(scratch)
    result = program('restore', source, '-o', folder / 'other.mp4', *WORK, '--work-dir', scratch / 'none' / 'such',
        '-q', code=(0, 1))
    assert result.code == 0 or len(result.error_lines) == 1


# verify


def test_verify(program, folder):
    source = copy('h264', folder)
    out = folder / 'out.mp4'
    program.restore(source, out, *FAST)
    program('verify', out, code=0)
    data = bytearray(out.read_bytes())
    data[len(data) * 2 // 3] ^= 8
    out.write_bytes(data)
    result = program('verify', out, '-q', code=1)
    assert len(result.error_lines) >= 1 and 'out.mp4' in result.err, result
    out.write_bytes(data[: len(data) // 2])
    result = program('verify', out, '-q', code=1)
    assert 'out.mp4' in result.err
    out.unlink()
    result = program('verify', out, '-q', code=1)
    assert len(result.error_lines) == 1 and 'out.mp4' in result.err


@pytest.mark.parametrize('text', [b'', b'{', b'{}', b'[]', bytes(range(256))])
def test_verify_with_a_broken_report(program, folder, text):
    source = copy('frames_3', folder)
    out = folder / 'out.mp4'
    program.restore(source, out, *FAST)
    judge.report_path(out).write_bytes(text)
    result = program('verify', out, '-q', code=1)
    assert len(result.error_lines) >= 1 and 'out.mp4.json' in result.err, result


# Names


@pytest.mark.parametrize(
    'name',
    [
        'mit Leerzeichen und Ümlaut.mp4',
        "quote'\".mp4",
        '-dash.mp4',
        'new\nline.mp4',
        '100%d.mp4',
        'a:b,c;d[0]=e.mp4',
        'file:x.mp4',
        b'\xff\xfe.mp4'.decode(errors='surrogateescape'),
    ],
)
def test_strange_names(program, folder, name):
    source = copy('frames_1', folder, name)
    result = program('restore', *FAST, '-o', f'out {name}', '--', name, cwd=folder)
    assert result.code == 0, result
    assert judge.decoded_count(folder / f'out {name}') == 1
    assert source.exists()
