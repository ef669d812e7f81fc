"""An index that is decoded in ranges, on all cores, is the one that a single decoder makes."""

import os
import random
import subprocess

import pytest

import clips
from test_reader import tool  # noqa: F401  (a fixture)

FRAMES, SIZE = 900, '96x64'
X264 = '-c:v libx264 -preset ultrafast -bf 3 -x264-params keyint=40:bframes=3:b-adapt=0:scenecut=0:'
CODECS = {
    'mpeg2': ('vob', '-c:v mpeg2video -g 12 -bf 2 -flags +ilme+ildct'),
    'h264': ('mpegts', X264 + 'open-gop=1'),
    'h264_fields': ('mpegts', X264 + 'interlaced=1:open-gop=1'),
    'h264_refresh': ('mpegts', X264.replace('bframes=3', 'bframes=0') + 'intra-refresh=1'),
    'hevc': ('mpegts', '-c:v libx265 -preset ultrafast -x265-params keyint=40:open-gop=1:log-level=none'),
    'mjpeg': ('avi', '-c:v mjpeg -q 4'),
}


def listing(tool, how, path):  # noqa: F811
    done = subprocess.run([tool, how, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120,
                          env={**os.environ, 'TERMINALAI_NO_CACHE': '1'})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize('name', CODECS)
def test_same_as_by_one_decoder(tool, tmp_path, name):  # noqa: F811
    """Whole, joined so that the clock starts anew, and damaged."""
    muxer, codec = CODECS[name]
    path = tmp_path / 'clip'
    clips.ffmpeg('-f', 'lavfi', '-i', f'testsrc2=s={SIZE}:r=25,noise=alls=9:allf=t', '-frames:v', FRAMES, *codec.split(), '-f', muxer,
                 *clips.BITEXACT, path)
    data = path.read_bytes()
    once = listing(tool, '--decode-all', path)
    assert once.count('\nframe ') >= FRAMES - 2, once[:500]
    assert once == listing(tool, '--in-one', path)
    if muxer != 'avi':
        path.write_bytes(data + data)
        joined = listing(tool, '--decode-all', path)
        assert 'clocks 1\n' in joined
        assert joined == listing(tool, '--in-one', path)
    chance, bad = random.Random(name), bytearray(data)
    for _ in range(40):
        at, count = chance.randrange(len(bad) // 10, len(bad) - 64), chance.choice((1, 8, 60))
        bad[at:at + count] = chance.randbytes(count)
    path.write_bytes(bad)
    assert listing(tool, '--decode-all', path) == listing(tool, '--in-one', path)
