"""Help that fits a screen, help with everything, and the words that people bring along from other programs."""

import re
import subprocess

import pytest

import clips

COMMANDS = ['restore', 'audio', 'resume', 'status', 'plan', 'preview', 'compare', 'task', 'segment', 'join', 'probe', 'verify', 'clean', 'presets', 'encoders',
    'engines', 'models', 'doctor', 'simulate', 'serve', 'submit', 'jobs', 'worker', 'completion', 'help', 'perf']
# What takes a recipe, or has many options, uses the screen that it has.
FILLED = ['restore', 'audio', 'plan', 'preview', 'compare', 'submit', 'resume', 'join', 'task', 'serve', 'jobs']
FAST = ['--preset', 'clean', '--resolution', 'source', '--quality', 'fast', '--preset-speed', 'ultrafast']


def test_commands_are_these(program):
    told = re.findall(r'^  (\w+) {2,}', re.split('^(?:Commands|First steps):$', program('help', code=0).out, flags=re.M)[1], re.M)
    assert sorted(told) == sorted(COMMANDS), told


def members(program, family):
    return [f'{family} {name}' for name in re.findall(r'^  (\w+) {2,}', program(family, '-h', code=0).out.split('Commands:')[1], re.M)]


@pytest.mark.parametrize('command', COMMANDS)
def test_short_help_fits_a_screen(program, command):
    text = program(*command.split(), '-h', code=0, env={'COLUMNS': '80'}).out
    lines = text.splitlines()
    if 'Not in this build' in text:
        pytest.skip('built without the service')
    assert (30 if command in FILLED else 0) <= len(lines) <= 40, text
    assert all(len(line) <= 80 and line == line.rstrip() for line in lines), text
    everything = f'terminalai {command} COMMAND --help' if command == 'perf' else f'terminalai {command} --help'
    assert lines[0].startswith(f'Usage: terminalai {command}') and everything in ' '.join(text.split()), text
    # What an option is for is not cut in the middle of a list.
    assert not re.search(r'^  (?:-\w, )?--.*: \w+$', text, re.M), text
    for member in members(program, command) if command == 'perf' else []:
        test_short_help_fits_a_screen(program, member)


def test_short_help_of_restore(program):
    text = program('restore', '-h', code=0, env={'COLUMNS': '80'}).out
    assert 30 <= len(text.splitlines()) <= 40, text
    for word in ['terminalai restore tape.avi\n', '--output OUT', '--preset NAME', '--denoise-strength', '--help GROUP', 'Noise', 'Colour',
            'How to run']:
        assert word in text, word
    assert '--segment-length' not in text
    # All lines are of options that there are.
    everything = program('restore', '--help', code=0).out
    for name in re.findall(r'^  (?:-\w, )?(--[\w-]+)', text, re.M):
        assert re.search(rf'^  (?:-\w, )?{name}\b', everything, re.M), name


@pytest.mark.parametrize('command', ['restore', 'plan', 'preview', 'compare', 'submit', 'jobs', 'serve'])
def test_short_help_is_of_what_there_is(program, command):
    """Each line in it is of an option of the command, and says more than its name."""
    text = program(command, '-h', code=0, env={'COLUMNS': '80'}).out
    if 'Not in this build' in text:
        pytest.skip('built without the service')
    options = re.split('^(?:What most people need|Options):$', text, flags=re.M)[1]
    shown = re.findall(r'^  (?:-\w, )?(--[\w-]+)([^\n]*\n(?: {20,}[^\n]*\n)*)', options, re.M)
    assert len(shown) >= 6, text
    for name, said in shown:
        assert program(command, '--help', name[2:], code=0).out, name
        assert len(said.split()) >= 3, (name, said)


def test_short_help_cuts_at_a_comma(program):
    """Where all does not fit, what is left reads as a whole, or says that there is more."""
    text = program('restore', '-h', code=0, env={'COLUMNS': '80'}).out
    assert re.search(r'--crop-bottom N +lines of the source cut off at the bottom\n', text), text
    assert re.search(r'--denoise NAME +noise reduction: off, .*, \.\.\.\n', text), text


def test_help_is_everything(program):
    everything = program('restore', '--help', code=0).out
    assert everything == program('restore', '--help=all', code=0).out
    for option in ['--segment-length', '--max-work-size', '--cpu-mask', '--colour-hue', '--redo']:
        assert option in everything


