"""README as somebody reads it who has never seen the program: each command that it shows is run, in its words, on a sample
tape, and what comes out is what the text around it promises."""

import json
import os
import re
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest

import clips
import dvd
import judge

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / 'README.md').read_text()
# What needs no tape of minutes and no night: behind README's own words.
FAST = ('--preset-speed', 'ultrafast')  # the quality stays: options of motion are in the commands
SMALL = [*FAST, '--resolution', 'source']


def commands(section, text=README):
    """The commands that a section of README shows, in order."""
    text = text.split(f'## {section}\n', 1)[1].split('\n## ', 1)[0]
    return [line.split('#')[0].strip() for line in re.findall(r'^    (terminalai .*)$', text, re.M)]


SHOWN = commands('Your first restoration')


def shown(*words):
    """The one command that has all of these words."""
    found = [c for c in SHOWN if all(w in shlex.split(c) for w in words)]
    assert found, words
    return found[0]


@pytest.fixture(scope='module')
def place(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp('newcomer')
    program('simulate', '-o', folder / 'tape.avi', '--frames', 30, code=0)
    return folder


@pytest.fixture
def desk(place, tmp_path):
    """A folder with the tape in it, and nothing else."""
    os.link(place / 'tape.avi', tmp_path / 'tape.avi')
    return tmp_path


def run(program, place, command, *more, code=0, **kw):
    return program(*shlex.split(command)[1:], *more, code=code, cwd=place, **kw)


def test_first_restoration(program, place):
    """In the order given; what the text promises is there."""
    assert [c.split()[1] for c in SHOWN[:3]] == ['doctor', 'plan', 'restore'], SHOWN
    assert re.search(r'\bok\b', run(program, place, SHOWN[0], code=(0, 1)).out)
    planned = run(program, place, SHOWN[1]).out
    assert [line.split()[0] for line in planned.splitlines()[:3]] == ['size', 'disk', 'time'] and 'deinterlace' in planned
    assert [p.name for p in place.iterdir()] == ['tape.avi'], 'nothing is made'
    told = run(program, place, SHOWN[2]).err
    assert (place / 'tape.restored.mp4').exists() and [line.split()[0] for line in told.splitlines()[:3]] == ['size', 'disk', 'time']
    assert 'already done' in run(program, place, SHOWN[2]).err
    assert 'good' in run(program, place, shown('verify')).err
    for path in place.glob('tape.restored*'):
        path.unlink()
    run(program, place, shown('--keep-work'), *FAST)
    assert 'already done' in run(program, place, shown('resume')).err
    run(program, place, shown('--redo').replace('12:30-12:48', '0-1'))
    assert 'removed' in run(program, place, shown('clean')).out and not list(place.glob('*.terminalai'))


def test_what_a_plan_tells_and_keeps(program, desk):
    """README names what the decisions are about and where the rest is kept."""
    told = README.split('and every decision with its reason: ')[1].split('.')[0]
    assert re.split(', ', ' '.join(told.split())) == ['the field order', 'the deinterlacer', 'the noise reduction', 'the size', 'what becomes of the sound']
    env = {**program.env, 'HOME': str(desk)}
    del env['XDG_CACHE_HOME']

    def plan(*more):
        done = subprocess.run(program.command(*shlex.split(SHOWN[1])[1:], *FAST, *more), env=env, cwd=desk, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
        return done.stdout

    kept = re.search(r'`~/([^`]*)` is|kept in `~/([^`]*)`', ' '.join(README.split()))
    place = desk / (kept[1] or kept[2])
    plan('--no-cache')
    assert not place.exists()
    text = plan()
    assert any(place.iterdir()) and sorted(p.name for p in desk.iterdir()) == ['.cache', 'tape.avi']
    decisions = dict(re.findall(r'^  (\S.{11}) (.*)$', text.split('\ndecisions\n')[1].split('\nstreams\n')[0], re.M))
    decisions = {name.strip(): why for name, why in decisions.items()}
    assert all(re.search(r': |\(|\d', why) for why in decisions.values()), decisions
    assert 'interlaced' in decisions['deinterlace'] and re.search(r'for noise of [\d.]+', decisions['denoise']) and 'to 1440x1080' in decisions['size'], decisions
    assert ' bff ' in re.search('source .*\n.*', text)[0] and re.search(r'audio +pcm_s16le +transcode to aac: ', text), text


def test_every_line_of_doctor_says_what_it_is(program):
    words = re.search(r'Each line says ((?:`\w+`,? ?(?:or )?)+)', README)[1]
    allowed = re.findall(r'`(\w+)`', words)
    rows = [line for line in program('doctor', code=(0, 1)).out.splitlines() if line and not line.startswith(' ')]
    assert len(rows) > 10 and {row.split()[0] for row in rows[:-1]} <= set(allowed), rows


def test_stopped_in_the_middle(program, desk):
    """By Ctrl-C: status 130 and a line that says how to go on; the same command, or resume, does, and the bytes are those of a run that was left alone."""
    program('simulate', '-o', desk / 'long.avi', '--frames', 90, code=0)
    options = [*SMALL, '--quality', 'fast', '--deinterlace-fields', 'one', '--segment-length', 0.5, '--jobs', 1]
    command = program.command(*shlex.split(SHOWN[2].replace('tape.avi', 'long.avi'))[1:], *options)
    made = desk / 'long.restored.mp4'
    program('restore', desk / 'long.avi', '-o', desk / 'alone.mp4', *options, code=0)
    for again in (command, program.command(*shlex.split(shown('resume').replace('tape.', 'long.'))[1:])):
        run_ = subprocess.Popen([str(c) for c in command], env=program.env, cwd=desk, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        begun = time.monotonic()
        while not (desk / 'long.restored.mp4.terminalai' / 'seg-00000.nut').exists() and run_.poll() is None and time.monotonic() - begun < 100:
            time.sleep(0.01)
        run_.send_signal(signal.SIGINT)
        _, said = run_.communicate(timeout=60)
        if run_.returncode == 0:
            pytest.skip('the machine was faster than the hand')
        assert run_.returncode == 130 and 'the same command goes on' in said and not made.exists(), said
        assert 'interrupted' in program('status', made, code=0).out
        done = subprocess.run([str(c) for c in again], env=program.env, cwd=desk, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert done.returncode == 0 and 'from an earlier run' in done.stderr, done
        assert made.read_bytes() == (desk / 'alone.mp4').read_bytes()
        for path in desk.glob('long.restored*'):
            path.unlink()


def test_exit_statuses_of_readme(program, desk):
    told = ' '.join(README.split('Exit status: ')[1].split('\n\n')[0].split())
    for status, words in ((0, 'done'), (1, 'failed'), (2, 'wrong call'), (3, 'done but the output lacks something'), (130, 'interrupted')):
        assert f'{status} {words}' in told
    program('plan', 'none.avi', code=1, cwd=desk)
    program('plan', 'tape.avi', '--crf', 99, code=2, cwd=desk)
    whole = (desk / 'tape.avi').read_bytes()
    (desk / 'cut.avi').write_bytes(whole[:len(whole) // 2])
    lacks = program('restore', 'cut.avi', *SMALL, '--quality', 'fast', code=3, cwd=desk)
    assert 'warning: ' in lacks.err and (desk / 'cut.restored.mp4').exists(), lacks


def test_first_steps_of_help(program, desk):
    """Each is run as it stands, and does what is said beside it."""
    steps = dict(re.findall(r'^  (terminalai .*?)  +(\S.*(?:\n {10,}\S.*)*)', program('help', code=0).out.split('First steps:\n')[1], re.M))
    assert [command.split()[1] for command in steps] == ['restore', 'plan', 'restore'], steps
    made, planned, page = steps
    name = re.search(r'makes (\S+)', steps[made])[1]
    assert 'what would be done, and why' in steps[planned] and 'decisions' in run(program, desk, planned, *FAST).out
    assert [p.name for p in desk.iterdir()] == ['tape.avi'], 'nothing is made'
    run(program, desk, made, *SMALL)
    assert (desk / name).exists()
    assert len(run(program, desk, page).out.splitlines()) <= 40 < len(run(program, desk, page.replace('-h', '--help')).out.splitlines())


def test_looking_first(program, desk):
    """An excerpt beside its source, and a picture; where the tape is shorter than the example, that is said."""
    video, picture = [c for c in SHOWN if c.split()[1] == 'preview']
    assert '1.001 seconds' in run(program, desk, video, code=2).err
    run(program, desk, video.replace('1:00', '0'), '--duration', 0.2, *FAST)
    run(program, desk, picture.replace('1:00', '0'), *FAST)
    assert judge.video_stream(desk / 'tape.preview.mp4')['width'] > 1200 and (desk / 'frame.png').read_bytes().startswith(b'\x89PNG')


def test_the_best_picture(program, desk):
    made = run(program, desk, shown('--quality', 'best'), '--range', '0-6f', '--preset-speed', 'ultrafast', '--resolution', 'source', '--json').json()
    assert made['files'][0]['frames'] == 12
    stages = [s['stage'] for s in judge.report(desk / 'tape.restored.mp4')['plan']['video']['stages']]
    assert any('deinterlace.motion' in s for s in stages) and any('denoise.motion' in s for s in stages), stages


def test_sound(program, desk):
    """What is asked for is done to it; without it sound stays, to the bit."""
    made = {}
    for name, command in (('asked', shown('--audio-enhance')), ('left', shown('archive'))):
        run(program, desk, command, *SMALL, '--audio-codec', 'flac', '--encoder', 'ffv1', '-o', f'{name}.mkv')
        made[name] = judge.samples(desk / f'{name}.mkv')
    assert made['left'] == judge.samples(desk / 'tape.avi') and made['asked'] != made['left']


def test_film(program, desk):
    """plan suspects it, and the frames of the film come back."""
    texture = 'noise=alls=12:all_seed=5,avgblur=sizeX=2,scroll=horizontal=0.011:vertical=0.003'
    clips.ffmpeg('-f', 'lavfi', '-i', f'testsrc2=size=352x240:rate=24000/1001,format=yuv420p,{texture},trim=end_frame=64,telecine=first_field=top,setfield=tff',
        '-c:v', 'mpeg2video', '-q:v', 2, '-flags', '+ilme+ildct', '-f', 'vob', desk / 'film.vob')
    assert 'film' in run(program, desk, 'terminalai plan film.vob --preset dvd').err + run(program, desk, 'terminalai plan film.vob').out
    run(program, desk, shown('film.vob'), *SMALL)
    assert judge.video_stream(desk / 'film.restored.mp4')['r_frame_rate'] == '24000/1001'
    assert abs(judge.decoded_count(desk / 'film.restored.mp4') - 64) <= 1


def test_archive(program, desk):
    """FFV1 and FLAC in Matroska, every stream, and beside it the report and a checksum of every frame."""
    run(program, desk, shown('archive'))
    out = desk / 'tape.restored.mkv'
    assert [s['codec_name'] for s in judge.streams(out)] == ['ffv1', 'flac']
    told = [line for line in (desk / 'tape.restored.mkv.framemd5').read_text().splitlines() if line.startswith('0,')]
    assert len(told) == judge.decoded_count(out) and judge.report(out)['output']['name'] == out.name
    decoded = clips.ffmpeg('-i', out, '-map', '0:v', '-f', 'framemd5', '-').decode()
    sums = [line.split()[-1] for line in decoded.splitlines() if not line.startswith('#')]
    assert [line.split()[-1] for line in told] == sums


def test_the_shelf(program, desk):
    """All of it, and one that fails stops no other."""
    folder = desk / 'tapes' / 'old'
    folder.mkdir(parents=True)
    for name in ('tapes/a.avi', 'tapes/old/c.avi'):
        os.link(desk / 'tape.avi', desk / name)
    (desk / 'tapes' / 'b.avi').write_bytes(b'no film')
    done = run(program, desk, shown('tapes/'), *SMALL, code=1)
    assert {p.name for p in (desk / 'restored').rglob('*.mp4')} == {'a.restored.mp4', 'c.restored.mp4'}, done
    assert '2 of 3' in done.err and 'tapes/b.avi' in done.err


def test_parts_and_discs(program, desk):
    for n in (1, 2):
        os.link(desk / 'tape.avi', desk / f'capture_00{n}.avi')
    run(program, desk, shown('--join'), *SMALL)
    assert judge.decoded_count(desk / 'tape.mp4') == 120
    disc = desk / 'Christmas 1994' / 'VIDEO_TS'
    part = dvd.make_vob(desk / 'part.vob')
    disc.mkdir(parents=True)
    dvd.write_set(disc, 1, [part], dvd.title_set([(dvd.cells_of([part], [1]), [1])]))
    (disc / 'VIDEO_TS.IFO').write_bytes(dvd.disc_list([(1, 1, 1, 1)]))
    run(program, desk, next(c for c in SHOWN if 'VIDEO_TS' in c), *SMALL)
    made, = (desk / 'restored').glob('*.mp4')
    assert judge.decoded_count(made) in (25, 50)


def test_networks(program, desk):
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=96x64:r=25:d=0.12', '-c:v', 'libx264', desk / 'clip.mp4')
    assert re.search(r'^onnx +\S', run(program, desk, shown('engines'), code=(0, 1)).out, re.M)
    assert re.search(r'^\S+-x[24] +(absent|here|\w+)', run(program, desk, shown('models', 'list')).out, re.M)
    command = shown('--scale-model')
    assert 'network.onnx' in run(program, desk, command, code=(1, 2)).err


def test_the_queue(program, desk):
    """serve, submit and jobs as they are written; what was given is made, and watching tells it."""
    if 'Not in this build' in program('serve', '--help', code=0).out:
        pytest.skip('built without the service')
    serve, submit, watch = [next(c for c in SHOWN if c.split()[1] == name) for name in ('serve', 'submit', 'jobs')]
    (desk / 'tapes').mkdir()
    os.link(desk / 'tape.avi', desk / 'tapes' / 'a.avi')
    env = {**program.env, 'HOME': str(desk), 'XDG_STATE_HOME': str(desk / 'state'), 'XDG_RUNTIME_DIR': str(desk)}

    def start(command, *more):
        return subprocess.Popen([*program.command(*shlex.split(command)[1:]), *more], env=env, cwd=desk, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    service = start(serve, '--listen', 'none')
    try:
        assert 'at once' in service.stdout.readline()
        run(program, desk, submit, *SMALL, env=env)
        watching = start(watch)
        try:
            begun, told = time.monotonic(), ''
            while 'job 1 done' not in told and time.monotonic() - begun < 100:
                told += watching.stdout.readline()
        finally:
            watching.kill()
            watching.communicate()
        assert 'job 1 done' in told and (desk / 'restored' / 'a.restored.mp4').exists(), told
        assert re.search(r'^1 +done +0 ', run(program, desk, 'terminalai jobs --batch-name shelf', env=env).out)
    finally:
        service.send_signal(signal.SIGINT)
        service.communicate(timeout=30)
    assert service.returncode in (0, 130)


def test_all_options_of_readme_are_known(program):
    """No option is shown that the command does not have."""
    for line in re.findall(r'^    (terminalai .*)$', README, re.M):
        words = shlex.split(line.split('#')[0])
        help_ = program(words[1], '--help', code=0).out + program('restore', '--help', code=0).out
        for word in words[2:]:
            if word.startswith('--'):
                assert re.search(rf'(^|\s){re.escape(word)}\b', help_), line


def test_the_table_of_commands_is_whole(program):
    """README names each command that help lists, and no other."""
    table = README.split('## Commands\n', 1)[1].split('\n## ', 1)[0]
    told = {name for cell in re.findall(r'^\| (`.*?) \|', table, re.M) for name in re.findall(r'`([a-z]+)', cell)}
    listed = set(re.findall(r'^  ([a-z]+)  +\S', program('help', code=0).out.split('First steps:')[0], re.M))
    actions = {'list', 'fetch', 'remove', 'show'}  # of models
    assert told - actions == listed - {'worker'}, told ^ listed


def test_first_page_of_help(program):
    """Every command that it lists has help, and its first steps are real ones."""
    page = program('help', code=0).out
    listed = re.findall(r'^  ([a-z]+)  +\S', page.split('Commands:')[1].split('First steps:')[0], re.M)
    assert len(listed) >= 15
    for name in listed:
        assert program(name, '-h', code=0).out.startswith(f'Usage: terminalai {name}')
    for step in re.findall(r'^  terminalai (\S+)', page.split('First steps:')[1], re.M):
        assert step in listed


def test_examples_of_help_are_understood(program, desk):
    """Each example of every command is parsed to its end: no unknown option, no value that is refused."""
    page = program('help', code=0).out
    for name in re.findall(r'^  ([a-z]+)  +\S', page.split('Commands:')[1].split('First steps:')[0], re.M):
        text = program(name, '--help', code=0).out
        examples = re.findall(r'^  (terminalai .*)$', text.split('Examples:')[1].split('\n\n')[0], re.M) if 'Examples:' in text else []
        assert examples or name in ('worker', 'help', 'encoders', 'doctor'), name
        for example in examples:
            words = shlex.split(re.split(r' [|>] ', example)[0])[1:]
            own = words[:words.index('--')] if '--' in words else words  # what follows is another command
            done = program(*own, '--help', code=(0, 2))
            assert done.code == 0, (example, done)


def test_what_readme_points_to_is_installed():
    """Its links hold in the sources, and beside the README that is installed (headers have a place of their own)."""
    links = {link for link in re.findall(r'\]\(([^)#]+)\)', README) if '://' not in link}
    assert len(links) > 10 and all((ROOT / link).exists() for link in links), links
    build = Path(os.environ['TERMINALAI']).parent
    listed = subprocess.run(['meson', 'introspect', build, '--installed'], capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip('the program was not built here by meson')
    installed = {str(Path(source).relative_to(ROOT)) for source, place in json.loads(listed.stdout).items()
        if Path(source).is_relative_to(ROOT) and '/doc/terminalai' in place}
    missing = [link for link in links - {'include/terminalai/'} if not any(link == i or link.startswith(i + '/') for i in installed)]
    assert not missing, missing
