"""Every kind of source: all frames, at their times, in their shape, with their sound; and the pictures themselves."""

import subprocess
from fractions import Fraction

import pytest

import clips
import judge

FAST = ['--quality', 'fast', '--preset-speed', 'ultrafast', '--crf', '30']


def source_times(clip, path):
    """Presentation times of the source's pictures. Where ffprobe has none (B-frames in AVI), the rate says them."""
    times = judge.picture_times(path)
    assert len(times) == clip.frames, 'the judge sees another number of frames in the source'
    if None in times:
        times = [times[0] + float(i / clip.rate) for i in range(clip.frames)]
    return times


def expected_times(clip, times):
    """Times of the output's pictures by those of the source: the second field of a picture half-way to the next."""
    if not clip.interlaced:
        return times
    last = times[-1] + (float(1 / clip.rate) if clip.rate else times[-1] - times[-2])
    out = []
    for now, following in zip(times, times[1:] + [last]):
        out += [now, (now + following) / 2]
    return out


class Findings(list):
    """Everything that is wrong with one file, told together."""

    def check(self, ok, *what):
        if not ok:
            self.append(' '.join(str(w) for w in what))
        return ok

    def close(self, what, value, wanted, tolerance=judge.SYNC):
        return self.check(judge.close(value, wanted, tolerance),
            f'{what}: {value:.6f}, should be {wanted:.6f} within {tolerance}')

    def times(self, got, wanted):
        """Both lists from their first picture on."""
        if not self.check(len(got) == len(wanted), f'{len(got)} pictures, should be {len(wanted)}'):
            return
        off = [(abs((g - got[0]) - (w - wanted[0])), i) for i, (g, w) in enumerate(zip(got, wanted))]
        worst, where = max(off)
        self.check(worst <= judge.SYNC + 1e-9, f'picture {where} is {worst * 1000:.1f} ms off its time')
        self.check(all(b > a for a, b in zip(got, got[1:])), 'times do not increase')

    def done(self, result):
        assert not self, '\n'.join(self) + f'\n{result}'


def check_sound(found, clip, source, out, wanted, got):
    """Start and end of the sound against the first picture, as in the source."""
    tracks = len(judge.streams(source, 'audio'))
    if not found.check(len(judge.streams(out, 'audio')) == tracks, 'number of sound tracks'):
        return
    # A coded track may be padded up to a whole packet at its end (PCM up to the container's piece of it). At its start,
    # an AAC encoder's run-in of 1024 samples is hidden by an edit list only where the sound is the first thing in the
    # file; test_flash_and_beep tells what is heard.
    for n in range(tracks):
        a, b = judge.sound_span(source, n), judge.sound_span(out, n)
        start, should = b[0] - got[0], a[0] - wanted[0]
        codecs = [judge.streams(f, 'audio')[n]['codec_name'] for f in (source, out)]
        rate = int(judge.streams(out, 'audio')[n]['sample_rate'])
        early = 1024 / rate if codecs[1] == 'aac' != codecs[0] and b[0] > 0 else 0
        packet = max(0.033, 1024 / rate)
        found.check(should - judge.SYNC - early <= start <= should + judge.SYNC,
            f'start of sound {n} after the first picture: {start:.4f}, should be {should:.4f}')
        end, should = b[1] - got[0], a[1] - wanted[0]
        found.check(should - judge.SYNC <= end <= should + packet,
            f'end of sound {n}: {end:.4f}, should be {should:.4f}')


