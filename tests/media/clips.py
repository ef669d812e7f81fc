"""The generated files that the end-to-end tests restore. Each is made once and cached by its recipe.

`python3 clips.py [NAME...]` makes them, compares each with what is said of it here, and prints where they are.
"""

import inspect
import sys
from fractions import Fraction

import handmade
from clip_files import CLIPS, Clip, cache_folder, ffmpeg, ffmpeg_before, ffmpeg_version, made, path  # noqa: F401

NTSC = Fraction(30000, 1001)
FILM = Fraction(24000, 1001)
PAL = Fraction(25)
STILL_TEXTURE = 'noise=alls=12:all_seed=5,avgblur=sizeX=2'


# Recipes


def scene(size, rate, pix='yuv420p', extra='', texture=STILL_TEXTURE):
    """A moving picture: texture and shapes that scroll, so that interlacing is visible everywhere."""
    even = size[0] % 2 == 0 and size[1] % 2 == 0
    parts = [f'testsrc2=size={size[0]}x{size[1]}:rate={rate}',
        f'format={pix}' if even and '420' in pix else 'format=yuv444p', texture,
        'scroll=horizontal=0.011:vertical=0.003', f'format={pix}', extra]
    return ','.join(p for p in parts if p)


def first(count, source):
    """Ends the source after so many pictures. (-frames:v would end the sound too.)"""
    return f'{source},trim=end_frame={count}'


def interlaced(size, rate, order, pix='yuv420p', texture=STILL_TEXTURE):
    """The scene at `rate` frames a second, each of two fields taken at different times."""
    mode = {'tff': 'interleave_top', 'bff': 'interleave_bottom'}[order]
    return scene(size, 2 * rate, pix, f'tinterlace=mode={mode},setfield={order}', texture)


def tone(seconds, rate=48000, layout='stereo', frequency=440):
    sine = f'sine=frequency={frequency}:beep_factor=4:sample_rate={rate}:duration={float(seconds):.6f}'
    return f'{sine},aformat=channel_layouts={layout}'


BITEXACT = ['-fflags', '+bitexact', '-flags:v', '+bitexact', '-flags:a', '+bitexact']


def clip(name, suffix, frames, size, rate, video, *, source=None, audio=None, sound=None, late=0, early_video=0,
         more=(), flags='', pix='yuv420p', scan='progressive', made_as=None, encoded=None, **facts):
    """Registers a clip that one run of ffmpeg makes. `video`: encoder options. `audio`: encoder options, with `sound`
    seconds of tone (None: as long as the pictures) that start `late` seconds. `made_as`: the scan type of the pictures
    if `source` isn't given. `encoded`: pictures that go into an encoder that keeps some."""
    made_as = made_as or scan
    if source is None:
        source = scene(size, rate, pix) if made_as == 'progressive' else interlaced(size, rate, made_as, pix)
    args = ['-f', 'lavfi']
    if early_video:
        args += ['-itsoffset', early_video]
    args += ['-i', first(encoded or frames, source)]
    if audio:
        args += ['-itsoffset', late, '-f', 'lavfi', '-i', tone(sound if sound is not None else frames / rate)]
    args += ['-map', '0:v', *video.split()]
    if flags or scan != 'progressive':
        args += ['-flags:v', '+bitexact' + flags]
    else:
        args += ['-flags:v', '+bitexact']
    args += ['-threads:v', 1, '-pix_fmt', pix] if '-pix_fmt' not in video else ['-threads:v', 1]
    if audio:
        args += ['-map', '1:a', *audio.split(), '-flags:a', '+bitexact']
    args += ['-fflags', '+bitexact', *more]
    args = [str(a) for a in args]
    CLIPS[name] = Clip(name, suffix, lambda out: ffmpeg(*args, out), lambda: repr(args), frames, size,
        facts.pop('rate_is', rate), scan, audio=bool(audio), **facts)


def shared_text():
    """What the makers of clips by hand call: a change there makes these clips anew."""
    shared = (scene, interlaced, first, tone, remux, raw_interlaced, by_number, paff_ts, soft_telecine, ts_piece,
        flash_and_beep, handmade)
    return ''.join(inspect.getsource(f) for f in shared)


def handmade_clip(name, suffix, frames, size, rate, scan='progressive', **facts):
    """Registers a clip that the decorated function makes."""

    def register(make):
        CLIPS[name] = Clip(name, suffix, make, lambda: name + inspect.getsource(make) + shared_text(), frames, size,
            rate, scan, **facts)
        return make

    return register


X264 = '-c:v libx264 -preset veryfast -crf 20 -g 12 -bf 2'
PCM = '-c:a pcm_s16le'
AAC = '-c:a aac -b:a 96k'
CIF = (352, 288)
SIF = (352, 240)
WIDE = Fraction(16, 9)
TV = Fraction(4, 3)
ALPHA = "geq=lum='lum(X,Y)':cb='cb(X,Y)':cr='cr(X,Y)':a='mod(X+Y*2+N*8,256)'"

