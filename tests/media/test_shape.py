"""Pictures that change their size or shape on the way, and pictures that say no shape."""

import json
import subprocess
from fractions import Fraction

import pytest

import clips

KEEP = ['--resolution', 'source', '--encoder', 'ffv1', '--denoise', 'off', '--deinterlace', 'off']
MPEG2 = '-c:v mpeg2video -g 12 -bf 2 -b:v 1M'


def piece(out, size, aspect, frames, start, codec=MPEG2, picture='color=white', form='mpegts', extra=''):
    """Some frames in one shape, of one colour: whatever is black in the result is padding."""
    clips.ffmpeg('-f', 'lavfi', '-i', f'{picture}:s={size}:r=25:d={frames / 25}', '-vf', f'setdar={aspect}{extra}', *codec.split(),
                 '-threads:v', 1, '-f', form, '-muxdelay', 0, '-output_ts_offset', start / 25, *clips.BITEXACT, out)
    return out.read_bytes()


def joined(tmp_path, name, shapes, codec=MPEG2, picture='color=white', extra=''):
    """A recording whose pictures change: (size, display aspect, frames) one after the other."""
    path, start, data = tmp_path / name, 0, b''
    for i, (size, aspect, frames) in enumerate(shapes):
        data += piece(tmp_path / f'piece{i}', size, aspect, frames, start, codec, picture, extra=extra)
        start += frames
    path.write_bytes(data)
    return path


def plan(program, path, *args):
    return program('plan', path, '--json', *args, code=0).json()


def words(plan_json, what):
    return [d['why'] for d in plan_json['decisions'] if d['what'] == what]


def lit(path, frame):
    """The box of what is not black in a frame of the file: x, y, width, height."""
    done = subprocess.run(['ffmpeg', '-nostdin', '-v', 'info', '-i', path, '-vf', f"select='eq(n,{frame})',format=gray,bbox=min_val=100", '-f', 'null', '-'],
                          stderr=subprocess.PIPE, check=True).stderr.decode()
    found = [line for line in done.splitlines() if ' crop=' in line]
    assert found, done
    w, h, x, y = map(int, found[-1].split('crop=')[1].split()[0].split(':'))
    return x, y, w, h


def stream(path):
    done = subprocess.run(['ffprobe', '-v', 'error', '-select_streams', 'v:0', '-count_frames', '-show_streams', '-of', 'json', path], stdout=subprocess.PIPE,
                          check=True)
    return json.loads(done.stdout)['streams'][0]


def shape(path):
    """Size and display aspect of the file's pictures."""
    s = stream(path)
    sar = Fraction(s.get('sample_aspect_ratio', '1:1').replace(':', '/')) or 1
    return (s['width'], s['height']), sar * s['width'] / s['height']


# One recording, several shapes: size of the frame, and the box that a frame of each part fills

CASES = {
    'wide_wins': ([('352x288', '4/3', 10), ('352x288', '16/9', 20)], (352, 288), '16/9', {3: (44, 0, 264, 288), 20: (0, 0, 352, 288)}),
    'wide_loses': ([('352x288', '4/3', 20), ('352x288', '16/9', 10)], (352, 288), '4/3', {3: (0, 0, 352, 288), 25: (0, 36, 352, 216)}),
    'to_and_fro': ([('176x144', a, 6) for a in ('4/3', '16/9', '4/3', '16/9', '4/3')], (176, 144), '4/3',
                   {2: (0, 0, 176, 144), 8: (0, 16, 176, 112), 14: (0, 0, 176, 144), 20: (0, 16, 176, 112), 26: (0, 0, 176, 144)}),
    # Sizes of one shape fill the frame, that of most frames.
    'columns': ([('720x576', '4/3', 12), ('704x576', '4/3', 8), ('544x576', '4/3', 8)], (720, 576), '4/3',
                {3: (0, 0, 720, 576), 15: (0, 0, 720, 576), 24: (0, 0, 720, 576)}),
    # Two sizes of 4:3 together are more than the one that is wide.
    'shape_before_size': ([('720x576', '16/9', 10), ('704x576', '4/3', 8), ('544x576', '4/3', 7)], (704, 576), '4/3',
                          {3: (0, 72, 704, 432), 14: (0, 0, 704, 576), 22: (0, 0, 704, 576)}),
    'hd_with_sd': ([('640x360', '16/9', 12), ('352x288', '4/3', 6), ('640x360', '16/9', 6)], (640, 360), '16/9',
                   {3: (0, 0, 640, 360), 15: (80, 0, 480, 360), 21: (0, 0, 640, 360)}),
}