@pytest.mark.parametrize('words, has, has_not', [
    (['restore', '--help', 'noise'], ['Noise:', '--denoise-strength'], ['--crf', '--colour-hue']),
    (['restore', '--help=Noise'], ['Noise:', '--denoise-strength'], ['--crf']),
    (['help', 'restore', 'how to run'], ['How to run:', '--jobs', '--keep-work'], ['--crf']),
    (['restore', '--help', 'crf'], ['--crf X', '0..51'], ['--denoise ']),
    (['restore', '--help', 'color'], ['--colour-hue'], ['--crf']),
    (['preview', '--help', 'noise'], ['--denoise-strength'], ['--layout']),
])
def test_help_of_a_group(program, words, has, has_not):
    text = program(*words, code=0).out
    assert all(w in text for w in has) and not any(w in text for w in has_not), text


def test_help_of_an_unknown_group(program):
    for words in (['restore', '--help', 'nonsens'], ['help', 'restore', 'nonsens']):
        refused = program(*words, code=2)
        assert 'nonsens' in refused.err and 'Deinterlacing' in refused.err and not refused.out


@pytest.mark.parametrize('command', ['preview', 'plan', 'compare'])
def test_recipes_are_explained_once(program, command):
    text = program(command, '--help', code=0).out
    assert 'terminalai restore --help' in ' '.join(text.split()) and '--colour-hue' not in text, text


# What people bring along


@pytest.mark.parametrize('words', [['-V'], ['--version'], ['version']])
def test_version_names_libraries(program, words):
    text = program(*words, code=0).out
    assert re.match(r'terminalai \d+\.\d+\.\d+\n', text)
    for name in ['FFmpeg', 'libavcodec', 'libavfilter', 'zimg']:
        assert re.search(rf'{name} \d+\.\d+|{name} n?\d+', text), text


@pytest.mark.parametrize('given, is_', [('h265', 'hevc'), ('x265', 'hevc'), ('x264', 'h264'), ('H.264', 'h264'), ('hevc', 'hevc')])
def test_other_names_of_encoders(program, given, is_):
    plan = program('plan', clips.path('frames_2'), '--encoder', given, '--json', code=0).json()
    assert plan['video']['encoder']['name'] == is_ and plan['recipe']['encoder']['value'] == is_


def test_american_spelling(program, tmp_path):
    tape, config = clips.path('frames_2'), tmp_path / 'c.yaml'
    config.write_text('color-gamma: 1.2\n')
    plan = program('plan', tape, '--config', config, '--color-saturation', 1.5, '--json', code=0, env={'TERMINALAI_COLOR_HUE': '5'}).json()
    values = {k: v['value'] for k, v in plan['recipe'].items() if k.startswith('colour-')}
    assert (values['colour-saturation'], values['colour-gamma'], values['colour-hue']) == ('1.5', '1.2', '5'), values
    assert '--colour-saturation' in program('plan', tape, '--color-saturaton', 1, code=2).err


@pytest.mark.parametrize('word', ['-n', '--dry-run'])
def test_dry_run(program, tmp_path, word):
    """What plan says, and nothing is made, no folder either."""
    tape = tmp_path / 'tape.mp4'
    tape.write_bytes(clips.path('frames_2').read_bytes())
    said = program('restore', tape, '-o', f'{tmp_path}/new/', *FAST, word, code=0)
    planned = program('plan', tape, '-o', f'{tmp_path}/new/', *FAST, code=0)
    timeless = [re.sub('^time .*', 'time', text, flags=re.M) for text in (said.out, planned.out)]
    assert timeless[0] == timeless[1] and 'decisions' in said.out
    assert [p.name for p in tmp_path.iterdir()] == ['tape.mp4']
    assert program('restore', tape, *FAST, word, '--json', code=0).json()['video']['frames'] == 2


@pytest.mark.parametrize('word', ['-n', '--dry-run'])
def test_dry_run_of_a_plan(program, tmp_path, word):
    tape = clips.path('frames_2')
    assert program('plan', tape, *FAST, word, '--json', code=0).out == program('plan', tape, *FAST, '--json', code=0).out


