"""Inverse telecine: film that was telecined comes back frame by frame, wherever it was edited and however it is cut."""

import json
import subprocess

import pytest

import clips

TEXTURE = 'format=yuv420p,noise=alls=12:all_seed=5,avgblur=sizeX=2,scroll=horizontal=0.011:vertical=0.003'
FRAMES, SIZE = 64, '256x208'  # 80 frames of video in 2:3
LOSSLESS = ['-p', 'clean', '--encoder', 'ffv1', '--resolution', 'source', '--quality', 'fast', '--deinterlace', 'ivtc', '--overwrite',
    '--progress', 'none']


def film(frames=FRAMES, rate='24000/1001', size=SIZE):
    return f'testsrc2=size={size}:rate={rate},{TEXTURE},trim=end_frame={frames}'


def frames_of(*source):
    """The MD5 of every frame, without what a container's rate would repeat or leave out."""
    out = clips.ffmpeg(*source, '-fps_mode', 'passthrough', '-f', 'framemd5', '-')
    return [line.split()[-1] for line in out.decode().splitlines() if not line.startswith('#')]


def times_of(path):
    out = subprocess.run(['ffprobe', '-v', 'error', '-select_streams', 'v', '-show_entries', 'packet=pts_time', '-of', 'csv=p=0', str(path)],
        check=True, capture_output=True, text=True).stdout
    return sorted(float(line.strip(',')) for line in out.split())


@pytest.fixture(scope='module')
def make(tmp_path_factory):
    """make(name, ffmpeg arguments): a clip in FFV1."""
    folder = tmp_path_factory.mktemp('film')
    made = {}

    def build(name, *args):
        if name not in made:
            made[name] = folder / f'{name}.mkv'
            clips.ffmpeg(*args, '-c:v', 'ffv1', made[name])
        return made[name]
    return build


@pytest.fixture(scope='module')
def truth():
    return frames_of('-f', 'lavfi', '-i', film())


@pytest.fixture(scope='module')
def telecined(make):
    def build(pattern, first):
        return make(f'{pattern}_{first}', '-f', 'lavfi', '-i', f'{film()},telecine=first_field={first}:pattern={pattern}')
    return build


@pytest.fixture
def restore(program, tmp_path):
    def run(source, *more):
        out = tmp_path / 'out.mkv'
        program('restore', source, '-o', out, *LOSSLESS, *more, code=0)
        return out
    return run


def plan_of(program, source, *more):
    return json.loads(program('plan', source, *LOSSLESS[:-2], '--json', *more, code=0).out)


long = pytest.mark.long
PATTERNS = [('23', 'top'), ('23', 'bottom'), ('2332', 'bottom'), ('2224', 'top')]


@pytest.mark.parametrize('pattern, first', PATTERNS + [pytest.param(p, f, marks=long) for p in ('23', '32', '2332', '2224', '33', '22')
    for f in ('top', 'bottom') if (p, f) not in PATTERNS])
def test_patterns(telecined, truth, restore, pattern, first):
    """Every film frame once, in order, though segments are cut anywhere."""
    out = restore(telecined(pattern, first), '--segment-length', '0.7')
    assert frames_of('-i', out) == truth
    times = times_of(out)
    steps = [b - a for a, b in zip(times, times[1:])]
    assert max(abs(s - 1001 / 24000) for s in steps) < 0.0015, steps


@pytest.mark.parametrize('length', ['0.55', pytest.param('1.3', marks=long), pytest.param('30', marks=long)])
def test_segment_lengths(telecined, truth, restore, length):
    assert frames_of('-i', restore(telecined('23', 'top'), '--segment-length', length)) == truth


def test_deep_and_verified(program, telecined, truth, restore):
    """10 bit inside changes nothing, and the finished file passes a full check."""
    out = restore(telecined('23', 'bottom'), '--quality', 'good', '--verify', 'full', '--segment-length', '1')
    assert frames_of('-i', out, '-pix_fmt', 'yuv420p') == truth
    program('verify', out, code=0)