@pytest.mark.parametrize('name', clips.MATRIX)
def test_delivered(program, tmp_path, name):
    """The usual job: fields to frames, scaled to 480 lines, H.264 in mp4."""
    clip, source = clips.CLIPS[name], clips.path(name)
    out = tmp_path / 'out.mp4'
    before = judge.sha256(source)
    result = program.restore(source, out, '--preset', 'vhs', '--resolution', '480', *FAST, code=clip.codes)
    found = Findings()
    found.check(judge.sha256(source) == before, 'the source has changed')
    found.check(judge.listing(tmp_path).keys() == {'out.mp4', 'out.mp4.json'}, 'left behind:', *judge.listing(tmp_path))
    wanted = source_times(clip, source)
    should = expected_times(clip, wanted)
    got = judge.picture_times(out)
    planned = judge.planned_frames(judge.report(out))
    found.check(planned == len(should), f'{planned} frames planned, should be {len(should)}')
    found.check(judge.decoded_count(out) == len(should),
        f'{judge.decoded_count(out)} frames decoded, should be {len(should)}')
    found.times(got, should)
    video = judge.video_stream(out)
    found.check(video['codec_name'] == 'h264' and video['pix_fmt'] in ('yuv420p', 'yuvj420p'), video['codec_name'],
        video['pix_fmt'])
    found.check(not any(f['interlaced_frame'] for f in judge.pictures(out)), 'pictures are flagged interlaced')
    check_shape(found, clip, video, judge.rotation(judge.video_stream(source)))
    if clip.audio:
        check_sound(found, clip, source, out, wanted, got)
    found.done(result)


def check_shape(found, clip, video, turned):
    """480 lines as shown, square pixels, the width by the display aspect ratio."""
    found.check(judge.rotation(video) == turned, f'rotation {judge.rotation(video)}, should be {turned}')
    width, height = video['width'], video['height']
    if clip.rotate in (90, 270):
        width, height = height, width
    found.check(height == 480, f'{height} lines, should be 480')
    found.check(video.get('sample_aspect_ratio', '1:1') in ('1:1', '0:1', 'N/A'), 'pixels are not square')
    found.check(abs(width - 480 * float(clip.shape)) <= 1.5, f'{width} wide, should be {480 * float(clip.shape):.1f}')


def check_lossless(program, tmp_path, name):
    clip, source = clips.CLIPS[name], clips.path(name)
    out = tmp_path / 'out.mkv'
    codes = clip.codes if 'mid_gop' in clip.tags else 0
    if clip.rotate:  # Matroska can't say it with libav before 6.1, which is a loss
        codes = (0, 3)
    result = program.restore(source, out, '--preset', 'clean', '--resolution', 'source', '--encoder', 'ffv1',
        code=codes)
    found = Findings()
    wanted = judge.picture_sums(source, clip.exact_format)
    got = judge.picture_sums(out, clip.exact_format)
    found.check(len(got) == len(wanted), f'{len(got)} pictures, should be {len(wanted)}')
    differ = [i for i, (a, b) in enumerate(zip(wanted, got)) if a != b]
    found.check(not differ,
        f'pictures {differ[:10]} differ ({judge.pixel_format(source)}, now {judge.pixel_format(out)})')
    found.times(judge.picture_times(out), source_times(clip, source))
    video, was = judge.video_stream(out), judge.video_stream(source)
    found.check((video['width'], video['height']) == (was['width'], was['height']), 'another size')
    aspect = float(clip.dar or Fraction(*clip.size))  # a file that doesn't say one is given it: the clip knows
    found.check(abs(judge.display_aspect(video) / aspect - 1) < 0.002, 'another display aspect ratio')
    if clip.audio:
        check_sound(found, clip, source, out, source_times(clip, source), judge.picture_times(out))
    found.done(result)


@pytest.mark.parametrize('name', [n for n in clips.MATRIX if clips.CLIPS[n].exact])
def test_lossless(program, tmp_path, name):
    """`clean` as FFV1 is the source's decoded pictures, exactly, at their times."""
    check_lossless(program, tmp_path, name)


@pytest.mark.sanitizer
@pytest.mark.parametrize(
    'name', ['h264', 'dv_ntsc', 'soft_telecine', 'h264_paff', 'mpeg4_packed', 'gap_ts', 'mid_gop', 'pal8', 'frames_1']
)
def test_lossless_checked(program, tmp_path, name):
    """A part of the matrix for builds with sanitizers."""
    check_lossless(program, tmp_path, name)


