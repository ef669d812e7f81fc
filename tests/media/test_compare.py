"""Comparisons: the same excerpts under several presets, shown and measured."""

import json
import subprocess

import pytest

import clips
import judge

FILES = ['contact.png', 'grid.mp4', 'report.html', 'report.json', 'report.txt']


@pytest.fixture(scope='module')
def tape(program, tmp_path_factory):
    path = tmp_path_factory.mktemp('compare') / 'tape.avi'
    program('simulate', '-o', path, '--frames', 40, code=0)
    return path


def test_grid_and_report(program, tape, tmp_path):
    """Presets that give three sizes, a file of one's own with another size among them: sizes are brought to one."""
    mine = tmp_path / 'my <own> one.yaml'
    mine.write_text('version: 1\nname: own\nsummary: small and smooth\noptions:\n  denoise: hqdn3d\n'
        '  denoise-strength: "20:15:20:15"\n  resolution: "240"\n')
    out = tmp_path / 'out'
    presets = ['vhs', 'clean', str(mine)]
    done = program('compare', tape, '--presets', ', '.join(presets), '-o', out, '--duration', 0.2, '--excerpts', 2, '--preset-speed', 'ultrafast',
        '--json', '--progress', 'none', code=0).json()
    assert sorted(p.name for p in out.iterdir()) == FILES
    assert done['panes'] == 4 and done['excerpts'] == 2
    grid = judge.video_stream(out / 'grid.mp4')
    assert (grid['width'], grid['height']) == (done['width'], done['height'])
    assert grid['width'] <= 3840 and grid['height'] <= 2160
    times = judge.picture_times(out / 'grid.mp4')
    assert len(times) == done['frames'] == 2 * 12  # fields of six frames, twice
    assert all(judge.close(b - a, 1001 / 60000, 0.001) for a, b in zip(times, times[1:]))
    told = json.loads((out / 'report.json').read_text())
    assert [p['preset'] for p in told['presets']] == presets
    assert [(p['width'], p['height']) for p in told['presets']] == [(1440, 1080), (720, 480), (320, 240)]
    vhs, clean, own = (p['measures'] for p in told['presets'])
    assert told['source']['combing'] > 0.1 and vhs['combing'] == 0 and clean['combing'] > 0.1
    assert own['noise'] < vhs['noise'] < told['source']['noise']
    assert own['sharpness'] < vhs['sharpness']
    assert own['psnr_to_source'] < vhs['psnr_to_source']
    for p in told['presets']:
        cost = p['cost']
        assert cost['frames'] == (12 if p['preset'] == 'clean' else 24)
        assert cost['bytes'] > 0 and cost['cpu_seconds'] > 0 and cost['fps'] > 0
    text, html = (out / 'report.txt').read_text(), (out / 'report.html').read_text()
    assert len({line.rstrip() and len(line) for line in text.splitlines()[:5]}) == 1  # aligned
    assert 'my &lt;own&gt; one' in html and '<own>' not in html
    # A second time: nothing is replaced unasked.
    refused = program('compare', tape, '--presets', 'vhs', '-o', out, '--progress', 'none', code=1)
    assert len(refused.error_lines) == 1 and 'exists already' in refused.err


def test_woven_results_are_held_against_frames(program, tape, tmp_path):
    """Beside a preset that takes fields apart: what is left as it is does not count as changed."""
    out = tmp_path / 'out'
    program('compare', tape, '--presets', 'vhs,clean', '-o', out, '--encoder', 'ffv1', '--resolution', 'source', '--duration', 0.2, '--excerpts', 1,
        '--quality', 'fast', '--progress', 'none', code=0)
    vhs, clean = (p['measures']['psnr_to_source'] for p in json.loads((out / 'report.json').read_text())['presets'])
    assert clean == 100 and vhs < 45


def test_nothing_changed_measures_nothing(program, tmp_path):
    """A lossless copy is as far from its source as can be: not at all."""
    clip, out = tmp_path / 'clip.mkv', tmp_path / 'out'
    subprocess.run(['ffmpeg', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=320x240:r=25', '-frames:v', '10', '-c:v', 'ffv1', '-pix_fmt',
        'yuv420p', clip], check=True)
    program('compare', clip, '--presets', 'clean', '-o', out, '--encoder', 'ffv1', '--resolution', 'source', '--start', '2f', '--duration', 0.1,
        '--progress', 'none', code=0)
    told = json.loads((out / 'report.json').read_text())
    measures = told['presets'][0]['measures']
    assert measures['psnr_to_source'] == 100
    assert all(measures[k] == told['source'][k] for k in ('noise', 'sharpness', 'combing'))
    assert told['excerpts'] == [{'source_frame': 2, 'source_frames': 3}]


