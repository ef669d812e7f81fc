"""The source is never written, by whatever name, and nothing of the user's is replaced unasked."""

import hashlib
import json
import os
import shutil
import subprocess

import pytest

import judge
import kit

ARGS = kit.options('progressive', 'h264')
FFV1 = ['--encoder', 'ffv1', '--resolution', 'source', '--quality', 'fast', '--framemd5']


def at_name(source, name):
    """The source itself is called so."""
    source.rename(name)
    return name


def by_symlink(source, name):
    name.symlink_to(source)
    return source


def by_links(source, name):
    middle = name.with_name('middle')
    middle.symlink_to(source)
    name.symlink_to(middle)
    return source


def by_hardlink(source, name):
    os.link(source, name)
    return source


ALIASES = [at_name, by_symlink, by_links, by_hardlink]
# What a run writes, by what is added to the output's name.
WRITTEN = {'output': '', 'report': '.json', 'checksums': '.framemd5'}


@pytest.fixture
def tape(folder):
    source = folder / 'tape.mp4'
    shutil.copy2(kit.source('progressive'), source)
    return source


def untouched(source, before, link=None):
    assert judge.sha256(source) == before, f'{source} was written'


def refused(result, *words, code=(1, 2)):
    assert result.code in code, result
    assert len(result.error_lines) <= 2, result
    for word in words:
        assert word in result.err, f'"{word}" is missing: {result}'


# every name that a command gives, and every way to mean the source by it


@pytest.mark.parametrize('alias', ALIASES)
@pytest.mark.parametrize('what', WRITTEN)
@pytest.mark.parametrize('command', ['restore', 'preview', 'join-inputs'])
def test_no_name_is_the_source(program, folder, tape, command, what, alias):
    out = folder / 'v.mkv'
    before = judge.sha256(tape)
    source = alias(tape, folder / f'v.mkv{WRITTEN[what]}')
    inputs = [source]
    if command == 'join-inputs':
        inputs = ['--join', shutil.copy2(source, folder / 'first.mp4'), source]
    name = 'restore' if command == 'join-inputs' else command
    result = program(name, *inputs, '-o', out, '--overwrite', *FFV1)
    refused(result, 'never written')
    untouched(source, before)
    assert not judge.work_folder(out).exists()


@pytest.mark.parametrize('alias', ALIASES)
def test_no_other_input_of_the_call(program, folder, tape, alias):
    """The second input has the name of the first one's output."""
    before = judge.sha256(tape)
    first = shutil.copy2(tape, folder / 'a.mp4')
    second = alias(tape, folder / 'a.restored.mp4')
    result = program('restore', first, second, '--overwrite', *ARGS, code=1)  # the second one is made
    assert 'never written' in result.err, result
    untouched(second, before)


@pytest.mark.parametrize('spelling', ['{folder}/../films/v.mkv', './v.mkv', 'sub/../v.mkv', '//{folder}/v.mkv',
    'linked/v.mkv'])
def test_other_spellings(program, folder, tape, spelling):
    (folder / 'sub').mkdir()
    (folder / 'linked').symlink_to('.')
    source = at_name(tape, folder / 'v.mkv')
    before = judge.sha256(source)
    refused(program('restore', source, '-o', spelling.format(folder=folder), '--overwrite', *ARGS, cwd=folder), 'source')
    untouched(source, before)


@pytest.mark.parametrize('alias', ALIASES)
@pytest.mark.parametrize('name', ['still.png', 'grid.mp4', 'contact.png', 'report.json', 'report.txt', 'report.html'])
def test_pictures_and_comparisons(program, folder, tape, name, alias):
    before = judge.sha256(tape)
    source = alias(tape, folder / name)
    if name == 'still.png':
        result = program('preview', source, '-o', folder / name, '--overwrite')
    else:
        result = program('compare', source, '--presets', 'clean', '-o', folder, '--overwrite', '--excerpts', 1)
    refused(result, 'never written')
    untouched(source, before)


@pytest.mark.parametrize('alias', ALIASES)
def test_work_folder_over_the_source(program, folder, tape, alias):
    """The source lies where unfinished work would, under a name that a run gives."""
    work = judge.work_folder(folder / 'v.mp4')
    work.mkdir()
    before = judge.sha256(tape)
    source = alias(tape, work / 'seg-00000.nut')
    for extra in ([], ['--restart', '--overwrite']):
        result = program('restore', work / 'seg-00000.nut', '-o', folder / 'v.mp4', *ARGS, *extra)
        refused(result, 'removed in the end')
        untouched(source, before)
        assert (work / 'seg-00000.nut').exists()