@pytest.mark.parametrize('name', ['quality', 'quality_shapes', 'quality_interlaced', 'quality_full_range'])
def test_similarity(program, tmp_path, name):
    """SSIM of one lossy encode at CRF 10."""
    out = tmp_path / 'out.mp4'
    result = program.restore(clips.path(name), out, '--preset', 'clean', '--resolution', 'source', '--crf', '10')
    full = judge.pixel_format(clips.path(name)).startswith('yuvj')
    value = judge.ssim(out, clips.path(name), 'yuvj420p' if full else 'yuv420p')
    assert value >= 0.995, result


def test_full_range_is_kept_or_converted(program, tmp_path):
    """Tags describe the pixels: seen through the tags, black and white are where they were."""
    out = tmp_path / 'out.mp4'
    program.restore(clips.path('quality_full_range'), out, '--preset', 'clean', '--resolution', 'source', '--crf', '10')
    common = 'scale=in_range=auto:out_range=full,format=gray'
    for graph in ('', ',crop=40:40:100:20'):
        means = []
        for path in (clips.path('quality_full_range'), out):
            data = judge.run('ffmpeg', '-v', 'error', '-i', path, '-frames:v', 1, '-vf', common + graph, '-f',
                'rawvideo', '-')
            means.append(sum(data) / len(data))
        assert abs(means[0] - means[1]) < 1.5, means


# What libavfilter does, it does in the program as in ffmpeg.

CHAINS = [('dv_ntsc', ['--deinterlace', 'bwdif', '--deinterlace-fields', 'both', '--denoise', 'off'],
    'bwdif=mode=send_field:parity=bff:deint=all'), ('dv_pal', ['--deinterlace', 'bwdif', '--deinterlace-fields', 'one',
    '--denoise', 'off'], 'bwdif=mode=send_frame:parity=bff:deint=all'), ('ffv1_576i_tff', ['--deinterlace', 'bwdif',
    '--deinterlace-fields', 'both', '--denoise', 'off'], 'bwdif=mode=send_field:parity=tff:deint=all'),
    ('ffv1_480i_bff', ['--deinterlace', 'yadif', '--deinterlace-fields', 'both', '--denoise', 'off'],
    'yadif=mode=send_field:parity=bff:deint=all'), ('h264_paff', ['--deinterlace', 'yadif', '--deinterlace-fields',
    'one', '--denoise', 'off'], 'yadif=mode=send_frame:parity=tff:deint=all'), ('h264', ['--deinterlace', 'off',
    '--denoise', 'hqdn3d', '--denoise-strength', '3:2:3:2'], 'hqdn3d=3:2:3:2'), ('ffv1', ['--deinterlace', 'off',
    '--denoise', 'hqdn3d', '--denoise-strength', '4:3:6:4.5'], 'hqdn3d=4:3:6:4.5'), ('mpeg2_576i', ['--deinterlace',
    'bwdif', '--deinterlace-fields', 'both', '--denoise', 'hqdn3d', '--denoise-strength', '2:1:2:1'],
    'bwdif=mode=send_field:parity=tff:deint=all,hqdn3d=2:1:2:1'), ('v210', ['--deinterlace', 'bwdif',
    '--deinterlace-fields', 'both', '--denoise', 'off'], 'bwdif=mode=send_field:parity=bff:deint=all')]


