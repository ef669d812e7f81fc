"""Which calls are wrong (2) and which failed (1): by the kind of what is wrong, and in every command the same."""

import os

import pytest

import clips

LONG = 'a' * 300
PLAN = ['--preset', 'clean', '--resolution', 'source']


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp('exit')
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc=s=48x32:r=25:d=1', '-c:v', 'ffv1', *clips.BITEXACT, folder / 'tape.mkv')
    os.symlink('loop', folder / 'loop')
    os.symlink('loop.yaml', folder / 'loop.yaml')
    (folder / 'dir').mkdir()
    (folder / 'dir.yaml').mkdir()
    os.mkfifo(folder / 'fifo')
    (folder / 'empty.mp4').touch()
    (folder / 'text.mp4').write_text('no film')
    (folder / 'wrong.yaml').write_text('crf: many')
    (folder / 'broken.yaml').write_text('{')
    return folder


# A file that is named and can't be read or written is a failure, whatever keeps it from that.
FILES = [LONG + '.mp4', 'loop', 'fifo', 'empty.mp4', 'text.mp4', 'none.mp4', 'text.mp4/in.mp4', '/dev/null', 'dir/none.mp4']


@pytest.mark.parametrize('name', FILES, ids=lambda n: n[:20])
@pytest.mark.parametrize('command', ['probe', 'plan', 'restore', 'preview', 'compare'])
def test_sources(program, place, command, name):
    more = {'restore': ['-o', 'o.mp4'], 'preview': ['-o', 'o.mp4'], 'compare': ['--presets', 'clean', '-o', 'o']}.get(command, [])
    done = program(command, name, *more, cwd=place, code=1)
    assert name[:20] in done.error_lines[0] and not (place / 'o.mp4').exists(), done


@pytest.mark.parametrize('args', [
    ['plan', 'tape.mkv', '--config', 'none.yaml'], ['plan', 'tape.mkv', '--config', 'dir'], ['plan', 'tape.mkv', '--config', 'loop'],
    ['plan', 'tape.mkv', '--config', LONG], ['plan', 'tape.mkv', '--preset', './none.yaml'], ['plan', 'tape.mkv', '--preset', './dir.yaml'],
    ['plan', 'tape.mkv', '--preset', './loop.yaml'], ['plan', 'tape.mkv', '--colour-lut', 'none.cube'],
    ['restore', 'tape.mkv', '-o', 'none/o.mp4', *PLAN], ['restore', 'tape.mkv', '-o', 'text.mp4/o.mp4', *PLAN], ['restore', 'tape.mkv', '-o', 'tape.mkv', *PLAN],
    ['restore', 'tape.mkv', '-o', LONG + '.mp4', *PLAN], ['restore', 'tape.mkv', '-o', 'o.mp4', '--work-dir', 'text.mp4', *PLAN],
    ['restore', 'tape.mkv', '-o', 'o.mp4', '--work-dir', 'loop', *PLAN],
    ['task', '--plan', 'none.json', '--list'], ['task', '--plan', 'dir', '--list'], ['task', '--plan', 'loop', '--list'], ['task', '--plan', LONG, '--list'],
    ['task', '--plan', 'text.mp4', '--list'], ['join', '--plan', 'loop'], ['segment', '--plan', 'dir', '--index', 0],
    ['status', 'none.mp4'], ['status', LONG], ['status', 'loop'], ['resume', 'none.mp4'], ['resume', 'loop'], ['verify', 'none.mp4'], ['verify', 'loop'],
    ['clean', 'none'], ['clean', 'loop'], ['simulate', '-o', 'none/o.avi'], ['simulate', '-o', LONG + '.avi'],
], ids=lambda a: ' '.join(map(str, a))[:50])
def test_files(program, place, args):
    done = program(*args, cwd=place, code=1)
    assert len(done.error_lines) >= 1 and not (place / 'o.mp4').exists(), done


# What no file can mend: names that the program does not know, values out of range, options that do not go together.
@pytest.mark.parametrize('args', [
    ['plan', 'tape.mkv', '--preset', 'none'], ['compare', 'tape.mkv', '--presets', 'none'], ['plan', 'tape.mkv', '--config', 'wrong.yaml'],
    ['plan', 'tape.mkv', '--config', 'broken.yaml'], ['plan', 'tape.mkv', '--preset', './broken.yaml'], ['plan', 'tape.mkv', '--colour-lut', 'nothing'],
    ['plan', 'tape.mkv', '--encoder', 'none'], ['plan', 'tape.mkv', '--crf', 99], ['plan', 'tape.mkv', '--none'], ['plan', 'tape.mkv', '-o', 'o.xyz'],
    ['plan', 'tape.mkv', '--encoder', 'ffv1', '-o', 'o.mp4'], ['plan', 'tape.mkv', '--range', '99-100'], ['plan'], ['restore', '-'], ['none'], ['help', 'none'],
    ['completion', 'none'], ['simulate'], ['join'], ['task', '--plan', 'none.json'], ['compare', 'tape.mkv'],
], ids=lambda a: ' '.join(map(str, a))[:50])
def test_wrong_calls(program, place, args):
    done = program(*args, cwd=place, code=2)
    assert len(done.error_lines) >= 1, done


def test_codec_without_a_name(program, place):
    """What no decoder can be found for failed, and is called by what the file calls it."""
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc=s=48x32:r=25:d=0.2', '-c:v', 'mpeg4', *clips.BITEXACT, place / 'tag.avi')
    (place / 'tag.avi').write_bytes((place / 'tag.avi').read_bytes().replace(b'FMP4', b'ZZZ9'))
    done = program('restore', 'tag.avi', '-o', 'o.mp4', *PLAN, cwd=place, code=1)
    assert len(done.error_lines) == 1 and 'ZZZ9' in done.err, done


# Nothing is missing of what comes out: that is told, and is no error.
@pytest.mark.parametrize('option, args', [
    ('denoise-strength', ['--denoise', 'off', '--denoise-strength', '1:1:1:1']),
    ('denoise-nlmeans-strength', ['--denoise', 'recursive', '--denoise-nlmeans-strength', 3]),
    ('deinterlace-w3fdif-filter', ['--deinterlace', 'bwdif', '--deinterlace-w3fdif-filter', 'simple']),
    ('hdr-peak', ['--hdr', 'sdr', '--hdr-peak', 400]),
    ('hdr-rtx-contrast', ['--encoder', 'hevc', '--hdr', 'hdr10', '--hdr-rtx-contrast', 120]),
    ('scale-kernel', ['--scale-kernel', 'bilinear']),
], ids=lambda a: a if isinstance(a, str) else '')
def test_options_without_effect(program, place, option, args):
    plan = program('plan', 'tape.mkv', '-o', 'o.mp4', *PLAN, *args, '--json', cwd=place, code=0).json()
    warned, = plan['warnings']
    assert warned['code'] == 'option-without-effect' and warned['where']['option'] == option, warned
    done = program('restore', 'tape.mkv', '-o', 'vain.mp4', *PLAN, '--overwrite', '--preset-speed', 'ultrafast', *args, '--progress', 'none', cwd=place, code=0)
    assert done.err.count(f'--{option} changes nothing') == 1, done