@pytest.mark.parametrize('alias', ALIASES[1:])  # a plan names the source as it was
@pytest.mark.parametrize('what', WRITTEN)
def test_plans(program, folder, tape, what, alias):
    """The same by a plan: its tasks write only the work folder, join writes the names."""
    out, plan = folder / 'v.mkv', folder / 'plan.json'
    before = judge.sha256(tape)
    plan.write_text(program('plan', tape, '-o', out, '--json', *FFV1, code=0).out)
    alias(tape, folder / f'v.mkv{WRITTEN[what]}')
    program('segment', '--plan', plan, '--index', 0)
    refused(program('join', '--plan', plan, '--overwrite'), 'never written')
    untouched(tape, before)


def test_a_plan_is_read(program, folder, tape):
    """The report would replace the plan that it is made by."""
    out, plan = folder / 'v.mkv', folder / 'v.mkv.json'
    plan.write_text(program('plan', tape, '-o', out, '--json', *FFV1, code=0).out)
    text = plan.read_text()
    program('segment', '--plan', plan, '--index', 0, code=0)
    refused(program('join', '--plan', plan, '--overwrite'), 'reads')
    assert plan.read_text() == text


@pytest.mark.parametrize('option', ['config', 'preset', 'colour-lut'])
def test_other_files_that_are_read(program, folder, tape, option):
    out, read = folder / 'v.mkv', folder / 'v.mkv.json'
    text = {'config': 'crf: 30\n', 'preset': 'version: 1\nname: mine\noptions: {}\n',
        'colour-lut': 'LUT_3D_SIZE 2\n' + ''.join(f'{r} {g} {b}\n' for b in (0, 1) for g in (0, 1) for r in (0, 1))}[option]
    given = read
    if option == 'preset':
        given = folder / 'mine.yaml'
        given.symlink_to(read)
    elif option == 'colour-lut':
        given = folder / 'mine.cube'
        given.symlink_to(read)
    read.write_text(text)
    refused(program('restore', tape, '-o', out, f'--{option}', given, '--overwrite', *FFV1), 'reads')
    assert read.read_text() == text


# logs


LOGGING = {
    'plan': lambda tape: ['plan', tape],
    'probe': lambda tape: ['probe', tape],
    'restore': lambda tape: ['restore', tape, '-o', tape.with_name('v.mp4'), *ARGS],
    'preview': lambda tape: ['preview', tape, '-o', tape.with_name('v.mp4')],
    'compare': lambda tape: ['compare', tape, '--presets', 'clean', '-o', tape.with_name('compared')],
    'status': lambda tape: ['status', tape],
    'verify': lambda tape: ['verify', tape],
    'resume': lambda tape: ['resume', tape],
    'clean': lambda tape: ['clean', tape.parent],
    'doctor': lambda tape: ['doctor'],
    'simulate': lambda tape: ['simulate', '-o', tape.with_name('new.mkv'), '--frames', 2],
    'task': lambda tape: ['task', '--plan', tape.with_name('plan.json'), '--list'],
    'join': lambda tape: ['join', '--plan', tape.with_name('plan.json')],
    'completion': lambda tape: ['completion', 'bash'],
}


@pytest.mark.parametrize('command', LOGGING)
def test_logs(program, folder, tape, command):
    """Whether the command names the source or a plan does, or nobody."""
    before = judge.sha256(tape)
    (folder / 'plan.json').write_text(program('plan', tape, '-o', folder / 'p.mp4', '--json', *ARGS, code=0).out)
    (folder / 'link').symlink_to(tape)
    os.link(tape, folder / 'hard')
    for name in ('tape.mp4', 'link', 'hard'):
        refused(program(*LOGGING[command](tape), '--log-file', folder / name, '-vvv'), 'no log is written there')
        untouched(tape, before)
    assert not (folder / 'v.mp4').exists() and not (folder / 'new.mkv').exists()


def test_an_empty_source_is_one(program, folder):
    empty = folder / 'empty.avi'
    empty.touch()
    for args in (['plan', empty], ['restore', '--join', empty, empty, '-o', folder / 'x.mp4']):
        refused(program(*args, '--log-file', empty, '-vvv'), 'no log')
        assert empty.stat().st_size == 0


def test_logs_go_on(program, folder, tape):
    log = folder / 'log.txt'
    for times in (1, 2):
        program('probe', tape, '--log-file', log, '-vvv', code=0)
        lines = log.read_text().splitlines()
        assert lines and all(line[4] == '-' and line[23] == 'Z' for line in lines), lines
    program('probe', tape, '--log-file', '/dev/stderr', '-vvv', code=0)
    program('probe', tape, '--log-file', '/dev/null', '-vvv', code=0)


