"""A source is one file: whatever it names, nothing else is opened; and written is only what belongs to the output."""

import os
import re
import shutil
import struct
import subprocess

import pytest

import bad_kit
import clips
from bad_kit import folder  # noqa: F401

HLS = '#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:1,\nother.avi\n#EXT-X-ENDLIST\n'
VOBSUB = '# VobSub index file, v7 (do not modify this line!)\nsize: 720x576\nid: en, index: 0\n' + ''.join(
    f'timestamp: 00:00:0{n}:000, filepos: {n * 2048:09x}\n' for n in range(5))
DASH = '''<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S">
<Period><AdaptationSet mimeType="video/mp4"><Representation id="0" bandwidth="1"><BaseURL>other.avi</BaseURL>
</Representation></AdaptationSet></Period></MPD>'''
IMF = '''<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016">
<Id>urn:uuid:8713c020-2489-45f5-a9f7-87be539e20b5</Id><EditRate>25 1</EditRate><SegmentList/></CompositionPlaylist>'''
SDP = 'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n'
WEBM_DASH = '<?xml version="1.0"?>\n<MPD type="static"><BaseURL>other.avi</BaseURL></MPD>'

TEXTS = {
    'vobsub': VOBSUB,
    'hls': HLS,
    'concat': "ffconcat version 1.0\nfile 'other.avi'\n",
    'dash': DASH,
    'webm dash': WEBM_DASH,
    'imf': IMF,
    'sdp': SDP,
    'metadata': ';FFMETADATA1\ntitle=x\n',
    'avisynth': 'AviSource("other.avi")\n',
    'vapoursynth': 'import vapoursynth\nopen("other.avi")\n',
    'asx': '<asx version="3.0"><entry><ref href="other.avi"/></entry></asx>\n',
    'ram': 'file://other.avi\nrtsp://127.0.0.1/other.avi\n',
    'reference': '[Reference]\nRef1=http://127.0.0.1/other.avi\nRef2=other.avi\n',
    'cue': 'FILE "other.avi" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n',
    'pls': '[playlist]\nFile1=other.avi\nNumberOfEntries=1\n',
    'smil': '<smil><body><video src="other.avi"/></body></smil>\n',
}


def box(name, *parts):
    body = b''.join(parts)
    return struct.pack('>I', 8 + len(body)) + name + body


def refer_elsewhere(path, other):
    """Makes the data references of a QuickTime film point to another file."""
    data = path.read_bytes()
    own = struct.pack('>I', 12) + b'url ' + b'\0\0\0\1'
    at = data.index(own)
    url = other.encode() + b'\0'
    entry = struct.pack('>I', 12 + len(url)) + b'url ' + b'\0\0\0\0' + url
    grown = bytearray(data[:at] + entry + data[at + len(own):])
    more = len(entry) - len(own)
    for name in (b'dref', b'dinf', b'minf', b'mdia', b'trak', b'moov'):
        where = bytes(grown).rindex(name, 0, at) - 4
        size = struct.unpack_from('>I', grown, where)[0]
        struct.pack_into('>I', grown, where, size + more)
    path.write_bytes(bytes(grown))


CALL = re.compile(r'(\w+)\((.*)\)\s+= (-?\d+)')


def files_of(program, folder, *args, code=None, timeout=60):
    """What a call of the program opens: (read, written), as paths, failed openings too."""
    trace = folder / 'trace.txt'
    command = ['strace', '-f', '-qq', '-y', '-s', '4096', '-o', str(trace), '-e',
        'trace=open,openat,openat2,creat,rename,renameat,renameat2,link,linkat,connect,execve', *program.command(*args)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, env=program.env,
        cwd=folder)
    if code is not None:
        assert done.returncode == code, done.stderr.decode()
    read, written, other = set(), set(), []
    for line in trace.read_text(errors='replace').splitlines():
        found = CALL.search(line)
        if not found:
            continue
        name, text, _ = found.groups()
        paths = [p for p in re.findall(r'"((?:[^"\\]|\\.)*)"', text)]
        base = re.search(r'^(?:AT_FDCWD|\d+)<([^>]*)>', text)
        paths = [os.path.normpath(os.path.join(base.group(1) if base else folder, p)) for p in paths]
        if name in ('connect', 'execve'):
            other.append(line)
        elif not name.startswith('open') or re.search(r'O_WRONLY|O_RDWR|O_CREAT|O_TRUNC', text):
            written.update(paths)
        else:
            read.update(paths)
    trace.unlink()
    return read, written, other, done


def own(path, out, program):
    """Does this path belong to the output, its work folder or the cache?"""
    name = str(path)
    return name.startswith(str(out)) or name.startswith(str(program.home)) or name.startswith('/dev/')


needs_strace = pytest.mark.skipif(not shutil.which('strace') or 'asan' in os.environ.get('TA_BUILD', ''),
    reason='strace is not installed')