W3FDIF = 'w3fdif=mode={}:parity={}:deint=all{}'
OFF = ['--deinterlace', 'off', '--denoise', 'off']
CHAINS += [
    ('dv_ntsc', ['--deinterlace', 'w3fdif', '--denoise', 'off'], W3FDIF.format('field', 'bff', '')),
    ('mpeg2_576i', ['--deinterlace', 'w3fdif', '--deinterlace-fields', 'one', '--denoise', 'off'],
        W3FDIF.format('frame', 'tff', '')),
    ('v210', ['--deinterlace', 'w3fdif', '--deinterlace-w3fdif-filter', 'simple', '--denoise', 'off'],
        W3FDIF.format('field', 'bff', ':filter=simple')),
    ('h264', [*OFF, '--deblock', 'weak'], 'deblock=filter=weak'),
    ('mpeg1', [*OFF, '--deblock', 'strong', '--deblock-threshold', '0.2'], 'deblock=filter=strong:alpha=0.2'),
    ('prores', [*OFF, '--deblock', 'strong', '--deblock-block', '16'], 'deblock=filter=strong:block=16'),
    ('odd_size', [*OFF, '--deblock', 'weak', '--sharpen', 'cas', '--no-sharpen-limit', '--sharpen-strength', '0.5'],
        'deblock=filter=weak,cas=strength=0.5:planes=1'),
    ('h264_10bit', [*OFF, '--sharpen', 'cas', '--no-sharpen-limit', '--sharpen-planes', 'all'], 'cas=strength=0.4'),
    ('yuv422_16bit', [*OFF, '--sharpen', 'cas', '--no-sharpen-limit', '--sharpen-strength', '1'], 'cas=strength=1:planes=1'),
    ('h264', [*OFF, '--crop-bottom', '10', '--crop-left', '6'], 'crop=346:278:6:0'),
    ('dv_ntsc', [*OFF, '--crop-bottom', '8', '--crop-top', '2', '--crop-right', '16'], 'crop=704:470:0:2'),
    ('mpeg2_576i', ['--deinterlace', 'bwdif', '--denoise', 'hqdn3d', '--denoise-strength', '8:6:12:9', '--crop-left',
        '2', '--crop-bottom', '8', '--sharpen', 'cas', '--no-sharpen-limit'],
        'crop=350:568:2:0,bwdif=mode=send_field:parity=tff:deint=all,hqdn3d=8:6:12:9,cas=strength=0.4:planes=1'),
    ('odd_size', [*OFF, '--crop-right', '1', '--crop-bottom', '3'], 'crop=174:140:0:0'),
]


@pytest.mark.parametrize(
    'name, options, filters', CHAINS, ids=[f'{c[0]}-{c[2].split("=")[0]}-{i}' for i, c in enumerate(CHAINS)]
)
def test_same_as_ffmpeg(program, tmp_path, name, options, filters):
    out = tmp_path / 'out.mkv'
    result = program.restore(clips.path(name), out, '--resolution', 'source', '--encoder', 'ffv1', '--quality', 'fast',
        *options)
    got, wanted = judge.picture_sums(out), judge.picture_sums(clips.path(name), filters=filters)
    assert len(got) == len(wanted), result
    differ = [i for i, (a, b) in enumerate(zip(got, wanted)) if a != b]
    assert not differ, f'pictures {differ[:12]} of {len(wanted)} are not what ffmpeg makes\n{result}'


def test_crop_means_sides_as_shown(program, tmp_path):
    """A turned picture is cut at the top that is seen."""
    source, out = clips.path('rotated_90'), tmp_path / 'out.mkv'  # Matroska keeps no rotation: turned here by hand
    program.restore(source, out, '--preset', 'clean', '--encoder', 'ffv1', '--crop-top', '40', '--crop-left', '10',
        code=(0, 3))
    turn = {90: 'clock', 270: 'cclock'}[judge.rotation(judge.video_stream(source))]
    whole = judge.picture_sums(source, filters=f'transpose={turn},crop=iw-10:ih-40:10:40')
    assert judge.picture_sums(out, filters=f'transpose={turn}') == whole


@pytest.mark.parametrize('name', ['dv_pal', 'h264_10bit'])
def test_masked_lines(program, tmp_path, name):
    """Lines of the fields are covered, the others stay exactly."""
    out, clip = tmp_path / 'out.mkv', clips.CLIPS[name]
    program.restore(clips.path(name), out, '--preset', 'clean', '--encoder', 'ffv1', '--mask-bottom', '8')
    kept = f'crop=iw:{clip.size[1] - 8}:0:0'
    assert judge.picture_sums(out, filters=kept) == judge.picture_sums(clips.path(name), filters=kept)
    data = judge.run('ffmpeg', '-v', 'error', '-i', out, '-map', '0:v', '-vf', f'crop=iw:8:0:{clip.size[1] - 8}',
        '-f', 'rawvideo', '-')
    deep = '10' in judge.pixel_format(out)
    values = memoryview(data).cast('H' if deep else 'B')
    luma, frame = clip.size[0] * 8, clip.size[0] * 12  # 4:2:0
    for start in range(0, len(values), frame):
        assert set(values[start : start + luma]) == {64 if deep else 16}
        assert set(values[start + luma : start + frame]) == {512 if deep else 128}


