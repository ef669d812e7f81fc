"""Index and reader, by reader_tool: every frame equals ffmpeg's full decode, from whatever place reading starts."""

import json
import os
import random
import subprocess
from pathlib import Path

import pytest

import clips
from judge import find_program

# Pictures turned by ffmpeg on the way, and files without any.
LEFT_OUT = [name for name in clips.CLIPS if name.startswith('rotated_') or name.startswith('sound_only')]
MATRIX = [name for name in clips.CLIPS if name not in LEFT_OUT]


def find_tool():
    named = os.environ.get('TA_READER_TOOL')
    return Path(named) if named else find_program()[0].parent / 'tests/reader_tool'


@pytest.fixture(scope='session')
def tool():
    path = find_tool()
    if not os.access(path, os.X_OK):
        if os.environ.get('TA_READER_TOOL') or find_program()[1] or os.environ.get('CI'):
            pytest.fail(f'{path} is missing or can not be run')
        pytest.skip(f'{path} is not built yet')
    return path


class Said:
    """What the tool said of a file."""

    def __init__(self, done):
        self.status = done.returncode
        self.errors = done.stderr
        self.facts = {}
        self.frames = []    # (pts, packet, flags)
        self.pictures = []  # (number, md5)
        self.ranges = []    # facts of each range
        for line in done.stdout.splitlines():
            words = line.split()
            if words[0] == 'frame':
                self.frames.append(tuple(map(int, words[2:])))
            elif words[0] == 'picture':
                self.pictures.append((int(words[1]), words[2]))
            elif words[0] == 'range':
                self.ranges.append({words[i]: int(words[i + 1]) for i in range(3, len(words), 2)})
            else:
                self.facts[words[0]] = ' '.join(words[1:])

    @property
    def pts(self):
        return [f[0] for f in self.frames]


@pytest.fixture
def ask(tool):
    def run(path, *ranges, options=(), env=None):
        args = [tool, *options, str(path), *(str(n) for r in ranges for n in r)]
        environment = {**os.environ, 'TERMINALAI_NO_CACHE': '1', **(env or {})}
        return Said(subprocess.run(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300,
                                   env=environment))
    return run


def full_decode(path):
    """MD5 of each frame that ffmpeg decodes. The flag keeps old codecs from rounding as the CPU likes best."""
    out = clips.ffmpeg('-flags', 'bitexact', '-threads', 1, '-i', path, '-map', '0:v:0', '-fps_mode', 'passthrough', '-f', 'framemd5', '-')
    return [line.split(',')[-1].strip() for line in out.decode().splitlines() if line and line[0] != '#']


def shown_times(path):
    """(time, interlaced, top field first) of each frame by ffprobe; time None where it knows none."""
    done = subprocess.run(['ffprobe', '-v', 'error', '-select_streams', 'v:0', '-of', 'json', '-show_entries',
                           'frame=best_effort_timestamp,interlaced_frame,top_field_first', str(path)], stdout=subprocess.PIPE, check=False)
    return [(f.get('best_effort_timestamp'), f['interlaced_frame'], f['interlaced_frame'] and f['top_field_first'])
            for f in json.loads(done.stdout)['frames']]


def some_ranges(count, seed, how_many=6, longest=12):
    chance = random.Random(seed)
    for _ in range(how_many):
        first = chance.randrange(count)
        yield first, chance.randrange(1, min(longest, count - first) + 1)


def check_ranges(ask, path, full, ranges):
    ranges = list(ranges)
    said = ask(path, *ranges)
    assert said.status == 0, said.errors
    wanted = [(n, full[n]) for first, count in ranges for n in range(first, first + count)]
    assert said.pictures == wanted
    return said


def check_exact(ask, path, seed):
    said = ask(path, (0, 0))
    assert said.status == 0, said.errors
    full = [md5 for _, md5 in said.pictures]
    assert full == full_decode(path)
    assert said.ranges[0]['concealed'] == 0
    check_ranges(ask, path, full, some_ranges(len(full), seed))
    return said


@pytest.mark.parametrize('name', MATRIX)
def test_frames_are_those_of_a_full_decode(ask, clip, name):
    path = clip(name)
    said = check_exact(ask, path, name)
    assert len(said.frames) == clips.CLIPS[name].frames

    shown = shown_times(path)
    assert [p for p, (t, _, _) in zip(said.pts, shown) if t is not None] == [t for t, _, _ in shown if t is not None]
    assert [(f >> 1 & 1, f >> 2 & 1) for _, _, f in said.frames] == [(i, t) for _, i, t in shown]
    assert all(a < b for a, b in zip(said.pts, said.pts[1:]))
    assert int(said.facts['end_pts']) > said.pts[-1]


