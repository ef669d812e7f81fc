"""Minimal DVDs: VIDEO_TS folders whose .IFO files are written here, from .VOB bytes that ffmpeg made.

A cell is a .VOB file of its own (so it ends on a sector); a title is a list of cells in the order of playing.
"""

import struct
from pathlib import Path

import clips

SECTOR = 2048


def be16(v):
    return struct.pack('>H', v)


def be32(v):
    return struct.pack('>I', v)


def bcd(v):
    return v // 10 << 4 | v % 10


def playing_time(seconds, rate):
    whole, frames = int(seconds), round((seconds - int(seconds)) * rate)
    kind = 1 if rate == 25 else 3
    return bytes([bcd(whole // 3600), bcd(whole // 60 % 60), bcd(whole % 60), kind << 6 | bcd(frames)])


def padded(data):
    return data + bytes(-len(data) % SECTOR)


def make_vob(path, *video, seconds=1.0, rate=25, sound=('-c:a', 'ac3', '-b:a', '128k'), size='352x288', tone=440,
        picture='testsrc2'):
    """A cell: small MPEG-2 pictures and a tone."""
    clips.ffmpeg('-f', 'lavfi', '-i', f'{picture}=r={rate}:s={size}:d={seconds}', '-f', 'lavfi', '-i',
        f'sine=f={tone}:r=48000:d={seconds}', '-c:v', 'mpeg2video', '-aspect', '4:3', '-g', 12, '-q:v', 4, *video, *sound, '-f', 'vob', path)
    data = Path(path).read_bytes()
    assert len(data) % SECTOR == 0
    return data


class Cell:
    """first, last: sectors in the title set; flags: the category byte."""

    def __init__(self, first, last, seconds, vob=1, number=1, flags=0):
        self.first, self.last, self.seconds = first, last, seconds
        self.vob, self.number, self.flags = vob, number, flags


def program_chain(cells, programs, rate, sounds, subtitles):
    """`programs`: numbers of the cells (from 1) with which programs begin."""
    head = bytearray(0xEC)
    head[2], head[3] = len(programs), len(cells)
    head[4:8] = playing_time(sum(c.seconds for c in cells), rate)
    for i in range(sounds):
        head[0x0C + 2 * i] = 0x80 | i
    for i in range(subtitles):
        head[0x1C + 4 * i : 0x20 + 4 * i] = bytes([0x80 | i, i, i, i])
    for i in range(16):
        head[0xA4 + 4 * i : 0xA8 + 4 * i] = bytes([0, 16 + 13 * i, 128, 128])
    at = len(head)
    table = bytes(programs) + bytes(-len(programs) % 4)
    playback = b''.join(
        bytes([c.flags, 0, 0, 0]) + playing_time(c.seconds, rate) + be32(c.first) + be32(0) + be32(c.last) + be32(c.last)
        for c in cells)
    position = b''.join(be16(c.vob) + bytes([0, c.number]) for c in cells)
    head[0xE6:0xEC] = be16(at) + be16(at + len(table)) + be16(at + len(table) + len(playback))
    return bytes(head) + table + playback + position


def title_set(titles, *, rate=25, wide=False, languages=('de',), subtitles=(), addresses=()):
    """VTS_nn_0.IFO. `titles`: (cells, numbers of the cells where chapters begin); each has a program chain of its own.
    `addresses`: (vob, cell, first, last) of the pieces of cells."""
    chains = [program_chain(cells, chapters, rate, len(languages), len(subtitles)) for cells, chapters in titles]
    at, offsets = 8 + 8 * len(chains), []
    for chain in chains:
        offsets.append(at)
        at += len(chain)
    chain_table = be16(len(chains)) + be16(0) + be32(at - 1)
    chain_table += b''.join(bytes([0x80 | i + 1, 0, 0, 0]) + be32(o) for i, o in enumerate(offsets)) + b''.join(chains)
    at, offsets, lists = 8 + 4 * len(titles), [], b''
    for i, (_, chapters) in enumerate(titles):
        offsets.append(at + len(lists))
        lists += b''.join(be16(i + 1) + be16(k + 1) for k in range(len(chapters)))
    chapter_table = be16(len(titles)) + be16(0) + be32(at + len(lists) - 1) + b''.join(map(be32, offsets)) + lists
    address_table = be16(len({a[0] for a in addresses})) + be16(0) + be32(8 + 12 * len(addresses) - 1)
    address_table += b''.join(be16(v) + bytes([c, 0]) + be32(a) + be32(b) for v, c, a, b in addresses)

    head = bytearray(2 * SECTOR)
    head[0:12] = b'DVDVIDEO-VTS'
    head[0x200] = 0x40 | (0x10 if rate == 25 else 0) | (0x0C if wide else 0)
    head[0x202:0x204] = be16(len(languages))
    for i, language in enumerate(languages):
        head[0x204 + 8 * i : 0x20A + 8 * i] = bytes([0x04, 0xC1]) + language.encode() + bytes([0, 1])
    head[0x254:0x256] = be16(len(subtitles))
    for i, language in enumerate(subtitles):
        head[0x256 + 6 * i : 0x25C + 6 * i] = bytes([0x01, 0]) + language.encode() + bytes([0, 1])
    sectors, body = len(head) // SECTOR, bytes(head)
    for place, table in ((0xC8, chapter_table), (0xCC, chain_table), (0xE0, address_table)):
        head[place : place + 4] = be32(sectors)
        body += padded(table)
        sectors = len(body) // SECTOR
    return bytes(head) + body[len(head) :]


def disc_list(entries):
    """VIDEO_TS.IFO: (set, title in the set, angles, chapters) of each title."""
    head = bytearray(SECTOR)
    head[0:12] = b'DVDVIDEO-VMG'
    head[0x3E:0x40] = be16(max(e[0] for e in entries))
    head[0xC4:0xC8] = be32(1)
    table = be16(len(entries)) + be16(0) + be32(8 + 12 * len(entries) - 1)
    table += b''.join(bytes([0, angles]) + be16(chapters) + be16(0) + bytes([s, title]) + be32(0)
        for s, title, angles, chapters in entries)
    return bytes(head) + padded(table)


def cells_of(parts, seconds):
    """One cell for each piece of .VOB, one behind the other."""
    cells, at = [], 0
    for i, (data, length) in enumerate(zip(parts, seconds)):
        count = len(data) // SECTOR
        cells.append(Cell(at, at + count - 1, length, vob=i + 1))
        at += count
    return cells


def write_set(folder, number, parts, ifo, split=None):
    """The files of a title set; `split`: the first .VOB file has so many sectors."""
    folder.mkdir(parents=True, exist_ok=True)
    data = b''.join(parts)
    pieces = [data] if split is None else [data[: split * SECTOR], data[split * SECTOR :]]
    for k, piece in enumerate(pieces):
        (folder / f'VTS_{number:02d}_{k + 1}.VOB').write_bytes(piece)
    (folder / f'VTS_{number:02d}_0.IFO').write_bytes(ifo)
    (folder / f'VTS_{number:02d}_0.BUP').write_bytes(ifo)
    (folder / f'VTS_{number:02d}_0.VOB').write_bytes(b'a menu' + bytes(SECTOR - 6))
    return data
