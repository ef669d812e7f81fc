"""Discs of video recorders: VR_MOVIE.VRO with the list of its recordings, VR_MANGR.IFO."""

import json

import clips
import judge
import pytest
from recorder import SECTOR, Piece, Programme, recorder_list

ARGS = ['--resolution', 'source', '--preset-speed', 'ultrafast', '--progress', 'none']
LENGTHS = [2, 3, 1.6]


@pytest.fixture(scope='module')
def recordings(tmp_path_factory):
    """Three recordings, each with a clock of its own; all pictures say 4:3."""
    folder, data = tmp_path_factory.mktemp('recordings'), []
    for seconds in LENGTHS:
        clips.ffmpeg('-f', 'lavfi', '-i', f'testsrc2=s=352x288:r=25:d={seconds}', '-f', 'lavfi', '-i', f'sine=440:r=48000:d={seconds}', '-c:v', 'mpeg2video', '-g', 12,
                     '-aspect', '4:3', '-b:v', '800k', '-c:a', 'ac3', '-f', 'vob', folder / 'one')
        data.append((folder / 'one').read_bytes())
    return data


def pieces_of(data, **more):
    dates = ['2004-12-24 18:30:00', '', '2005-02-28 23:59:59']
    pieces, at = [], 0
    for i, one in enumerate(data):
        pieces.append(Piece(at, len(one) // SECTOR, LENGTHS[i], dates[i], **more))
        at += len(one) // SECTOR
    return pieces


def write(folder, data, ifo):
    folder.mkdir(exist_ok=True)
    (folder / 'VR_MOVIE.VRO').write_bytes(b''.join(data))
    if ifo is not None:
        (folder / 'VR_MANGR.IFO').write_bytes(ifo)
    return folder / 'VR_MOVIE.VRO'


def chapters(path):
    found = json.loads(judge.run('ffprobe', '-v', 'error', '-show_chapters', '-of', 'json', path))['chapters']
    return [(round(float(c['start_time']), 1), c['tags']['title']) for c in found]


def test_clock_alone(program, tmp_path, recordings):
    """Without a list a chapter begins where the clock does; the list itself says what to name instead."""
    vro, out = write(tmp_path / 'd', recordings, None), tmp_path / 'out.mkv'
    program('restore', vro, '-o', out, *ARGS, code=0)
    assert judge.decoded_count(out) == 165
    assert chapters(out) == [(0, 'Recording 1'), (2, 'Recording 2'), (5, 'Recording 3')]
    program('restore', vro, '-o', out, '--overwrite', '--chapters', 'off', *ARGS, code=0)
    assert chapters(out) == []
    (tmp_path / 'd/VR_MANGR.IFO').write_bytes(b'DVD_RTR_VMG0' + bytes(4000))
    said = program('restore', tmp_path / 'd/VR_MANGR.IFO', '-o', tmp_path / 'x.mkv', code=1).err
    assert 'VR_MOVIE.VRO' in said, said


def test_titles_and_dates(program, tmp_path, recordings):
    """Each programme is a chapter with its title and time; the first time is the output's."""
    pieces = pieces_of(recordings)
    ifo = recorder_list(pieces, [Programme('Weihnächten', [(0, 0)], label='AV1'), Programme('', [(1, 0)]), Programme('', [(2, 0)], label='Film')])
    vro, out = write(tmp_path / 'd', recordings, ifo), tmp_path / 'out.mkv'
    said = program('restore', vro, '-o', out, '--dry-run', *ARGS, code=0).out
    program('restore', vro, '-o', out, *ARGS, code=0)
    assert "3 in it, by the recorder's list" in said, said
    assert chapters(out) == [(0, 'Weihnächten (2004-12-24 18:30:00)'), (2, 'Recording 2'), (5, 'Film (2005-02-28 23:59:59)')]
    tags = json.loads(judge.run('ffprobe', '-v', 'error', '-show_format', '-of', 'json', out))['format']['tags']
    assert tags['creation_time'].startswith('2004-12-24T18:30:00'), tags
    found = json.loads(program('probe', vro, '--json', code=0).out)['recordings']
    assert [(r['byte'], r.get('title'), r.get('recorded')) for r in found] == [
        (0, 'Weihnächten', '2004-12-24 18:30:00'), (len(recordings[0]), None, None), (len(recordings[0] + recordings[1]), 'Film', '2005-02-28 23:59:59')]


def test_order_of_the_list(program, tmp_path, recordings):
    """Programmes that were split, put together or moved: places of the file count. What no programme plays is named."""
    pieces = pieces_of(recordings, joint=True, gaps=True)
    order = [Programme('Zwei', [(1, 2)]), Programme('Eins', [(0, 0), (1, 0)])]
    vro, out = write(tmp_path / 'd', recordings, recorder_list(pieces, order)), tmp_path / 'out.mkv'
    program('restore', vro, '-o', out, *ARGS, code=0)
    assert chapters(out) == [(0, 'Eins (2004-12-24 18:30:00)'), (4, 'Zwei'), (5, "Not in the recorder's list")]
    # A part of it is dated by where it begins.
    program('restore', vro, '-o', out, '--overwrite', '--range', '1-2', *ARGS, code=0)
    tags = json.loads(judge.run('ffprobe', '-v', 'error', '-show_format', '-of', 'json', out))['format']['tags']
    assert tags['creation_time'].startswith('2004-12-24T18:30:01'), tags


@pytest.mark.parametrize('charset, encoding, title', [(0x12, 'cp932', 'クリスマス'), (0x13, 'euc-kr', '성탄절'), (0x11, 'latin-1', 'Noël'), (0, 'utf-8', 'Рождество')])
def test_characters(program, tmp_path, recordings, charset, encoding, title):
    ifo = recorder_list(pieces_of(recordings)[:1], [Programme(title, [(0, 0)])], charset, encoding)
    vro = write(tmp_path / 'd', recordings[:1], ifo)
    assert json.loads(program('probe', vro, '--json', code=0).out)['recordings'][0]['title'] == title


def test_shape(program, tmp_path, recordings):
    """Camcorders leave 4:3 in wide pictures, and say the truth in their list."""
    ifo = recorder_list(pieces_of(recordings, form=2), [Programme('a', [(0, 0)])], wide=(False, True))
    vro, out = write(tmp_path / 'd', recordings, ifo), tmp_path / 'out.mkv'
    said = program('restore', vro, '-o', out, '--dry-run', *ARGS, code=0).out
    program('restore', vro, '-o', out, *ARGS, code=0)
    assert "16:9 by the recorder's list, where the pictures say 4:3" in said, said
    video = json.loads(judge.run('ffprobe', '-v', 'error', '-show_streams', '-select_streams', 'v', '-of', 'json', out))['streams'][0]
    assert video['display_aspect_ratio'] == '16:9', video
    program('restore', vro, '-o', out, '--overwrite', '--aspect', '4:3', *ARGS, code=0)
    video = json.loads(judge.run('ffprobe', '-v', 'error', '-show_streams', '-select_streams', 'v', '-of', 'json', out))['streams'][0]
    assert video['display_aspect_ratio'] == '4:3', video


def test_lists_that_serve_not(program, tmp_path, recordings):
    """A list that can't be read is said, and the clock serves; its copy serves first. A file that is shorter than it says is cut off."""
    pieces = pieces_of(recordings)
    good = recorder_list(pieces, [Programme('a', [(0, 0)]), Programme('b', [(1, 0)]), Programme('c', [(2, 0)])])
    pieces[2].sector = 10
    over = recorder_list(pieces, [Programme('a', [(0, 0)])])
    for name, ifo, why in (('cut', good[:700], 'cut off or damaged'), ('over', over, 'lie over each other'), ('other', b'x' * 4096, "not a recorder's list")):
        vro = write(tmp_path / name, recordings, ifo)
        said = program('restore', vro, '-o', tmp_path / name / 'out.mkv', '--dry-run', *ARGS, code=0)
        assert why in said.out + said.err and 'by its clock' in said.out + said.err, said.out + said.err
        (tmp_path / name / 'VR_MANGR.BUP').write_bytes(good)
        said = program('restore', vro, '-o', tmp_path / name / 'out.mkv', '--dry-run', *ARGS, code=0)
        assert why not in said.out + said.err and "3 in it, by the recorder's list" in said.out + said.err, said.out + said.err
    vro, out = write(tmp_path / 'short', recordings[:2], good), tmp_path / 'out.mkv'
    said = program('restore', vro, '-o', out, *ARGS, code=3).err
    assert "the recorder's list says" in said and 'cut off' in said, said
    assert chapters(out) == [(0, 'a (2004-12-24 18:30:00)'), (2, 'b')]
