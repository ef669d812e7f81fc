"""Modes, speakers, rates, sample formats, codecs and containers of sound, each at least once and in mixed company: every file plays, is as long as it
was, in step, and below the ceiling of true peaks."""

import subprocess

import pytest

import judge
import sound_kit as kit
from sound_network_kit import known, runtime_folder, voice

LOSSLESS = ('pcm', 'flac')
ROWS = [  # mode, speakers of the output, channels, rate and format of the source, codec, container
    ('light', 'source', 1, 8000, 'u8', 'pcm', 'wav'),
    ('moderate', 'source', 2, 44100, 's16', 'flac', 'flac'),
    ('aggressive', 'source', 2, 48000, 's32', 'aac', 'm4a'),
    ('voice', 'source', 1, 16000, 's16', 'opus', 'mka'),
    ('music', 'source', 2, 96000, 'flt', 'flac', 'mka'),
    ('auto', 'source', 6, 48000, 's16', 'eac3', 'mka'),
    ('light', 'source', 8, 48000, 's16', 'pcm', 'wav'),
    ('off', 'source', 3, 32000, 's16', 'flac', 'flac'),
    ('moderate', 'source', 4, 22050, 's16', 'pcm', 'mka'),
    ('voice', 'source', 5, 44100, 's32', 'aac', 'm4a'),
    ('music', 'source', 7, 48000, 's16', 'flac', 'mka'),
    ('off', '5.1', 2, 48000, 's16', 'ac3', 'mka'),
    ('light', '7.1', 1, 24000, 's16', 'flac', 'mka'),
    ('off', 'stereo', 6, 48000, 'flt', 'aac', 'm4a'),
    ('off', 'mono', 8, 48000, 's16', 'pcm', 'wav'),
    ('off', 'source', 2, 192000, 's32', 'pcm', 'wav'),
    ('light', 'source', 2, 192000, 'flt', 'opus', 'mka'),
    ('moderate', 'source', 2, 44100, 's16', 'auto', 'ogg'),
    ('off', 'source', 1, 8000, 's16', 'auto', 'ogg'),
    ('voice', '5.1', 2, 48000, 's16', 'auto', 'opus'),
    ('light', 'source', 1, 16000, 's16', 'auto', 'mp3'),
    ('off', 'stereo', 6, 48000, 's16', 'auto', 'mp3'),
    ('neural', 'source', 2, 44100, 's16', 'pcm', 'wav'),
]
COUNT = {'mono': 1, 'stereo': 2, '5.1': 6, '7.1': 8}
LAYOUTS = {1: 'mono', 2: 'stereo', 3: '3.0', 4: 'quad', 5: '5.0', 6: '5.1', 7: '6.1', 8: '7.1'}
ENCODER = {'u8': 'pcm_u8', 's16': 'pcm_s16le', 's32': 'pcm_s32le', 'flt': 'pcm_f32le'}


@pytest.fixture(scope='module')
def eight(tmp_path_factory):
    """Channels that share most of what they have, loud enough for the limiter to have something to do."""
    shared = kit.noise(1.2, level=0.4, seed=21)
    return kit.write_wav(tmp_path_factory.mktemp('matrix') / 'eight.wav',
                         [[a + b for a, b in zip(shared, kit.noise(1.2, level=0.2, seed=30 + c))] for c in range(8)])


@pytest.mark.parametrize('mode,speakers,channels,rate,form,codec,container', ROWS)
def test_matrix(program, eight, tmp_path, mode, speakers, channels, rate, form, codec, container):
    source, out = tmp_path / 'in.wav', tmp_path / f'out.{container}'
    pan = '|'.join(f'c{c}=c{c}' for c in range(channels))
    subprocess.run(['ffmpeg', '-v', 'error', '-y', '-i', str(eight), '-af', f'pan={LAYOUTS[channels]}|{pan}', '-ar', str(rate), '-c:a', ENCODER[form], str(source)],
                   check=True)
    network, env = [], None
    if mode == 'neural':
        if not runtime_folder():
            pytest.skip('there is no ONNX Runtime in the build folder')
        network, env = ['--audio-model', 'gtcrn', '--engine-library', str(runtime_folder())], known(tmp_path, gtcrn=voice())
    program('audio', source, '-o', out, '--progress', 'none', '--audio-enhance', mode, '--audio-layout', speakers, '--audio-codec', codec,
            '--audio-gain', '3', *network, env=env, code=0)
    before, _ = kit.samples(source)
    got, info = kit.samples(out, rate=rate)
    assert len(got) == COUNT.get(speakers, channels)
    assert int(info['sample_rate']) == rate or codec not in LOSSLESS
    frame = 0 if codec in LOSSLESS else 2048 * rate / int(info['sample_rate']) + 2
    assert abs(len(got[0]) - len(before[0])) <= frame, (len(got[0]), len(before[0]))
    # Sound that is filtered by rate is late by no more than 5 ms; what is kept as it is by a sample.
    most = 8 if codec in LOSSLESS else rate // 100
    front = 2 if speakers in ('5.1', '7.1') else 0  # what is the same on both sides comes from the centre
    late = kit.delay(before[0], got[front], most=min(most, 480))
    start = round(float(info.get('start_time') or 0) * rate)
    assert abs(late) <= 1 if codec in LOSSLESS else min(abs(late), abs(late + start)) <= rate * 0.005, late
    _, peak = kit.loudness(out)
    assert peak <= (-1.4 if codec in LOSSLESS else -1.0), f'{peak} dBTP'
    assert judge.report(out)['sound']['tracks'][0]['samples'] == len(before[0])
