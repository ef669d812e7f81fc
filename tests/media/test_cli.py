"""The command line as people and programs use it."""

import json
import os
import pty
import re
import select
import shutil
import subprocess

import pytest

import clips
import judge

FAST = ['--preset', 'clean', '--resolution', 'source', '--quality', 'fast', '--preset-speed', 'ultrafast', '--crf',
    '30']
COMMANDS = ['restore', 'resume', 'status', 'plan', 'probe', 'verify', 'clean', 'presets', 'encoders', 'engines', 'models',
    'doctor', 'completion', 'help', 'simulate']


@pytest.fixture
def folder(tmp_path):
    where = tmp_path / 'films'
    where.mkdir()
    return where


def copy(name, folder, new=None):
    source = clips.path(name)
    target = folder / (new or source.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())
    return target


# Help


@pytest.mark.sanitizer
def test_help(program):
    first = program('--help', code=0).out
    assert program('help', code=0).out == first
    for command in COMMANDS:
        assert re.search(rf'^\s+{command}\b', first, re.M), first
    assert 'terminalai restore' in first and max(map(len, first.splitlines())) <= 100


@pytest.mark.parametrize('command', COMMANDS)
def test_help_of_a_command(program, command):
    text = program(command, '--help', code=0).out
    assert program('help', command, code=0).out == text
    assert text.startswith('Usage: terminalai') or f'terminalai {command}' in text
    assert max(map(len, text.splitlines())) <= 100


def test_help_of_restore_tells_all_options(program):
    text = program('restore', '--help=all', code=0).out
    for name in (
        'output',
        'preset',
        'resolution',
        'quality',
        'deinterlace',
        'deinterlace-fields',
        'denoise',
        'denoise-strength',
        'encoder',
        'crf',
        'preset-speed',
        'range',
        'jobs',
        'segment-length',
        'work-dir',
        'keep-work',
        'overwrite',
        'restart',
        'no-resume',
        'strict',
        'verify',
        'scan',
        'config',
        'progress',
        'json',
        'verbose',
        'quiet',
        'log-file',
        'cpu-mask',
        'recursive',
    ):
        assert f'--{name}' in text, name
    for word in ('0', '51', 'vhs', 'ultrafast', 'bwdif', 'ffv1'):
        assert word in text


def test_version(program):
    assert re.fullmatch(r'terminalai \d+\.\d+\.\d+.*', program('--version', code=0).out.splitlines()[0])