@pytest.mark.parametrize('name', CASES)
def test_each_part_in_its_own_shape(program, tmp_path, name):
    shapes, size, aspect, boxes = CASES[name]
    source = joined(tmp_path, 'in.ts', shapes)
    said = plan(program, source, *KEEP, '-o', tmp_path / 'o.mkv')
    total = sum(frames for _, _, frames in shapes)
    parts = said['video']['parts']
    assert [(f"{p['width']}x{p['height']}", p['count']) for p in parts] == [(s, n) for s, _, n in shapes]
    # Each kind of picture is said once.
    assert len(words(said, 'pictures')) == len(set((s, a) for s, a, _ in shapes)), words(said, 'pictures')
    out = tmp_path / 'o.mkv'
    program.restore(source, out, *KEEP)
    assert shape(out) == (size, Fraction(aspect))
    assert int(stream(out)['nb_read_frames']) == total
    for frame, box in boxes.items():
        found = lit(out, frame)
        assert all(abs(a - b) <= 2 for a, b in zip(found, box)), f'frame {frame}: {found} where {box} is right'


@pytest.mark.parametrize('suffix', ['mkv', 'mp4', 'vob'])
def test_other_containers(program, tmp_path, suffix):
    codec = MPEG2 if suffix == 'vob' else '-c:v libx264 -preset ultrafast -bf 0 -g 12'
    recording = joined(tmp_path, 'in.ts', [('352x288', '4/3', 20), ('320x288', '16/9', 10)], codec)
    source, out = tmp_path / f'in.{suffix}', tmp_path / 'o.mkv'
    clips.ffmpeg('-i', recording, '-c', 'copy', source)
    program.restore(source, out, *KEEP)
    assert shape(out) == ((352, 288), Fraction(4, 3))
    assert lit(out, 5) == (0, 0, 352, 288)
    x, y, w, h = lit(out, 25)
    assert (x, w) == (0, 352) and abs(y - 36) <= 2 and abs(h - 216) <= 2


def test_fields_of_fitted_pictures_stay_apart(program, tmp_path):
    """Interlaced 16:9 in a 4:3 frame is squeezed in height: white fields beside black ones stay so."""
    fields = f"format=yuv420p,geq=lum='if(mod(Y\\,2)\\,16\\,235)':cb=128:cr=128,setfield=tff,"
    codec = MPEG2 + ' -top 1 -q:v 2'
    data = b''
    for i, (aspect, frames) in enumerate((('4/3', 16), ('16/9', 8))):
        out = tmp_path / f'p{i}'
        clips.ffmpeg('-f', 'lavfi', '-i', f'color=white:s=352x288:r=25:d={frames / 25}', '-vf', f'{fields}setdar={aspect}', *codec.split(), '-threads:v', 1,
                     '-f', 'mpegts', '-muxdelay', 0, '-output_ts_offset', 16 * i / 25, *clips.BITEXACT, '-flags:v', '+ildct+ilme+bitexact', out)
        data += out.read_bytes()
    (tmp_path / 'in.ts').write_bytes(data)
    out = tmp_path / 'o.mkv'
    program.restore(tmp_path / 'in.ts', out, *KEEP)
    raw = clips.ffmpeg('-i', out, '-vf', "select='eq(n,20)',format=gray,crop=1:200:100:44", '-f', 'rawvideo', '-')
    assert min(raw[0::2]) > 180 and max(raw[1::2]) < 80, list(raw[:12])


def test_a_range_has_the_parts_that_it_holds(program, tmp_path):
    source = joined(tmp_path, 'in.ts', CASES['to_and_fro'][0])
    said = plan(program, source, '--range', '8f-20f', '-o', tmp_path / 'o.mkv')
    assert [(p['first'], p['count']) for p in said['video']['parts']] == [(8, 4), (12, 6), (18, 2)]


def test_plans_of_parts_are_checked(program, tmp_path):
    source = joined(tmp_path, 'in.ts', CASES['wide_wins'][0])
    text = program('plan', source, *KEEP, '-o', tmp_path / 'o.mkv', '--json', code=0).out
    for change in ({'place': [0, 0, 9999, 288]}, {'place': [1, 2]}, {'first': -1}, {'count': 0}, {'width': 0}):
        broken = json.loads(text)
        broken['video']['parts'][0].update(change)
        (tmp_path / 'plan.json').write_text(json.dumps(broken))
        done = program('segment', '--plan', tmp_path / 'plan.json', '--index', 0, code=1)
        assert 'part' in done.err or 'count' in done.err or 'first' in done.err or 'width' in done.err, done


# Pictures that say nothing, and --aspect