def test_bad_calls(program, tape, tmp_path):
    out = tmp_path / 'out'
    for args, code, word in [
        ([tape, '-o', out], 2, '--presets'),
        ([tape, '-o', out, '--presets', 'vhs,dvt'], 2, 'dvd'),
        ([tape, '-o', out, '--presets', 'vhs', '--preset', 'dvd'], 2, '--preset'),
        ([tape, '-o', out, '--presets', 'vhs', '--jobs', '2'], 2, '--jobs'),
        ([tape, '-o', out, '--presets', 'vhs', '--start', '9:00'], 2, 'no frame to show'),
        ([tmp_path / 'none.avi', '-o', out, '--presets', 'vhs'], 1, 'none.avi'),
        ([tape, '-o', tmp_path / 'no' / 'out', '--presets', 'vhs'], 1, 'out'),
        ([tape, '-o', tape, '--presets', 'vhs'], 1, tape.name),
    ]:
        done = program('compare', *args, '--progress', 'none', code=code)
        assert word in done.err, done
        assert len([line for line in done.error_lines if not line.startswith('see ')]) == 1, done
        assert not out.exists(), done


@pytest.mark.parametrize('turned', [False, True])
def test_crops_are_no_change(program, tmp_path, turned):
    """A copy that lacks sides has the rest unchanged, in its place; an untouched one is asked about the same part."""
    plain, clip, out, mine = tmp_path / 'plain.mkv', tmp_path / 'clip.mkv', tmp_path / 'out', tmp_path / 'cut.yaml'
    # What is cut off is as loud as can be: noise below and at the left.
    subprocess.run(['ffmpeg', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=320x240:r=25', '-f', 'lavfi', '-i',
        'color=gray:s=320x240:r=25,noise=alls=100:allf=t', '-filter_complex', "[0][1]blend=all_expr='if(lt(X,16)+gte(Y,216),B,A)',format=yuv444p",
        '-frames:v', '8', '-c:v', 'ffv1', plain], check=True)
    if turned:
        clip = tmp_path / 'clip.mov'
        before, behind = clips.turned(90)
        subprocess.run(['ffmpeg', '-v', 'error', *map(str, before), '-i', plain, '-c', 'copy', *behind, clip], check=True)
    else:
        plain.rename(clip)
    # Sides are those that are shown: turned clockwise, the left is at the top and the bottom at the left.
    sides = 'crop-top: 16\n  crop-left: 24' if turned else 'crop-left: 16\n  crop-bottom: 24'
    mine.write_text(f'version: 1\nname: cut\nsummary: without the loud sides\noptions:\n  deinterlace: off\n  {sides}\n')
    program('compare', clip, '--presets', f'clean,{mine}', '-o', out, '--encoder', 'ffv1', '--resolution', 'source', '--start', '2f', '--duration', 0.1,
        '--progress', 'none', code=0)
    told = json.loads((out / 'report.json').read_text())
    whole, cut = (p['measures'] for p in told['presets'])
    assert [m['psnr_to_source'] for m in (whole, cut)] == [100, 100], told
    for m in (whole, cut):
        assert all(m[k] == told['source'][k] for k in ('noise', 'sharpness', 'combing')), told
    assert told['source']['noise'] < 5, 'measured in what is cut off'
    if turned:
        return
    # In the grid what is left lies where it lies in the whole picture, at the same size.
    width, panes = told['grid']['width'], told['grid']['panes']
    assert [(p['width'], p['height']) for p in panes] == 3 * [(320, 240)]
    frame = subprocess.run(['ffmpeg', '-v', 'error', '-i', out / 'grid.mp4', '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'gray', '-'],
        check=True, capture_output=True).stdout

    def pane(k):
        x, y = panes[k]['x'], panes[k]['y']
        return [frame[(y + row) * width + x + 16:(y + row) * width + x + 320] for row in range(216)]

    off = [abs(a - b) for one, other in zip(pane(1), pane(2)) for a, b in zip(one, other)]
    assert sum(off) / len(off) < 2, sum(off) / len(off)