def test_euro_pulldown(make, restore):
    """24 in 50: each twelfth frame is a field longer."""
    source = film(60, '25')
    path = make('euro', '-f', 'lavfi', '-i', f'{source},telecine=first_field=top:pattern=222222222223')
    assert frames_of('-i', restore(path, '--segment-length', '0.9')) == frames_of('-f', 'lavfi', '-i', source)


@pytest.mark.parametrize('order', ['tff', 'bff'])
def test_shifted_fields(make, restore, order):
    """25p whose frames are woven from the fields of two: 2:2 out of phase. The first and last field have no partner."""
    other, weave = {'tff': ('bff', 'top'), 'bff': ('tff', 'bottom')}[order]
    source = film(40, '25')
    path = make(f'shifted_{order}', '-f', 'lavfi', '-i',
        f'{source},setfield={other},separatefields,trim=start_frame=1,setpts=PTS-STARTPTS,weave=first_field={weave},setfield={order}')
    assert frames_of('-i', restore(path, '--segment-length', '0.7')) == frames_of('-f', 'lavfi', '-i', source)[1:39]


def joined(parts):
    """Filters that join pieces (input, first frame, end) of the inputs."""
    trims = ''.join(f'[{i}:v]trim=start_frame={a}:end_frame={b},settb=1001/30000,setpts=N,setsar=1[p{k}];'
        for k, (i, a, b) in enumerate(parts))
    return trims + ''.join(f'[p{k}]' for k in range(len(parts))) + f'concat=n={len(parts)}'


@pytest.mark.parametrize('first', ['top', 'bottom'])
def test_edits(make, telecined, truth, restore, first):
    """Cuts in the middle of cadences. What is left of a film frame at a cut comes if both its fields do."""
    pieces = [(0, 0, 23), (0, 31, 50), (0, 12, 31), (0, 58, 80)]
    source = telecined('23', first)
    path = make(f'edits_{first}', *['-i', source] * len(pieces), '-filter_complex',
        joined([(k, a, b) for k, (_, a, b) in enumerate(pieces)]))
    # Fields in order of time: film frame k is shown for 2 or 3 of them.
    shown = [k for k in range(FRAMES) for _ in range(2 + k % 2)]
    expected = []
    for _, a, b in pieces:
        fields = shown[2 * a:2 * b]
        expected += [truth[k] for k in sorted(set(fields)) if fields.count(k) >= 2]
    assert frames_of('-i', restore(path, '--segment-length', '0.6')) == expected


@pytest.fixture(scope='module')
def insert(make, telecined):
    """Film, 30 frames of 60i video, film."""
    video = f'testsrc2=size={SIZE}:rate=60000/1001,{TEXTURE},hue=h=90,trim=end_frame=60,tinterlace=mode=interleave_top,setfield=tff'
    source = telecined('23', 'top')
    return make('insert', '-i', source, '-f', 'lavfi', '-i', video, '-i', source, '-filter_complex',
        joined([(0, 0, 33), (1, 0, 30), (2, 41, 80)]))


def test_insert(make, truth, insert, restore):
    """Film frames exactly, video at its own rate, the same frames for any cut."""
    out = restore(insert, '--segment-length', '0.6')
    got = frames_of('-i', out)
    # Frame 32 holds a field of film frame 26 whose partner is cut off.
    head, tail = truth[:26], truth[33:]
    assert got[:26] == head and got[86:] == tail
    assert not set(got[26:86]) & set(truth)
    times = times_of(out)
    assert max(abs(b - a - 1001 / 60000) for a, b in zip(times[26:85], times[27:86])) < 0.0015, times
    assert frames_of('-i', restore(insert)) == got
    one = frames_of('-i', restore(insert, '--deinterlace-fields', 'one', '--segment-length', '0.6'))
    assert len(one) == 26 + 30 + 31 and one[:26] == head and one[56:] == tail


