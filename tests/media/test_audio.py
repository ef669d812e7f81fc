"""terminalai audio: sound files, and films whose pictures are copied."""

import json
import math
import re
import struct
import subprocess

import pytest

import judge
import sound_kit as kit

QUIET = ['--progress', 'none']


@pytest.fixture(scope='module')
def wav(tmp_path_factory):
    folder = tmp_path_factory.mktemp('audio')
    values = [a + b for a, b in zip(kit.tone(3, 400, level=0.05), kit.noise(3, level=0.05, seed=3))]
    return kit.write_wav(folder / 'talk.wav', [values, values]), values


def convert(wav, name, *args):
    path = wav.with_name(name)
    subprocess.run(['ffmpeg', '-v', 'error', '-y', '-i', str(wav), *args, str(path)], check=True)
    return path


@pytest.mark.parametrize('name,args,output,codec', [
    ('a.wav', [], 'a.restored.wav', 'pcm_s24le'), ('b.flac', [], 'b.restored.flac', 'flac'), ('c.mp3', [], 'c.restored.mp3', 'mp3'),
    ('d.ogg', ['-c:a', 'libvorbis'], 'd.restored.ogg', 'vorbis'), ('e.mka', ['-c:a', 'flac'], 'e.restored.mka', 'flac'),
    ('f.m4a', ['-c:a', 'aac'], 'f.restored.m4a', 'aac'), ('g.wav', ['-ar', '8000', '-c:a', 'pcm_u8'], 'g.restored.wav', 'pcm_s24le'),
    ('h.wav', ['-ar', '192000', '-c:a', 'pcm_s24le'], 'h.restored.wav', 'pcm_s24le'), ('i.wav', ['-c:a', 'pcm_f32le'], 'i.restored.wav', 'pcm_s24le'),
])
def test_sound_files(program, wav, tmp_path, name, args, output, codec):
    source = convert(wav[0], name, *args)
    source = source.rename(tmp_path / name)
    program('audio', source, *QUIET, '--audio-gain', '-2', code=0)
    before, _ = kit.samples(source)
    got, info = kit.samples(tmp_path / output)
    lossy = 'aac', 'mp3', 'vorbis'
    assert info['codec_name'] == codec
    assert abs(len(got[0]) - len(before[0])) <= (0 if codec not in lossy else 2048)
    assert abs(kit.delay(before[0], got[0], most=1100 if codec == 'aac' else 100)) <= (1 if codec != 'aac' else 1050)
    program('verify', tmp_path / output, code=0)
    # Once more: there is nothing to do.
    assert 'already done' in program('audio', source, *QUIET, '--audio-gain', '-2', code=0).err + ''


