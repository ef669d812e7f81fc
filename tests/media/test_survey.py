"""The survey: what is known of a source is found out once, kept, and seen in plans and reports."""

import hashlib
import json
import os
import shutil
import subprocess

import pytest

import clips
import judge

QUICK = ['--resolution', '144', '--quality', 'fast', '--preset-speed', 'ultrafast', '--progress', 'none']
NO_CACHE = {'TERMINALAI_NO_CACHE': '1'}
PRESETS = ['clean', 'dvd', 'vhs', 'clean']


@pytest.fixture(scope='module')
def tape(tmp_path_factory):
    """300 progressive frames, so many that a sample is taken; the brightness rises from 60 to 180."""
    path = tmp_path_factory.mktemp('survey') / 'tape.mkv'
    clips.ffmpeg('-f', 'lavfi', '-i', "nullsrc=s=96x64:r=25:d=12,geq=lum='60+120*N/299':cb=128:cr=128,format=yuv420p", '-c:v', 'mpeg4', '-q:v', 2, '-g', 10,
                 *clips.BITEXACT, path)
    return path


@pytest.fixture(scope='module')
def survey_tool():
    path = judge.find_program()[0].parent / 'tests/survey_tool'
    if not os.access(path, os.X_OK):
        pytest.skip(f'{path} is not built yet')

    def run(*args):
        done = subprocess.run([path, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
    return run


def cache(tmp_path):
    return {'XDG_CACHE_HOME': str(tmp_path / 'cache'), 'TERMINALAI_NO_CACHE': '0'}


def told(done, what):
    return [line for line in done.err.splitlines() if what in line]


def test_a_measure_of_one_file(survey_tool, tape, tmp_path):
    """Its value is in the plan, its series in the report; one pass serves four plans."""
    out = tmp_path / 'out.mp4'
    said = survey_tool(tape, out, '-', *PRESETS)
    assert said['passes'] == 1 and said['frames'] == 120
    for plan in said['plans']:
        measured = plan['diagnosis']['brightness']
        assert measured['value']['mean'] == pytest.approx(120, abs=3)
        assert measured['unit'] == 'codes' and measured['confidence'] == 1 and measured['depth'] == 'sample'
        assert 'series' not in json.dumps(plan['diagnosis'])
        assert plan['diagnosis']['scan_type']['type'] == 'progressive'
    report = judge.report(out)
    assert {m['name'] for m in report['measures']} == {'scan_type', 'brightness'}
    series = next(m for m in report['measures'] if m['name'] == 'brightness')['series']
    assert len(series) == 120 and series == sorted(series)
    assert series[0] == pytest.approx(60, abs=3) and series[-1] == pytest.approx(180, abs=3)
    assert report['plan']['diagnosis'] == said['plans'][0]['diagnosis']


def test_a_series_has_at_most_2000_points(survey_tool, tmp_path):
    path = tmp_path / 'long.mkv'
    clips.ffmpeg('-f', 'lavfi', '-i', "color=gray:s=32x32:r=100:d=25,geq=lum='40+N/20':cb=128:cr=128", '-c:v', 'ffv1', *clips.BITEXACT, path)
    full = tmp_path / 'full.yaml'
    full.write_text('version: 1\nname: full\nsummary: all frames\noptions:\n  scan: full\n  denoise: "off"\n')
    said = survey_tool(path, tmp_path / 'out.mp4', '-', full)
    assert said['passes'] == 1 and said['frames'] == 2500
    series = next(m for m in said['survey']['measures'] if m['name'] == 'brightness')['series']
    assert len(series) == 2000 and series == sorted(series)
    assert series[0] == pytest.approx(40, abs=1) and series[-1] == pytest.approx(164.95, abs=1)


def test_kept_beside_the_index_by_the_set_of_measures(survey_tool, program, tape, tmp_path):
    folder = tmp_path / 'cache/terminalai'
    folder.parent.mkdir()
    first = survey_tool(tape, tmp_path / 'a.mp4', folder, 'clean')
    assert first['passes'] == 1
    again = survey_tool(tape, tmp_path / 'b.mp4', folder, 'clean')
    assert again['passes'] == 0 and again['survey'] == first['survey']
    for plan in (first['plans'][0], again['plans'][0]):
        del plan['output']['path']
    assert again['plans'] == first['plans']
    kept, = folder.glob('index/*.survey.json')
    # The program has other measures: its own file.
    done = program('plan', '-vv', tape, '--json', env=cache(tmp_path), code=0)
    assert told(done, 'measuring 120 of 300 frames') and 'brightness' not in done.json()['diagnosis']
    assert len(list(folder.glob('index/*.survey.json'))) == 2
    # Garbled: measured again, and mended.
    good = kept.read_text()
    for number, bad in enumerate((good[:len(good) // 2], good.replace('"confidence": 1.0', '"confidence": 0.5'), good.replace('"version": 1', '"version": 2'), '{}')):
        assert bad != good
        kept.write_text(bad)
        assert survey_tool(tape, tmp_path / f'{number}.mp4', folder, 'clean')['passes'] == 1
        assert kept.read_text() == good


def test_plan_is_the_same_from_the_cache(program, tape, tmp_path):
    """Also with inverse telecine, whose timeline comes from the measurement."""
    for options in ([], ['--deinterlace', 'ivtc'], ['--scan', 'full']):
        fresh = program('plan', '-vv', tape, '--json', *options, env=NO_CACHE, code=0)
        first = program('plan', '-vv', tape, '--json', *options, env=cache(tmp_path), code=0)
        kept = program('plan', '-vv', tape, '--json', *options, env=cache(tmp_path), code=0)
        assert fresh.out == first.out == kept.out
        assert len(told(first, ' frames')) >= 1 and not told(kept, 'measuring'), kept.err
        assert told(kept, 'measurements are taken from')


def test_compare_measures_once(program, tape, tmp_path):
    done = program('compare', '-vv', tape, '--presets', ','.join(PRESETS[:3] + ['archive']), '-o', tmp_path / 'out', '--duration', 0.2, '--excerpts', 1,
                   '--resolution', '144', '--preset-speed', 'ultrafast', '--progress', 'none', env=NO_CACHE, code=0)
    assert len(told(done, 'measuring ')) == 1, done.err


def test_redo_measures_nothing(program, tape, tmp_path):
    """What the work folder knows is enough, also where no cache is."""
    out = tmp_path / 'out.mp4'
    program('restore', tape, '-o', out, *QUICK, '--segment-length', 2, '--keep-work', env=NO_CACHE, code=0)
    known = judge.work_folder(out) / 'survey.json'
    assert json.loads(known.read_text())['version'] == 1
    done = program('restore', '-vv', tape, '-o', out, '--redo', '2-4', '--denoise-strength', '20:15:20:15', '--overwrite', '--progress', 'none', env=NO_CACHE, code=0)
    assert 'made again' in done.err
    assert not told(done, 'measuring '), done.err
    assert judge.report(out)['measures'] == json.loads(known.read_text())['measures']
    # A folder of an older version has no survey: measured, and noted from then on.
    known.unlink()
    done = program('restore', '-vv', tape, '-o', out, '--redo', '6-8', '--denoise-strength', '20:15:20:15', '--overwrite', '--progress', 'none', env=NO_CACHE, code=0)
    assert len(told(done, 'measuring ')) == 1, done.err


def write_plan(program, tape, out, path, env=NO_CACHE):
    done = program('plan', tape, '-o', out, *QUICK[:-2], '--segment-length', 2, '--json', env=env, code=0)
    path.write_text(done.out)
    return len(done.json()['video']['cuts']) - 1


def test_tasks_read_the_source_once(program, tape, tmp_path):
    """The first task of a folder that nobody has begun indexes; all others open the source once and take the index from there."""
    plan, out = tmp_path / 'plan.json', tmp_path / 'out.mp4'
    assert write_plan(program, tape, out, plan) >= 4
    program('segment', '--plan', plan, '--index', 0, env=NO_CACHE, code=0)
    done = program('segment', '-vv', '--plan', plan, '--index', 1, env=NO_CACHE, code=0)
    assert len(told(done, f'{tape}: opened as')) == 1, done.err
    assert told(done, str(judge.work_folder(out) / 'index.bin'))
    running = [program.start('segment', '-vv', '--plan', plan, '--index', k, '--progress', 'none', env=NO_CACHE) for k in (2, 3)]
    for p in running:
        _, err = p.communicate(timeout=120)
        assert p.returncode == 0, err.decode()
        assert err.decode().count(f'{tape}: opened as') == 1, err.decode()
    # The folder may lie elsewhere.
    elsewhere = tmp_path / 'elsewhere'
    elsewhere.mkdir()
    program('segment', '--plan', plan, '--index', 0, '--work-dir', elsewhere, env=NO_CACHE, code=0)
    done = program('segment', '-vv', '--plan', plan, '--index', 1, '--work-dir', elsewhere, env=NO_CACHE, code=0)
    assert len(told(done, f'{tape}: opened as')) == 1, done.err
    # And a plan's own machine has the index in its cache.
    other = tmp_path / 'other.mp4'
    write_plan(program, tape, other, plan, env=cache(tmp_path))
    done = program('segment', '-vv', '--plan', plan, '--index', 0, env=cache(tmp_path), code=0)
    assert len(told(done, f'{tape}: opened as')) == 1, done.err


@pytest.mark.parametrize('count', [2, 4])
def test_tasks_that_begin_at_once_index_once(program, tape, tmp_path, count):
    """In a folder that nobody has begun, and without a cache, one of them makes the index; the others open the source once."""
    plan, out = tmp_path / 'plan.json', tmp_path / 'out.mp4'
    assert write_plan(program, tape, out, plan) >= 4
    running = [program.start('segment', '-vv', '--plan', plan, '--index', k, '--progress', 'none', env=NO_CACHE) for k in range(count)]
    opened = []
    for p in running:
        _, err = p.communicate(timeout=120)
        assert p.returncode == 0, err.decode()
        opened.append(err.decode().count(f'{tape}: opened as'))
    assert sorted(opened)[:-1] == [1] * (count - 1) and max(opened) > 1, opened
    for k in range(count, 6):
        program('segment', '--plan', plan, '--index', k, env=NO_CACHE, code=0)
    program('join', '--plan', plan, '--progress', 'none', env=NO_CACHE, code=0)
    whole = tmp_path / 'whole.mp4'
    program('restore', tape, '-o', whole, *QUICK, '--segment-length', 2, env=NO_CACHE, code=0)
    assert judge.sha256(whole) == judge.sha256(out)


def test_looking_at_tasks_reads_no_source(program, tape, tmp_path):
    """What is listed stands in the plan: the source may be away, and nothing is made."""
    plan, out = tmp_path / 'plan.json', tmp_path / 'out.mp4'
    count = write_plan(program, tape, out, plan)
    text = json.loads(plan.read_text())
    text['source']['path'] = str(tmp_path / 'away.mkv')
    plan.write_text(json.dumps(text))
    listed = program('task', '--plan', plan, '--list', '--json', env=NO_CACHE, code=0).json()
    assert len(listed['tasks']) == count and not judge.work_folder(out).exists()
    refused = program('segment', '--plan', plan, '--index', 0, env=NO_CACHE, code=1)
    assert len(refused.error_lines) == 1 and 'away.mkv' in refused.err, refused
    refused = program('segment', '--plan', plan, '--index', count, env=NO_CACHE, code=2)
    assert not judge.work_folder(out).exists(), 'nothing is left of what could not begin'


def test_an_index_of_another_libav(program, tape, tmp_path):
    """An index that another version of libav has made is used: it is the one that was planned with. Without it the reason is said."""
    plan, out = tmp_path / 'plan.json', tmp_path / 'out.mp4'
    write_plan(program, tape, out, plan)
    program('segment', '--plan', plan, '--index', 0, env=NO_CACHE, code=0)
    index = judge.work_folder(out) / 'index.bin'
    good = index.read_bytes()
    # As that version would have made it: another byte position of the first packet. Nothing in it says by whom it was made.
    data, made_by = bytearray(good[:-64]), json.loads(plan.read_text())
    at = data.index((300).to_bytes(8, 'little')) + 8
    data[at + 16] ^= 1
    sum_ = hashlib.sha256(data).hexdigest()
    index.write_bytes(bytes(data) + sum_.encode())
    made_by['source']['index_sha256'] = sum_
    alone = tmp_path / 'alone.json'
    alone.write_text(json.dumps(made_by))
    other = tmp_path / 'elsewhere'
    other.mkdir()
    done = program('segment', '--plan', alone, '--index', 1, '--work-dir', other, env=NO_CACHE, code=1)
    said = [line for line in done.error_lines if line.startswith('error:')]
    assert len(said) == 1 and 'other versions' in said[0] and 'index.bin' in said[0], done.err
    beside = tmp_path / 'beside'
    beside.mkdir()
    (beside / 'index.bin').write_bytes(index.read_bytes())
    (beside / 'plan.json').write_text(json.dumps(made_by))
    done = program('segment', '-vv', '--plan', beside / 'plan.json', '--index', 1, '--work-dir', other, env=NO_CACHE, code=0)
    assert told(done, str(beside / 'index.bin')) and len(told(done, f'{tape}: opened as')) == 1, done.err


CACHED = ['plan', 'restore', 'preview', 'compare', 'task', 'segment', 'join', 'resume']


@pytest.mark.parametrize('command', CACHED)
def test_no_cache_leaves_no_cache(program, tape, tmp_path, command):
    """Each command that looks into a source keeps what it found, and with --no-cache keeps and takes nothing. The output is the same."""
    out, plan, env = tmp_path / 'out.mp4', tmp_path / 'plan.json', {'XDG_CACHE_HOME': str(tmp_path / 'cache')}
    plan.write_text(program('plan', tape, '-o', out, *QUICK[:-2], '--segment-length', 2, '--json', env=NO_CACHE, code=0).out)
    if command == 'join':
        for k in range(len(json.loads(plan.read_text())['video']['cuts']) - 1):
            program('segment', '--plan', plan, '--index', k, env=NO_CACHE, code=0)
        (tmp_path / 'out.mp4.terminalai/index.bin').unlink()
    if command == 'resume':
        program('segment', '--plan', plan, '--index', 0, env=NO_CACHE, code=0)
        (tmp_path / 'out.mp4.terminalai/index.bin').unlink()
    args = {'plan': ['plan', tape], 'restore': ['restore', tape, '-o', out, *QUICK, '-y'],
            'preview': ['preview', tape, '-o', tmp_path / 'look.png', '-y'],
            'compare': ['compare', tape, '--presets', 'clean', '-o', tmp_path / 'both', '--duration', 0.2, '--excerpts', 1, *QUICK, '-y'],
            'task': ['task', '--plan', plan, '--task', 'seg-00001', '-o', tmp_path / 'first.mp4'],
            'segment': ['segment', '--plan', plan, '--index', 1], 'join': ['join', '--plan', plan],
            'resume': ['resume', out]}[command]
    program(*args, '--no-cache', env=env, code=0)
    assert not (tmp_path / 'cache').exists()
    if command == 'join':
        out.unlink()
        out.with_name('out.mp4.json').unlink()
        return
    shutil.rmtree(tmp_path / 'out.mp4.terminalai', ignore_errors=True)
    for name in ('out.mp4', 'out.mp4.json'):
        (tmp_path / name).unlink(missing_ok=True)
    if command == 'resume':
        program('segment', '--plan', plan, '--index', 0, env=NO_CACHE, code=0)
        (tmp_path / 'out.mp4.terminalai/index.bin').unlink()
    if command == 'task':
        args[-1] = tmp_path / 'second.mp4'
    program(*args, env=env, code=0)
    assert list((tmp_path / 'cache').rglob('*.bin')), 'without the option something is kept'
