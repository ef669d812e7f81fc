"""Restored sound in films: tasks, seams, places, loudness, speakers."""

import fractions
import json
import math
import subprocess

import pytest

import judge
import sound_kit as kit

QUICK = ['-p', 'clean', '--preset-speed', 'ultrafast', '--resolution', 'source', '--progress', 'none']


@pytest.fixture(scope='module')
def noisy(tmp_path_factory):
    """Four seconds of noise on two sides that differ."""
    folder = tmp_path_factory.mktemp('sound')
    both = kit.noise(4, seed=1)
    left = [a + b for a, b in zip(both, kit.noise(4, level=0.05, seed=2))]
    right = [a + b for a, b in zip(both, kit.noise(4, level=0.05, seed=3))]
    wav = kit.write_wav(folder / 'noise.wav', [left, right])
    return kit.film(folder / 'noise.avi', wav, 4), [left, right]


@pytest.fixture(scope='module')
def long(tmp_path_factory):
    """Twenty minutes and a bit at 8 kHz: three pieces."""
    folder = tmp_path_factory.mktemp('long')
    values = kit.noise(7, rate=8000, seed=5)
    values = (values * 174)[:8000 * 1215]
    wav = kit.write_wav(folder / 'long.wav', [values], rate=8000)
    return kit.film(folder / 'long.mkv', wav, 1215, 'flac'), values


def test_pieces_join_without_seam(program, long, tmp_path):
    """Nothing is done to it: all samples come back as they were, in three pieces."""
    film, values = long
    out = tmp_path / 'out.mkv'
    program('restore', film, '-o', out, *QUICK, '--audio-codec', 'pcm', code=0)
    tasks = [t['stem'] for t in judge.report(out)['plan']['tasks']]
    assert tasks == ['snd-1-00000', 'snd-1-00001', 'snd-1-00002', 'sound-1']
    (got,), info = kit.samples(out)
    assert info['codec_name'] == 'pcm_s24le' and len(got) == len(values)
    top = 2 ** 15 - 1
    wrong = [i for i in range(0, len(got), 7) if abs(got[i] - round(values[i] * top) / 2 ** 15) > 1e-6]
    around = [i for b in (600, 1200) for i in range(b * 8000 - 4000, b * 8000 + 4000)
              if abs(got[i] - round(values[i] * top) / 2 ** 15) > 1e-6]
    assert not wrong and not around


def test_pieces_with_stages_join_as_if_there_were_none(program, long, tmp_path):
    """A tone that a filter with a memory passes has no step at the seams."""
    folder = tmp_path
    wav = kit.write_wav(folder / 'tone.wav', [(kit.tone(1, 440, rate=8000) * 610)], rate=8000)
    film = kit.film(folder / 'tone.mkv', wav, 610, 'flac')
    out = folder / 'out.mkv'
    program('restore', film, '-o', out, *QUICK, '--audio-codec', 'pcm', '--audio-enhance', 'light', code=0)
    (got,), _ = kit.samples(out)
    seam = 600 * 8000
    steps = [abs(got[i + 1] - 2 * got[i] + got[i - 1]) for i in range(seam - 400, seam + 400)]
    assert len(got) == 610 * 8000
    assert max(steps) < 1.02 * max(abs(got[i + 1] - 2 * got[i] + got[i - 1]) for i in range(seam - 9000, seam - 8000))


def test_tasks_one_by_one_and_resumed(program, long, tmp_path):
    """Single tasks, a resumed run and a run in one go make the same file; pieces go when they were used."""
    film, _ = long
    recipe = [*QUICK, '--loudness', '-20', '--audio-enhance', 'light']
    whole, parts = tmp_path / 'whole.mkv', tmp_path / 'parts.mkv'
    program('restore', film, '-o', whole, *recipe, code=0)
    plan = tmp_path / 'plan.json'
    plan.write_text(program('plan', film, '-o', parts, *recipe[:-6], *recipe[-4:], '--json', code=0).out)
    stems = [t['stem'] for t in json.loads(plan.read_text())['tasks']]
    assert program('task', '--plan', plan, '--task', 'sound-1', code=1).err.count('snd-1-') >= 1
    for stem in stems[:2]:
        program('task', '--plan', plan, '--task', stem, code=0)
    folder = judge.work_folder(parts)
    assert sorted(p.name for p in folder.glob('snd-*')) == ['snd-1-00000.nut', 'snd-1-00001.nut']
    for stem in stems[2:]:
        program('task', '--plan', plan, '--task', stem, code=0)
    assert not list(folder.glob('snd-*')) and (folder / 'sound-1.packets').exists()
    assert json.loads(program('task', '--plan', plan, '--task', stems[0], '--json', code=0).out)['already'] is True
    program('restore', film, '-o', parts, *recipe, code=0)
    assert judge.sha256(parts) == judge.sha256(whole)


