"""The muxer where the disk is full, a codec is refused, or memory would grow."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mux_kit import LAVFI, PICTURES, click, clicked, ffmpeg, join, made, packets, payload, stream, tool  # noqa: F401


def test_no_sound_in_y4m(made, join):
    source = made('raw.nut', *LAVFI, PICTURES, *LAVFI, click(1.0, 3), '-c:v', 'rawvideo', '-pix_fmt', 'yuv420p', '-c:a',
            'pcm_s16le')
    out = join(source, 'out.y4m')
    video = stream(out.path, 'video')
    assert (video['width'], video['height'], video['pix_fmt'], video['r_frame_rate']) == (160, 120, 'yuv420p', '25/1')
    assert payload(source, '0:v:0') == payload(out.path, '0:v:0')
    assert out['bytes'] == out.path.stat().st_size


def test_y4m_to_standard_output(made, tool, tmp_path):
    """`-` is not a y4m by its name, so the tool writes to the pipe that the shell names."""
    source = made('raw.nut', *LAVFI, PICTURES, *LAVFI, click(1.0, 3), '-c:v', 'rawvideo', '-pix_fmt', 'yuv420p', '-c:a',
            'pcm_s16le')
    done = subprocess.run([tool, '--stdout', str(source), 'out.y4m'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b'YUV4MPEG2 W160 H120 F25:1 ')
    assert done.stdout.count(b'FRAME\n') >= 75


@pytest.mark.parametrize('name', ['out.mp4', 'out.mkv', 'out.y4m'])
@pytest.mark.parametrize('part', [0.02, 0.5, 0.97])
def test_full_disk(made, join, tool, tmp_path, name, part):
    """A file system that is too small: told apart, and nothing is left."""
    if name == 'out.y4m':
        source = made('raw.nut', *LAVFI, PICTURES, *LAVFI, click(1.0, 3), '-c:v', 'rawvideo', '-pix_fmt', 'yuv420p', '-c:a',
                'pcm_s16le')
    else:
        source = made('big.avi', *LAVFI, 'testsrc2=s=320x240:r=25:d=4', *LAVFI, click(1.0, 4), '-c:v', 'mpeg4', '-q:v', 2, '-c:a',
                'pcm_s16le')
    whole = join(source, name)['bytes']
    disk = tmp_path / 'disk'
    disk.mkdir()
    size = max(1, int(whole * part) // 4096) * 4096
    if os.geteuid() != 0 or subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size}', 'tmpfs', disk],
            stderr=subprocess.DEVNULL).returncode:
        pytest.skip('needs to mount a small file system')
    try:
        done = subprocess.run([tool, str(source), str(disk / name)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                timeout=60)
        assert done.returncode == 1
        assert 'error no space left' in done.stdout, done.stdout + done.stderr
        assert name in done.stderr
        assert os.listdir(disk) == []
    finally:
        subprocess.run(['umount', disk], check=True)


def limit_files():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))


@pytest.mark.parametrize('name', ['out.mp4', 'out.mkv', 'out.y4m'])
def test_names_that_are_taken(made, tool, tmp_path, name):
    """A link is neither followed nor removed; a file that may grow no further is told apart and removed."""
    source = made('raw.nut', *LAVFI, PICTURES, *LAVFI, click(1.0, 3), '-c:v', 'rawvideo', '-pix_fmt', 'yuv420p', '-c:a',
            'pcm_s16le') \
        if name == 'out.y4m' else clicked(made, 'click_mpeg4.avi', 'mpeg4', 'pcm_s16le')
    link = tmp_path / name
    link.symlink_to('/dev/full')
    done = subprocess.run([tool, str(source), str(link)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1 and 'error exists already' in done.stdout, done.stdout + done.stderr
    assert link.is_symlink() and Path('/dev/full').exists()
    link.unlink()
    done = subprocess.run([tool, str(source), str(link)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
            preexec_fn=limit_files)
    assert done.returncode == 1 and 'error no space left' in done.stdout, done.stdout + done.stderr
    assert not link.exists()


def test_refused_codec_leaves_nothing(made, join, tmp_path):
    source = clicked(made, 'click_mpeg4.avi', 'mpeg4', 'pcm_s16le')
    out = join(source, 'out.webm', ok=False)  # MPEG-4 video in webm
    assert 'out.webm' in out.log and not out.path.exists()


def test_unwritable_folder(made, join):
    source = clicked(made, 'click_mpeg4.avi', 'mpeg4', 'pcm_s16le')
    out = join(source, 'missing/out.mp4', ok=False)
    assert 'missing/out.mp4' in out.log


# Memory


def test_memory_stays_flat(made, join, tmp_path):
    """A subtitle near the end, and a sound track that ends at once, do not make the rest pile up."""
    srt = tmp_path / 'end.srt'
    srt.write_text('1\n00:04:50,000 --> 00:04:55,000\nThe end\n')
    source = tmp_path / 'long.mkv'
    ffmpeg(*LAVFI, 'testsrc2=s=64x48:r=5:d=300', *LAVFI, 'anoisesrc=r=96000:d=300,pan=5.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0',
            *LAVFI, 'sine=d=2', '-i', srt,
           '-map', '0:v', '-map', '1:a', '-map', '2:a', '-map', '3:s', '-c:v', 'mpeg4', '-c:a', 'pcm_s16le', '-c:s', 'srt', source)
    assert source.stat().st_size > 300e6
    out = join(source, 'out.mkv')
    # It takes 65 MB; what piled up would be the 300 MB of the file.
    assert out['peak_rss'] < 120e6, 'packets pile up'
    assert len(packets(out.path, 's:0')) == 1
    assert payload(source, '0:a:0') == payload(out.path, '0:a:0')


def test_peak_is_its_own(made, tool, tmp_path):
    """What the program that starts it holds is not counted: exec() keeps that in getrusage()."""
    source = clicked(made, 'click_mpeg4.avi', 'mpeg4', 'pcm_s16le')
    large = 'import subprocess, sys; held = b"1" * 400_000_000; subprocess.run(sys.argv[1:], check=True, close_fds=False)'
    said = subprocess.run([sys.executable, '-c', large, tool, source, tmp_path / 'out.mkv'], stdout=subprocess.PIPE, check=True, text=True).stdout
    peak = next(int(line.split()[1]) for line in said.splitlines() if line.startswith('peak_rss '))
    assert 5e6 < peak < 200e6
