"""VR_MANGR.IFO, the list that a video recorder keeps of its VR_MOVIE.VRO, made by hand."""

import struct

SECTOR = 2048


def be16(v):
    return struct.pack('>H', v)


def be32(v):
    return struct.pack('>I', v)


def packed_date(text):
    """14 bits of year, then month, day, hour, minute, second; '' is a clock that was not set."""
    if not text:
        return bytes(5)
    year, month, day, hour, minute, second = (int(text[a:b]) for a, b in ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19)))
    return (year << 26 | month << 22 | day << 17 | hour << 12 | minute << 6 | second).to_bytes(5, 'big')


class Piece:
    """Pictures of one clock. joint: it goes on from the piece before; gaps: its sound has some, which are described."""

    def __init__(self, sector, sectors, seconds, date='', form=1, joint=False, gaps=False, first=90000):
        self.sector, self.sectors, self.seconds, self.date = sector, sectors, seconds, date
        self.form, self.joint, self.gaps, self.first = form, joint, gaps, first

    def units(self):
        left, units = self.sectors, []
        while left:
            units.append(min(left, 300))
            left -= units[-1]
        return units

    def data(self):
        last = self.first + round(90000 * self.seconds)
        head = be16((0x80 if self.joint else 0) | (0x20 if self.gaps else 0)) + packed_date(self.date) + bytes([0, self.form])
        head += be32(self.first) + be16(0) + be32(last) + be16(0) + be16(0)
        head += (bytes(12) if self.joint else b'') + (bytes(16) if self.gaps else b'')
        units = self.units()
        times = [(1, 0)] if len(units) > 1 else []
        head += be16(len(times)) + be16(len(units)) + be16(0) + be32(self.sector)
        head += b''.join(be16(n) + b'\0' + be32(a) for n, a in times)
        return head + b''.join(b'\5' + be16(24 << 10 | u) for u in units)


class Programme:
    """cells: (number of a piece from 0, seconds into it)."""

    def __init__(self, title, cells, label=''):
        self.title, self.cells, self.label = title, cells, label


def recorder_list(pieces, programmes, charset=0x11, encoding='latin-1', wide=(False,)):
    bodies, at = [], 8 + 60 * len(wide) + 2 + 4 * len(pieces)
    table = be16(len(pieces))
    for p in pieces:
        table += be32(at)
        bodies.append(p.data())
        at += len(bodies[-1])
    formats = b''.join(be16(0x4000 | (0x1000 | (0x400 if w else 0))) + bytes([1, 0]) + bytes([0, 1, 7]) + bytes(53) for w in wide)
    films = bytes([0, 0, 1, len(wide)]) + be32(at - 1) + formats + table + b''.join(bodies)

    cells = [(p, later) for one in programmes for p, later in one.cells]
    names = b''
    for one in programmes:
        label, title = one.label.encode('ascii').ljust(64, b'\0'), one.title.encode(encoding).ljust(64, b'\0')
        names += bytes(2) + be16(len(one.cells)) + label + title + bytes(10)
    at = 4 + len(names) + 4 * len(cells)
    chain = bytes([0, len(programmes)]) + be16(len(cells)) + names + b''.join(be32(at + 18 * i) for i in range(len(cells)))
    for number, later in cells:
        p = pieces[number]
        begin, end = p.first + round(90000 * later), p.first + round(90000 * p.seconds)
        chain += bytes(2) + be16(number + 1) + be16(0) + be32(begin) + be16(0) + be32(end) + be16(0)

    head = bytearray(512)
    head[0:12] = b'DVD_RTR_VMG0'
    head[33], head[67] = 0x11, charset
    head[256:260] = be32(512)
    head[304:308] = be32(512 + len(films))
    data = bytes(head) + films + chain
    return data[:12] + be32(len(data) - 1) + data[16:] + bytes(-len(data) % SECTOR)