def test_manual_page(program):
    text = program('help', '--man', code=0).out
    assert text.startswith('.TH') and '.SH' in text and 'restore' in text
    if shutil.which('man'):
        done = subprocess.run(['man', '--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z', '-'], input=text.encode(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.returncode == 0 and not done.stderr, done.stderr.decode()


# Completion


@pytest.mark.parametrize('shell', ['bash', 'zsh', 'fish'])
def test_completion_script(program, tmp_path, shell):
    text = program('completion', shell, code=0).out
    for word in ('restore', 'vhs', 'preset-speed', 'deinterlace-fields', 'bwdif'):
        assert word in text
    if shutil.which(shell):
        script = tmp_path / 'script'
        script.write_text(text)
        subprocess.run([shell, '-n', str(script)], check=True, timeout=20)


def complete(program, *words):
    """What bash offers for the last word."""
    script = program('completion', 'bash', code=0).out
    line = ' '.join(words)
    names = re.search(r'complete .*-F (\S+)', script)
    ask = (
        f'{script}\nCOMP_WORDS=({" ".join(repr(w) for w in words)})\nCOMP_CWORD={len(words) - 1}\nCOMP_LINE={line!r}\nCOMP_POINT={len(line)}\n'
        f'{names[1]}\nprintf "%s\\n" "${{COMPREPLY[@]}}"\n'
    )
    done = subprocess.run(['bash', '--norc'], input=ask.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        timeout=20)
    return {w.strip() for w in done.stdout.decode().splitlines()}


@pytest.mark.parametrize(
    'words, offered',
    [
        (['terminalai', 're'], {'restore'}),
        (['terminalai', 'restore', '--pre'], {'--preset', '--preset-speed'}),
        (['terminalai', 'restore', '--preset', ''], {'vhs', 'dvd', 'clean'}),
        (['terminalai', 'restore', '--deinterlace', 'b'], {'bwdif'}),
        (['terminalai', 'completion', 'z'], {'zsh'}),
        (['terminalai', 'perf', 'm'], {'metrics'}),
        (['terminalai', 'perf', 'metrics', '--exp'], {'--export'}),
    ],
)
def test_bash_completes(program, words, offered):
    if not shutil.which('bash'):
        pytest.skip('no bash')
    found = complete(program, *words)
    assert offered <= found, found


# Lists


def test_presets(program):
    text = program('presets', code=0).out
    for name in ('vhs', 'dvd', 'clean'):
        assert re.search(rf'^{name}\b', text, re.M), text
    assert 'motion' in program('presets', 'vhs', code=0).out
    found = program('presets', '--json', code=0).json()
    assert {'vhs', 'dvd', 'clean'} <= {p['name'] for p in found}


def test_encoders(program):
    found = {e['name']: e for e in program('encoders', '--json', code=0).json() if not e['hardware']}
    for name in ('h264', 'hevc', 'av1', 'ffv1', 'prores', 'raw'):
        assert found[name]['works'], found[name]
    text = program('encoders', code=0).out
    assert 'h264' in text and 'works' in text


def test_hardware(program, tmp_path):
    """It works and is used, or one line says why each kind does not. Nothing falls back to software unseen."""
    here = [e for e in program('encoders', '--json', code=0).json() if e['hardware'] and e['name'] == 'h264']
    out = tmp_path / 'out.mp4'
    result = program('restore', clips.path('h264'), '-o', out, '--hardware', '--range', '0f-20f', '-q')
    if any(e['works'] for e in here):
        assert result.code == 0
        assert judge.report(out)['plan']['video']['encoder']['reproducible'] is False
        assert judge.decoded_count(out) == 20
    else:
        assert result.code == 1 and len(result.error_lines) == 1 and not list(tmp_path.iterdir())
        for kind in ('nvenc', 'qsv', 'vaapi', 'amf'):
            assert kind in result.err
    assert all(e.get('why') for e in here if not e['works'])
    refused = program('plan', clips.path('h264'), '-o', tmp_path / 'x.mkv', '--encoder', 'ffv1', '--hardware', code=2)
    assert 'ffv1' in refused.err


def test_doctor(program):
    result = program('doctor', code=0)
    assert 'libavcodec' in result.out and 'ready' in result.out
    found = program('doctor', '--json', code=0).json()
    assert all(e['state'] in ('ok', 'note') for e in found)


def test_doctor_names_a_cache_that_can_not_be_written(program):
    found = program('doctor', '--json', code=0, env={'XDG_CACHE_HOME': '/proc/none'}).json()
    assert any(e['what'] == 'cache' and e['state'] == 'note' and e.get('advice') for e in found)


# Probe and plan


@pytest.mark.parametrize('name', ['everything', 'dv_ntsc', 'timecode', 'rotated_90', 'sound_only', 'pal8', 'h264_paff'])
def test_probe(program, name):
    facts = program('probe', clips.path(name), '--json', code=0).json()
    assert len(facts['streams']) == len(judge.streams(clips.path(name)))
    assert program('probe', clips.path(name), code=0).out.strip()


def test_codec_tags_are_text(program, tmp_path):
    """Four letters, or the number that it is where they are none."""
    made = {'x.ts': ['-c:v', 'mpeg2video'], 'x.avi': ['-c:v', 'mpeg4', '-tag:v', 'XVID'], 'x.mov': ['-c:v', 'mpeg4']}
    told = {}
    for name, codec in made.items():
        clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc=s=64x64:r=25:d=0.2', *codec, *clips.BITEXACT, tmp_path / name)
        told[name] = program('probe', tmp_path / name, '--json', code=0).json()['streams'][0]['codec_tag']
    assert told == {'x.ts': '0x0002', 'x.avi': 'XVID', 'x.mov': 'mp4v'}


def test_probe_tells_what_is_there(program):
    text = program('probe', clips.path('everything'), code=0).out
    for word in ('h264', '352x288', 'aac', 'ac3', 'deu', 'Commentary', 'Beach', 'note.ttf', 'Summer 1994'):
        assert word in text, f'{word} is missing in\n{text}'


def test_plan_for_a_person(program):
    text = program('plan', clips.path('dv_ntsc'), code=0).out
    for word in ('deinterlace  motion', 'denoise      motion', '1440x1080', 'bff', '32'):
        assert word in text, f'{word} is missing in\n{text}'
    assert 'libx264' not in text and 'libx264' in program('plan', clips.path('dv_ntsc'), '-v', code=0).out


def test_plan_writes_nothing(program, folder):
    source = copy('dv_ntsc', folder)
    before = judge.listing(folder)
    plan = program('plan', source, '--json', code=0).json()
    assert judge.listing(folder) == before
    assert judge.planned_frames(plan) == 2 * clips.CLIPS['dv_ntsc'].frames
    assert str(plan['output']['path']).endswith('dv_ntsc.restored.mp4')


@pytest.mark.parametrize(
    'name',
    [
        'h264',
        'vfr_mkv',
        'mpeg2_480i_tff',
        'progressive_flagged_interlaced',
        'interlaced_flagged_progressive',
        'soft_telecine',
    ],
)
def test_plan_says_what_restore_does(program, folder, name):
    source = copy(name, folder)
    plan = program('plan', source, '--preset', 'vhs', '--json', code=0).json()
    clip = clips.CLIPS[name]
    assert judge.planned_frames(plan) == clip.frames * (2 if clip.interlaced else 1)
    runs = {r['scan'] for r in plan['video']['runs']}
    assert runs == {clip.scan}, plan['diagnosis']


# Where a value comes from


def origin(program, source, *args, env=None, name='crf'):
    return judge.option_origin(program('plan', source, '--json', *args, code=0, env=env).json(), name)


def test_precedence(program, folder):
    """Default < preset < configuration < environment < command line."""
    source = copy('frames_1', folder)
    preset, config = folder / 'mine.yaml', folder / 'settings.yaml'
    preset.write_text('version: 1\nname: mine\nsummary: for this test\noptions:\n  crf: 21\n')
    config.write_text('# mine\ncrf: 22\n')
    value, where = origin(program, source)
    assert value == '18' and 'default' in where
    value, where = origin(program, source, '--preset', preset)
    assert value == '21' and 'mine.yaml' in where
    value, where = origin(program, source, '--preset', preset, '--config', config)
    assert value == '22' and 'settings.yaml' in where and '2' in where.split('settings.yaml')[1]
    env = {'TERMINALAI_CRF': '23'}
    value, where = origin(program, source, '--preset', preset, '--config', config, env=env)
    assert value == '23' and ('TERMINALAI_CRF' in where or 'environment' in where)
    value, where = origin(program, source, '--preset', preset, '--config', config, '--crf', '24', env=env)
    assert value == '24' and ('command line' in where or '--crf' in where)
    text = program('plan', source, '--preset', preset, '--config', config, '--values', code=0, env=env).out
    line = next(line for line in text.splitlines() if re.match(r'\s*(--)?crf\b', line))
    assert '23' in line and ('TERMINALAI_CRF' in line or 'environment' in line)


def test_configuration_of_the_user(program, folder, tmp_path):
    source = copy('frames_1', folder)
    config = tmp_path / 'config' / 'terminalai'
    config.mkdir(parents=True)
    (config / 'config.yaml').write_text('preset: dvd\ncrf: 25\n')
    env = {'XDG_CONFIG_HOME': str(tmp_path / 'config')}
    assert origin(program, source, env=env)[0] == '25'
    assert origin(program, source, env=env, name='preset')[0] == 'dvd'
    assert origin(program, source, env=env, name='denoise-strength')[0].startswith('auto')


def test_preset_of_the_user(program, folder, tmp_path):
    source = copy('frames_1', folder)
    where = tmp_path / 'config' / 'terminalai' / 'presets'
    where.mkdir(parents=True)
    (where / 'grandma.yaml').write_text(
        'version: 1\nname: grandma\nsummary: soft\noptions:\n  denoise-strength: 6:5:6:5\n'
    )
    env = {'XDG_CONFIG_HOME': str(tmp_path / 'config')}
    assert origin(program, source, '--preset', 'grandma', env=env, name='denoise-strength')[0].startswith('6:5:6:5')
    assert 'grandma' in program('presets', code=0, env=env).out


@pytest.mark.parametrize(
    'preset, values',
    [
        ('vhs', {'deinterlace': 'motion', 'deinterlace-fields': 'both', 'denoise': 'motion'}),
        ('dvd', {'deinterlace': 'motion', 'denoise': 'motion'}),
        ('clean', {'deinterlace': 'off', 'denoise': 'off'}),
    ],
)
def test_preset_values(program, preset, values):
    plan = program('plan', clips.path('frames_1'), '--preset', preset, '--json', code=0).json()
    for name, value in values.items():
        assert judge.option_origin(plan, name)[0] == value


def test_option_forms(program):
    source = clips.path('frames_1')
    forms = [['--crf', '20', '--quality', 'fast'], ['--crf=20', '--quality=fast']]
    assert len({program('plan', source, '--json', *f, code=0).out for f in forms}) == 1


# Inputs and outputs


def test_default_output(program, folder):
    source = copy('frames_3', folder, 'tape.avi.mp4')
    program('restore', source, *FAST, code=0)
    assert set(judge.listing(folder)) == {'tape.avi.mp4', 'tape.avi.restored.mp4', 'tape.avi.restored.mp4.json'}


def test_default_output_in_the_current_folder(program, folder):
    copy('frames_3_dv', folder, 'tape.avi')
    program('restore', 'tape.avi', *FAST, code=0, cwd=folder)
    assert set(judge.listing(folder)) == {'tape.avi', 'tape.restored.mp4', 'tape.restored.mp4.json'}


def test_several_inputs(program, folder):
    copy('frames_1', folder, 'a.mp4')
    copy('frames_2', folder, 'b.mp4')
    result = program('restore', 'a.mp4', 'b.mp4', '-o', 'done', *FAST, code=0, cwd=folder)
    assert set(judge.listing(folder / 'done')) == {
        'a.restored.mp4',
        'a.restored.mp4.json',
        'b.restored.mp4',
        'b.restored.mp4.json',
    }, result
    assert judge.decoded_count(folder / 'done' / 'b.restored.mp4') == 2


def test_folder(program, folder):
    tapes = folder / 'tapes'
    copy('frames_1', tapes, 'a.mp4')
    copy('frames_2', tapes, 'deep/er/b.mp4')
    (tapes / 'notes.txt').write_text('hello')
    (tapes / '.hidden.mp4').write_text('x')
    program('restore', tapes, '-o', folder / 'one', *FAST, code=0)
    assert set(judge.listing(folder / 'one')) == {'a.restored.mp4', 'a.restored.mp4.json'}
    result = program('restore', tapes, '-o', folder / 'all', '--recursive', '--json', *FAST, code=0).json()
    files = {n for n, what in judge.listing(folder / 'all').items() if what != 'other'}
    assert files == {'a.restored.mp4', 'a.restored.mp4.json', 'deep/er/b.restored.mp4', 'deep/er/b.restored.mp4.json'}
    assert [f['status'] for f in result['files']] == ['done', 'done']


def test_folder_without_output_does_not_restore_twice(program, folder):
    copy('frames_1', folder, 'a.mp4')
    program('restore', folder, *FAST, code=0)
    before = judge.listing(folder)
    assert set(before) == {'a.mp4', 'a.restored.mp4', 'a.restored.mp4.json'}
    program('restore', folder, *FAST, '-q', code=0)
    assert judge.listing(folder) == before


def test_one_bad_file_does_not_stop_the_others(program, folder):
    copy('frames_1', folder, 'a.mp4')
    (folder / 'b.mp4').write_text('no video')
    copy('frames_2', folder, 'c.mp4')
    result = program('restore', 'a.mp4', 'b.mp4', 'c.mp4', '-o', 'done', '--json', *FAST, code=1, cwd=folder)
    assert [f['status'] for f in result.json()['files']] == ['done', 'failed', 'done']
    assert 'b.mp4' in result.err
    assert {'a.restored.mp4', 'c.restored.mp4'} <= set(
        judge.listing(folder / 'done')
    ) and 'b.restored.mp4' not in judge.listing(folder / 'done')


def test_two_inputs_for_one_output(program, folder):
    copy('frames_1', folder, 'x/a.mp4')
    copy('frames_2', folder, 'y/a.mp4')
    program('restore', 'x/a.mp4', 'y/a.mp4', '-o', 'done', *FAST, code=0, cwd=folder)
    made = sorted(p for p in (folder / 'done').iterdir() if p.suffix == '.mp4')
    assert len(made) == 2 and [judge.decoded_count(p) for p in made] == [1, 2], made


def test_several_inputs_into_a_file(program, folder):
    copy('frames_1', folder, 'a.mp4')
    copy('frames_2', folder, 'b.mp4')
    (folder / 'file.mp4').write_text('x')
    result = program('restore', 'a.mp4', 'b.mp4', '-o', 'file.mp4', *FAST, code=2, cwd=folder)
    assert 'file.mp4' in result.error_lines[0]


# What is said


def test_json_result(program, folder):
    out = folder / 'out.mp4'
    result = program.restore(clips.path('h264'), out, '--json', *FAST)
    found = result.json()
    one = found['files'][0]
    assert (
        found['exit_code'] == 0
        and one['status'] == 'done'
        and one['frames'] == 30
        and one['bytes'] == out.stat().st_size
    )
    assert one['width'] == 352 and one['height'] == 288 and one['output'] == str(out)


def test_json_result_of_a_failure(program, folder):
    result = program('restore', folder / 'gone.avi', '-o', folder / 'out.mp4', '--json', code=1)
    one = result.json()['files'][0]
    assert one['status'] == 'failed' and 'gone.avi' in one['message'] and one['message'] in result.err


def test_progress_for_programs(program, folder):
    result = program.restore(clips.path('steady'), folder / 'out.mp4', '--progress', 'json', '--json', *FAST,
        '--segment-length', '1')
    events = [json.loads(line) for line in result.out.splitlines()]
    progress = [e for e in events if e.get('event') == 'progress']
    assert len(progress) >= 3 and events[-1]['files'][0]['status'] == 'done'
    phases = [e['phase'] for e in progress]
    order = ['index', 'scan', 'restore', 'join', 'verify', 'done']
    assert {'restore', 'join', 'verify'} <= set(phases) and [order.index(p) for p in phases] == sorted(
        order.index(p) for p in phases
    )
    total = [e['total'] for e in progress]
    assert all(0 <= t <= 1 for t in total) and total == sorted(total)
    assert progress[-1]['frames_done'] == progress[-1]['frames_total'] == 90
    assert all({'fps', 'eta', 'elapsed', 'bytes'} <= e.keys() for e in progress)


def test_progress_plain(program, folder):
    result = program.restore(clips.path('steady'), folder / 'out.mp4', '--progress', 'plain', *FAST)
    assert '\r' not in result.err and '\x1b' not in result.err
    assert not result.out and 'out.mp4' in result.err and '90 frames' in result.err


def test_nothing_but_lines_when_no_terminal(program, folder):
    result = program.restore(clips.path('frames_3'), folder / 'out.mp4', *FAST)
    assert '\r' not in result.err and '\x1b' not in result.err


def test_quiet(program, folder):
    result = program.restore(clips.path('frames_3'), folder / 'out.mp4', *FAST, '-q')
    assert not result.out and not result.err


def test_progress_on_a_terminal(program, folder):
    """One line that is rewritten, and gone at the end."""
    leader, follower = pty.openpty()
    running = subprocess.Popen(program.command('restore', clips.path('steady'), '-o', folder / 'out.mp4', *FAST,
        '--resolution', '720'), stdin=follower, stdout=follower, stderr=follower, env={**program.env, 'TERM': 'xterm',
        'COLUMNS': '80'}, close_fds=True)
    os.close(follower)
    data = b''
    while select.select([leader], [], [], 60)[0]:
        try:
            part = os.read(leader, 65536)
        except OSError:
            break
        if not part:
            break
        data += part
    os.close(leader)
    assert running.wait(timeout=60) == 0
    text = data.decode(errors='replace')
    assert '\r' in text and '%' in text, text
    drawn = [re.sub(r'\x1b\[[0-9;?]*[A-Za-z]', '', part) for part in re.split(r'[\r\n]', text)]
    last = ' '.join(' '.join(d for d in drawn if d.strip() and '%' not in d).split())  # a long line breaks at words
    assert 'out.mp4' in last and '90 frames' in last, text
    assert all(len(d) <= 80 for d in drawn if '%' in d), drawn


def test_verbose_and_log_file(program, folder):
    log = folder / 'log.txt'
    quiet = program.restore(clips.path('frames_3'), folder / 'a.mp4', *FAST)
    loud = program.restore(clips.path('frames_3'), folder / 'b.mp4', *FAST, '-v', '--log-file', log)
    assert len(loud.err) > len(quiet.err)
    assert log.read_text().strip()
    size = log.stat().st_size
    program.restore(clips.path('frames_3'), folder / 'c.mp4', *FAST, '-q', '--log-file', log)
    assert log.stat().st_size > size


def test_log_file_can_not_be_written(program, folder):
    result = program('restore', clips.path('frames_3'), '-o', folder / 'a.mp4', *FAST, '--log-file',
        folder / 'no' / 'log.txt', code=(1, 2))
    assert 'log.txt' in result.error_lines[0] and not judge.listing(folder)


def test_no_control_characters_from_names(program, folder):
    """A name can't drive the terminal."""
    (folder / 'bad\x1b[31m.avi').write_text('x')
    result = program('restore', folder / 'bad\x1b[31m.avi', '-o', folder / 'out.mp4', code=1)
    assert '\x1b' not in result.err and '[31m' in result.err


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='no /dev/full')
def test_standard_output_is_full(program):
    with open('/dev/full', 'w') as full:
        done = subprocess.run(program.command('plan', clips.path('frames_1'), '--json'), stdout=full,
            stderr=subprocess.PIPE, env=program.env)
    assert done.returncode == 1 and b'standard output' in done.stderr, done.stderr


# The report


def test_report(program, folder):
    out = folder / 'out.mp4'
    program.restore(clips.path('dv_ntsc'), out, '--preset', 'vhs', '--resolution', '480', '--quality', 'fast',
        '--preset-speed', 'ultrafast')
    report = judge.report(out)
    text = json.dumps(report)
    assert judge.sha256(out) in text, 'the checksum of the output'
    for word in ('bwdif', 'recursive', 'libx264', 'bff', 'Lavc' if 'Lavc' in text else 'libavcodec'):
        assert word in text, word
    assert judge.planned_frames(report) == 32 and not judge.find_key(report, 'warnings')
    result = program('verify', out, code=0)
    assert 'out.mp4' in result.err + result.out
    program('verify', '--full', out, code=0)


@pytest.mark.parametrize('depth', ['quick', 'full'])
def test_verify_depth(program, folder, depth):
    program.restore(clips.path('h264_open_gop'), folder / 'out.mkv', *FAST, '--verify', depth)


# Scan


@pytest.mark.parametrize('depth', ['sample', 'full'])
@pytest.mark.parametrize('name', ['dv_ntsc', 'h264', 'interlaced_flagged_wrong_order'])
def test_scan_depth(program, name, depth):
    plan = program('plan', clips.path(name), '--scan', depth, '--preset', 'vhs', '--json', code=0).json()
    clip = clips.CLIPS[name]
    assert judge.planned_frames(plan) == clip.frames * (2 if clip.interlaced else 1)
    assert {r['scan'] for r in plan['video']['runs']} == {clip.scan}


# The sample tape


@pytest.mark.parametrize('suffix', ['avi', 'mkv', 'mpg'])
def test_simulate(program, folder, suffix):
    tape = folder / f'tape.{suffix}'
    program('simulate', '-o', tape, '--frames', '20', code=0)
    digest = judge.sha256(tape)
    assert judge.decoded_count(tape) == 20 and judge.streams(tape, 'audio')
    program('simulate', '-o', tape, '--frames', '20', '-q', code=1)
    program('simulate', '-o', tape, '--frames', '20', '--overwrite', code=0)
    assert judge.sha256(tape) == digest, 'the same options give the same file'
    program.restore(tape, folder / 'out.mp4', '--preset', 'vhs', '--resolution', '480', '--quality', 'fast',
        '--preset-speed', 'ultrafast')
    assert judge.decoded_count(folder / 'out.mp4') == 40