@pytest.mark.parametrize('name', ['h264_open_gop', 'hevc_open_gop', 'mpeg2_open_gop', 'h264_paff', 'mid_gop', 'mid_gop_h264', 'dv_ntsc', 'vp9_altref'])
def test_packets_tell_what_decoding_tells(ask, clip, name):
    """The frame list is made without decoding, and is the one that decoding gives."""
    path = clip(name)
    quick, slow = ask(path), ask(path, options=['--decode-all'])
    assert (quick.facts['decoded'], slow.facts['decoded']) == ('0', '1')
    assert quick.frames == slow.frames
    assert abs(int(quick.facts['end_pts']) - int(slow.facts['end_pts'])) <= 1  # durations of single fields are rounded
    same = ['undecodable_start', 'time_jumps', 'variable', 'format']
    assert [quick.facts[k] for k in same] == [slow.facts[k] for k in same]


@pytest.mark.parametrize('name', ['mid_gop', 'mid_gop_h264'])
def test_start_that_can_not_be_decoded(ask, clip, name):
    said = ask(clip(name))
    assert int(said.facts['undecodable_start']) > 0
    assert len(said.frames) + int(said.facts['undecodable_start']) == int(said.facts['packets'])


# Seeking: files that are large enough for it, in containers and codecs that seek in different ways.

NOISE = '-f lavfi -i testsrc2=s=320x240:r=25:d=8,noise=alls=40:allf=t:all_seed=3 -f lavfi -i sine=d=8'.split()
MPEG2 = '-c:v mpeg2video -g 12 -bf 2 -b:v 6M -maxrate 8M -bufsize 2M -c:a mp2'
X264 = '-c:v libx264 -preset ultrafast -bf 3 -g 25 -x264-params open-gop=1 -b:v 6M -c:a aac'
X265 = '-c:v libx265 -preset ultrafast -x265-params log-level=error:pools=none:frame-threads=1:keyint=25:bframes=3:open-gop=1 -b:v 5M -an'
LARGE = {
    'mpeg2.vob': MPEG2 + ' -f vob',
    'mpeg2.ts': MPEG2,
    'mpeg2.m2v': MPEG2.replace('-c:a mp2', '-an'),
    'h264.ts': X264,
    'h264.mp4': X264,
    'h264.mkv': X264,
    'h264.h264': X264.replace('-c:a aac', '-an'),
    'h264_bframes.avi': X264.replace('-c:a aac', '-an'),
    'hevc.ts': X265,
    'mpeg4.avi': '-c:v mpeg4 -g 40 -bf 2 -b:v 6M -c:a libmp3lame',
    'wmv2.wmv': '-c:v wmv2 -g 40 -b:v 6M -c:a wmav2',
    'flv1.flv': '-c:v flv -g 40 -b:v 6M -ar 44100 -c:a libmp3lame',
    'theora.ogv': '-c:v libtheora -g 40 -b:v 6M -c:a libvorbis',
    'mjpeg.avi': '-c:v mjpeg -q:v 4 -c:a pcm_s16le',
}


@pytest.fixture(scope='session')
def made(tmp_path_factory):
    """made(name, make): a file that is made once a session by make(path)."""
    folder = tmp_path_factory.mktemp('reader')

    def get(name, make):
        path = folder / name
        if not path.exists():
            make(path)
        return path
    return get


@pytest.mark.parametrize('name', LARGE)
def test_seeking(ask, made, name):
    path = made(name, lambda out: clips.ffmpeg(*NOISE, *LARGE[name].split(), '-threads:v', 1, *clips.BITEXACT, out))
    said = ask(path, (0, 0))
    full = [md5 for _, md5 in said.pictures]
    assert full == full_decode(path)
    assert len(full) == 200
    late = check_ranges(ask, path, full, [(180, 10), *some_ranges(200, name, 4)])
    # It did seek: neither read nor decoded all that comes before.
    assert late.ranges[0]['packets'] < 140
    assert late.ranges[0]['decoded'] < 100


# Damage, and times that no sane file has.