@pytest.mark.parametrize('name', ['/dev/stdout', '/dev/fd/1', '/proc/self/fd/1'])
def test_names_of_open_files(program, folder, tape, name):
    """They lead to a plain file here; as root the name itself could be replaced."""
    before, there = judge.sha256(tape), os.path.realpath('/dev/fd')
    with open(folder / 'open', 'w+b') as file:
        done = subprocess.run(program.command('restore', tape, '-o', name, '--overwrite', '--encoder', 'ffv1'), stdout=file,
            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=program.env)
    assert done.returncode == 1 and os.path.islink('/dev/stdout') and os.path.realpath('/dev/fd') == there, done
    assert (folder / 'open').read_bytes() == b''
    untouched(tape, before)


# what is the user's


@pytest.mark.parametrize('suffix', ['.json', '.framemd5'])
def test_foreign_files_beside_the_output(program, folder, tape, suffix):
    out, mine = folder / 'v.mkv', folder / f'v.mkv{suffix}'
    mine.write_text('{"mine": true}')
    result = program('restore', tape, '-o', out, *FFV1)
    refused(result, f'v.mkv{suffix}', '--overwrite', code=(1,))
    assert mine.read_text() == '{"mine": true}' and not judge.work_folder(out).exists() and not out.exists()
    program.restore(tape, out, '--overwrite', *FFV1)
    assert mine.read_text() != '{"mine": true}'
    # Now both are ours: an output that is gone is made again.
    out.unlink()
    program.restore(tape, out, *FFV1)


def test_checksums_of_somebody_else(program, folder, tape):
    """A report of ours that knows of no checksums does not make them ours; nor does one of another output."""
    out, sums = folder / 'v.mkv', folder / 'v.mkv.framemd5'
    program.restore(tape, out, *FFV1[:-1])
    out.unlink()
    sums.write_text('#format: frame checksums\n')
    refused(program('restore', tape, '-o', out, *FFV1), 'v.mkv.framemd5', code=(1,))
    assert sums.read_text() == '#format: frame checksums\n'
    sums.unlink()
    other = folder / 'w.mkv'
    shutil.copy2(f'{out}.json', f'{other}.json')
    refused(program('restore', tape, '-o', other, *FFV1), 'w.mkv.json', code=(1,))


def test_links_to_nowhere(program, folder, tape):
    """A name is taken though what it leads to is not there: said before the work."""
    out = folder / 'v.mp4'
    out.symlink_to(folder / 'nowhere')
    refused(program('restore', tape, '-o', out, *ARGS), 'v.mp4', code=(1,))
    assert out.is_symlink() and not (folder / 'nowhere').exists() and not judge.work_folder(out).exists()


@pytest.mark.parametrize('name', ['v.mp4.part', 'v.mkv.framemd5.part', 'grid.mp4.part', 'new.mkv.part'])
def test_temporary_names_are_nobodys(program, folder, tape, name):
    """What other programs call their half-downloaded files stays."""
    mine = folder / name
    mine.write_text('half')
    program.restore(tape, folder / 'v.mp4', *ARGS)
    program.restore(tape, folder / 'v.mkv', *FFV1)
    program('simulate', '-o', folder / 'new.mkv', '--frames', 2, code=0)
    program('compare', tape, '--presets', 'clean', '-o', folder, '--excerpts', 1, '--duration', 0.2, code=0)
    assert mine.read_text() == 'half'
    assert [p.name for p in folder.glob('*.part')] == [name]


def line(entry):
    text = json.dumps(entry, separators=(',', ':'))
    return f'{{"entry":{text},"sha256":"{hashlib.sha256(text.encode()).hexdigest()}"}}\n'


@pytest.mark.parametrize('joining', [True, 'part', '../tape', '', 'deadbeef', 0])
def test_a_journal_commands_nothing(program, folder, tape, joining):
    """A folder from elsewhere whose journal speaks of joining: files beside it stay."""
    out = folder / 'v.mp4'
    work = judge.work_folder(out)
    plan = program('plan', tape, '-o', out, '--json', *ARGS, code=0).out
    work.mkdir()
    (work / 'plan.json').write_text(plan)
    (work / 'journal.jsonl').write_text(line({'joining': joining}))
    kept = [folder / 'v.mp4.part', folder / 'v.mp4.part.part', folder / 'tape.part']
    for path in kept:
        path.write_text('half')
    before = judge.sha256(tape)
    program('clean', '--remove', folder, code=0)
    assert not work.exists()
    assert all(path.read_text() == 'half' for path in kept)
    untouched(tape, before)
