"""DVDs: titles by what the .IFO says, else by name."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import clips
import dvd
import judge

ARGS = ['--resolution', 'source', '--denoise', 'off', '--deinterlace', 'off', '--preset-speed', 'ultrafast',
    '--progress', 'none']
SUMS = [*ARGS, '--encoder', 'ffv1', '--audio-codec', 'flac', '--framemd5']


@pytest.fixture(scope='module')
def parts(tmp_path_factory):
    """Three cells of a second each."""
    folder = tmp_path_factory.mktemp('cells')
    return [dvd.make_vob(folder / f'{i}.vob', tone=440 + 110 * i, picture=picture)
        for i, picture in enumerate(('testsrc2', 'smptebars', 'testsrc'))]


def make_disc(folder, parts, titles=None, **facts):
    """One title set with all parts; `titles` as dvd.title_set() has them, by default one with all cells."""
    cells = dvd.cells_of(parts, [1] * len(parts))
    titles = titles(cells) if titles else [(cells, list(range(1, len(cells) + 1)))]
    video = folder / 'VIDEO_TS'
    data = dvd.write_set(video, 1, parts, dvd.title_set(titles, **facts))
    (video / 'VIDEO_TS.IFO').write_bytes(dvd.disc_list([(1, i + 1, 1, 1) for i in range(len(titles))]))
    (video / 'VIDEO_TS.VOB').write_bytes(bytes(dvd.SECTOR))
    return data


def sums(program, source, out, *more):
    program('restore', source, '-o', out, *SUMS, *more, code=0)
    return [line for line in Path(f'{out}.framemd5').read_text().splitlines() if not line.startswith('#sar')]


def test_one_title(program, tmp_path, parts):
    """As its .VOB files one behind the other; chapters, languages and shape are the disc's."""
    disc = tmp_path / 'Xmas 1994'
    data = make_disc(disc, parts, wide=True, languages=['de'])
    before = judge.listing(disc)
    vob = tmp_path / 'all.vob'
    vob.write_bytes(data)
    out = tmp_path / 'out.mkv'
    assert sums(program, disc, out) == sums(program, vob, tmp_path / 'vob.mkv')
    assert judge.listing(disc) == before
    assert judge.display_aspect(judge.video_stream(out)) == pytest.approx(16 / 9, 0.01)
    assert judge.streams(out, 'audio')[0]['tags']['language'] in ('deu', 'ger')
    chapters = judge.probe(out, '-show_chapters')['chapters']
    assert [float(c['start_time']) for c in chapters] == pytest.approx([0, 1, 2], abs=0.05)
    plan = judge.report(out)['plan']
    assert [f['name'] for f in plan['source']['files']] == ['VTS_01_0.IFO', 'VTS_01_1.VOB']
    assert any(d['why'].startswith('title 1 of 1') for d in plan['decisions'])


def test_chapters_of_mp4_have_names(program, tmp_path, parts):
    """It keeps them as a track of titles, and refers to it."""
    disc, out = tmp_path / 'Xmas', tmp_path / 'out.mp4'
    make_disc(disc, parts)
    program('restore', disc, '-o', out, *ARGS, code=0)
    found = subprocess.run(['ffprobe', '-v', 'warning', '-show_chapters', '-of', 'json', out], capture_output=True, text=True, check=True)
    assert [c['tags']['title'] for c in json.loads(found.stdout)['chapters']] == ['Chapter 1', 'Chapter 2', 'Chapter 3'] and 'track not found' not in found.stderr, found


def test_names_of_outputs(program, tmp_path, parts):
    make_disc(tmp_path / 'tree/Xmas', parts[:1])
    make_disc(tmp_path / 'tree/1995/Easter', parts[1:3], lambda c: [([c[0]], [1]), ([c[1]], [1])])
    out = tmp_path / 'out'
    program('restore', tmp_path / 'tree', '-R', '-o', out, *ARGS, code=0)
    assert sorted(str(p.relative_to(out)) for p in out.rglob('*.mp4')) == [
        '1995/Easter/Easter.title1-1.restored.mp4', '1995/Easter/Easter.title1-2.restored.mp4',
        'Xmas/Xmas.title1.restored.mp4']
    done = program('plan', tmp_path / 'tree/1995/Easter', '-o', tmp_path / 'x.mp4', code=2)
    assert 'is a file; several inputs' in done.err
    facts = program('probe', '--json', tmp_path / 'tree/1995/Easter/VIDEO_TS', code=0).json()
    assert [round(f['duration_seconds']) for f in facts] == [1, 1]