@pytest.mark.parametrize('target', [-14, -23])
def test_loudness(program, tmp_path, target):
    values = [a + b for a, b in zip(kit.tone(3, 997, level=0.05), kit.tone(3, 2500, level=0.05))]
    film = kit.film(tmp_path / 'a.avi', kit.write_wav(tmp_path / 'a.wav', [values, values]), 3)
    out = tmp_path / 'out.mp4'
    program('restore', film, '-o', out, *QUICK, '--loudness', str(target), code=0)
    lufs, peak = kit.loudness(out)
    assert abs(lufs - target) <= 0.5, f'{lufs} LUFS where {target} was asked for'
    assert peak <= -1.0, f'{peak} dBTP'
    track = judge.report(out)['sound']['tracks'][0]
    assert abs(track['missing']) <= 0.1 and abs(track['loudness'] + track['gain'] - target) < 0.2


def test_loudness_behind_the_limiter(program, tmp_path):
    """A sound that is loud by its peaks: what the limiter takes off is made up for."""
    values = [(0.2 if i % 4800 < 2400 else 0.1) * math.sin(i * 0.06) * (3 if i % 960 < 120 else 1) for i in range(5 * 48000)]
    film, out = kit.write_wav(tmp_path / 'a.wav', [values, values]), tmp_path / 'out.wav'
    program('audio', film, '-o', out, '--progress', 'none', '--loudness', '-10.5', code=0)
    lufs, peak = kit.loudness(out)
    track = judge.report(out)['sound']['tracks'][0]
    assert track['limited'] > 0.5, 'the limiter had nothing to do'
    assert abs(lufs + 10.5) <= 0.3 and abs(track['missing']) <= 0.1, (lufs, track)
    assert peak <= -1.4


def test_loudness_that_peaks_forbid(program, tmp_path):
    """Quiet sound with a click: the limiter takes 3 dB, the gain gives way for the rest, and that is told."""
    values = kit.tone(3, 300, level=0.01)
    for i in range(40):
        values[70000 + i] = 0.9 * math.sin(i * 0.8)
    film = kit.film(tmp_path / 'a.avi', kit.write_wav(tmp_path / 'a.wav', [values, values]), 3)
    out = tmp_path / 'out.mkv'
    done = program('restore', film, '-o', out, *QUICK, '--loudness', 'web', code=0)
    assert 'below -14 LUFS' in done.err
    _, peak = kit.loudness(out)
    track = judge.report(out)['sound']['tracks'][0]
    assert peak <= -1.4 and track['missing'] > 5
    assert 2.5 < track['limited'] < 3.8


@pytest.mark.parametrize('seconds', [1, 0.1])
def test_nothing_to_measure(program, tmp_path, seconds):
    values = [0.0] * 48000 if seconds == 1 else kit.tone(seconds, 500)
    film = kit.film(tmp_path / 'a.avi', kit.write_wav(tmp_path / 'a.wav', [values]), 2)
    out = tmp_path / 'out.mkv'
    done = program('restore', film, '-o', out, *QUICK, '--loudness', '-16', code=0)
    assert 'silent or too short' in done.err
    (got,), _ = kit.samples(out)
    assert len(got) == len(values) and max(abs(a - b) for a, b in zip(got, values)) < 1e-4


@pytest.mark.parametrize('mode', ['light', 'moderate', 'aggressive', 'voice', 'music'])
def test_nothing_moves(program, noisy, tmp_path, mode):
    film, (left, _) = noisy
    out = tmp_path / 'out.mkv'
    program('restore', film, '-o', out, *QUICK, '--audio-codec', 'pcm', '--audio-enhance', mode, code=0)
    (got, _), _ = kit.samples(out)
    assert len(got) == len(left)
    assert abs(kit.delay(left, got)) <= 1