def silent(tmp_path, size, codec='huffyuv', suffix='avi'):
    """A capture, as capture programs write them: no aspect."""
    path = tmp_path / f'in.{suffix}'
    clips.ffmpeg('-f', 'lavfi', '-i', f'testsrc2=s={size}:r=25:d=0.2', '-vf', 'setsar=0', '-c:v', codec, *clips.BITEXACT, path)
    return path


@pytest.mark.parametrize('size', ['720x480', '720x576', '704x480', '704x576', '702x576', '480x480', '480x576', '544x576', '352x288', '352x240', '720x486'])
def test_sizes_of_standard_definition_are_four_to_three(program, tmp_path, size):
    said = plan(program, silent(tmp_path, size), '-o', tmp_path / 'o.mp4')
    assert [said['video']['output_format'][k] for k in ('width', 'height')] == [1440, 1080]
    assert len(words(said, 'aspect')) == 1 and '4:3 is assumed' in words(said, 'aspect')[0]


@pytest.mark.parametrize('size', ['640x480', '1280x720', '640x360', '320x240', '768x576'])
def test_other_sizes_are_square(program, tmp_path, size):
    said = plan(program, silent(tmp_path, size), '-o', tmp_path / 'o.mp4')
    f = said['video']['output_format']
    assert not words(said, 'aspect')
    w, h = map(int, size.split('x'))
    assert abs(f['width'] / f['height'] - w / h) < 0.003


@pytest.mark.parametrize('aspect, width', [('16:9', 1920), ('4:3', 1440), ('2.35:1', 2538), ('1:1', 1080)])
def test_aspect_asked_for(program, tmp_path, aspect, width):
    out = tmp_path / 'o.mp4'
    program.restore(silent(tmp_path, '720x480'), out, '--aspect', aspect, '--preset-speed', 'ultrafast')
    assert shape(out)[0] == (width, 1080)


def test_aspect_is_over_what_the_file_says(program, tmp_path):
    source = joined(tmp_path, 'in.ts', CASES['wide_wins'][0])
    said = plan(program, source, '--aspect', '4:3', '-o', tmp_path / 'o.mp4')
    assert said['video']['output_format']['width'] == 1440 and 'parts' not in said['video']
    assert '16:9' in words(said, 'aspect')[0]
    # A shape for all: other sizes fill the frame.
    source = joined(tmp_path, 'in2.ts', [('352x288', '4/3', 8), ('320x240', '16/9', 4)])
    said = plan(program, source, '--aspect', '16:9', '-o', tmp_path / 'o.mp4')
    assert all(p['place'] == [0, 0, 352, 288] for p in said['video']['parts'])


@pytest.mark.parametrize('wrong', ['4', '0:3', 'wide', '4:0', '1:100', '4:3x', '-4:3'])
def test_aspects_that_are_none(program, tmp_path, wrong):
    done = program('plan', silent(tmp_path, '720x480'), f'--aspect={wrong}', code=2)
    assert 'WIDTH:HEIGHT' in done.err


@pytest.mark.parametrize('jobs', [1, 3])
def test_sizes_that_no_header_told_are_told_once(program, tmp_path, jobs):
    """What only the decoder shows (JPEG 2000) is met by each segment: one warning a size, however many segments run at once."""
    names = []
    for i, size in enumerate(['96x64', '128x96', '96x64', '64x48']):
        clips.ffmpeg('-f', 'lavfi', '-i', f'testsrc=s={size}:r=25:d=2', '-c:v', 'jpeg2000', *clips.BITEXACT, tmp_path / f'{i}.mkv')
        names.append(f"file '{tmp_path / f'{i}.mkv'}'\n")
    (tmp_path / 'list.txt').write_text(''.join(names))
    source, out = tmp_path / 'in.mkv', tmp_path / 'o.mp4'
    clips.ffmpeg('-f', 'concat', '-safe', 0, '-i', tmp_path / 'list.txt', '-c', 'copy', source)
    done = program.restore(source, out, *KEEP[:2], '--preset', 'clean', '--quality', 'fast', '--preset-speed', 'ultrafast',
                           '--segment-length', 0.7, '--jobs', jobs, '--json', '--progress', 'none')
    found = [p for p in done.json()['files'][0]['problems'] if p['code'] == 'pictures-converted']
    told = [line for line in done.err.splitlines() if line.startswith('warning') and 'instead of' in line]
    assert sorted((p['args']['width'], p['args']['height']) for p in found) == [(64, 48), (128, 96)], found
    assert len(told) == 2 and len(set(told)) == 2, told
    assert done.json()['files'][0]['warnings'] == 2