def test_order_and_choice_of_cells(program, tmp_path, parts):
    """A title plays its cells in its own order; cells of no title are left out."""
    disc = tmp_path / 'disc'
    make_disc(disc, parts, lambda c: [([c[2], c[0]], [1, 2])])
    vob = tmp_path / 'same.vob'
    vob.write_bytes(parts[2] + parts[0])
    assert sums(program, disc, tmp_path / 'out.mkv') == sums(program, vob, tmp_path / 'vob.mkv')


def test_files_of_a_gigabyte(program, tmp_path, parts):
    """Cells that cross from one .VOB file to the next."""
    data = b''.join(parts)
    cells = dvd.cells_of(parts, [1, 1, 1])
    video = tmp_path / 'disc' / 'VIDEO_TS'
    dvd.write_set(video, 1, parts, dvd.title_set([(cells, [1])]), split=len(parts[0]) // dvd.SECTOR + 7)
    (tmp_path / 'all.vob').write_bytes(data)
    whole = sums(program, tmp_path / 'all.vob', tmp_path / 'vob.mkv')
    assert sums(program, video, tmp_path / 'out.mkv') == whole
    # Without what describes it: by the names of its files; menus stay out.
    for path in video.glob('*.IFO'):
        path.write_bytes(bytes(3000))
    for path in video.glob('*.BUP'):
        path.unlink()
    assert sums(program, video.parent, tmp_path / 'names.mkv') == whole
    # Neither way is a missing file passed over.
    (video / 'VTS_01_2.VOB').rename(video / 'VTS_01_3.VOB')
    assert 'VTS_01_2.VOB: there is no such file' in program('plan', video, code=1).err
    (video / 'VTS_01_0.IFO').write_bytes(dvd.title_set([(cells, [1])]))
    assert 'VTS_01_2.VOB of its title set is missing' in program('plan', video, code=1).err


def test_angles_and_interleaving(program, tmp_path, parts):
    """Of two angles whose pieces lie between each other the first is taken, whole."""
    a, b = parts[0], parts[1]
    unit = 20 * dvd.SECTOR
    data, addresses, at = b'', [], 0
    for i in range(0, max(len(a), len(b)), unit):
        for number, piece in ((1, a[i : i + unit]), (2, b[i : i + unit])):
            if piece:
                count = len(piece) // dvd.SECTOR
                addresses.append((1, number, at, at + count - 1))
                data += piece
                at += count
    ranges = {n: [x for x in addresses if x[1] == n] for n in (1, 2)}
    cells = [dvd.Cell(ranges[n][0][2], ranges[n][-1][3], 1, number=n, flags=flags)
        for n, flags in ((1, 0x54), (2, 0xD4))]
    video = tmp_path / 'disc' / 'VIDEO_TS'
    dvd.write_set(video, 1, [data], dvd.title_set([(cells, [1])], addresses=addresses))
    (tmp_path / 'a.vob').write_bytes(a)
    assert sums(program, video, tmp_path / 'out.mkv') == sums(program, tmp_path / 'a.vob', tmp_path / 'vob.mkv')
    said = [d['why'] for d in judge.report(tmp_path / 'out.mkv')['plan']['decisions']]
    assert 'the first of 2 angles is taken' in said
    # Where nothing says how they are interleaved, this is said.
    dvd.write_set(video, 1, [data], dvd.title_set([(cells, [1])]))
    done = program('plan', video, '--json', code=0)
    assert any('interleaved' in w for w in done.json()['warnings'])


def test_shorter_than_it_says(program, tmp_path, parts):
    disc = tmp_path / 'disc'
    make_disc(disc, parts)
    vob = disc / 'VIDEO_TS/VTS_01_1.VOB'
    vob.write_bytes(vob.read_bytes()[: len(parts[0]) + len(parts[1])])
    done = program('restore', disc, '-o', tmp_path / 'out.mkv', *ARGS, code=3)
    assert 'the disc says that the title has' in done.err
    assert judge.decoded_count(tmp_path / 'out.mkv') == 50


def test_encrypted(program, tmp_path, parts):
    """Packs that are marked as scrambled: said, not called damaged."""
    disc = tmp_path / 'disc'
    make_disc(disc, parts)
    vob = disc / 'VIDEO_TS/VTS_01_1.VOB'
    data = bytearray(vob.read_bytes())
    for at in range(0, len(data), dvd.SECTOR):
        pes = at + 14 + (data[at + 13] & 7)
        if data[pes + 3] in (0xE0, 0xBD) and at // dvd.SECTOR % 2:
            data[pes + 6] |= 0x30
            data[pes + 0x80 - 14 : pes + 0x100] = bytes(i * 37 & 255 for i in range(0x80 + 14))
    vob.write_bytes(data)
    shutil.copy(vob, tmp_path / 'film.vob')
    shutil.copy(vob, tmp_path / 'VR_MOVIE.VRO')
    for source, kind in ((disc, 'CSS'), (tmp_path / 'film.vob', 'CSS'), (tmp_path / 'VR_MOVIE.VRO', 'CPRM')):
        done = program('restore', source, '-o', tmp_path / 'out.mkv', *ARGS, code=1)
        assert f'it is encrypted ({kind}' in done.err and len(done.error_lines) == 1
    assert not (tmp_path / 'out.mkv').exists()


def test_tasks_and_resume(program, tmp_path, parts):
    disc = tmp_path / 'disc'
    make_disc(disc, parts)
    args = [*ARGS[:-2], '--segment-length', '0.7']
    whole, out = tmp_path / 'whole.mp4', tmp_path / 'out.mp4'
    program('restore', disc, '-o', whole, *args, '--progress', 'none', code=0)
    made = program('plan', 'disc', '-o', 'out.mp4', *args, '--json', code=0, cwd=tmp_path)
    plan = tmp_path / 'p.json'
    plan.write_text(made.out)
    assert made.json()['version'] == 2
    count = len(made.json()['video']['cuts']) - 1
    assert count >= 3
    program('segment', '--plan', plan, '--index', 1, code=0, cwd='/')
    status = program('status', out, '--json', code=0).json()
    assert status['source']['exists'] is True and status['source']['unchanged'] is True
    for k in (0, *range(2, count)):
        program('segment', '--plan', plan, '--index', k, code=0, cwd='/')
    program('join', '--plan', plan, code=0, cwd='/')
    assert judge.sha256(out) == judge.sha256(whole)
    program('verify', out, code=0)


def test_video_recording(program, tmp_path, parts):
    """A .VRO holds recordings one behind the other, each with its own clock: all are kept, with their sound."""
    vro = tmp_path / 'VR_MOVIE.VRO'
    vro.write_bytes(b''.join(parts))
    program('restore', tmp_path, *ARGS, code=0)
    out = tmp_path / 'VR_MOVIE.restored.mp4'
    assert judge.decoded_count(out) == 75
    values, start = judge.samples(out)
    for i in range(3):
        piece = values[48000 * i + 12000 : 48000 * i + 36000]
        crossings = sum(piece[k] < 0 <= piece[k + 1] for k in range(len(piece) - 1))
        assert crossings / 0.5 == pytest.approx(440 + 110 * i, abs=4)


def test_damaged_descriptions(program, tmp_path, parts):
    """The copy serves; a file that is no description is refused with a reason."""
    disc = tmp_path / 'disc'
    make_disc(disc, parts, lambda c: [([c[1]], [1])])
    video = disc / 'VIDEO_TS'
    (video / 'VTS_01_0.IFO').write_bytes(b'')
    facts = program('probe', '--json', video / 'VTS_01_0.IFO', code=0).json()
    assert facts['duration_seconds'] == pytest.approx(1)
    other = tmp_path / 'x.ifo'
    other.write_bytes(bytes(5000))
    assert 'not the description of a title set' in program('probe', other, code=1).err