# Interlaced tape and broadcast
clip('dv_ntsc', 'avi', 16, (720, 480), NTSC, '-c:v dvvideo -aspect 4:3', audio=PCM, pix='yuv411p', scan='bff', dar=TV,
    tags=('dv',))
clip('dv_ntsc_wide', 'avi', 12, (720, 480), NTSC, '-c:v dvvideo -aspect 16:9', audio=PCM, pix='yuv411p', scan='bff',
    dar=WIDE, tags=('dv',))
clip('dv_pal', 'avi', 16, (720, 576), PAL, '-c:v dvvideo -aspect 4:3', audio=PCM, scan='bff', dar=TV, tags=('dv',))
clip('dv_raw', 'dv', 12, (720, 576), PAL, '-c:v dvvideo -aspect 4:3', scan='bff', dar=TV, tags=('dv',))
MPEG2 = '-c:v mpeg2video -q:v 3 -g 12 -bf 2'
clip('mpeg2_480i_tff', 'mpg', 24, (720, 480), NTSC, MPEG2 + ' -top 1 -aspect 16:9', audio='-c:a ac3 -b:a 192k',
    flags='+ildct+ilme', scan='tff', dar=WIDE, more=['-f', 'dvd'])
clip('mpeg2_480i_bff', 'mpg', 24, (352, 480), NTSC, MPEG2 + ' -top 0 -aspect 4:3', audio='-c:a ac3 -b:a 192k',
    flags='+ildct+ilme', scan='bff', dar=TV, more=['-f', 'dvd'])
clip('mpeg2_576i', 'ts', 24, (352, 576), PAL, MPEG2 + ' -top 1 -aspect 4:3', audio='-c:a mp2 -b:a 128k',
    flags='+ildct+ilme', scan='tff', dar=TV)
clip('h264_1080i', 'ts', 12, (1920, 1080), PAL, X264 + ' -x264-params tff=1', audio='-c:a ac3 -b:a 192k',
    flags='+ildct+ilme', scan='tff')
clip('h264_mbaff', 'mp4', 30, CIF, NTSC, X264 + ' -x264-params tff=1', audio=AAC, flags='+ildct+ilme', scan='tff')
clip('h264_mbaff_bff', 'mkv', 30, CIF, NTSC, X264 + ' -x264-params bff=1', audio=AAC, flags='+ildct+ilme', scan='bff')
clip('ffv1_480i_bff', 'mkv', 24, SIF, NTSC, '-c:v ffv1 -field_order bb -g 1', audio='-c:a flac', scan='bff')
clip('ffv1_576i_tff', 'mkv', 24, CIF, PAL, '-c:v ffv1 -field_order tt', scan='tff')
clip('prores_interlaced', 'mov', 16, (720, 576), PAL, '-c:v prores_ks -profile:v 3 -aspect 4:3', pix='yuv422p10le',
    flags='+ildct', audio=PCM, scan='tff', dar=TV)
clip('v210', 'mov', 10, (720, 486), NTSC, '-c:v v210 -field_order bt', pix='yuv422p10le', audio=PCM, scan='bff')
clip('uyvy', 'mov', 8, (720, 576), PAL, '-c:v rawvideo -tag:v 2vuy -aspect 16:9', pix='uyvy422', audio=PCM, dar=WIDE,
    exact_format='yuv422p')
clip('mjpeg_interlaced', 'avi', 20, CIF, PAL, '-c:v mjpeg -q:v 2 -pix_fmt yuvj422p', pix='yuvj422p', audio=PCM,
    scan='tff')
# What the stream says of its scan type is wrong
clip('progressive_flagged_interlaced', 'mp4', 30, CIF, PAL, X264 + ' -x264-params tff=1', flags='+ildct+ilme',
    source=scene(CIF, PAL, extra='setfield=tff'))
clip('progressive_flagged_interlaced_mpeg2', 'mpg', 24, CIF, PAL, MPEG2 + ' -top 1', flags='+ildct+ilme')
clip('interlaced_flagged_progressive', 'mkv', 30, CIF, PAL, '-c:v ffv1', scan='tff', source=interlaced(CIF, PAL,
    'tff').replace('setfield=tff', 'setfield=prog'))
clip('interlaced_flagged_progressive_h264', 'mp4', 30, CIF, NTSC, X264.replace('20', '14', 1), scan='bff',
    source=interlaced(CIF, NTSC, 'bff').replace('setfield=bff', 'setfield=prog'))