@pytest.mark.parametrize('upmix', ['matrix', 'simple', 'surround'])
@pytest.mark.parametrize('layout', ['5.1', '7.1'])
def test_upmix(program, noisy, tmp_path, upmix, layout):
    film, (left, _) = noisy
    out = tmp_path / 'out.mkv'
    program('restore', film, '-o', out, *QUICK, '--audio-codec', 'flac', '--audio-layout', layout, '--audio-upmix', upmix, code=0)
    got, info = kit.samples(out)
    assert len(got) == (6 if layout == '5.1' else 8) and info['channel_layout'].startswith(layout)
    assert len(got[0]) == len(left)
    assert abs(kit.delay(left, got[0], most=60)) <= 1
    assert all(kit.power(c) > 1e-8 for c in got), [kit.power(c) for c in got]


def test_matrix_knows_where_things_are(program, tmp_path):
    """What is on both sides comes from the centre alone, what is upside down from behind."""
    mid, side = kit.noise(1, seed=7), kit.noise(1, seed=8)
    wav = kit.write_wav(tmp_path / 'a.wav', [mid + side, mid + [-v for v in side]])
    film = kit.film(tmp_path / 'a.avi', wav, 2)
    out = tmp_path / 'out.mkv'
    program('restore', film, '-o', out, *QUICK, '--audio-codec', 'pcm', '--audio-layout', '5.1', code=0)
    got, _ = kit.samples(out)
    first = [kit.power(c[20000:44000]) for c in got]
    second = [kit.power(c[68000:92000]) for c in got]
    assert first[2] > 100 * max(first[0], first[1], first[4], first[5]), first
    assert min(second[4], second[5]) > 100 * max(second[0], second[1], second[2]), second


def test_downmix(program, tmp_path):
    """The weights of ITU-R BS.775, each channel told by its tone."""
    tones = [300, 450, 600, 50, 900, 1200]
    channels = [kit.tone(1, f, level=0.1) for f in tones]
    kit.write_wav(tmp_path / 'a.wav', channels)
    film = kit.film(tmp_path / 'a.mkv', tmp_path / 'a.wav', 1, 'pcm_s16le', ['-channel_layout', '5.1(side)'])
    out = tmp_path / 'out.mkv'
    program('restore', film, '-o', out, *QUICK, '--audio-codec', 'pcm', '--audio-layout', 'stereo', code=0)
    (left, right), _ = kit.samples(out)

    def level(values, frequency):
        part = values[4800:43200]
        s = sum(v * math.sin(2 * math.pi * frequency * i / 48000) for i, v in enumerate(part))
        c = sum(v * math.cos(2 * math.pi * frequency * i / 48000) for i, v in enumerate(part))
        return 2 * math.hypot(s, c) / len(part) / 0.1
    wanted = {300: (1, 0), 450: (0, 1), 600: (0.7071, 0.7071), 50: (0, 0), 900: (0.7071, 0), 1200: (0, 0.7071)}
    for frequency, (a, b) in wanted.items():
        assert abs(level(left, frequency) - a) < 0.01 and abs(level(right, frequency) - b) < 0.01, frequency


@pytest.mark.parametrize('fault,heard', [('left', 'right side is silent'), ('right', 'left side is silent'), ('invert', 'upside down')])
def test_channels_mended(program, tmp_path, fault, heard):
    values = kit.noise(1)
    sides = {'left': [values, [0.0] * len(values)], 'right': [[0.0] * len(values), values], 'invert': [values, [-v for v in values]]}[fault]
    film = kit.film(tmp_path / 'a.avi', kit.write_wav(tmp_path / 'a.wav', sides), 1)
    out = tmp_path / 'out.mkv'
    program('restore', film, '-o', out, *QUICK, '--audio-codec', 'pcm', '--audio-channels', 'auto', code=0)
    assert heard in json.dumps(judge.report(out)['plan']['decisions'])
    got, _ = kit.samples(out)
    for side in got:
        assert max(abs(a - b) for a, b in zip(side, values)) < 1e-4


def test_whole_sound_is_left_alone(program, noisy, tmp_path):
    film, (left, right) = noisy
    out = tmp_path / 'out.mkv'
    program('restore', film, '-o', out, *QUICK, '--audio-channels', 'auto', code=0)
    stream = [s for s in judge.report(out)['plan']['streams'] if s['kind'] == 'audio'][0]
    assert stream['action'] == 'copy'


