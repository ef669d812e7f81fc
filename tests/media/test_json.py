"""What --json prints and what docs/json.md says of it hold together: no member without a line, no line without a member."""

import json
import re
from pathlib import Path

import pytest

import clips
import judge

ROOT = Path(__file__).resolve().parents[2]
QUICK = ['--preset', 'clean', '--quality', 'fast', '--preset-speed', 'ultrafast', '--resolution', 'source']
QUIET = ['--progress', 'none']


FREE = ('args', 'metadata', 'values', 'depends', 'tuning', 'versions', 'counts')  # what a file or the caller names is a member `*`
FORMATS = ('video.source_format', 'video.output_format', 'video.stages[].output')
ELSEWHERE = ('problems', '[].problems', 'files[].problems', 'warnings', 'plan', 'measures[].value')  # have tables of their own


def members(value, path=''):
    """Paths of all members: a.b, list[].c."""
    if isinstance(value, dict):
        free = path.split('.')[-1] in FREE or path.endswith('.options') or path == 'recipe' and 'preset-speed' in value
        for key, item in value.items():
            base = 'FORMAT' if path in FORMATS else path
            below = f'{path}.*' if free else f'{base}.{key}' if base else key
            yield below
            if not free and below not in ELSEWHERE:
                yield from members(item, below)
    elif isinstance(value, list):
        for item in value:
            yield from members(item, f'{path}[]')


def printed_members(command, values):
    """Of a command that prints an object for one file and a list for several, as if it were one."""
    found = set()
    for value in values:
        found |= {m.removeprefix('[].') if command == 'probe' else m for m in members(value)}
    return found


def documented():
    """{command: {member: may be absent}} from the tables below headings that name commands."""
    found, commands, of_members = {}, [], False
    for line in (ROOT / 'docs' / 'json.md').read_text().splitlines():
        if line.startswith('#'):
            commands = re.findall(r'`([a-z]+)(?: [^`]*)?`', line) or re.findall(r'^## (Progress|Records|Problems)', line)
        of_members = of_members and line.startswith('|') or line == '| name | is |'
        row = of_members and re.match(r'\| ((?:`[^`]+`(?:, )?)+) \|', line)
        for name in re.findall(r'`([^`]+)`', row[1]) if row else []:
            for command in commands:
                found.setdefault(command, {})[name.rstrip('?')] = name.endswith('?')
    return found


def problems_in(value):
    if isinstance(value, dict):
        yield from value.get('problems', [])
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from problems_in(item)