@pytest.mark.parametrize('where', [[], ['-o', 'made/']])
def test_films_in_ogg_stay_films(program, wav, tmp_path, where):
    """Ogg names sound and films of the early web; what has pictures keeps them."""
    film = tmp_path / 'film.ogg'
    subprocess.run(['ffmpeg', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc=s=160x120:r=25:d=3', '-i', wav[0], '-c:v', 'libtheora', '-c:a', 'libvorbis', film],
        check=True)
    (tmp_path / 'made').mkdir()
    program('audio', film, *QUIET, *where, '--audio-gain', '-2', cwd=tmp_path, code=0)
    made = tmp_path / ('made/film.restored.mkv' if where else 'film.restored.mkv')
    assert made.exists(), sorted(tmp_path.rglob('*'))
    streams = json.loads(subprocess.run(['ffprobe', '-v', 'error', '-of', 'json', '-show_streams', made], stdout=subprocess.PIPE, check=True).stdout)['streams']
    assert [s['codec_name'] for s in streams] == ['theora', 'aac']


@pytest.mark.parametrize('args, kinds', [([], ['copy']), (['--audio-gain', '-2'], ['transcode']), (['--audio-gain', '-2', '-o', 'o.m4a'], ['transcode'])])
def test_what_it_takes_is_told(program, wav, tmp_path, args, kinds):
    """Not "0.0 kB": no less than it comes to, and not five times as much."""
    told = program('audio', wav[0], '-n', *args, cwd=tmp_path, code=0).out
    value, unit = re.search(r'^size +no more than about ([\d.]+) (kB|MB)$', told, re.M).groups()
    out = tmp_path / ('o.m4a' if args[2:] else 'o.wav')
    program('audio', wav[0], *args[:2], '-o', out, *QUIET, code=0)
    said, real = float(value) * {'kB': 1e3, 'MB': 1e6}[unit], out.stat().st_size
    assert 0.95 * real <= said <= 5 * real, (told, real)
    assert re.search(f'stream 0 +audio +.*{kinds[0]}', told), told
    assert ('no option of sound asks' in told) == (kinds == ['copy']) and '0.000 seconds' not in told, told


def test_film_keeps_its_pictures(program, wav, tmp_path):
    film = kit.film(tmp_path / 'film.mkv', wav[0], 3)
    out = tmp_path / 'out.mkv'
    program('audio', film, '-o', out, *QUIET, '--loudness', '-20', code=0)
    assert judge.picture_sums(out) == judge.picture_sums(film)
    lufs, _ = kit.loudness(out)
    assert abs(lufs + 20) <= 0.5
    plan = judge.report(out)['plan']
    assert plan['video'] is None and [s['action'] for s in plan['streams']] == ['copy', 'transcode']


def test_nothing_asked_is_a_copy(program, wav, tmp_path):
    out = tmp_path / 'out.wav'
    program('audio', wav[0], '-o', out, *QUIET, code=0)
    (left, _), info = kit.samples(out)
    assert info['codec_name'] == 'pcm_s16le' and len(left) == len(wav[1])
    assert max(abs(a - b) for a, b in zip(left, wav[1])) < 1e-4


def test_range(program, wav, tmp_path):
    out = tmp_path / 'out.wav'
    program('audio', wav[0], '-o', out, *QUIET, '--audio-codec', 'pcm', '--range', '1-2.5', code=0)
    (left, _), _ = kit.samples(out)
    assert len(left) == 72000 and max(abs(a - b) for a, b in zip(left, wav[1][48000:])) < 1e-4


def test_folder(program, wav, tmp_path):
    folder = tmp_path / 'in'
    folder.mkdir()
    for name in ('one.wav', 'two.wav'):
        (folder / name).write_bytes(wav[0].read_bytes())
    (folder / 'notes.txt').write_text('no sound')
    program('audio', folder, '-o', tmp_path / 'out', *QUIET, '--audio-gain', '-1', code=0)
    assert sorted(p.name for p in (tmp_path / 'out').iterdir() if p.suffix == '.wav') == ['one.restored.wav', 'two.restored.wav']


def test_tasks_and_join(program, wav, tmp_path):
    """A plan without pictures is run by tasks, too, to the same bytes."""
    whole, parts, plan = tmp_path / 'whole.wav', tmp_path / 'parts.wav', tmp_path / 'plan.json'
    recipe = ['--pictures', 'copy', '--loudness', '-20']
    program('restore', wav[0], '-o', whole, *QUIET, *recipe, code=0)
    plan.write_text(program('plan', wav[0], '-o', parts, *recipe, '--json', code=0).out)
    for task in json.loads(plan.read_text())['tasks']:
        program('task', '--plan', plan, '--task', task['stem'], code=0)
    program('join', '--plan', plan, code=0)
    assert judge.sha256(parts) == judge.sha256(whole)
    words = program('plan', wav[0], *recipe, code=0).out
    assert '3.000 seconds' in words and 'pcm_s24le' in words


@pytest.mark.parametrize('make', ['empty', 'garbage', 'picture'])
def test_no_sound_is_said(program, tmp_path, make):
    path = tmp_path / 'x.wav'
    if make == 'picture':
        path = tmp_path / 'x.mkv'
        subprocess.run(['ffmpeg', '-v', 'error', '-y', '-f', 'lavfi', '-i', 'color=s=64x64:d=1', str(path)], check=True)
    else:
        path.write_bytes(b'' if make == 'empty' else b'RIFFxxxxWAVEnothing at all' * 50)
    done = program('audio', path, *QUIET, '--loudness', '-16', code=1)
    assert str(path) in done.err
    assert not list(tmp_path.glob('*.restored*'))


def test_restore_names_the_command(program, wav):
    assert '"terminalai audio"' in program('restore', wav[0], *QUIET, code=1).err


def test_sound_longer_than_the_picture(program, tmp_path):
    """An hour and more of sound with a second of pictures: all of it is kept, and restored."""
    sound = tmp_path / 'long.flac'
    subprocess.run(['ffmpeg', '-v', 'error', '-y', '-f', 'lavfi', '-i', 'sine=f=300:r=8000:d=3700', '-af', 'volume=0.3', str(sound)], check=True)
    film = kit.film(tmp_path / 'a.mkv', sound, 1, 'flac')
    out = tmp_path / 'out.mkv'
    program('restore', film, '-o', out, *QUIET, '-p', 'clean', '--preset-speed', 'ultrafast', '--resolution', 'source', '--audio-gain', '-6', code=0)
    info = json.loads(subprocess.run(['ffprobe', '-v', 'error', '-of', 'json', '-show_entries', 'packet=pts_time,duration_time', '-select_streams', 'a:0',
                                      '-read_intervals', '3690%', str(out)], check=True, capture_output=True).stdout)['packets'][-1]
    assert abs(float(info['pts_time']) + float(info['duration_time']) - 3700) < 0.6, info
    track = judge.report(out)['sound']['tracks'][0]
    assert track['samples'] == 3700 * 8000


def test_numbers_that_are_none(program, tmp_path):
    """NaN and infinity become silence, and the rest is restored."""

    values = kit.tone(1, 500, level=0.2)
    data = b''.join(struct.pack('<f', float('nan') if i % 5000 == 17 else float('inf') if i % 5000 == 29 else v) for i, v in enumerate(values))
    raw = tmp_path / 'x.f32'
    raw.write_bytes(data)
    wav = tmp_path / 'x.wav'
    subprocess.run(['ffmpeg', '-v', 'error', '-y', '-f', 'f32le', '-ar', '48000', '-ac', '1', '-i', str(raw), '-c:a', 'copy', str(wav)], check=True)
    out = tmp_path / 'out.wav'
    program('audio', wav, '-o', out, *QUIET, '--audio-enhance', 'light', code=0)
    (got,), _ = kit.samples(out)
    assert len(got) == 48000 and judge.report(out)['plan']['sound'][0]['placement']['bad_samples'] == 20
    assert 0.001 < kit.power(got[24000:]) < 0.05


def spoil(values, what):
    """Faults that a tape has, each at a known rate."""
    values = list(values)
    if what == 'clicks':
        for i in range(3000, len(values), 9600):  # five a second
            for k in range(6):
                values[i + k] += 0.5 * math.cos(k)
    if what == 'dropouts':
        for i in range(30000, len(values) - 9000, 24000):
            if max(abs(v) for v in values[i - 200:i]) > 0.1:
                values[i:i + 144] = [0.0] * 144
    if what == 'buzz':
        period = 48000 * 1.001 / 60
        for f in range(int(len(values) / period) - 1):
            for k in range(60):
                values[int(f * period) + k] += 0.1 * math.sin(0.4 * k) * math.exp(-0.06 * k)
    return values


def test_plan_names_what_it_heard(program, wav, tmp_path):
    """Also where nothing is asked for: the fault, and the option that would mend it."""
    clean = [0.2 * min(1, max(0, 1 + 2 * math.sin(i / 20000))) * math.sin(i * 0.03) for i in range(10 * 48000)]
    source = kit.write_wav(tmp_path / 'a.wav', [spoil(clean, 'clicks'), [0.0] * len(clean)])
    film = kit.film(tmp_path / 'a.avi', source, 10)
    for path, more in ((source, ['--pictures', 'copy']), (film, ['-p', 'clean'])):
        plan = program('plan', path, *more, '--json', code=0).json()
        said = json.dumps(plan['decisions'])
        assert '--audio-clicks auto' in said and 'right side is silent: --audio-channels auto' in said, said
        assert '--audio-hum' not in said and '--audio-buzz' not in said
        heard = plan['diagnosis']['sound']
        assert len(heard) == 1 and 200 < heard[0]['clicks_a_minute']['value'] < 400
        assert 'sound' not in plan


@pytest.mark.parametrize('what,stage', [('clicks', 'repair.clicks'), ('dropouts', 'repair.clicks'), ('buzz', 'repair.buzz'), ('nothing', None)])
def test_auto_mends(program, tmp_path, what, stage):
    """Found, told and mended, and what was whole stays."""
    clean = [0.2 * min(1, max(0, 1 + 2 * math.sin(i / 20000))) * (math.sin(i * 0.03) + 0.4 * math.sin(i * 0.071) + 0.2 * math.sin(i * 0.2)) for i in range(10 * 48000)]
    values = spoil([v + n for v, n in zip(clean, kit.noise(10, level=2e-5, seed=4))], what)
    source, out = kit.write_wav(tmp_path / 'a.wav', [values]), tmp_path / 'out.wav'
    program('audio', source, '-o', out, *QUIET, '--audio-enhance', 'auto', code=0)
    plan = judge.report(out)['plan']
    assert [s['stage'] for s in plan.get('sound', [{'stages': []}])[0]['stages']] == ([stage] if stage else [])
    (got,), _ = kit.samples(out)
    assert len(got) == len(clean)

    def error(x):
        return sum((a - b) ** 2 for a, b in zip(x[48000:-48000], clean[48000:-48000]))
    if not stage:
        return
    heard = plan['sound'][0]['heard']
    member, rate = {'clicks': ('clicks_a_minute', 300), 'dropouts': ('dropouts_a_minute', 6 * sum(values[i:i + 144] == [0.0] * 144 for i in range(30000, len(values), 24000))), 'buzz': ('buzz_hz', 59.94)}[what]
    assert abs(heard[member]['value'] - rate) < 0.4 * rate and heard[member]['confidence'] >= 0.5
    assert error(got) < (0.25 if what == 'dropouts' else 0.03) * error(values), f'{10 * math.log10(error(got) / error(values)):.1f} dB of the fault is left'
    assert any(w in json.dumps(plan['decisions']) for w in ('filled in', 'taken out'))
