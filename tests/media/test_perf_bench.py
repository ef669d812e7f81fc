"""terminalai perf bench: a table of stand-ins measured, kept, written down and compared."""

import importlib.util
import json
import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = '''#!/usr/bin/env python3
import json, sys
turn, path, seconds = open('turns', 'a+'), sys.argv[1], 10.0
turn.seek(0)
n = len(turn.read())
turn.write('x')
values = [{"name": "time", "value": (seconds + n % 3 / 100) * float(open('slower').read()), "unit": "s", "better": "less"},
          {"name": "count", "value": 3, "unit": "", "better": "less", "exact": True}]
json.dump({"figures": values}, open(path, 'w'))
print('measured', file=sys.stderr)
'''
BROKEN = '#!/usr/bin/env python3\nimport sys\nsys.exit("it has no film")\n'


def row(name, script, **more):
    return {'name': name, 'about': f'what {name} is', 'argv': [f'bench/{script}', '{figures}', '{program}', '--assets', '{assets}'], 'full': ['--long'],
        'quick': ['--short'], 'needs': [], 'peers': [], 'minutes': 0.1, **more}


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / 'source'
    (folder / 'bench').mkdir(parents=True)
    (folder / 'docs').mkdir()
    (folder / 'docs/performance.md').write_text('# Performance\n\nOther words.\n')
    (folder / 'slower').write_text('1')
    for name, text in (('good.py', SCRIPT), ('broken.py', BROKEN)):
        (folder / 'bench' / name).write_text(text)
        (folder / 'bench' / name).chmod(0o755)
    rows = [row('good', 'good.py', peers=['program:no-such-peer', 'assets:video']), row('broken', 'broken.py'), row('absent', 'good.py', needs=['program:no-such-tool'])]
    (folder / 'bench/benches.json').write_text(json.dumps({'benches': rows}))
    return folder


def bench(program, source, *args, code=0, **kw):
    return program('perf', 'bench', '--source', source, *args, code=code, **kw)


def test_what_was_not_reached_is_not_measured(program, source, tmp_path):
    """The file is written after each script, and says of those that follow that they wait."""
    out, seen = tmp_path / 'out.json', tmp_path / 'seen.json'
    look = source / 'bench' / 'look.py'
    look.write_text(SCRIPT + f'import shutil\nshutil.copy({str(out)!r}, {str(seen)!r})\n')
    look.chmod(0o755)
    (source / 'bench/benches.json').write_text(json.dumps({'benches': [row('first', 'good.py'), row('look', 'look.py'), row('last', 'good.py')]}))
    bench(program, source, '--repeats', 1, '-o', out)
    states = [[b['status'] for b in json.loads(path.read_text())['benches']] for path in (seen, out)]
    assert states == [['measured', 'waiting', 'waiting'], ['measured'] * 3]


def test_measured_and_compared(program, source, tmp_path):
    before, after = tmp_path / 'before.json', tmp_path / 'after.json'
    told = bench(program, source, '--only', 'good', '-o', before, '--write').err
    assert 'without no-such-peer, assets video (--assets DIR)' in told
    kept = json.loads(before.read_text())
    assert kept['kind'] == 'bench' and [b['status'] for b in kept['benches']] == ['measured']
    times, count = kept['values']
    assert set(times) == {'bench', 'name', 'value', 'unit', 'better', 'exact', 'samples', 'command', 'machine', 'version', 'when'}
    assert times['samples'] == [10.0, 10.01, 10.02] and times['value'] == 10.01 and times['unit'] == 's'
    assert times['command'] == 'bench/good.py build/terminalai --long', times
    assert count['exact'] and count['samples'] == [3, 3, 3]
    document = (source / 'docs/performance.md').read_text()
    assert document.startswith('# Performance\n\nOther words.\n\n## Measured by') and '| time | 10.01 | s | 10 to 10.02 | less |' in document
    # The same again is no change; half as long again is one, and the exit status says so.
    assert '0 worse, 0 better, 2 within' in bench(program, source, '--only', 'good', '--against', before).out
    (source / 'slower').write_text('1.5')
    slow = bench(program, source, '--only', 'good', '-o', after, '--against', before, code=1)
    assert 'worse: good, time: 10.01 to 15.01' in slow.out and '1 worse' in slow.out
    both = program('perf', 'bench', '--from', after, '--against', before, '--json', code=1).json()
    assert both['against']['worse'] == 1 and [v['verdict'] for v in both['against']['values']] == ['worse', 'same']
    assert '1 better' in program('perf', 'bench', '--from', before, '--against', after, code=0).out


def test_failures_are_told_and_the_others_go_on(program, source, tmp_path):
    out = tmp_path / 'all.json'
    done = bench(program, source, '--repeats', 1, '--quick', '-o', out, code=1)
    assert 'absent is left out: there is no no-such-tool' in done.err and 'broken: it has no film' in done.err
    kept = json.loads(out.read_text())
    assert [(b['name'], b['status']) for b in kept['benches']] == [('good', 'measured'), ('broken', 'failed'), ('absent', 'left out')]
    assert kept['quick'] and len(kept['values']) == 2
    listed = bench(program, source, '--list', '--json').json()
    assert [(b['name'], b['missing']) for b in listed] == [('good', []), ('broken', []), ('absent', ['no-such-tool'])]


def test_refused(program, source, tmp_path):
    assert 'there are good, broken, absent' in bench(program, source, '--only', 'god', code=2).err
    assert 'too short' in bench(program, source, '--quick', '--write', code=2).err
    assert 'no folder of the sources' in bench(program, tmp_path, code=1).err
    unwritable = bench(program, source, '--only', 'good', '-o', tmp_path / 'none/a.json', code=1)
    assert 'none/a.json' in unwritable.err and not (source / 'turns').exists()
    other = tmp_path / 'other.json'
    other.write_text('{"kind": "profile"}')
    assert 'no file of "terminalai perf bench"' in bench(program, source, '--against', other, code=1).err
    (source / 'bench/benches.json').write_text('{"benches": [{"name": "x"}]}')
    assert '"benches" must be' in bench(program, source, '--list', code=1).err


def test_an_installed_program_says_where_scripts_are(program, tmp_path):
    if os.stat(program.path).st_size > 200e6:
        pytest.skip('too large to be copied')
    alone = tmp_path / 'terminalai'
    shutil.copy(program.path, alone)
    done = type(program)(alone, tmp_path / 'home')('perf', 'bench', '--list', code=1)
    assert '--source DIR' in done.err


def test_the_table_of_the_project(program):
    """Each row names a script that is there, can be run and takes --figures."""
    for entry in json.loads((ROOT / 'bench/benches.json').read_text())['benches']:
        script = ROOT / entry['argv'][0]
        assert os.access(script, os.X_OK), script
        assert '{figures}' in entry['argv'] and 'figures.option(parser)' in script.read_text(), entry['name']
        assert all(n.split(':')[0] in ('program', 'build', 'source', 'assets') for n in entry['needs'] + entry['peers'])
    assert bench(program, ROOT, '--list').out.count('\n') > 20


def test_figures(tmp_path):
    spec = importlib.util.spec_from_file_location('bench_figures', ROOT / 'bench/figures.py')
    figures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(figures)
    kept = figures.Figures(tmp_path / 'f.json')
    kept.add('a', 1.5, 's', figures.LESS)
    kept.save()
    assert json.loads((tmp_path / 'f.json').read_text()) == {'figures': [{'name': 'a', 'value': 1.5, 'unit': 's', 'better': 'less', 'exact': False}]}
    figures.Figures(None).save()
