"""Generated files as such: what is known of each, where it is kept, and that it is made once."""

import dataclasses
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path

@dataclasses.dataclass
class Clip:
    """A file, and what is true of it by the way it was made."""

    name: str
    suffix: str
    make: object  # called with the path to write
    key: object  # gives a text that changes when the recipe does
    frames: int  # what a decoder gives
    size: tuple
    rate: Fraction = None  # None: times are not regular
    scan: str = 'progressive'  # as the pictures are: progressive, tff, bff
    dar: Fraction = None  # of the stored picture; None: square pixels
    rotate: int = 0
    exact_format: str = None  # pixel format in which source and lossless output are compared; None: as decoded
    exact: bool = True  # the lossless comparison makes sense
    audio: bool = False
    codes: tuple = (0,)  # exit statuses that are right for a restore to H.264
    tags: tuple = ()

    @property
    def interlaced(self):
        return self.scan != 'progressive'

    @property
    def shape(self):
        """Display aspect ratio as shown, rotation included."""
        dar = self.dar or Fraction(*self.size)
        return 1 / dar if self.rotate in (90, 270) else dar


CLIPS = {}


def cache_folder():
    return Path(os.environ.get('TA_CLIPS', Path(tempfile.gettempdir()) / f'terminalai-clips-{os.getuid()}'))


def path(name):
    """The clip's file, made now if it isn't there yet."""
    return made(CLIPS[name])


def made(clip):
    digest = hashlib.sha256((clip.key() + ffmpeg_version()).encode()).hexdigest()[:16]
    folder = cache_folder() / digest
    target = folder / f'{clip.name}.{clip.suffix}'
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=folder))
        try:
            file = work / target.name
            clip.make(file)
            try:  # a link, not a rename: of two tests that make it at once the first stays, somebody may have it planned
                os.link(file, target)
            except FileExistsError:
                pass
        finally:
            shutil.rmtree(work)
    return target


_version = []


def ffmpeg_version():
    if not _version:
        _version.append(subprocess.run(['ffmpeg', '-version'], stdout=subprocess.PIPE,
            check=True).stdout.decode().splitlines()[0])
    return _version[0]


def ffmpeg_before(major):
    """False for builds without a number, too: they are newer."""
    found = re.match(r'ffmpeg version n?([0-9]+)\.', ffmpeg_version())
    return bool(found) and int(found.group(1)) < major


def ffmpeg(*args, **kw):
    done = subprocess.run(['ffmpeg', '-y', '-nostdin', '-v', 'error', *map(str, args)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, **kw)
    if done.returncode:
        raise RuntimeError(f'ffmpeg {" ".join(map(str, args))}\n{done.stderr.decode(errors="replace")}')
    return done.stdout
