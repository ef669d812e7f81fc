"""What can be known before work begins is known then: a restore of a source that is cut off or garbled anywhere either delivers, or
refuses at once and leaves nothing behind. It never fails after the work, and never calls content a wrong call."""

import random

import pytest

import clips
import judge
from bad_kit import FAST

PICTURES = 'testsrc2=size=96x64:rate=25,noise=alls=20:all_seed=1'
MPEG2 = '-c:v mpeg2video -q:v 5 -g 12'
PCM = '-c:a pcm_s16le'
# Kind: suffix and options. Together with sound unless the container holds one stream.
KINDS = {
    'avi': ('avi', f'-c:v mpeg4 -q:v 5 -g 12 {PCM}'),
    'avi_mp3': ('avi', '-c:v mjpeg -q:v 8 -c:a libmp3lame'),
    'dv': ('dv', f'-s 720x576 -pix_fmt yuv420p -c:v dvvideo {PCM} -ar 48000 -ac 2'),
    'mkv': ('mkv', f'{MPEG2} -c:a ac3'),
    'mkv_flac': ('mkv', '-c:v ffv1 -c:a flac'),
    'webm': ('webm', '-c:v libvpx -deadline realtime -b:v 200k -g 12 -c:a libopus -ar 48000'),
    'mov': ('mov', f'-c:v mjpeg -q:v 8 {PCM} -movflags faststart'),
    'mp4': ('mp4', '-c:v libx264 -preset ultrafast -bf 2 -g 12 -c:a aac -movflags faststart'),
    'mp4_fragments': ('mp4', '-c:v libx264 -preset ultrafast -g 12 -c:a aac -movflags frag_keyframe+empty_moov'),
    '3gp': ('3gp', '-c:v h263 -s 128x96 -q:v 5 -c:a aac -movflags faststart'),
    'flv': ('flv', '-c:v flv -q:v 5 -g 12 -c:a libmp3lame'),
    'wmv': ('wmv', '-c:v wmv2 -q:v 5 -g 12 -c:a wmav2'),
    'mxf': ('mxf', f'{MPEG2} {PCM} -ar 48000'),
    'gxf': ('gxf', f'-s 720x576 {MPEG2} {PCM} -ar 48000 -ac 1'),
    'ogv': ('ogv', '-c:v libtheora -q:v 5 -g 12 -c:a libvorbis'),
    'rm': ('rm', '-c:v rv20 -s 128x96 -q:v 5 -g 12 -c:a ac3'),
    'cpk': ('cpk', '-c:v cinepak -s 64x48 -c:a pcm_s16be_planar -f film_cpk'),
    'ts': ('ts', f'{MPEG2} -c:a mp2'),
    'm2ts': ('m2ts', '-c:v libx264 -preset ultrafast -g 12 -c:a ac3'),
    'mpg': ('mpg', f'{MPEG2} -c:a mp2'),
    'vob': ('vob', f'{MPEG2} -c:a ac3'),
    'nut': ('nut', f'-c:v ffv1 {PCM}'),
    'wtv': ('wtv', f'{MPEG2} -c:a mp2'),
    'swf': ('swf', '-c:v flv -q:v 5 -c:a libmp3lame'),
    'y4m': ('y4m', '-an -c:v wrapped_avframe'),
    'm2v': ('m2v', f'-an {MPEG2}'),
    'h264': ('h264', '-an -c:v libx264 -preset ultrafast -g 12'),
    'hevc': ('hevc', '-an -c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=12'),
    'ivf': ('ivf', '-an -c:v libvpx -deadline realtime -b:v 200k -g 12'),
    'mjpeg': ('mjpeg', '-an -c:v mjpeg -q:v 8'),
    'gif': ('gif', '-an -c:v gif'),
}
OUTPUTS = ('mp4', 'mkv', 'mov')
CUTS = (0.02, 0.08, 0.2, 0.35, 0.5, 0.7, 0.9, 0.98, 0.999)
SAMPLE = [('mkv', 0.35, 'mp4'), ('ogv', 0.2, 'mkv'), ('rm', 0.5, 'mp4'), ('nut', 0.7, 'mov'), ('wmv', 0.08, 'mov'),
    ('mp4_fragments', 0.5, 'mkv'), ('ts', 0.02, 'mov'), ('y4m', 0.9, 'mp4'), ('flv', 0.2, 'mp4')]


@pytest.fixture(scope='session')
def made(tmp_path_factory):
    """made(kind): a good second of it."""
    where = tmp_path_factory.mktemp('kinds')

    def make(kind):
        suffix, options = KINDS[kind]
        path = where / f'{kind}.{suffix}'
        if not path.exists():
            sound = [] if '-an' in options else ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100']
            clips.ffmpeg('-f', 'lavfi', '-i', PICTURES, *sound, '-t', 1, *options.split(), path)
        return path

    return make


