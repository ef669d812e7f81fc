"""What the user wrote, wrong: one clear line that says where."""

import pytest

import judge
from bad_kit import FAST, copy, folder, refused  # noqa: F401


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
        (['--crf', '99'], ['--crf: "99": must lie in 0..51']),
        (['--denoise-strength', '99'], ['--denoise-strength: "99": must be 4 numbers joined by ":"']),
        (['--crf', '-1'], ['crf', '0', '51']),
        (['--crf', 'x'], ['crf']),
        (['--crf', ''], ['crf']),
        (['--crf'], ['--crf']),
        (['--jobs', '-3'], ['jobs']),
        (['--jobs', '1e9'], ['jobs']),
        (['--quality', 'fastest'], ['fastest', 'fast', 'good', 'best']),
        (['--preset', 'vsh'], ['vsh', 'vhs']),
        (['--encoder', 'h267'], ['h267']),
        (['--encoder', 'hvec'], ['hvec', 'hevc']),
        (['--resolution', '0x0'], ['resolution']),
        (['--resolution', 'huge'], ['huge', '4k']),
        (['--resolution', '1080i'], ['1080i', 'whole pictures']),
        (['--resolution', '2k'], ['2k', '1080']),
        (['--resolution', '4ki'], ['4ki']),
        (['--range', '5-2'], ['range']),
        (['--range', 'abc'], ['range', 'abc']),
        (['--deinterlace', 'bwdiff'], ['bwdiff', 'bwdif']),
        (['--denoise-strength', '3:2'], ['denoise-strength']),
        (['--segment-length', '-1'], ['segment-length']),
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


@pytest.mark.parametrize('command', ['restore', 'plan', 'preview'])
def test_standard_input(program, folder, command):
    result = program(command, '-', '-o', 'x.mp4', code=2, cwd=folder)
    assert 'standard input' in result.err and not judge.listing(folder), result