clip('interlaced_flagged_wrong_order', 'mkv', 24, CIF, PAL, '-c:v ffv1 -field_order tt', scan='bff',
    source=interlaced(CIF, PAL, 'bff').replace('setfield=bff', 'setfield=tff'))
# Progressive, by codec and container
clip('h264', 'mp4', 30, CIF, PAL, X264, audio=AAC)
clip('h264_mkv', 'mkv', 30, CIF, NTSC, X264, audio='-c:a libmp3lame -b:a 96k')
clip('h264_open_gop', 'mkv', 40, CIF, PAL, X264 + ' -x264-params open-gop=1:keyint=10:scenecut=0:bframes=3', audio=AAC)
clip('h264_open_gop_mp4', 'mp4', 40, CIF, PAL, X264 + ' -x264-params open-gop=1:keyint=10:scenecut=0:bframes=3')
clip('h264_pyramid', 'mp4', 36, CIF, FILM, X264 + ' -x264-params bframes=7:b-pyramid=normal:b-adapt=0:keyint=36',
    audio=AAC)
clip('h264_intra_refresh', 'mkv', 40, CIF, PAL,
    '-c:v libx264 -preset veryfast -x264-params intra-refresh=1:keyint=12:bframes=0')
X265 = '-c:v libx265 -preset ultrafast -crf 22 -x265-params log-level=error:pools=none:frame-threads=1:info=0:'
X265 += 'keyint=12:bframes=3'
clip('hevc', 'mp4', 30, CIF, PAL, X265 + ':open-gop=0 -tag:v hvc1', audio=AAC)
clip('hevc_open_gop', 'mkv', 36, CIF, PAL, X265 + ':open-gop=1:scenecut=0', audio='-c:a ac3 -b:a 128k')
clip('hevc_10bit', 'mkv', 24, CIF, PAL, X265 + ':open-gop=1', pix='yuv420p10le')
clip('mpeg2_open_gop', 'ts', 36, CIF, PAL, MPEG2, audio='-c:a mp2 -b:a 128k')
clip('mpeg1', 'mpg', 24, CIF, PAL, '-c:v mpeg1video -q:v 3 -g 12 -bf 2', audio='-c:a mp2 -b:a 128k')
clip('mjpeg', 'avi', 24, CIF, PAL, '-c:v mjpeg -q:v 3 -pix_fmt yuvj420p', pix='yuvj420p', audio=PCM)
clip('ffv1', 'mkv', 24, CIF, FILM, '-c:v ffv1', audio='-c:a flac')
clip('prores', 'mov', 12, CIF, PAL, '-c:v prores_ks -profile:v 2', pix='yuv422p10le', audio=PCM)
clip('vp9', 'webm', 24, CIF, PAL, '-c:v libvpx-vp9 -b:v 400k -deadline realtime -cpu-used 8 -g 12',
    audio='-c:a libopus -b:a 64k')
clip('vp9_altref', 'webm', 40, SIF, PAL,
    '-c:v libvpx-vp9 -b:v 300k -cpu-used 5 -g 20 -auto-alt-ref 1 -lag-in-frames 16')
clip('av1', 'webm', 24, CIF, PAL, '-c:v libsvtav1 -preset 12 -crf 35 -g 12', audio='-c:a libopus -b:a 64k')
clip('wmv', 'wmv', 24, CIF, PAL, '-c:v wmv2 -b:v 600k -g 12', audio='-c:a wmav2 -b:a 96k')
clip('flv', 'flv', 24, CIF, PAL, '-c:v flv -b:v 600k -g 12', audio='-c:a libmp3lame -ar 44100 -b:a 96k', dar=TV)
clip('mpeg4_bframes', 'avi', 30, CIF, PAL, '-c:v mpeg4 -q:v 3 -bf 2 -g 12 -tag:v DIVX',
    audio='-c:a libmp3lame -b:a 96k')
# Xvid writes packed B-frames itself; the two empty chunks ahead of them come from its delay and are left out. It keeps
# the last two pictures.
clip('mpeg4_packed', 'avi', 24, CIF, PAL, '-c:v libxvid -q:v 3 -bf 2 -g 12', more=['-bsf:v', 'setts=ts=N'], encoded=26)
clip('huffyuv', 'avi', 12, CIF, PAL, '-c:v huffyuv', pix='yuv422p', audio=PCM)
clip('theora', 'ogv', 24, SIF, PAL, '-c:v libtheora -q:v 7 -g 12', audio='-c:a libvorbis -b:a 96k')
# Times
VFR = "select='not(eq(mod(n\\,7)\\,3)+eq(mod(n\\,11)\\,5))',setpts='PTS+0.004*mod(N*7\\,5)/TB'"
clip('vfr_mkv', 'mkv', 30, CIF, PAL, X264 + ' -vsync passthrough -enc_time_base 1:1000', source=scene(CIF, PAL,
    extra='settb=1/1000,' + VFR), audio=AAC, sound=1.6, rate_is=None)
