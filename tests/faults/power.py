"""What a power cut may leave: from the record of power_shim.c, the states a disk could be in at a moment.

A file's content is what was synced last; its name is there when its folder was synced since. Everything else may have
reached the disk or not, in any order: in the strict state none of it has, in the loose ones some of it.
"""

import os
import random
import shutil
from pathlib import Path


class File:
    def __init__(self):
        self.data, self.synced = bytearray(), None


class Folder:
    def __init__(self):
        self.names, self.synced = {}, {}
        self.pending = []  # changes since the last sync: (name, entry or None)

    def set(self, name, entry):
        if entry is None:
            self.names.pop(name, None)
        else:
            self.names[name] = entry
        self.pending.append((name, entry))

    def sync(self):
        self.synced, self.pending = dict(self.names), []


def read_record(path):
    """[(kind, fields...)]"""
    data, at, found = Path(path).read_bytes(), 0, []
    while at < len(data):
        end = data.find(b'\n', at)
        if end < 0:
            break
        kind, _, rest = data[at:end].decode().partition(' ')
        at = end + 1
        if kind == 'W':
            ino, place, size = map(int, rest.split())
            found.append((kind, ino, place, data[at : at + size]))
            at += size
        elif kind in 'CD':
            ino, _, name = rest.partition(' ')
            found.append((kind, int(ino), name))
        elif kind == 'T':
            ino, size = map(int, rest.split())
            found.append((kind, ino, size))
        elif kind == 'S':
            found.append((kind, int(rest)))
        elif kind in 'ML':
            found.append((kind, *rest.split('\t')))
        else:
            found.append((kind, rest))
    return found


class Disk:
    """The model: the root folder and all that was done to it."""

    def __init__(self, root):
        self.root, self.top = str(root), Folder()
        self.files = {}  # inode number: File, as long as it has a name or is open

    def folder(self, path):
        at = self.top
        for part in Path(path).relative_to(self.root).parts:
            at = at.names[part]
        return at

    def parent(self, path):
        return self.folder(os.path.dirname(path)), os.path.basename(path)

    def do(self, record):
        kind = record[0]
        if kind == 'C':
            self.files[record[1]] = File()
            where, name = self.parent(record[2])
            where.set(name, self.files[record[1]])
        elif kind == 'D':
            where, name = self.parent(record[2])
            where.set(name, Folder())
        elif kind == 'W' and record[1] in self.files:
            data, place = self.files[record[1]].data, record[2]
            data.extend(b'\0' * (place - len(data)))
            data[place : place + len(record[3])] = record[3]
        elif kind == 'T' and record[1] in self.files:
            data = self.files[record[1]].data
            del data[record[2] :]
            data.extend(b'\0' * (record[2] - len(data)))
        elif kind == 'S' and record[1] in self.files:
            self.files[record[1]].synced = bytes(self.files[record[1]].data)
        elif kind == 'Y':
            self.folder(record[1]).sync()
        elif kind in 'ML':
            from_folder, from_name = self.parent(record[1])
            to_folder, to_name = self.parent(record[2])
            entry = from_folder.names[from_name]
            to_folder.set(to_name, entry)
            if kind == 'M':
                from_folder.set(from_name, None)
        elif kind == 'U':
            where, name = self.parent(record[1])
            where.set(name, None)

    def write(self, where, chance=None):
        """Writes the state after a power cut into the empty folder `where`. chance None: strict."""
        self._write_folder(self.top, Path(where), chance)

    def _write_folder(self, folder, where, chance):
        names = dict(folder.synced)
        for name, entry in folder.pending if chance else []:
            if chance.random() < 0.5:  # a rename may arrive by halves: both names, or none
                if entry is None:
                    names.pop(name, None)
                else:
                    names[name] = entry
        for name, entry in names.items():
            if isinstance(entry, Folder):
                (where / name).mkdir()
                self._write_folder(entry, where / name, chance)
            else:
                (where / name).write_bytes(content(entry, chance))


def content(file, chance):
    """What was synced stays; what was written since may be there, in part, as zeros, or not."""
    data = bytes(file.data)
    kept = file.synced if file.synced is not None else b''
    if not chance or kept == data:
        return kept
    if not data.startswith(kept):
        return chance.choice([kept, data])
    rest = data[len(kept) :]
    cut = chance.randrange(len(rest) + 1)
    return kept + chance.choice([rest, rest[:cut], rest[:cut] + b'\0' * (len(rest) - cut), b'\0' * len(rest), b''])


def states(record, root, where, moments, seed=0, loose=2):
    """Yields (moment, kind, folder) for cuts after each of `moments` records; the folder is emptied afterwards."""
    chance = random.Random(seed)
    disk, where = Disk(root), Path(where)
    wanted = sorted(set(moments))
    for n, one in enumerate(record, 1):
        disk.do(one)
        while wanted and wanted[0] == n:
            wanted.pop(0)
            for kind in range(1 + loose):
                where.mkdir()
                disk.write(where, None if kind == 0 else chance)
                yield n, 'strict' if kind == 0 else f'loose {kind}', where
                shutil.rmtree(where)