def test_letters_of_another_command(program):
    assert '"restore" has it, "probe" has not' in program('probe', '-o', 'x', code=2).err
    assert 'unknown letter' in program('probe', '-vx', code=2).err and 'has it' not in program('probe', '-Z', code=2).err


# Completion


@pytest.mark.parametrize('shell', ['bash', 'zsh', 'fish'])
def test_values_have_their_texts(program, shell):
    text = program('completion', shell, code=0).out
    for name in ['vhs_restore', 'warm_vintage', 'broadcast_1080i', 'prores']:
        assert name in text
    if shell != 'bash':
        assert 'Bob Weaver' in text.replace('\\', '') and 'plays everywhere' in text.replace('\\', '')


def test_every_value_has_a_text(program):
    """What completion shows beside it: none of a recipe's or a run's choices is a bare word."""
    bare = [(o['name'], c['name']) for o in program('help', '--json', code=0).json() for c in o.get('choices', []) if not c.get('help')]
    assert bare == []


def complete(program, tmp_path, *words):
    script = tmp_path / 'completion'
    script.write_text(program('completion', 'bash', code=0).out)
    quoted = ' '.join(f"'{w}'" for w in words)
    done = subprocess.run(['bash', '--norc', '-c', f'source {script}; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _terminalai; '
        'printf "%s\\n" "${COMPREPLY[@]}"'], stdout=subprocess.PIPE, cwd=tmp_path, check=True)
    return set(done.stdout.decode().split())


def test_bash_completes_lists(program, tmp_path):
    assert complete(program, tmp_path, 'terminalai', 'compare', '--presets', 'vhs_h') == {'vhs_heavy'}
    assert complete(program, tmp_path, 'terminalai', 'compare', '--presets', 'dvd,vhs_h') == {'dvd,vhs_heavy'}
    (tmp_path / 'warm.cube').write_text('')
    assert complete(program, tmp_path, 'terminalai', 'restore', '--colour-lut', 'warm') == {'warm_vintage', 'warm.cube'}


@pytest.mark.parametrize('words, offered', [
    (['jobs', ''], {'list', 'show', 'watch', 'pause', 'resume', 'cancel', 'retry', 'remove', 'move', 'priority', 'clear', 'drain'}),
    (['jobs', 'pa'], {'pause'}), (['jobs', 'pause', ''], set()), (['jobs', '--state', 'done,fai'], {'done,failed'}),
    (['models', ''], {'list', 'show', 'fetch', 'verify', 'remove'}), (['models', 'fetch', 'upconv7'], {'upconv7-photo-x2'}),
    (['restore', '--scale-model', 'upconv7'], {'upconv7-photo-x2'}), (['restore', '--scale-model', 'rnnoise'], set()),
    (['audio', '--loudness', 'b'], {'broadcast'}), (['restore', '--device', 'g'], {'gpu'}), (['perf', 'metr'], {'metrics'}),
], ids=lambda w: ' '.join(w) if isinstance(w, list) else '')
def test_bash_completes_what_is_no_choice(program, tmp_path, words, offered):
    """Actions, states, networks, and options that take names beside numbers."""
    found = complete(program, tmp_path, 'terminalai', *words)
    assert found - {'completion'} == offered, found  # a file of that name lies there


@pytest.mark.parametrize('command', ['jobs', 'models'])
def test_actions(program, command):
    """Told with their texts wherever the command is told of, and near misses are seen."""
    text = program(command, '-h', code=0).out
    if 'Not in this build' in text:
        pytest.skip('built without the service')
    actions = re.findall(r'^  (\w+) +(\S.*)', re.search(r'^Actions:\n((?:  .*\n)+)', text, re.M)[1], re.M)
    assert len(actions) >= 5 and all(len(said.split()) >= 2 for _, said in actions), text
    for shell in ('zsh', 'fish'):
        script = program('completion', shell, code=0).out.replace('\\', '')
        assert all(said[:20] in script for _, said in actions), shell
    page = program('help', '--markdown', code=0).out
    for name, said in actions:
        assert f'- `{name}`: {said[:20]}' in page
    assert f'did you mean "{actions[0][0]}"' in program(command, actions[0][0] + 'x', code=2).err
    assert actions[-1][0] in program(command, 'nonsense', code=2).err