clip('vfr_mp4', 'mp4', 30, CIF, PAL, X264 + ' -vsync passthrough -enc_time_base 1:90000 -video_track_timescale 90000',
    source=scene(CIF, PAL, extra='settb=1/90000,' + VFR), audio=AAC, sound=1.6, rate_is=None)
clip('vfr_long_pause', 'mkv', 24, SIF, PAL, '-c:v ffv1 -vsync passthrough -enc_time_base 1:1000', source=scene(SIF, PAL,
    extra="settb=1/1000,setpts='PTS+gte(N\\,12)*2/TB'"), audio=AAC, sound=2.96, rate_is=None)
clip('start_not_zero', 'mkv', 24, CIF, PAL, X264, audio=AAC, more=['-output_ts_offset', 10])
clip('start_not_zero_mp4', 'mp4', 24, CIF, PAL, X264, audio=AAC, more=['-output_ts_offset', 3.2])
clip('start_late_ts', 'ts', 24, CIF, PAL, X264, audio='-c:a mp2 -b:a 128k', more=['-output_ts_offset', 26000])
# Sound
clip('sound_longer', 'mp4', 24, CIF, PAL, X264, audio=AAC, sound=2.5)
clip('sound_shorter', 'mkv', 36, CIF, PAL, X264, audio='-c:a ac3 -b:a 128k', sound=0.6)
clip('sound_late', 'mkv', 30, CIF, PAL, X264, audio='-c:a flac', late=0.45, sound=0.75)
clip('sound_late_mp4', 'mp4', 30, CIF, PAL, X264, audio=AAC, late=0.45, sound=0.75)
clip('video_late', 'mkv', 24, CIF, PAL, X264, audio='-c:a flac', early_video=0.3, sound=1.4)
clip('sound_pcm_avi', 'avi', 24, CIF, NTSC, '-c:v mjpeg -q:v 3 -pix_fmt yuvj420p', pix='yuvj420p',
    audio='-c:a pcm_u8 -ar 22050 -ac 1')
# Shapes
clip('anamorphic_wide', 'mp4', 24, (720, 576), PAL, X264 + ' -aspect 16:9', dar=WIDE)
clip('anamorphic_narrow', 'mkv', 24, (720, 480), NTSC, '-c:v ffv1 -aspect 4:3', dar=TV)
clip('odd_size', 'mkv', 20, (175, 143), PAL, '-c:v ffv1')
clip('odd_size_h264', 'mp4', 20, (175, 143), PAL, X264, pix='yuv444p')
clip('tiny', 'mkv', 12, (16, 16), PAL, '-c:v ffv1')
clip('tall', 'mp4', 12, (96, 400), PAL, X264)
# Pixels
clip('yuv411', 'mkv', 12, SIF, NTSC, '-c:v ffv1', pix='yuv411p')
clip('yuv422', 'mkv', 12, SIF, PAL, '-c:v ffv1', pix='yuv422p')
clip('yuv444', 'mp4', 12, SIF, PAL, X264, pix='yuv444p')
clip('yuv440', 'avi', 12, SIF, PAL, '-c:v mjpeg -q:v 3 -pix_fmt yuvj422p', pix='yuvj422p')
clip('yuv410', 'mkv', 12, SIF, PAL, '-c:v ffv1', pix='yuv410p')
clip('gray', 'mkv', 12, SIF, PAL, '-c:v ffv1', pix='gray')
clip('gray10', 'mkv', 12, SIF, PAL, '-c:v ffv1', pix='gray10le')
clip('h264_10bit', 'mkv', 20, SIF, PAL, X264, pix='yuv420p10le')
clip('yuv422_16bit', 'mkv', 8, SIF, PAL, '-c:v ffv1 -level 3', pix='yuv422p16le')
clip('alpha_prores', 'mov', 8, SIF, PAL, '-c:v prores_ks -profile:v 4444 -alpha_bits 16 -pix_fmt yuva444p10le',
    pix='yuva444p10le', source=scene(SIF, PAL, 'yuva444p', ALPHA), codes=(0, 3), exact_format='yuv444p16le',
    tags=('alpha',))  # FFV1 has 4:4:4 with alpha in 16 bit: colours are compared, alpha is spread over the full range
clip('alpha_ffv1', 'mkv', 8, SIF, PAL, '-c:v ffv1', pix='yuva420p', source=scene(SIF, PAL, 'yuva420p', ALPHA), codes=(0,
    3), tags=('alpha',))