def test_one_field_keeps_the_rate(program, tmp_path):
    clip, out = clips.CLIPS['dv_pal'], tmp_path / 'out.mp4'
    program.restore(clips.path('dv_pal'), out, '--preset', 'vhs', '--deinterlace-fields', 'one', '--resolution',
        'source', *FAST)
    found = Findings()
    found.times(judge.picture_times(out), source_times(clip, clips.path('dv_pal')))
    found.done('')


# Sizes


@pytest.mark.parametrize(
    'wish, size',
    [
        ('480', (640, 480)),
        ('576', (768, 576)),
        ('720', (960, 720)),
        ('1080', (1440, 1080)),
        ('640x360', (640, 360)),
        ('source', (720, 480)),
    ],
)
def test_size(program, tmp_path, wish, size):
    """DV at 4:3: the asked size, in square pixels unless it is the source's own."""
    out = tmp_path / 'out.mp4'
    program.restore(clips.path('frames_2_dv'), out, '--preset', 'vhs', '--resolution', wish, *FAST)
    video = judge.video_stream(out)
    assert (video['width'], video['height']) == size
    if 'x' not in wish:
        assert abs(judge.display_aspect(video) - 4 / 3) < 0.01


def test_default_size_of_sd(program, tmp_path):
    out = tmp_path / 'out.mp4'
    program.restore(clips.path('frames_1_dv'), out, *FAST)
    video = judge.video_stream(out)
    assert (video['width'], video['height']) == (1440, 1080)


def test_wide_source_is_not_scaled(program, tmp_path):
    out = tmp_path / 'out.mp4'
    program.restore(clips.path('h264_1080i'), out, '--preset', 'clean', *FAST)
    video = judge.video_stream(out)
    assert (video['width'], video['height']) == (1920, 1080)


# Encoders and containers


@pytest.mark.parametrize(
    'encoder, suffix, codec, pixels',
    [
        ('h264', 'mkv', 'h264', 'yuv420p'),
        ('h264', 'mov', 'h264', 'yuv420p'),
        ('hevc', 'mp4', 'hevc', 'yuv420p'),
        ('av1', 'mkv', 'av1', 'yuv420p'),
        ('av1', 'webm', 'av1', 'yuv420p'),
        ('ffv1', 'mkv', 'ffv1', 'yuv420p'),
        ('prores', 'mov', 'prores', 'yuv422p10le'),
        ('raw', 'y4m', 'rawvideo', 'yuv420p'),
    ],
)
def test_encoder(program, tmp_path, encoder, suffix, codec, pixels):
    out = tmp_path / f'out.{suffix}'
    name = 'h264_open_gop_mp4' if suffix == 'y4m' else 'h264'  # y4m holds no sound
    source, frames = clips.path(name), clips.CLIPS[name].frames
    speed = [] if encoder in ('ffv1', 'raw', 'prores') else ['--preset-speed', 'ultrafast']
    result = program.restore(source, out, '--preset', 'clean', '--resolution', 'source', '--quality', 'fast',
        '--encoder', encoder, *speed)
    video = judge.video_stream(out)
    assert video['codec_name'] == codec, result
    assert video['pix_fmt'].replace('10le', '') == pixels.replace('10le', ''), result
    assert judge.decoded_count(out) == frames, result
    if suffix == 'y4m':
        assert out.read_bytes().startswith(b'YUV4MPEG2 ')
    else:
        assert len(judge.streams(out, 'audio')) == 1