@pytest.fixture(scope='module')
def printed(program, tmp_path_factory):
    """{command: [what it printed]} for calls that end well, badly, and half-way."""
    folder = tmp_path_factory.mktemp('json')
    tape, broken, short = folder / 'tape.mkv', folder / 'broken.mp4', folder / 'cut.mp4'
    (folder / 'note.txt').write_text('attached')
    (folder / 'words.srt').write_text('1\n00:00:00,000 --> 00:00:01,000\nwords\n')
    (folder / 'meta.txt').write_text(';FFMETADATA1\ntitle=Tape\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=One\n')
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc=s=96x64:r=25:d=2.4', '-f', 'lavfi', '-i', 'sine=d=2.4', '-i', folder / 'words.srt', '-i', folder / 'meta.txt',
                 '-map_metadata', 3, '-map', 0, '-map', 1, '-map', 2, '-attach', folder / 'note.txt', '-metadata:s:t', 'mimetype=text/plain', '-c:v', 'libx264', '-bf', 2,
                 '-g', 10, '-x264-params', 'colorprim=bt709', '-colorspace', 'smpte170m', '-color_range', 'tv', '-color_trc', 'bt709', '-c:a', 'flac', '-metadata:s:a', 'language=eng',
                 '-metadata:s:a', 'title=Sound', '-metadata:s:a', 'comment=of the tape', *clips.BITEXACT, tape)
    clips.ffmpeg('-i', tape, '-map', 0, '-map', '-0:t', '-map', '-0:s', '-c:v', 'copy', '-c:a', 'aac', '-metadata:s:v', 'timecode=00:00:01:00', *clips.BITEXACT, short)
    short.write_bytes(short.read_bytes()[:-4000])
    broken.write_bytes(b'no film')
    said = {}

    def run(*args, code=0):
        value = program(*args, code=code, cwd=folder).json()
        said.setdefault(args[0], []).append(value)
        return value

    run('probe', tape, '--json')
    run('probe', tape, broken, '--json', code=1)
    run('plan', tape, *QUICK, '--json')
    run('plan', broken, '--json', code=1)
    run('presets', '--json')
    run('encoders', '--json')
    run('doctor', '--json', code=(0, 1))
    run('help', '--json')
    plan = folder / 'plan.json'
    plan.write_text(json.dumps(run('plan', tape, '-o', 'out.mp4', *QUICK, '--segment-length', 0.8, '--json')))
    for n in range(2):
        run('segment', '--plan', plan, '--index', n, '--json')
    run('task', '--plan', plan, '--task', 'seg-00000', '--json')
    run('task', '--plan', plan, '--list', '--json')
    run('status', 'out.mp4', '--json')
    run('join', '--plan', plan, '--json', *QUIET, code=1)
    run('clean', '--json')
    run('clean', '.', 'nowhere', '--json', code=1)
    run('segment', '--plan', plan, '--index', 2, '--json')
    run('join', '--plan', plan, '--json', *QUIET, '--keep-work')
    run('join', '--plan', plan, '--json', *QUIET)
    run('status', 'out.mp4', '--json')
    run('status', 'none.mp4', '--json', code=1)
    run('clean', '--remove', '--kept', '--json')
    run('verify', 'out.mp4', tape, '--json', code=1)
    run('restore', tape, '-o', 'other.mp4', *QUICK, '--json', *QUIET)
    run('restore', tape, '-o', 'other.mp4', *QUICK, '--json', *QUIET)
    run('restore', short, broken, '-o', f'{folder}/many/', *QUICK, '--json', *QUIET, code=1)
    run('resume', 'other.mp4', '--json', *QUIET)  # it is done
    run('resume', 'neither.mp4', '--json', *QUIET, code=1)
    run('compare', tape, '--presets', 'clean,vhs', '-o', 'both', '--duration', 0.4, '--excerpts', 1, *QUICK[2:], '--json', *QUIET)
    run('compare', broken, '--presets', 'clean', '-o', 'none', '--json', *QUIET, code=1)
    run('preview', tape, '-o', 'look.mp4', '--duration', 0.8, *QUICK, '--json', *QUIET)
    run('preview', tape, '-o', 'look.png', *QUICK, '--json', *QUIET)
    run('simulate', '-o', 'sim.avi', '--frames', 2, '--json')
    run('simulate', '-o', 'sim.avi', '--frames', 2, '--json', code=1)
    run('engines', '--json', code=(0, 1))
    (folder / 'a.onnx').write_bytes(b'no network')
    run('models', 'show', 'a.onnx', '--json', code=1)
    run('models', 'fetch', 'espcn-x2', '--json', code=1)
    said['report'] = [judge.report(folder / 'other.mp4')]
    lines = program('restore', tape, '-o', 'third.mp4', *QUICK, '--progress', 'json', code=0, cwd=folder, env={'XDG_STATE_HOME': str(folder / 'state')}).out.splitlines()
    said['Progress'] = [event for event in map(json.loads, lines) if event['event'] == 'progress']
    said['Records'] = [json.loads((folder / 'state/terminalai/performance_metrics.jsonl').read_text())]
    said['Problems'] = [p for values in said.values() for value in values for p in problems_in(value)]
    return said


COMMANDS = ['probe', 'plan', 'presets', 'encoders', 'doctor', 'help', 'segment', 'task', 'status', 'clean', 'join', 'verify', 'restore', 'resume', 'compare',
            'preview', 'simulate', 'engines', 'models', 'report', 'Progress', 'Records', 'Problems']


@pytest.mark.parametrize('command', COMMANDS)
def test_members_are_documented(printed, command):
    seen, lines = printed_members(command, printed[command]), documented()[command]
    assert sorted(seen - set(lines)) == [], 'docs/json.md does not say what these are'
    missing = {m for m, may_be_absent in lines.items() if not may_be_absent} - seen
    assert sorted(missing) == [], 'docs/json.md speaks of members that are not there'


@pytest.mark.parametrize('args, status, code', [
    (['restore', 'none.mkv', '--crf', 99], 2, 'wrong-call'),
    (['restore'], 2, 'wrong-call'),
    (['restore', 'none.mkv', '--config', 'none.yaml'], 1, 'not-found'),
    (['plan', 'none.mkv', '--encoder', 'h266'], 2, 'invalid-value'),
    (['compare', 'none.mkv'], 2, 'wrong-call'),
    (['preview', 'none.mkv', '--start', 'x'], 2, 'wrong-call'),
    (['presets', 'nonsens'], 2, 'wrong-call'),
    (['models', 'fetch', 'nonsens'], 2, 'wrong-call'),
    (['join', '--plan', 'none.json'], 1, 'not-found'),
    (['task', '--task', 'seg-00000'], 2, 'wrong-call'),
    (['nonsens'], 2, 'wrong-call'),
    (['status', 'none.mp4'], 1, 'not-found'),
    (['jobs', '--socket', 'none'], 1, 'not-found'),
    (['submit', 'none.mkv', '--socket', 'none'], 1, 'not-found'),
])
def test_a_call_that_fails_prints_an_object(program, tmp_path, args, status, code):
    """Whatever it ends with: a program that reads the answer never reads nothing."""
    done = program(*args, '--json', code=status, cwd=tmp_path)
    if 'Not in this build' in done.err or 'built without' in done.err:
        pytest.skip('not in this build')
    said = done.json()
    assert said['status'] == 'failed' and said['code'] == code and said['error'] and said['message'], said
    assert said['problems'] and said['problems'][0]['severity'] == 'error' and said.get('exit_code', status) == status, said
    assert 'error: ' in done.err and said['message'] in ' '.join(done.err.split()), done.err