clip('rgb24', 'avi', 8, SIF, PAL, '-c:v rawvideo', pix='bgr24', exact_format='gbrp')
clip('rgb_qtrle', 'mov', 8, SIF, PAL, '-c:v qtrle', pix='rgb24', exact_format='gbrp')
clip('pal8', 'avi', 8, SIF, PAL, '-c:v rawvideo', pix='pal8', exact_format='bgra', codes=(0, 3), source=scene(SIF, PAL,
    'rgb24', 'split[a][b];[a]palettegen=stats_mode=single:reserve_transparent=0[p];[b][p]paletteuse=new=1'))
# Short
for count in (1, 2, 3):
    clip(f'frames_{count}', 'mp4', count, CIF, PAL, X264)
    clip(f'frames_{count}_mkv', 'mkv', count, SIF, PAL, '-c:v ffv1', audio='-c:a flac')
    clip(f'frames_{count}_dv', 'avi', count, (720, 480), NTSC, '-c:v dvvideo -aspect 4:3', pix='yuv411p', scan='bff',
        dar=TV, audio=PCM, tags=('dv',))


def remux(source, out, *args, inputs=()):
    ffmpeg(*inputs, '-i', source, '-map', '0', '-c', 'copy', *BITEXACT[:2], *args, out)


def turned(degrees):
    """Options before the input and before the output that have pictures shown turned clockwise."""
    if ffmpeg_before(6):
        return [], ['-metadata:s:v:0', f'rotate={degrees}']
    return ['-display_rotation:v:0', -degrees], []


def rotated(degrees):
    name = f'rotated_{degrees}'

    @handmade_clip(name, 'mp4', 16, (320, 240), PAL, rotate=degrees, audio=True)
    def make(out, degrees=degrees):
        base = out.with_name('base.mp4')
        ffmpeg('-f', 'lavfi', '-i', first(16, scene((320, 240), PAL)), '-f', 'lavfi', '-i', tone(16 / 25),
            *X264.split(), *AAC.split(), '-threads:v', 1, *BITEXACT, base)
        before, after = turned(degrees)
        remux(base, out, *after, inputs=before)


for turn in (90, 180, 270):
    rotated(turn)


def raw_interlaced(size, rate, frames, order='tff'):
    data = ffmpeg('-f', 'lavfi', '-i', interlaced(size, rate, order), '-frames:v', frames, '-f', 'rawvideo', '-')
    each = size[0] * size[1] * 3 // 2
    return [data[i * each : (i + 1) * each] for i in range(frames)]


def by_number(values):
    """A setts expression that gives packet N the N-th value."""
    return '+'.join(f'eq(N\\,{i})*{int(v)}' for i, v in enumerate(values)) or '0'


PAFF = (192, 160)