def test_raw_to_standard_output(program, tmp_path):
    """A video for another program's input, and nothing else there."""
    source = clips.path('frames_3')
    done = subprocess.run(program.command('restore', source, '-o', '-', '--encoder', 'raw', '--preset', 'clean',
        '--resolution', 'source', '--quality', 'fast'), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=program.env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    head, _, data = done.stdout.partition(b'\n')
    assert head.startswith(b'YUV4MPEG2 W352 H288'), head
    size = 352 * 288 * 3 // 2
    assert len(data) == 3 * (size + len(b'FRAME\n'))
    whole = judge.run('ffmpeg', '-v', 'error', '-i', source, '-f', 'rawvideo', '-')
    assert b''.join(data[i * (size + 6) + 6 : (i + 1) * (size + 6)] for i in range(3)) == whole
    assert not judge.listing(tmp_path)


def test_index_in_front(program, tmp_path):
    """mp4 for players that start before the end is there."""
    out = tmp_path / 'out.mp4'
    program.restore(clips.path('h264'), out, '--preset', 'clean', '--resolution', 'source', *FAST)
    data = out.read_bytes()
    assert 0 < data.find(b'moov') < data.find(b'mdat')


# A part of a file


@pytest.mark.parametrize(
    'name, part, frames',
    [
        ('steady', '1-2', 30),
        ('steady', '15f-25f', 10),
        ('h264_open_gop', '0.4-1.2', 20),
        ('steady_interlaced', '30f-45f', 30),
        ('steady', '50%-100%', 45),
    ],
)
def test_range(program, tmp_path, name, part, frames):
    out = tmp_path / 'out.mkv'
    result = program.restore(clips.path(name), out, '--preset', 'vhs', '--denoise', 'off', '--resolution', 'source',
        '--encoder', 'ffv1', '--range', part)
    assert abs(judge.decoded_count(out) - frames) <= 1, result
    assert judge.planned_frames(judge.report(out)) == judge.decoded_count(out)
    times = judge.picture_times(out)
    start, end, _ = judge.sound_span(out)
    # Whole packets of copied sound stand over the edges a little.
    assert abs(start - times[0]) < 0.06 and abs(end - (times[-1] + float(Fraction(1001, 30000)))) < 0.12, (
        start,
        end,
        times[0],
        times[-1],
    )


@pytest.mark.parametrize('part, first, count', [('15f-25f', 15, 10), ('0f-1f', 0, 1), ('89f-90f', 89, 1)])
def test_range_by_frames_is_exact(program, tmp_path, part, first, count):
    out = tmp_path / 'out.mkv'
    program.restore(clips.path('steady'), out, '--preset', 'clean', '--resolution', 'source', '--encoder', 'ffv1',
        '--range', part)
    assert judge.picture_sums(out) == judge.picture_sums(clips.path('steady'))[first : first + count]


# Sound and pictures together, judged by what is seen and heard


@pytest.mark.parametrize('name', ['flash_beep', 'flash_beep_late'])
@pytest.mark.parametrize('suffix', ['mp4', 'mkv'])
def test_flash_and_beep(program, tmp_path, name, suffix):
    out = tmp_path / f'out.{suffix}'
    program.restore(clips.path(name), out, '--preset', 'clean', '--resolution', '480', *FAST)
    light, times = judge.brightness(out), judge.picture_times(out)
    flashes = [t for v, t in zip(light, times) if v > 150]
    assert len(flashes) == 2
    data, start = judge.samples(out)
    for flash in flashes:
        near = range(max(0, int((flash - start - 0.1) * 48000)), int((flash - start + 0.1) * 48000))
        loud = next(i for i in near if abs(data[i]) > 3000)
        assert abs(start + loud / 48000 - flash) <= judge.SYNC, (flash, start + loud / 48000)


def test_sound_gap_is_filled(program, tmp_path):
    """Half a second without sound: what follows stays with its pictures."""
    out = tmp_path / 'out.mp4'
    program.restore(clips.path('sound_gap'), out, '--preset', 'clean', '--resolution', 'source', *FAST)
    start, end, seconds = judge.sound_span(out)
    assert judge.close(end - start, 3.0, 0.03)
    data, start = judge.samples(out)
    if judge.close(seconds, end - start, 0.03):  # filled: quiet in the gap, sound around it

        def loudness(a, b):
            part = data[int(a * 48000) : int(b * 48000)]
            return sum(abs(v) for v in part) / len(part)

        assert loudness(1.05, 1.45) < 40 < 200 < loudness(0.5, 0.95) and loudness(1.55, 2.0) > 200
    else:
        pytest.fail(f'{seconds:.3f} s of samples for {end - start:.3f} s: players would run ahead of the pictures')