@pytest.mark.parametrize('name', ['mpeg2_open_gop', 'h264_open_gop', 'mpeg4_bframes', 'mjpeg', 'dv_pal', 'h264'])
@pytest.mark.parametrize('kind', ['cut', 'garbled'])
def test_damage(ask, clip, made, name, kind):
    source = clip(name)

    def damage(out):
        data = bytearray(source.read_bytes())
        if kind == 'cut':
            del data[len(data) * 7 // 10:]
        else:
            middle = len(data) // 2
            data[middle:middle + 1500] = random.Random(name).randbytes(1500)
        out.write_bytes(data)

    said = ask(made(f'{kind}_{name}{source.suffix}', damage), (0, 0))
    if kind == 'cut' and source.suffix == '.mp4':
        assert said.status == 1 and 'the index (moov)' in said.errors  # it stands at the end
        return
    assert said.status == 0, said.errors
    whole = clips.CLIPS[name].frames
    assert whole * 6 // 10 <= len(said.frames) <= whole
    # As many as promised, whatever could not be decoded.
    assert [n for n, _ in said.pictures] == list(range(len(said.frames)))
    # The same file gives the same pictures, damage or not.
    assert ask(made(f'{kind}_{name}{source.suffix}', damage), (0, 0)).pictures == said.pictures


def ts_piece(out, size, seconds, offset, codec='-c:v mpeg2video -g 12 -bf 2', fmt='mpegts'):
    clips.ffmpeg('-f', 'lavfi', '-i', f'testsrc2=s={size}:r=25:d={seconds}', *codec.split(), '-threads:v', 1, '-f', fmt, '-output_ts_offset', offset,
                 *clips.BITEXACT, out)
    return out.read_bytes()


STEP = 3600  # of 25 frames a second, in units of 1/90000 s


@pytest.mark.parametrize('codec', ['-c:v mpeg2video -g 12 -bf 2', '-c:v libx264 -preset veryfast -bf 2'])
def test_clock_that_wraps(ask, tmp_path, codec):
    """33 bits of 90 kHz end after 95443.7 seconds, in the middle of this file."""
    path = tmp_path / 'wrap.ts'
    ts_piece(path, '176x144', 3, 95442, codec)
    said = check_exact(ask, path, codec)
    assert [b - a for a, b in zip(said.pts, said.pts[1:])] == [STEP] * 74


@pytest.mark.parametrize('fmt', ['mpegts', 'vob'])
def test_recordings_joined_in_one_file(ask, tmp_path, fmt):
    """The clock starts anew with the second recording; the frames go on, and the index says by how much."""
    path = tmp_path / 'joined'
    path.write_bytes(ts_piece(tmp_path / 'a', '176x144', 2, 0, fmt=fmt) + ts_piece(tmp_path / 'b', '176x144', 1, 0, fmt=fmt))
    said = check_exact(ask, path, fmt)
    assert len(said.pts) == len(full_decode(path))
    assert {b - a for a, b in zip(said.pts, said.pts[1:])} <= {STEP, 2 * STEP}  # the last picture before a join may be lost
    assert said.facts['clocks'] == '1'
    frame, offset = map(int, said.facts['clock'].split())
    assert 49 <= frame <= 50
    assert offset == said.pts[frame] - said.pts[0]


def test_recordings_joined_with_a_clock_far_ahead(ask, tmp_path):
    path = tmp_path / 'joined.ts'
    path.write_bytes(ts_piece(tmp_path / 'a', '176x144', 2, 0) + ts_piece(tmp_path / 'b', '176x144', 1, 30000))
    said = check_exact(ask, path, 'ahead')
    assert {b - a for a, b in zip(said.pts, said.pts[1:])} <= {STEP, 2 * STEP}
    assert said.facts['clocks'] == '1' and said.facts['time_jumps'] == '0'


def test_size_that_changes(ask, tmp_path):
    """All frames come, in the size of most of them."""
    path = tmp_path / 'size.ts'
    path.write_bytes(ts_piece(tmp_path / 'a', '176x144', 2, 0) + ts_piece(tmp_path / 'b', '352x288', 1, 2))
    said = ask(path, (0, 0), (60, 5))
    assert said.status == 0, said.errors
    assert said.facts['format'].startswith('176x144 yuv420p')
    count = len(full_decode(path))
    # libav's decoder loses the picture that it holds when the size changes.
    assert count == 74 and len(said.frames) == 75
    assert said.pictures[75:] == said.pictures[60:65]


def test_a_file_without_its_head_is_read_to_its_end(ask, clip, tmp_path):
    path = tmp_path / 'tail.mpg'
    data = clip('mpeg2_480i_tff').read_bytes()
    path.write_bytes(data[len(data) * 3 // 10:])
    check_exact(ask, path, 'tail')


# The index as a file

def test_index_of_another_file_is_refused(ask, clip, tmp_path):
    index = tmp_path / 'index.bin'
    assert ask(clip('h264'), options=[f'--save={index}']).status == 0
    same = ask(clip('h264'), (3, 4), options=[f'--load={index}'])
    assert same.status == 0 and same.pictures == ask(clip('h264'), (3, 4)).pictures
    other = ask(clip('vfr_mp4'), (3, 4), options=[f'--load={index}'])
    assert other.status == 1 and 'not the file that was indexed' in other.errors
    # The same size, other content.
    data = bytearray(clip('h264').read_bytes())
    at = data.find(b'mdat') + 200
    data[at:at + 3000] = bytes(3000)
    (tmp_path / 'changed.mp4').write_bytes(data)
    changed = ask(tmp_path / 'changed.mp4', (3, 4), options=[f'--load={index}'])
    assert changed.status == 1 and 'changed?' in changed.errors
    assert not changed.pictures


def test_cache(ask, clip, tmp_path):
    env = {'TERMINALAI_NO_CACHE': '0', 'XDG_CACHE_HOME': str(tmp_path)}
    folder = tmp_path / 'terminalai/index'
    first = ask(clip('mpeg4_bframes'), env=env)
    kept = list(folder.iterdir())
    assert len(kept) == 1 and kept[0].suffix == '.bin'
    content = kept[0].read_bytes()
    assert ask(clip('mpeg4_bframes'), env=env).frames == first.frames
    assert list(folder.iterdir()) == kept and kept[0].read_bytes() == content
    # A damaged one is made anew.
    kept[0].write_bytes(content[:-100] + bytes(100))
    assert ask(clip('mpeg4_bframes'), env=env).frames == first.frames
    assert kept[0].read_bytes() == content
    # Switched off, or in a place that can't be written: no cache, no complaint.
    for off in ({'TERMINALAI_NO_CACHE': '1', 'XDG_CACHE_HOME': str(tmp_path / 'none')}, {'TERMINALAI_NO_CACHE': '0', 'XDG_CACHE_HOME': '/proc/none'}):
        said = ask(clip('mpeg4_bframes'), env=off)
        assert said.frames == first.frames and not said.errors
    assert not (tmp_path / 'none').exists()


def test_index_is_the_same_every_time(ask, clip):
    for name in ('mpeg2_open_gop', 'mpeg4_packed', 'everything'):
        assert ask(clip(name)).facts['checksum'] == ask(clip(name)).facts['checksum']


def test_facts(tool, clip):
    done = subprocess.run([tool, '--facts', clip('everything')], stdout=subprocess.PIPE, check=True, text=True)
    facts = json.loads(done.stdout)
    probed = json.loads(subprocess.run(['ffprobe', '-v', 'error', '-of', 'json', '-show_format', '-show_streams', '-show_chapters', clip('everything')],
                                       stdout=subprocess.PIPE, check=True).stdout)
    assert len(facts['streams']) == len(probed['streams'])
    assert len(facts['chapters']) == len(probed['chapters'])
    assert facts['duration_seconds'] == pytest.approx(float(probed['format']['duration']))
    assert facts['size_bytes'] == int(probed['format']['size'])
    for ours, theirs in zip(facts['streams'], probed['streams']):
        assert ours['type'] == theirs['codec_type']
        assert ours['codec'] == theirs.get('codec_name', ours['codec'])
        assert ours.get('language') == theirs.get('tags', {}).get('language')
        assert ours.get('title') == theirs.get('tags', {}).get('title')
        assert {d for d, on in theirs['disposition'].items() if on} == set(ours['dispositions'])
        for key, name in (('width', 'width'), ('height', 'height'), ('pix_fmt', 'pix_fmt'), ('channels', 'channels')):
            if ours['type'] in ('video', 'audio') and name in theirs:
                assert ours.get(key) == theirs[name]
    assert str(clip('everything').parent) not in done.stdout
