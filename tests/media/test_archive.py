"""The archival copy: nothing lost, and a list of checksums that ffmpeg makes as well."""

import json
import subprocess

import pytest

import clips
import judge

SUMS = ['-fps_mode', 'passthrough', '-enc_time_base:v', '-1', '-bitexact', '-f', 'framemd5']


def framemd5(path, *maps):
    done = subprocess.run(['ffmpeg', '-v', 'error', '-i', str(path), *maps, *SUMS, '-'], stdout=subprocess.PIPE, check=True)
    return done.stdout.decode().splitlines()


def hashes(lines, stream):
    rows = [line.split(',') for line in lines if not line.startswith('#')]
    return [r[-1].strip() for r in rows if r[0].strip() == str(stream)]


def sidecar(out):
    return out.with_name(out.name + '.framemd5')


@pytest.mark.parametrize('name', ['dv_ntsc', 'mpeg2_480i_tff', 'h264_open_gop_mp4', 'v210', 'vp9'])
def test_nothing_is_lost(program, tmp_path, name):
    source = clips.path(name)
    out = tmp_path / 'copy.mkv'
    program.restore(source, out, '--preset', 'archive')
    lines = sidecar(out).read_text().splitlines()
    whole = all(s['codec_name'] == 'flac' for s in judge.streams(out, 'audio'))
    listed = framemd5(out, '-map', '0:v:0', '-map', '0:a?', '-c:a', 'pcm_s16le' if whole else 'copy')
    if whole:
        assert lines == listed, 'ffmpeg makes another list'
    for stream in (0, 1):  # ffmpeg moves times where Opus starts before 0
        assert hashes(lines, stream) == hashes(listed, stream)
    pixels = judge.pixel_format(out)
    done = subprocess.run(['ffmpeg', '-v', 'error', '-i', str(source), '-map', '0:v:0', '-pix_fmt', pixels, *SUMS, '-'],
        stdout=subprocess.PIPE, check=True)
    assert hashes(lines, 0) == hashes(done.stdout.decode().splitlines(), 0)
    assert judge.video_stream(out)['codec_name'] == 'ffv1'
    kinds = [s['codec_name'] for s in judge.streams(source, 'audio')], [s['codec_name'] for s in judge.streams(out, 'audio')]
    for before, after in zip(*kinds, strict=True):
        assert after == ('flac' if before.startswith('pcm') else before)
    assert judge.report(out)['output']['sha256'] == judge.sha256(out)


def test_progress_never_goes_back(program, tmp_path):
    """The output is read twice, once for its checksums."""
    done = program.restore(clips.path('v210'), tmp_path / 'copy.mkv', '--preset', 'archive', '--progress', 'json')
    told = [json.loads(line) for line in done.out.splitlines()]
    totals = [line['total'] for line in told if 'total' in line]
    assert totals == sorted(totals) and any(0.5 < line['fraction'] < 1 for line in told if line.get('phase') == 'verify'), told


@pytest.mark.parametrize('codec', ['pcm_s16le', 'pcm_s24le', 'pcm_u8'])
def test_samples_are_kept(program, tmp_path, codec):
    source = tmp_path / 'in.mkv'
    subprocess.run(['ffmpeg', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=25:d=1', '-f', 'lavfi', '-i',
        'anoisesrc=r=48000:d=1:seed=3:a=0.9', '-c:v', 'mjpeg', '-c:a', codec, str(source)], check=True)
    out = tmp_path / 'copy.mkv'
    program.restore(source, out, '--preset', 'archive')
    assert [s['codec_name'] for s in judge.streams(out, 'audio')] == ['flac']
    wide = [['ffmpeg', '-v', 'error', '-i', str(p), '-map', '0:a', '-c:a', 'pcm_s32le', '-f', 'md5', '-'] for p in (source, out)]
    before, after = (subprocess.run(c, stdout=subprocess.PIPE, check=True).stdout for c in wide)
    assert before == after


def test_floating_point_sound_is_copied(program, tmp_path):
    source = tmp_path / 'in.mkv'
    subprocess.run(['ffmpeg', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=25:d=1', '-f', 'lavfi', '-i',
        'sine=d=1', '-c:v', 'mjpeg', '-c:a', 'pcm_f32le', str(source)], check=True)
    out = tmp_path / 'copy.mkv'
    program.restore(source, out, '--preset', 'archive')
    assert [s['codec_name'] for s in judge.streams(out, 'audio')] == ['pcm_f32le']


def test_refusals(program, tmp_path):
    source = clips.path('dv_ntsc')
    wrong = program('restore', source, '-o', tmp_path / 'x.mp4', '--preset', 'clean', '--audio-codec', 'flac', '-q', code=2)
    assert len(wrong.error_lines) == 1 and 'mkv' in wrong.err and not list(tmp_path.iterdir())
    wrong = program('restore', source, '-o', '-', '--preset', 'clean', '--encoder', 'raw', '--framemd5', '-q', code=2)
    assert len(wrong.error_lines) == 1 and 'framemd5' in wrong.err and not wrong.out