def test_constant_rate(program, insert, restore):
    """The film's rate throughout: even times, video by one picture of a frame, and the same frames for any cut."""
    out = restore(insert, '--deinterlace-rate', 'constant', '--segment-length', '0.6')
    times = times_of(out)
    assert abs(len(times) - 102 * 0.8) <= 1
    assert max(abs(t - times[0] - n * 1001 / 24000) for n, t in enumerate(times)) < 0.0012
    got = frames_of('-i', out)
    assert len(set(got)) >= len(got) - 1
    assert frames_of('-i', restore(insert, '--deinterlace-rate', 'constant')) == got
    film_plan = plan_of(program, insert, '--deinterlace-rate', 'constant')['video']['film']
    assert film_plan['rate'] == '24000/1001'


@pytest.mark.parametrize('noise', [pytest.param(8, marks=long), 20])
def test_noise(make, program, insert, telecined, noise):
    """Decisions are those made on the clean pictures."""
    grain = f'noise=alls={noise}:all_seed=3:allf=t'
    for source in (insert, telecined('2332', 'bottom')):
        noisy = make(f'{source.stem}_{noise}', '-i', source, '-vf', grain)
        assert plan_of(program, noisy)['video']['film'] == plan_of(program, source)['video']['film']


def test_like_fieldmatch(make, telecined, restore):
    """On noisy pictures libavfilter's matching and decimation give as many frames, of the same content."""
    path = make('noisy', '-i', telecined('23', 'top'), '-vf', 'noise=alls=6:all_seed=3:allf=t')
    out = restore(path, '--segment-length', '0.9')
    oracle = frames_of('-i', path, '-vf', 'fieldmatch=order=tff,decimate')
    ours = frames_of('-i', out)
    assert len(ours) == len(oracle) == FRAMES
    assert len(set(ours) & set(oracle)) >= 0.8 * FRAMES  # where a field was repeated either of two may be taken


def test_hybrid_disc(make, truth, restore):
    """Film shown by repeat flags, then telecined film: all frames once, at even times."""
    # The first half at 24, timed with pulldown: 3 and 2 fields in turn.
    half = FRAMES // 2
    path = make('hybrid', '-f', 'lavfi', '-i', film(half) + ",settb=1/60000,setpts='1001*floor((5*N+1)/2)'", '-f', 'lavfi', '-i',
        film() + f',trim=start_frame={half},setpts=PTS-STARTPTS,fps=24000/1001,telecine=pattern=23,settb=1/60000,setpts=N*2002', '-filter_complex',
        '[0:v][1:v]concat=n=2', '-fps_mode', 'passthrough', '-enc_time_base', '1:60000')
    out = restore(path, '--segment-length', '0.8')
    assert frames_of('-i', out) == truth
    times = times_of(out)
    uneven = [n for n, (a, b) in enumerate(zip(times, times[1:])) if abs(b - a - 1001 / 24000) > 0.0025]
    assert all(n < 1 or half - 3 <= n <= half for n in uneven), (uneven, times)


def test_sound_stays(make, telecined, restore):
    path = make('sound', '-i', telecined('23', 'top'), '-f', 'lavfi', '-i', clips.tone(FRAMES * 1001 / 24000), '-c:a', 'flac')
    out = restore(path, '--segment-length', '1')
    starts = subprocess.run(['ffprobe', '-v', 'error', '-show_entries', 'stream=start_time,duration', '-of', 'csv=p=0', str(out)],
        check=True, capture_output=True, text=True).stdout.split()
    first = [float(line.split(',')[0]) for line in starts]
    assert abs(first[0] - first[1]) < 0.005, starts


@pytest.mark.parametrize('a, b', [(2, 60), pytest.param(3, 64, marks=long), pytest.param(4, 58, marks=long)])
def test_range(telecined, truth, restore, a, b):
    """A range may begin and end anywhere in a cadence."""
    got = frames_of('-i', restore(telecined('23', 'top'), '--range', f'{a}f-{b}f', '--segment-length', '0.7'))
    at = truth.index(got[0])
    assert got == truth[at:at + len(got)]
    assert abs(len(got) - (b - a) * 0.8) <= 1


def test_progressive_is_left_alone(make, program, truth, restore):
    path = make('progressive', '-f', 'lavfi', '-i', film())
    assert 'film' not in plan_of(program, path)['video']
    assert frames_of('-i', restore(path)) == truth