def check(program, folder, source, suffix):
    """The rule."""
    out = folder / f'out.{suffix}'
    before = judge.listing(folder)
    result = program('restore', source, '-o', out, *FAST, '--overwrite')
    assert result.code in (0, 1, 3), f'content is never a wrong call: {result}'
    if result.code == 1:
        assert judge.listing(folder) == before, f'something is left behind: {result}'
        assert 'kept' not in result.err, result
        return
    assert not judge.work_folder(out).exists(), result
    program('verify', out, code=0)
    for path in (out, judge.report_path(out)):
        path.unlink()


def cut(made, folder, kind, share):
    data = made(kind).read_bytes()
    source = folder / f'cut.{KINDS[kind][0]}'
    source.write_bytes(data[: max(1, int(len(data) * share))])
    return source


@pytest.mark.parametrize('kind, share, suffix', SAMPLE)
def test_cut_anywhere(program, tmp_path, made, kind, share, suffix):
    check(program, tmp_path, cut(made, tmp_path, kind, share), suffix)


@pytest.mark.long
@pytest.mark.parametrize('suffix', OUTPUTS)
@pytest.mark.parametrize('kind', sorted(KINDS))
def test_cut_everywhere(program, tmp_path, made, kind, suffix):
    for share in CUTS:
        check(program, tmp_path, cut(made, tmp_path, kind, share), suffix)


def garble(data, seed):
    """Some bytes near the start, where the heads are, and some anywhere are others; a length may be a huge one."""
    chance = random.Random(seed)
    data = bytearray(data)
    for _ in range(chance.randint(1, 12)):
        reach = min(len(data), 2000) if chance.random() < 0.6 else len(data)
        at = chance.randrange(reach)
        kind = chance.random()
        if kind < 0.5:
            data[at] = chance.randrange(256)
        elif kind < 0.8:
            data[at : at + 4] = chance.choice([b'\xff\xff\xff\xff', b'\x7f\xff\xff\xff', bytes(4), b'\0\0\0\1', b'\x80\0\0\0'])
        else:
            data[at : at + 8] = chance.randbytes(8)
    return bytes(data)


def check_garbled(program, folder, made, kind, seed):
    source = folder / f'garbled.{KINDS[kind][0]}'
    source.write_bytes(garble(made(kind).read_bytes(), f'{kind} {seed}'))
    check(program, folder, source, OUTPUTS[seed % 3])


@pytest.mark.parametrize('kind', ['avi', 'mkv', 'mp4', 'ts', 'nut', 'y4m'])
def test_garbled(program, tmp_path, made, kind):
    for seed in range(2):
        check_garbled(program, tmp_path, made, kind, seed)


@pytest.mark.long
@pytest.mark.parametrize('kind', sorted(KINDS))
def test_garbled_much(program, tmp_path, made, kind):
    for seed in range(60):
        check_garbled(program, tmp_path, made, kind, seed)


def test_pause_that_mp4_has_no_number_for(program, tmp_path):
    """Fifty hours between two pictures: said before the work, and Matroska holds them."""
    source = tmp_path / 'pause.mkv'
    clips.ffmpeg('-f', 'lavfi', '-t', 1, '-i', PICTURES, '-vf', "setpts='PTS+if(gte(N,10),180000/TB,0)'", '-fps_mode',
        'passthrough', '-c:v', 'mpeg2video', source)
    for suffix in ('mp4', 'mov'):
        out = tmp_path / f'out.{suffix}'
        result = program('restore', source, '-o', out, *FAST, '-q', code=1)
        assert '50.0 hours pass before frame 10 is shown' in result.err and 'use .mkv' in result.err, result
        assert not out.exists() and not judge.work_folder(out).exists()
    program('restore', source, '-o', tmp_path / 'out.mkv', *FAST, '-q', code=0)
    assert abs(judge.picture_times(tmp_path / 'out.mkv')[10] - 180000.4) < 0.01


@pytest.mark.parametrize('suffix', OUTPUTS)
def test_head_that_the_muxer_refuses(program, tmp_path, made, suffix):
    """Vorbis whose tables are garbled: Matroska refuses its head, so it is left out, which the plan says."""
    data = bytearray(made('ogv').read_bytes())
    at = data.index(b'\x05vorbis')
    data[at : at + 200] = bytes(200)
    source = tmp_path / 'tables.ogv'
    source.write_bytes(data)
    check(program, tmp_path, source, suffix)