def paff_ts(out, **kind):
    """Fields as packets of their own, as broadcasts have them."""
    units = handmade.h264_paff(raw_interlaced(PAFF, NTSC, 24, 'tff' if kind.get('top_first', True) else 'bff'), *PAFF,
        **kind)
    es = out.with_name('paff.h264')
    es.write_bytes(b''.join(p for _, parts in units for p in parts))
    pts, dts = [], []
    for n, (display, parts) in enumerate(units):
        for i in range(len(parts)):
            pts.append((display + 2) * 3003 + i * 3003 // 2)
            dts.append(n * 3003 + i * 3003 // 2)
    sound = tone(24 / NTSC)
    ffmpeg('-i', es, '-f', 'lavfi', '-i', sound, '-map', '0:v', '-map', '1:a', '-c:v', 'copy', '-c:a', 'mp2', '-b:a',
        '128k', '-bsf:v', f'setts=time_base=1/90000:pts={by_number(pts)}:dts={by_number(dts)}:duration=0', *BITEXACT,
        out)


@handmade_clip('h264_paff', 'ts', 24, PAFF, NTSC, 'tff', audio=True)
def make_paff(out):
    paff_ts(out)


@handmade_clip('h264_paff_mixed', 'ts', 24, PAFF, NTSC, 'tff', audio=True)
def make_paff_mixed(out):
    paff_ts(out, mixed=True)


@handmade_clip('h264_paff_bff', 'ts', 24, PAFF, NTSC, 'bff', audio=True)
def make_paff_bff(out):
    paff_ts(out, top_first=False)


@handmade_clip('h264_paff_mkv', 'mkv', 24, PAFF, NTSC, 'tff')
def make_paff_mkv(out):
    units = handmade.h264_paff(raw_interlaced(PAFF, NTSC, 24), *PAFF)
    out.write_bytes(handmade.matroska_h264(units, *PAFF, 1001 / 30))


@handmade_clip('mpeg2_field_pictures', 'ts', 24, (352, 288), NTSC, 'tff', dar=TV)
def make_field_pictures(out):
    es = out.with_name('fields.m2v')
    es.write_bytes(handmade.mpeg2_field_pictures(raw_interlaced((352, 288), NTSC, 24), 352, 288))
    ffmpeg('-i', es, '-c', 'copy', '-bsf:v', 'setts=time_base=1/90000:ts=N*3003:duration=3003', *BITEXACT, out)


def soft_telecine(out, fmt):
    """24 pictures a second with 3:2 repeat flags; each is shown for three or two fields."""
    film = out.with_name('film.m2v')
    ffmpeg('-f', 'lavfi', '-i', scene((352, 480), FILM), '-frames:v', 32, *MPEG2.split(), '-aspect', '4:3', '-threads',
        1, *BITEXACT, film)
    es, fields, display = handmade.soft_telecine(film.read_bytes())
    film.write_bytes(es)
    begin = [sum(fields[:i]) for i in range(len(fields))]
    pts = [begin[d] * 3003 // 2 + 9009 for d in display]
    coded = [fields[d] for d in display]  # a picture lasts as long as the one it is decoded with
    dts = [min(p, sum(coded[:i]) * 3003 // 2) for i, p in enumerate(pts)]
    ffmpeg('-i', film, '-f', 'lavfi', '-i', tone(32 / FILM), '-map', '0:v', '-map', '1:a', '-c:v', 'copy', '-c:a',
        'ac3', '-b:a', '192k', '-bsf:v',
        f'setts=time_base=1/90000:pts={by_number(pts)}:dts={by_number(dts)}:duration=0', '-f', fmt, *BITEXACT, out)


@handmade_clip('soft_telecine', 'mpg', 32, (352, 480), None, dar=TV, audio=True)
def make_soft_telecine(out):
    soft_telecine(out, 'dvd')


@handmade_clip('soft_telecine_ts', 'ts', 32, (352, 480), None, dar=TV, audio=True)
def make_soft_telecine_ts(out):
    soft_telecine(out, 'mpegts')


@handmade_clip('captions', 'mpg', 24, (352, 288), PAL, dar=TV, tags=('captions',))
def make_captions(out):
    es = out.with_name('plain.m2v')
    ffmpeg('-f', 'lavfi', '-i', scene(CIF, PAL), '-frames:v', 24, *MPEG2.replace('-bf 2', '-bf 0').split(), '-aspect',
        '4:3', '-threads', 1, *BITEXACT, es)
    es.write_bytes(handmade.captioned(es.read_bytes()))
    ffmpeg('-i', es, '-c', 'copy', '-bsf:v', 'setts=time_base=1/90000:ts=N*3600:duration=3600', '-f', 'vob', *BITEXACT,
        out)


def ts_piece(out, frames, offset, codec, size=CIF):
    ffmpeg('-f', 'lavfi', '-i', first(frames, scene(size, PAL)), '-f', 'lavfi', '-i', tone(frames / 25), *codec.split(),
        '-c:a', 'mp2', '-b:a', '128k', '-threads:v', 1, '-output_ts_offset', offset, *BITEXACT, out)
    return out.read_bytes()


@handmade_clip('gap_ts', 'ts', 36, CIF, None, audio=True, tags=('gap',))
def make_gap(out):
    """Reception fails for 1.5 seconds: two parts of one broadcast, times jump forwards."""
    first = ts_piece(out.with_name('a.ts'), 20, 0, MPEG2)
    second = ts_piece(out.with_name('b.ts'), 16, 20 / 25 + 1.5, MPEG2)
    out.write_bytes(first + second)


@handmade_clip('gap_h264_ts', 'ts', 36, CIF, None, audio=True, tags=('gap',))
def make_gap_h264(out):
    first = ts_piece(out.with_name('a.ts'), 20, 0, X264)
    second = ts_piece(out.with_name('b.ts'), 16, 20 / 25 + 1.5, X264)
    out.write_bytes(first + second)


@handmade_clip('mid_gop', 'ts', 24, CIF, PAL, audio=True, codes=(0, 3), tags=('mid_gop',))
def make_mid_gop(out):
    """A recording that starts in the middle of a group of pictures: the first ones can't be decoded and are no frames.
    I pictures are 12 apart, so what is left are the last 24 of 36."""
    data = ts_piece(out.with_name('whole.ts'), 36, 0, MPEG2)
    packets = [data[i : i + 188] for i in range(0, len(data), 188)]
    keys = [i for i,
        p in enumerate(packets) if p[3] & 0x20 and p[4] and p[5] & 0x40 and (p[1] & 31) << 8 | p[2] == 0x100]
    cut = keys[0] + (keys[1] - keys[0]) // 3
    out.write_bytes(b''.join(packets[:3] + packets[cut:]))


@handmade_clip('mid_gop_h264', 'ts', 24, CIF, PAL, audio=True, codes=(0, 3), tags=('mid_gop',))
def make_mid_gop_h264(out):
    """The same with an IDR picture every 12."""
    data = ts_piece(out.with_name('whole.ts'), 36, 0, X264 + ' -x264-params scenecut=0')
    packets = [data[i : i + 188] for i in range(0, len(data), 188)]
    keys = [i for i,
        p in enumerate(packets) if p[3] & 0x20 and p[4] and p[5] & 0x40 and (p[1] & 31) << 8 | p[2] == 0x100]
    cut = keys[0] + (keys[1] - keys[0]) // 3
    out.write_bytes(b''.join(packets[:3] + packets[cut:]))


MATRIX = list(CLIPS)

# Not part of the matrix: files for single tests.
PLAIN = scene(SIF, NTSC, texture='')
clip('steady', 'mp4', 90, SIF, NTSC, X264 + ' -g 30', audio=AAC)
clip('steady_interlaced', 'mkv', 90, SIF, NTSC, '-c:v ffv1 -field_order bb -g 1', audio='-c:a flac', scan='bff')
clip(
    'quality',
    'mkv',
    24,
    SIF,
    NTSC,
    '-c:v ffv1',
    source='mandelbrot=size=352x240:rate=30000/1001:maxiter=400,format=yuv420p,avgblur=1,'
    'scroll=horizontal=0.011:vertical=0.003',
)
clip('quality_shapes', 'mp4', 24, SIF, NTSC, '-c:v libx264 -crf 4 -preset veryfast', source=PLAIN)
clip('quality_interlaced', 'mkv', 24, (720, 480), NTSC, '-c:v ffv1 -field_order tt -aspect 4:3', source=interlaced((720,
    480), NTSC, 'tff', texture='avgblur=1'), scan='tff', dar=TV)
clip('quality_full_range', 'avi', 24, SIF, NTSC, '-c:v mjpeg -q:v 2 -pix_fmt yuvj420p', pix='yuvj420p', source=PLAIN)
clip('checked', 'mkv', 24, SIF, PAL, '-c:v ffv1 -level 3 -slices 4 -slicecrc 1')
clip('sound_only', 'm4a', 0, (0, 0), PAL, '', source='nullsrc')
CLIPS['sound_only'].make = lambda out: ffmpeg('-f', 'lavfi', '-i', tone(1), '-c:a', 'aac', *BITEXACT, out)
clip('one_pixel', 'mkv', 4, (1, 1), PAL, '-c:v ffv1', pix='gray',
    source='testsrc2=size=16x16:rate=25,scale=1:1,format=gray')
clip('very_wide', 'mkv', 2, (16384, 64), PAL, '-c:v ffv1', source='testsrc2=size=16384x64:rate=25,format=yuv420p')


@handmade_clip('long_run', 'mp4', 900, SIF, NTSC, audio=True)
def make_long_run(out):
    base = path('steady')
    ffmpeg('-stream_loop', 9, '-i', base, '-map', '0', '-c', 'copy', *BITEXACT[:2], out)


def flash_and_beep(out, late):
    """A white frame and a short beep together at frame 20 and at frame 110. The sound track starts `late` seconds after
    the pictures."""
    light = 'if(eq(N\\,20)+eq(N\\,110)\\,235\\,16+mod(X+N\\,32))'
    video = f"color=c=gray:size=160x120:rate=25,format=yuv420p,geq=lum='{light}':cb=128:cr=128"
    beeps = '+'.join(f'between(t,{t - late},{t - late + 0.01})' for t in (0.8, 4.4))
    audio = f"aevalsrc='if({beeps},0.8*sin(2*PI*1000*t),0)':s=48000:d={5 - late},aformat=channel_layouts=stereo"
    ffmpeg('-f', 'lavfi', '-i', first(125, video), '-itsoffset', late, '-f', 'lavfi', '-i', audio, *X264.split(),
        '-threads:v', 1, '-c:a', 'pcm_s16le', *BITEXACT, out)


@handmade_clip('flash_beep', 'mkv', 125, (160, 120), PAL, audio=True)
def make_flash_beep(out):
    flash_and_beep(out, 0)


@handmade_clip('flash_beep_late', 'mkv', 125, (160, 120), PAL, audio=True)
def make_flash_beep_late(out):
    flash_and_beep(out, 0.6)


SUBTITLES = '1\n00:00:00,200 --> 00:00:00,900\nFirst line\n\n2\n00:00:01,100 --> 00:00:01,800\nSecond line\n'
SUBTITLES_DE = SUBTITLES.replace('First line', 'Erste Zeile').replace('Second line', 'Zweite Zeile')
ASS = (
    '[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour\nStyle: Default,Sans,20,&H00FFFFFF\n\n'
    '[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n'
    'Dialogue: 0,0:00:00.30,0:00:01.20,Default,,0,0,0,,{\\b1}Styled{\\b0} line\n'
)
CHAPTERS = (
    ';FFMETADATA1\ntitle=Summer 1994\nartist=Family\ncomment=Tape 12\ndate=1994\n'
    '[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=800\ntitle=Beach\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=800\nEND=2000\ntitle=Birthday\n'
)


@handmade_clip('everything', 'mkv', 50, CIF, PAL, audio=True)
def make_everything(out):
    """Two sound tracks, three subtitles, chapters, an attachment, metadata, languages, dispositions."""
    files = {'en.srt': SUBTITLES, 'de.srt': SUBTITLES_DE, 'fx.ass': ASS, 'meta.txt': CHAPTERS,
        'note.ttf': 'not really a font\n' * 20}
    for name, text in files.items():
        out.with_name(name).write_text(text)
    at = out.with_name
    ffmpeg('-f', 'lavfi', '-i', first(50, scene(CIF, PAL)), '-f', 'lavfi', '-i', tone(2), '-f', 'lavfi', '-i', tone(2,
        layout='5.1', frequency=880), '-i', at('en.srt'), '-i', at('de.srt'), '-i', at('fx.ass'), '-i', at('meta.txt'),
        '-map', '0:v', '-map', '1:a', '-map', '2:a', '-map', '3:s', '-map', '4:s', '-map', '5:s', '-map_metadata', 6,
        '-map_chapters', 6, *X264.split(), '-threads:v', 1, '-c:a:0', 'aac', '-c:a:1', 'ac3', '-c:s:0', 'srt', '-c:s:1',
        'srt', '-c:s:2', 'ass', '-metadata:s:a:0', 'language=eng', '-metadata:s:a:0', 'title=Camera', '-metadata:s:a:1',
        'language=deu', '-metadata:s:a:1', 'title=Commentary', '-metadata:s:s:0', 'language=eng', '-metadata:s:s:1',
        'language=deu', '-metadata:s:s:2', 'language=eng', '-metadata:s:s:2', 'title=Signs', '-disposition:a:0',
        'default', '-disposition:a:1', 'comment', '-disposition:s:0', '0', '-disposition:s:1', 'forced',
        '-disposition:s:2', '0', '-metadata:s:v:0', 'language=eng', '-attach', at('note.ttf'), '-metadata:s:t:0',
        'mimetype=application/x-truetype-font', '-metadata:s:t:0', 'filename=note.ttf', *BITEXACT, out)


@handmade_clip('timecode', 'mov', 24, CIF, PAL, audio=True)
def make_timecode(out):
    ffmpeg('-f', 'lavfi', '-i', first(24, scene(CIF, PAL, 'yuv422p10le')), '-f', 'lavfi', '-i', tone(24 / 25), '-c:v',
        'prores_ks', '-profile:v', 0, '-c:a', 'pcm_s16le', '-timecode', '01:00:10:05', '-threads:v', 1, *BITEXACT, out)


@handmade_clip('cover', 'mp4', 24, CIF, PAL, audio=True)
def make_cover(out):
    """An attached picture must not be taken for the video."""
    picture = out.with_name('cover.png')
    ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=600x600', '-frames:v', 1, picture)
    ffmpeg('-f', 'lavfi', '-i', first(24, scene(CIF, PAL)), '-f', 'lavfi', '-i', tone(24 / 25), '-i', picture, '-map',
        '2', '-map', '0', '-map', '1', '-c:v:0', 'copy', '-c:v:1', 'libx264', '-preset', 'veryfast', '-threads:v:1', 1,
        '-c:a', 'aac', '-disposition:v:0', 'attached_pic', *BITEXACT, out)


@handmade_clip('sound_gap', 'mkv', 75, SIF, PAL, audio=True)
def make_sound_gap(out):
    """The sound stops from 1.0 to 1.5 seconds: no packets there."""
    ffmpeg('-f', 'lavfi', '-i', first(75, scene(SIF, PAL)), '-f', 'lavfi', '-i',
        tone(3) + ",aselect='not(between(t,1.0,1.5))'", *X264.split(), '-threads:v', 1, '-c:a', 'pcm_s16le', *BITEXACT,
        out)


def main(names):
    import judge

    bad = 0
    for name in names or CLIPS:
        one = CLIPS[name]
        where = path(name)
        said = ''
        if one.frames:
            video = judge.video_stream(where)
            pictures = judge.decoded_count(where)
            if pictures != one.frames:
                said += f' FRAMES {pictures} not {one.frames}'
            if (video['width'], video['height']) != one.size:
                said += f' SIZE {video["width"]}x{video["height"]}'
            if one.dar and abs(judge.display_aspect(video) / float(one.dar) - 1) > 0.01:
                said += f' DAR {judge.display_aspect(video)}'
        bad += bool(said)
        print(f'{where} {where.stat().st_size}{said}')
    return bad


if __name__ == '__main__':
    sys.exit(1 if main(sys.argv[1:]) else 0)