@pytest.mark.parametrize('codec,container,name', [('aac', 'mp4', 'aac'), ('opus', 'webm', 'opus'), ('ac3', 'mp4', 'ac3'), ('eac3', 'mkv', 'eac3'),
                                                  ('flac', 'mkv', 'flac'), ('pcm', 'mov', 'pcm_s24le')])
def test_codecs(program, noisy, tmp_path, codec, container, name):
    film, (left, _) = noisy
    out = tmp_path / f'out.{container}'
    more = ['--encoder', 'av1'] if container == 'webm' else []
    program('restore', film, '-o', out, *QUICK, *more, '--audio-codec', codec, '--audio-gain', '-1', code=0)
    (got, _), info = kit.samples(out, rate=48000)
    assert info['codec_name'] == name
    assert abs(len(got) - len(left)) <= 2048
    late = kit.delay(left, got, most=2100)
    start = float(info.get('start_time', 0))
    assert abs(late / 48000 + start) <= 0.005 or abs(late) <= 240, (late, start)


@pytest.mark.parametrize('options,found', [
    (['--audio-layout', '5.1', '--audio-upmix', 'simple', '--audio-lfe', '90'], {'lfe': 90.0}),
    (['--audio-layout', '5.1', '--audio-upmix', 'simple', '--audio-rear-delay', '20'], {'delay': 20.0}),
    (['--audio-layout', '5.1', '--audio-upmix', 'simple', '--audio-centre', '0.5'], {'centre': 0.5}),
    (['--audio-layout', '7.1', '--audio-lfe', '200'], {'lfe': 200.0, 'layout': '7.1'}),
    (['--audio-gain', '-6'], {'gain': -6.0}),
])
def test_options_reach_the_stage(program, noisy, tmp_path, options, found):
    plan = program('plan', noisy[0], '-o', tmp_path / 'o.mkv', '-p', 'clean', *options, '--json', code=0).json()
    stage = plan['sound'][0]['stages'][-1]['options']
    assert {k: stage[k] for k in found} == found


def test_bit_rate(program, noisy, tmp_path):
    for options, wanted in ((['--audio-gain', '-1'], 192000), (['--audio-gain', '-1', '--audio-bitrate', '96'], 96000),
                            (['--audio-layout', '5.1', '--audio-codec', 'ac3'], 640000)):
        plan = program('plan', noisy[0], '-o', tmp_path / 'o.mp4', '-p', 'clean', *options, '--json', code=0).json()
        assert [s['bit_rate'] for s in plan['streams'] if s['kind'] == 'audio'] == [wanted]


@pytest.mark.parametrize('choice', ['keep', 'correct'])
def test_clock_that_runs_off(program, tmp_path, choice):
    """A sound card that gives 47,952 samples where a second has 48,000: 1000 in a million too few."""
    values = kit.tone(1, 500) * 80
    wav = kit.write_wav(tmp_path / 'a.wav', [values[:80 * 8000]], rate=8000)
    slow = tmp_path / 'slow.mkv'
    kit.film(tmp_path / 'a.mkv', wav, 80)
    # The same samples, told to last a thousandth longer.
    subprocess.run(['ffmpeg', '-v', 'error', '-y', '-i', tmp_path / 'a.mkv', '-map', '0', '-c', 'copy', '-bsf:a', 'setts=ts=TS*1.001', slow], check=True)
    out = tmp_path / 'out.mkv'
    program('restore', slow, '-o', out, *QUICK, '--audio-codec', 'pcm', '--audio-drift', choice, code=0)
    track = judge.report(out)['plan']['sound'][0]
    (got,), _ = kit.samples(out)
    if choice == 'correct':
        assert abs(fractions.Fraction(track['true_rate']) / 8000 - 1 / 1.001) < 2e-5, track['true_rate']
        assert abs(len(got) - 80.08 * 8000) <= 40 and track['placement']['gaps'] == 0
    else:
        assert track['true_rate'] == '8000/1' and track['placement']['gaps'] > 5