def check_alone(program, folder, source, result):
    read, written, other, done = result
    inside = {p for p in read if p.startswith(str(folder)) and p != str(folder)}
    foreign = {p for p in inside if p != str(source) and not own(p, folder / 'out.mp4', program)}
    assert not foreign, f'it also opened {foreign}: {done.stderr.decode()}'
    foreign = {p for p in written if not own(p, folder / 'out.mp4', program)}
    assert not foreign, f'it wrote {foreign}'
    assert len([line for line in other if 'execve' in line]) <= 1 and not [line for line in other if 'AF_INET' in line]


@needs_strace
@pytest.mark.parametrize('kind', list(TEXTS))
def test_lists_open_nothing(program, folder, kind):
    """A list under a film's name is refused; what it names stays closed, and a pipe there doesn't hang anybody."""
    source = folder / 'film.avi'
    source.write_text(TEXTS[kind])
    os.mkfifo(folder / 'film.sub')
    os.mkfifo(folder / 'other.avi')
    check_alone(program, folder, source, files_of(program, folder, 'probe', source))
    check_alone(program, folder, source,
        files_of(program, folder, 'restore', source, '-o', folder / 'out.mp4', *bad_kit.FAST, code=1))
    # Under its own name, too.
    suffix = {'vobsub': 'idx', 'hls': 'm3u8', 'dash': 'mpd', 'webm dash': 'mpd', 'sdp': 'sdp', 'imf': 'xml',
        'avisynth': 'avs', 'vapoursynth': 'vpy'}.get(kind)
    if suffix:
        named = source.rename(folder / f'film.{suffix}')
        check_alone(program, folder, named, files_of(program, folder, 'probe', named))


@needs_strace
def test_reference_films_open_nothing(program, folder):
    """A QuickTime film whose samples lie in another file."""
    source = bad_kit.copy('h264', folder, 'film.mov')
    shutil.copy(source, folder / 'other.avi')
    refer_elsewhere(source, 'other.avi')
    check_alone(program, folder, source, files_of(program, folder, 'probe', source))
    check_alone(program, folder, source,
        files_of(program, folder, 'restore', source, '-o', folder / 'out.mp4', *bad_kit.FAST))


@needs_strace
@pytest.mark.parametrize('name', ['film%03d.avi', 'film*.png', 'film%d.png', 'concat:a|b.mkv', 'subfile,,:x.avi'])
def test_names_are_only_names(program, folder, name):
    """Names that are patterns or protocols to libav."""
    picture = name.endswith('png')
    source = folder / name
    if picture:
        for n in range(3):
            clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x48', '-frames:v', 1, folder / f'film{n}.png')
        (folder / 'film0.png').rename(source)
    else:
        bad_kit.copy('h264', folder).rename(source)
        shutil.copy(source, folder / 'film001.avi')
    check_alone(program, folder, source,
        files_of(program, folder, 'restore', source, '-o', folder / 'out.mp4', *bad_kit.FAST, code=0))


@needs_strace
def test_files_of_a_restore(program, folder):
    """All that a restore with its report, checksums and log writes belongs to the output; `verify` writes nothing."""
    source = bad_kit.copy('h264', folder)
    out = folder / 'out.mp4'
    check_alone(program, folder, source,
        files_of(program, folder, 'restore', source, '-o', out, *bad_kit.FAST, '--framemd5', '--jobs', 2, code=0))
    _, written, _, _ = files_of(program, folder, 'verify', out, code=0)
    assert not {p for p in written if not p.startswith(('/dev/', str(program.home)))}


@needs_strace
def test_verify_reads_one_file(program, folder):
    """A list in the place of the delivered file is damage, and what it names stays closed."""
    source = bad_kit.copy('h264', folder)
    out = folder / 'out.mp4'
    program.restore(source, out, *bad_kit.FAST, '-q')
    out.write_text(HLS)
    os.mkfifo(folder / 'other.avi')
    read, _, _, _ = files_of(program, folder, 'verify', out, code=1)
    assert str(folder / 'other.avi') not in read


CALLS = {
    'probe': ['probe', 'film.avi'],
    'plan': ['plan', 'film.avi'],
    'restore': ['restore', 'film.avi', '-o', 'out.mp4'],
    'preview': ['preview', 'film.avi', '-o', 'out.mp4'],
    'compare': ['compare', 'film.avi', '-o', 'out', '--presets', 'clean,vhs'],
    'join': ['restore', '--join', 'whole.mp4', 'film.avi', '-o', 'out.mp4'],
    'verify': ['verify', 'film.avi'],
}


@pytest.mark.parametrize('call', CALLS)
def test_pipe_under_a_name_of_a_film(program, folder, call):
    """Refused at once: nobody will ever write to it."""
    os.mkfifo(folder / 'film.avi')
    bad_kit.copy('h264', folder).rename(folder / 'whole.mp4')
    done = subprocess.run(program.command(*CALLS[call]), stdin=subprocess.DEVNULL, capture_output=True, timeout=20,
        env=program.env, cwd=folder, text=True)
    assert done.returncode == 1 and 'film.avi: ' in done.stderr, done
