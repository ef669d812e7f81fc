"""terminalai perf analyze: what its rules find in samples, what they let be, and what becomes of bad input."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

SAMPLES = pathlib.Path(__file__).parents[1] / 'perf' / 'samples'
MARK = re.compile(r'// finds ([a-z, -]+)$')


def database(folder, files, name='compile_commands.json', flags=()):
    entries = [{'directory': str(folder), 'file': str(f), 'arguments': ['cc', *flags, '-c', '-o', 'x.o', str(f)]} for f in files]
    (folder / name).write_text(json.dumps(entries))
    return folder / name


@pytest.fixture(scope='module')
def analyze(program, tmp_path_factory):
    """Runs it with a cache of its own; skipped where there is no libclang."""
    cache = tmp_path_factory.mktemp('cache')

    def run(*args, code=0, cached=True):
        result = program('perf', 'analyze', *args, *(('--cache', cache) if cached else ('--fresh',)))
        if 'libclang can\'t be opened' in result.err and '--libclang' not in args:
            pytest.skip('no libclang here')
        assert result.code == code, result.err
        return result

    return run


@pytest.fixture(scope='module')
def samples(analyze, tmp_path_factory):
    """All samples, analysed once."""
    folder = tmp_path_factory.mktemp('samples')
    for f in SAMPLES.iterdir():
        shutil.copy(f, folder)
    database(folder, sorted(folder.glob('*.c')))
    analyze(folder, '--output', folder / 'plan.txt')
    return folder


def planted(folder):
    return {(f.name, n, rule) for f in folder.glob('*.c') for n, line in enumerate(f.read_text().splitlines(), 1)
        for m in [MARK.search(line)] if m for rule in m.group(1).split(', ')}


def test_precision_and_recall(samples, program):
    """Each rule has a sample: what is marked is found, and nothing else is."""
    rules = set(re.findall(r'^([a-z-]+) \(', program('perf', 'analyze', '--rules', code=0).out, re.M))
    assert len(rules) >= 25 and rules == {f.stem for f in samples.glob('*.c')}
    found = {(f['file'], f['line'], f['rule']) for f in json.loads((samples / 'plan.json').read_text())['findings']}
    wanted = planted(samples)
    assert {rule for _, _, rule in wanted} == rules
    true = len(found & wanted)
    print('%d planted, %d found, %d of them planted: precision %.3f, recall %.3f'
        % (len(wanted), len(found), true, true / max(1, len(found)), true / len(wanted)))
    assert found == wanted, 'too much: %s; missing: %s' % (sorted(found - wanted), sorted(wanted - found))


def test_outputs_agree(samples):
    """Text, JSON and SARIF say the same; SARIF has what its schema asks for."""
    plan, sarif = json.loads((samples / 'plan.json').read_text()), json.loads((samples / 'plan.sarif').read_text())
    text = (samples / 'plan.txt').read_text()
    assert plan['version'] == 1 and sum(plan['counts'].values()) == len(plan['findings']) and not plan['errors']
    assert {f['severity'] for f in plan['findings']} == {'low', 'medium', 'high', 'critical'}
    assert {f['category'] for f in plan['findings']} == {'cpu', 'memory', 'io', 'threading', 'gpu'}
    for f in plan['findings']:
        assert '%s:%d:%d: %s, %s, in %s()' % (f['file'], f['line'], f['column'], f['rule'], f['category'], f['function']) in text
        assert f['why'] and f['advice'] and f['message'] and f['suppressed'] is None
    assert sarif['version'] == '2.1.0' and sarif['$schema'].endswith('sarif-2.1.0.json') and len(sarif['runs']) == 1
    run = sarif['runs'][0]
    rules = run['tool']['driver']['rules']
    assert run['tool']['driver']['name'] and len({r['id'] for r in rules}) == len(rules)
    assert all(r['shortDescription']['text'] and r['help']['text'] for r in rules)
    assert all(r['defaultConfiguration']['level'] in ('none', 'note', 'warning', 'error') for r in rules)
    root = run['originalUriBaseIds']['SRCROOT']['uri']
    assert root.startswith('file:///') and root.endswith('/') and run['columnKind'] == 'utf16CodeUnits'
    assert run['invocations'][0]['executionSuccessful'] is True
    prints = set()
    assert len(run['results']) == len(plan['findings'])
    for r, f in zip(run['results'], plan['findings']):
        place = r['locations'][0]['physicalLocation']
        assert rules[r['ruleIndex']]['id'] == r['ruleId'] == f['rule'] and r['level'] in ('note', 'warning', 'error')
        assert r['message']['text'] == f['message'] and place['artifactLocation'] == {'uri': f['file'], 'uriBaseId': 'SRCROOT'}
        assert place['region']['startLine'] == f['line'] >= 1 and place['region']['startColumn'] == f['column'] >= 1
        prints.add(r['partialFingerprints']['ruleFileFunction/v1'])
    assert len(prints) == len(plan['findings'])


def test_suppression_wants_a_reason(analyze, tmp_path):
    spin = 'void f(volatile int *p) {\n%s    while (!*p);%s\n}\n'
    for i, (above, beside) in enumerate((('', ''), ('    // perf-ok(busy-wait): the other core answers in a microsecond\n', ''),
            ('', ' /* perf-ok(polling-sleep, busy-wait): a test */'), ('    // perf-ok(busy-wait):\n', ''), ('    // perf-ok(wait): no such\n', ''))):
        (tmp_path / ('%d.c' % i)).write_text(spin % (above, beside))
    (tmp_path / '5.c').write_text('// perf-ok(busy-wait): for all of it\n' + spin % ('', ''))
    database(tmp_path, sorted(tmp_path.glob('*.c')))
    plan = analyze(tmp_path, '--json').json()
    assert [f['suppressed'] for f in plan['findings']] == [None, 'the other core answers in a microsecond', 'a test', None, None, 'for all of it']
    assert plan['counts'] == {'critical': 3, 'high': 0, 'medium': 0, 'low': 0, 'suppressed': 3}
    assert 'without a reason stands there' in analyze(tmp_path).out
    analyze(tmp_path, '--output', tmp_path / 'p.sarif')
    results = json.loads((tmp_path / 'p.sarif').read_text())['runs'][0]['results']
    assert results[2]['suppressions'] == [{'kind': 'inSource', 'justification': 'a test'}] and 'suppressions' not in results[0]
    assert (tmp_path / 'p.txt').exists() and (tmp_path / 'p.json').exists()
    assert analyze(tmp_path, '--fail-on', 'critical', code=1) and analyze(tmp_path, '--fail-on', 'low', '--only', 'polling-sleep')


def test_only_what_changed_is_read(analyze, tmp_path):
    (tmp_path / 'a.h').write_text('static inline void w(volatile int *p) { while (!*p); }\n')
    (tmp_path / 'a.c').write_text('#include "a.h"\nvoid a(int *p) { w(p); }\n')
    (tmp_path / 'b.c').write_text('void b(void) {}\n')
    database(tmp_path, [tmp_path / 'a.c', tmp_path / 'b.c'])

    def look(*args):
        plan = analyze(tmp_path, '--json', *args).json()
        return plan['read'], [(f['file'], f['line']) for f in plan['findings']]

    assert look() == (2, [('a.h', 1)]) and look() == (0, [('a.h', 1)])
    (tmp_path / 'a.h').write_text('// ours\nstatic inline void w(volatile int *p) { while (!*p); }\n')
    assert look() == (1, [('a.h', 2)])
    assert look('--only', 'polling-sleep') == (0, [])  # rules judge anew what is known
    database(tmp_path, [tmp_path / 'a.c', tmp_path / 'b.c'], flags=['-DX'])
    assert look('--jobs', '1') == (2, [('a.h', 2)])


def test_two_at_once(analyze, program, samples):
    """Both end well, and leave whole files."""
    command = [program.path, 'perf', 'analyze', samples, '--fresh', '--output', samples / 'both.txt']
    both = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    assert [p.wait(timeout=60) for p in both] == [0, 0]
    assert json.loads((samples / 'both.json').read_text())['findings'] == json.loads((samples / 'plan.json').read_text())['findings']
    assert not [n for n in os.listdir(samples) if n.endswith('.part')]


def test_bad_input(analyze, program, tmp_path):
    assert 'there is no compile_commands.json' in (err := analyze(tmp_path, '--database', tmp_path / 'none', code=1).err) and 'bear -- make' in err
    assert 'No such file' in analyze(tmp_path / 'none', code=1).err
    (tmp_path / 'a.c').write_text('#include "missing.h"\nvoid f(volatile int *p) { while (!*p); }\nint x = ;\n')
    database(tmp_path, [tmp_path / 'a.c'])
    result = analyze(tmp_path, '--json')
    assert 'the compiler finds 2 errors' in result.err and 'missing.h' in result.err
    assert [f['rule'] for f in result.json()['findings']] == ['busy-wait'] and result.json()['errors'][0]['errors'] == 2
    assert 'did you mean "busy-wait"' in program('perf', 'analyze', '--only', 'busy-wai', code=2).err
    (tmp_path / 'full').write_text('')
    for output in (tmp_path / 'no' / 'plan.txt', tmp_path / 'full' / 'plan.txt'):
        assert str(output) in analyze(tmp_path, '--output', output, code=1).err
    (tmp_path / 'broken.json').write_text('[{')
    assert 'broken.json:1' in analyze(tmp_path, '--database', tmp_path / 'broken.json', code=1).err
    (tmp_path / 'broken.json').write_text('[7, {"file": 3}, {"file": "x.c", "directory": []}]')
    assert 'names no C file' in analyze(tmp_path, '--database', tmp_path / 'broken.json', code=1).err
    missing = program('perf', 'analyze', tmp_path, '--libclang', tmp_path / 'a.c', code=1)
    assert 'install it: apt install libclang1' in missing.err


def test_commands_as_a_shell_writes_them(analyze, tmp_path):
    """One string with quotes; a compiler behind another program; the same file twice."""
    folder = tmp_path / 'with space'
    folder.mkdir()
    (folder / 'a.c').write_text('#ifdef B\nvoid f(volatile int *p) { while (!*p); }\n#endif\n')
    command = "ccache cc -DA='\"x y\"' -DB=\"1\" -MD -MF a.d -o a.o -c \"a.c\""
    (folder / 'compile_commands.json').write_text(json.dumps([{'directory': str(folder), 'file': 'a.c', 'command': command},
        {'directory': str(folder), 'file': 'a.c', 'command': command + ' -DC'}]))
    plan = analyze(folder, '--json').json()
    os.mkdir(folder / 'obj')
    (folder / 'compile_commands.json').write_text(json.dumps([{'directory': str(folder / 'obj'), 'file': '../a.c', 'arguments': ['cc', '-DB', '-c', '../obj/../a.c']}]))
    assert [f['line'] for f in analyze(folder, '--json').json()['findings']] == [2]
    assert plan['files'] == 1 and [f['line'] for f in plan['findings']] == [2] and not plan['errors']
    analyze(folder, '--output', folder / 'p.txt')
    assert '/with%20space/' in json.loads((folder / 'p.sarif').read_text())['runs'][0]['originalUriBaseIds']['SRCROOT']['uri']


@pytest.mark.long
def test_own_tree(analyze):
    """What it finds in this tree is mended, or let be with a reason."""
    build = pathlib.Path(os.environ.get('TA_BUILD', SAMPLES.parents[2] / 'build'))
    if not (build / 'compile_commands.json').exists():
        pytest.skip('no compile database')
    plan = analyze(SAMPLES.parents[2] / 'src', '--database', build, '--json').json()
    left = ['%s:%d: %s' % (f['file'], f['line'], f['rule']) for f in plan['findings'] if not f['suppressed']]
    assert plan['files'] > 400 and not left, left