@pytest.fixture(scope='module')
def speechlike(tmp_path_factory):
    """Bursts of noise with pauses, clean."""
    r = kit.noise(8, level=0.3, seed=11)
    return [v if i // 48000 % 3 else 0.0 for i, v in enumerate(r)]


def test_auto_takes_hum_out(program, speechlike, tmp_path):
    """Hum of 50 Hz with harmonics goes by 20 dB at least, what is between stays in its place."""
    hum = [sum(a * math.sin(2 * math.pi * 50 * k * i / 48000) for k, a in ((1, 0.03), (2, 0.02), (3, 0.015))) for i in range(len(speechlike))]
    film = kit.film(tmp_path / 'a.avi', kit.write_wav(tmp_path / 'a.wav', [[a + b for a, b in zip(speechlike, hum)]]), 8)
    out = tmp_path / 'out.mkv'
    program('restore', film, '-o', out, *QUICK, '--audio-codec', 'pcm', '--audio-hum', 'auto', code=0)
    track = judge.report(out)['plan']['sound'][0]
    assert abs(track['heard']['hum_hz']['value'] - 50) < 0.1 and track['heard']['hum_hz']['confidence'] > 0.5
    assert [s['stage'] for s in track['stages']] == ['repair.hum']
    (got,), _ = kit.samples(out)
    assert len(got) == len(speechlike) and abs(kit.delay(speechlike, got)) <= 1

    def at(values, frequency):
        part = values[96000:288000]
        return math.hypot(sum(v * math.sin(2 * math.pi * frequency * i / 48000) for i, v in enumerate(part)),
                          sum(v * math.cos(2 * math.pi * frequency * i / 48000) for i, v in enumerate(part))) / len(part) * 2
    for k, a in ((1, 0.03), (2, 0.02), (3, 0.015)):
        assert at(got, 50 * k) < 0.1 * a, k


@pytest.mark.parametrize('noise', [0.02, 0])
def test_auto_takes_what_is_there(program, speechlike, tmp_path, noise):
    values = [a + b for a, b in zip(speechlike, kit.noise(8, level=noise, seed=12))]
    film = kit.film(tmp_path / 'a.avi', kit.write_wav(tmp_path / 'a.wav', [values]), 8)
    out = tmp_path / 'out.mkv'
    program('restore', film, '-o', out, *QUICK, '--audio-enhance', 'auto', code=0)
    plan = judge.report(out)['plan']
    if not noise:
        assert [s['action'] for s in plan['streams'] if s['kind'] == 'audio'] == ['copy']
        return
    assert [s['stage'] for s in plan['sound'][0]['stages']] == ['denoise.hiss']
    (got,), _ = kit.samples(out)
    pauses = [i for i in range(96000, 290000) if i // 48000 % 3 == 0 and 12000 < i % 48000 < 36000]
    assert len(got) == len(values)
    assert kit.power([got[i] for i in pauses]) < 0.25 * kit.power([values[i] for i in pauses])


def test_preview_has_the_excerpt_restored(program, long, tmp_path):
    """Ten seconds from behind the second seam, as loud as they were asked to be."""
    film, values = long
    out = tmp_path / 'preview.mkv'
    program('preview', film, '-o', out, '--start', '1203', '--duration', '5', '-p', 'clean', '--resolution', 'source', '--audio-codec', 'pcm',
            '--audio-gain', '-6', code=0)
    (got,), _ = kit.samples(out)
    first = 1203 * 8000
    assert abs(len(got) - 5 * 8000) <= 4000
    wrong = [i for i in range(len(got)) if abs(got[i] - 0.501187 * values[first + i]) > 1e-4]
    assert not wrong


def test_range_is_cut_to_the_sample(program, long, tmp_path):
    film, values = long
    out = tmp_path / 'part.mkv'
    program('restore', film, '-o', out, *QUICK, '--audio-codec', 'pcm', '--range', '595-610', code=0)
    (got,), _ = kit.samples(out)
    first = 595 * 8000
    assert len(got) == 15 * 8000
    assert not [i for i in range(len(got)) if abs(got[i] - values[first + i]) > 1e-4]


def test_tasks_follow_other_cuts(program, noisy, tmp_path):
    """Shorter segments than were planned at first: the sound's last task still needs its pieces."""
    plan = program('plan', noisy[0], '-o', tmp_path / 'o.mkv', '-p', 'clean', '--loudness', '-20', '--segment-length', '1', '--json', code=0).json()
    assert plan['tasks'][-1]['needs'] == ['snd-1-00000']
