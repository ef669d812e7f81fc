"""Recordings of their own that are joined: flashes and tones stay together behind every seam."""

import pytest

import clips
import judge
from bad_kit import FAST

SEAMS = {
    'mp4': ('mp4', '30000/1001', '-c:v libx264 -preset ultrafast -bf 2 -c:a aac'),
    'avi': ('avi', '25', '-c:v mpeg4 -q:v 3 -c:a libmp3lame'),
    'mkv': ('mkv', '24000/1001', '-c:v mpeg2video -q:v 3 -c:a ac3'),
    'ts': ('ts', '25', '-c:v mpeg2video -q:v 3 -c:a mp2'),
    'vob': ('vob', '25', '-c:v mpeg2video -q:v 3 -c:a ac3'),
    'flv': ('flv', '25', '-c:v flv -q:v 3 -c:a libmp3lame -ar 44100'),
}


def onsets(values, rate=48000):
    """Where sound begins after silence, in seconds."""
    limit, found, quiet = max(abs(v) for v in values) / 4, [], rate
    for i, v in enumerate(values):
        if abs(v) > limit:
            if quiet > rate // 5:
                found.append(i / rate)
            quiet = 0
        else:
            quiet += 1
    return found


def distances(path):
    """Of each tone from its flash."""
    bright, times = judge.brightness(path), judge.picture_times(path)
    flashes = [times[i] for i in range(1, len(bright)) if bright[i] > 100 >= bright[i - 1]]
    data = judge.run('ffmpeg', '-v', 'error', '-nostdin', '-i', path, '-map', '0:a', '-af',
        'aresample=48000:async=1:min_hard_comp=0.001:first_pts=0', '-ac', 1, '-f', 's16le', '-') # by times, gaps are silent
    tones = onsets(memoryview(data).cast('h'))
    assert len(tones) == len(flashes), (path, tones, flashes)
    return [t - s for t, s in zip(tones, flashes)]


def recordings(folder, kind, count, less):
    """Each with a flash and a tone at the same moment, and sound that ends before its pictures."""
    extension, rate, coding = SEAMS[kind]
    files = []
    for n in range(count):
        files.append(folder / f'r{n}.{extension}')
        seconds = 1 + n * 0.04
        clips.ffmpeg('-f', 'lavfi', '-i', f'color=black:s=96x64:r={rate}:d={seconds}', '-f', 'lavfi', '-i',
            f"aevalsrc='if(between(t,0.4,0.6),0.5*sin(880*PI*t),0)':s=48000:d={seconds - less}", '-vf',
            "geq=lum='if(between(T,0.395,0.65),235,16)':cb=128:cr=128", '-pix_fmt', 'yuv420p', *coding.split(), files[-1])
    return files


@pytest.mark.parametrize('less', [0.07, -0.07])
@pytest.mark.parametrize('kind', SEAMS)
def test_flash_and_tone_stay_together(program, tmp_path, kind, less):
    """Sound that is 70 ms shorter or longer than its pictures, five times: the distance of tone and flash is in each part
    of the film what it is in its file, to 5 ms; in AVI to half a frame of MP3, the unit of its times."""
    files = recordings(tmp_path, kind, 5, less)
    suffix = 'mp4' if less > 0 else 'mkv'
    out, one = tmp_path / f'out.{suffix}', tmp_path / f'one.{suffix}'
    program('restore', '--join', *files, '-o', out, *FAST)
    joined, alone = distances(out), []
    for f in files:
        program('restore', f, '-o', one, *FAST, '--overwrite')
        alone += distances(one)
    apart = [round(1000 * (a - b), 1) for a, b in zip(joined, alone)]
    assert len(joined) == 5 and all(abs(ms) <= (12 if kind == 'avi' else 5) for ms in apart), f'{apart} ms from where it is in each file'


@pytest.mark.parametrize('suffix', ['ts', 'mpg'])
def test_end_of_a_long_stream(program, tmp_path, suffix):
    """Streams without an index are read at their end alone, where they are large: it is where it is."""
    files = []
    for n in range(2):
        files.append(tmp_path / f'r{n}.{suffix}')
        clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=352x288:r=25:d=3,noise=alls=90:allf=t', '-f', 'lavfi', '-i',
            'sine=r=48000:d=3', '-c:v', 'mpeg2video', '-q:v', 2, '-maxrate', '40M', '-bufsize', '4M', '-muxrate', '50M', '-c:a', 'mp2',
            files[-1])
        assert files[-1].stat().st_size > 5 << 20
    facts = program('probe', '--join', *files, '--json', code=0).json()
    assert [(f['start_seconds'], f['duration_seconds']) for f in facts['files']] == [(0, 3), (3, 3)]