@pytest.mark.parametrize('args, code', [
    (['models', 'show', 'none.onnx'], 'not-found'), (['models', 'show', 'bad.onnx'], 'unreadable'), (['models', 'fetch', 'espcn-x2'], 'unsupported'),
    (['models', 'fetch', 'espcn-x2', '--from', 'none.onnx'], 'not-found'), (['models', 'verify', 'espcn-x2'], 'not-found'),
    (['engines', '--engine-library', 'none.so'], None), (['encoders'], None)])
def test_rows_that_fail_are_records_too(program, tmp_path, args, code):
    """Of a list: what a row says of its failure in words stands beside the members that every failure has."""
    (tmp_path / 'bad.onnx').write_bytes(b'no network')
    rows = program(*args, '--json', code=(0, 1), cwd=tmp_path).json()
    failed = [row for row in rows if row.get('why')]
    assert failed or args == ['encoders'], rows
    for row in failed:
        assert row['message'] == row['why'] and row['error'] and re.fullmatch('[a-z-]+', row['code']) and code in (None, row['code']), row


def test_clean_says_what_it_could_not_look_into(program, tmp_path):
    done = program('clean', 'nowhere', tmp_path, '--json', code=1, cwd=tmp_path)
    row, = done.json()
    assert row['folder'] == 'nowhere' and row['status'] == 'failed' and row['code'] == 'not-found' and row['problems'], row
    assert 'no work folders' not in program('clean', 'nowhere', code=1, cwd=tmp_path).out


def test_pictures_stay_alone(program, tmp_path):
    """Where standard output is for pictures, the object goes elsewhere."""
    done = program('restore', 'none.mkv', '-o', '-', '--encoder', 'raw', '--crf', 99, '--json', code=2, cwd=tmp_path)
    assert not done.out and json.loads(done.err.splitlines()[-1])['code'] == 'wrong-call', done


def test_several_outputs_one_of_which_is_none(program, tmp_path):
    (tmp_path / 'there.mp4').write_bytes(b'anything')
    said = program('status', 'none.mp4', 'there.mp4', '--json', code=(0, 1), cwd=tmp_path).json()
    assert [s['output'] for s in said] == ['none.mp4', 'there.mp4'] and said[0]['status'] == 'failed', said


def test_every_command_that_prints_json_is_there(program):
    """Found by the options themselves, so that a new command can't be forgotten."""
    page = program('help', '--markdown', code=0).out
    having = [m[1] for m in re.finditer(r'^## terminalai ([a-z]+)$(.*?)(?=^## |\Z)', page, re.M | re.S) if '`--json`' in m[2]]
    assert having and set(having) <= set(documented()), set(having) - set(documented())


def test_problems_say_what_they_are_about(printed):
    """Not in words alone: the file, the option or the numbers of each."""
    assert len(printed['Problems']) > 8
    for problem in printed['Problems']:
        assert problem.get('where') or problem.get('args'), problem


@pytest.mark.parametrize('command', ['restore', 'resume', 'join', 'segment', 'task', 'preview', 'compare', 'simulate', 'verify'])
def test_what_is_done_has_no_errors(printed, command):
    """A call that ended well told no error on the way, and one that did not told one, with a code."""
    for value in printed[command]:
        for result in value.get('files', [value]) if isinstance(value, dict) else []:
            codes = [p['code'] for p in result.get('problems', []) if p['severity'] == 'error']
            assert all(codes), result
            assert bool(codes) == (result.get('status') in ('failed', 'interrupted')), result


def test_no_warning_is_without():
    """Whoever adds one gives the record what the words have."""
    for path in sorted((ROOT / 'src').rglob('*.c')):
        for call in re.findall(r'(?:ta_problem_at|ta_decision_warn)\(\s*[^;]*?TA_PROBLEM_\w+,\s*NULL\b', path.read_text()):
            raise AssertionError(f'{path}: {call}')
