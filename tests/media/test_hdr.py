"""HDR output: its light by its own tags against the source's, its codes, tags and static metadata, in every container."""

import json
import struct
import subprocess

import pytest

import clips
import judge

WIDTH, HEIGHT, FRAMES, TILE = 256, 192, 40, 64
BLACK, WHITE, GRAY, BEYOND = (16, 128, 128), (235, 128, 128), (126, 128, 128), (254, 128, 128)
# Each with place to be told apart: grays, saturated and soft colours, and what is whiter than white.
PATCHES = [BLACK, WHITE, GRAY, BEYOND, (81, 90, 240), (145, 54, 34), (41, 240, 110), (170, 166, 16), (60, 128, 128), (106, 202, 222),
    (180, 110, 150), (24, 130, 126)]
PLAIN = ['--preset', 'clean', '--resolution', 'source', '--progress', 'none']


SD = ('smpte170m', 'smpte170m', 'smpte170m')
HD = ('bt709', 'bt709', 'bt709')


def make(path, tags):
    """A file of flat patches."""
    across = WIDTH // TILE
    planes = [b''.join(bytes([p[k]]) * side for p in PATCHES[at : at + across]) * side for k, side in enumerate((TILE, TILE // 2, TILE // 2))
        for at in range(0, len(PATCHES), across)]
    primaries, transfer, matrix = tags
    # From ffmpeg 7 on the encoder's options yield to what the pictures say.
    tagged = f'setparams=color_primaries={primaries}:color_trc={transfer}:colorspace={matrix}:range=tv'
    subprocess.run(['ffmpeg', '-v', 'error', '-y', '-f', 'rawvideo', '-s', f'{WIDTH}x{HEIGHT}', '-pix_fmt', 'yuv420p', '-r', '25', '-i', '-',
        '-vf', tagged, '-c:v', 'ffv1', '-color_primaries', primaries, '-color_trc', transfer, '-colorspace', matrix, '-color_range', 'tv', path],
        input=b''.join(planes) * FRAMES, check=True)
    return path


@pytest.fixture(scope='module')
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp('hdr')
    return {'sd': make(folder / 'sd.mkv', SD), 'hd': make(folder / 'hd.mkv', HD)}


def centres(data, bytes_each, kind):
    """The samples in the middle of each patch: [patch][plane]."""
    found = []
    for n in range(len(PATCHES)):
        x, y = n % (WIDTH // TILE) * TILE + TILE // 2, n // (WIDTH // TILE) * TILE + TILE // 2
        places = [plane * WIDTH * HEIGHT + y * WIDTH + x for plane in range(3)]
        found.append([struct.unpack_from(kind, data, place * bytes_each)[0] for place in places])
    return found


def codes(path):
    """10 bit codes in the middle of each patch, Y Cb Cr."""
    data = judge.run('ffmpeg', '-v', 'error', '-nostdin', '-i', path, '-frames:v', '1', '-vf', 'scale=flags=neighbor,format=yuv444p10le',
        '-f', 'rawvideo', '-')
    return centres(data, 2, '<H')


def light(path):
    """Linear light of each patch as zimg reads the file's own tags: R, G, B of BT.2020, 1 is 203 cd/m2."""
    data = judge.run('ffmpeg', '-v', 'error', '-nostdin', '-i', path, '-frames:v', '1', '-vf',
        'zscale=p=bt2020:t=linear:m=gbr:r=full:npl=203:agamma=0,format=gbrpf32le', '-f', 'rawvideo', '-')
    return [(r, g, b) for g, b, r in centres(data, 4, '<f')]


def luminance(rgb):
    return 0.2627 * rgb[0] + 0.6780 * rgb[1] + 0.0593 * rgb[2]


def video_facts(path):
    """The video stream as ffprobe sees it, and its side data by name."""
    out = judge.run('ffprobe', '-v', 'error', '-select_streams', 'v', '-show_streams', '-of', 'json', path)
    stream = json.loads(out)['streams'][0]
    return stream, {d['side_data_type']: d for d in stream.get('side_data_list', [])}


def number(text):
    a, _, b = text.partition('/')
    return int(a) / int(b or 1)


def check_tags(path, transfer, chroma='topleft'):
    stream, _ = video_facts(path)
    assert stream['color_transfer'] == transfer
    assert (stream['color_primaries'], stream['color_space']) == ('bt2020', 'bt2020nc')
    # QuickTime and ProRes say nothing of the range: it is limited. ffprobe up to 6 says so.
    unsaid = stream['codec_name'] == 'prores' and not clips.ffmpeg_before(7)
    assert stream.get('color_range', 'tv' if unsaid else None) == 'tv'
    assert stream['pix_fmt'] in ('yuv420p10le', 'yuv422p10le')
    assert stream.get('chroma_location') in (chroma, None, 'unspecified')


def check_light(source, out, peak, tolerance):
    """What shows the output by its tags gives the light that the source means, and more only above white."""
    for patch, was, now in zip(PATCHES, light(source), light(out)):
        if patch == BEYOND:
            assert luminance(now) == pytest.approx(peak / 203, rel=0.03)
        else:
            assert luminance(now) == pytest.approx(luminance(was), rel=tolerance, abs=0.0005), patch
            for a, b in zip(was, now):
                # Colours that the source's display can't show end at its edge.
                if all(-0.002 <= c <= 1.002 for c in was):
                    assert b == pytest.approx(max(a, 0), rel=2 * tolerance, abs=0.004), (patch, was, now)


@pytest.mark.parametrize('encoder, suffix', [('hevc', 'mp4'), ('hevc', 'mkv'), ('av1', 'mp4'), ('ffv1', 'mkv'), ('prores', 'mov')])
def test_hdr10(program, sources, tmp_path, encoder, suffix):
    source, out = sources['sd'], tmp_path / f'out.{suffix}'
    program.restore(source, out, '--hdr', 'hdr10', '--encoder', encoder, '--preset-speed', 'veryfast', '--crf', '10', *PLAIN)
    check_tags(out, 'smpte2084')
    check_light(source, out, 400, 0.02)
    found = dict(zip(PATCHES, codes(out)))
    assert found[BLACK] == pytest.approx([64, 512, 512], abs=1)
    assert found[WHITE] == pytest.approx([573, 512, 512], abs=1)
    assert found[BEYOND] == pytest.approx([636, 512, 512], abs=2)
    _, side = video_facts(out)
    display, content = side['Mastering display metadata'], side['Content light level metadata']
    assert number(display['max_luminance']) == 400
    assert number(display['min_luminance']) == 0.0001
    want = {'red': (0.708, 0.292), 'green': (0.170, 0.797), 'blue': (0.131, 0.046), 'white_point': (0.3127, 0.3290)}
    for name, (x, y) in want.items():
        assert number(display[f'{name}_x']) == pytest.approx(x, abs=1e-5)
        assert number(display[f'{name}_y']) == pytest.approx(y, abs=1e-5)
    assert content['max_content'] == 400
    assert judge.report(out)['light'] == {'peak': 400, 'max_cll': 400, 'max_fall': content['max_average']}
    # The average of max(R, G, B) over the frame: all patches are equally large.
    wanted = sum(max(rgb) for rgb in light(out)) / len(PATCHES) * 203
    assert content['max_average'] == pytest.approx(wanted, rel=0.02)


@pytest.mark.parametrize('encoder, suffix', [('hevc', 'mkv'), ('ffv1', 'mkv')])
def test_hlg(program, sources, tmp_path, encoder, suffix):
    source, out = sources['hd'], tmp_path / f'out.{suffix}'
    program.restore(source, out, '--hdr', 'hlg', '--encoder', encoder, '--preset-speed', 'veryfast', '--crf', '10', *PLAIN)
    check_tags(out, 'arib-std-b67')
    check_light(source, out, 400, 0.02)
    found = dict(zip(PATCHES, codes(out)))
    assert found[WHITE] == pytest.approx([721, 512, 512], abs=1)
    assert video_facts(out)[1] == {}


def test_automatic_encoder_and_fast_quality(program, sources, tmp_path):
    out = tmp_path / 'out.mp4'
    program.restore(sources['hd'], out, '--hdr', 'hdr10', '--hdr-peak', '203', '--quality', 'fast', *PLAIN)
    assert video_facts(out)[0]['codec_name'] == 'hevc'
    check_tags(out, 'smpte2084')
    found = dict(zip(PATCHES, codes(out)))
    assert found[BEYOND] == pytest.approx(found[WHITE], abs=1)
    assert video_facts(out)[1]['Content light level metadata']['max_content'] == 203


def test_peak(program, sources, tmp_path):
    """Expands what is whiter than white, and nothing else."""
    found = {}
    for peak in (400, 1000):
        out = tmp_path / f'{peak}.mkv'
        program.restore(sources['hd'], out, '--hdr', 'hdr10', '--hdr-peak', peak, '--encoder', 'ffv1', *PLAIN)
        found[peak] = codes(out)
        assert luminance(light(out)[PATCHES.index(BEYOND)]) == pytest.approx(peak / 203, rel=0.01)
    for patch, a, b in zip(PATCHES, found[400], found[1000]):
        assert (a == b) == (patch != BEYOND), patch


def test_cuts_and_machines_change_nothing(program, tmp_path):
    """Pictures and measured light are the same in one piece and in many, on any processor."""
    source = tmp_path / 'tape.avi'
    program('simulate', '-o', source, '--frames', 30, code=0)
    sums, lights = set(), set()
    for name, more in {'whole': ['--segment-length', '3600'], 'cut': ['--segment-length', '0.3', '--jobs', '3'], 'plain': ['--cpu-mask',
            'none']}.items():
        out = tmp_path / f'{name}.mkv'
        program.restore(source, out, '--hdr', 'hdr10', '--encoder', 'ffv1', '--preset', 'vhs', '--denoise', 'off', '--resolution', '360x288',
            '--progress', 'none', *more)
        sums.add(tuple(judge.picture_sums(out)))
        _, side = video_facts(out)
        lights.add((side['Content light level metadata']['max_content'], side['Content light level metadata']['max_average']))
        assert len(judge.report(out)['segments']) == (3 if name == 'cut' else 1)
    assert len(sums) == 1
    assert len(lights) == 1 and min(lights)[0] > 100


def test_refusals(program, sources, tmp_path):
    def refused(*args):
        result = program('plan', *args, code=(1, 2))
        assert len([line for line in result.error_lines if line.startswith('error')]) == 1, result
        return result.err

    source = sources['sd']
    assert 'h264 encoder has no 10 bit, which --hdr hdr10 needs: use hevc or av1' in refused(source, '--hdr', 'hdr10', '--encoder', 'h264')
    assert '--hdr-peak changes nothing' in program('plan', source, '--hdr-peak', '300', code=0).out
    assert '203..1000' in refused(source, '--hdr', 'hlg', '--hdr-peak', '1200')
    assert 'hdr10 or hlg' in refused(source, '--hdr', 'hdr')
    out = tmp_path / 'hlg.mkv'
    program.restore(source, out, '--hdr', 'hlg', '--encoder', 'ffv1', *PLAIN)
    assert 'HDR already (arib-std-b67)' in refused(out, '--hdr', 'hdr10', *PLAIN[:-2])


def test_still(program, sources, tmp_path):
    """A preview's PNG has no HDR: the result is brought back, so that only what really differs is seen."""
    out, gap = tmp_path / 'still.png', 8
    program('preview', sources['sd'], '-o', out, '--hdr', 'hdr10', *PLAIN, code=0)
    stream, _ = video_facts(out)
    width, strip = stream['width'], stream['height'] - HEIGHT
    assert width == 3 * WIDTH + 2 * gap
    data = judge.run('ffmpeg', '-v', 'error', '-nostdin', '-i', out, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-')
    for n, patch in enumerate(PATCHES):
        x, y = n % (WIDTH // TILE) * TILE + TILE // 2, n // (WIDTH // TILE) * TILE + TILE // 2 + strip
        source, result = (tuple(data[3 * (y * width + x + pane * (WIDTH + gap)) :][:3]) for pane in (0, 1))
        # Colours at the edge of what a display shows are clipped on one way and not on the other.
        if patch in (BLACK, WHITE, BEYOND) or (min(source) > 0 and max(source) < 255):
            assert result == pytest.approx(source, abs=4), patch
