"""Streams that no encoder of ffmpeg writes, made by hand: H.264 and MPEG-2 in field pictures, soft telecine, captions;
and a small Matroska writer."""

import struct


class Bits:
    """Writes big-endian bit strings."""

    def __init__(self):
        self.out = bytearray()
        self.acc = 0
        self.n = 0

    def u(self, bits, value):
        self.acc = self.acc << bits | value
        self.n += bits
        while self.n >= 8:
            self.n -= 8
            self.out.append(self.acc >> self.n & 255)
        self.acc &= (1 << self.n) - 1
        return self

    def ue(self, value):
        value += 1
        return self.u(2 * value.bit_length() - 1, value)

    def se(self, value):
        return self.ue(2 * value - 1 if value > 0 else -2 * value)

    def align(self, bit=0):
        while self.n:
            self.u(1, bit)
        return self

    def raw(self, data):
        assert self.n == 0
        self.out += data
        return self

    def trailing(self):
        self.u(1, 1)
        return bytes(self.align().out)


def patch_bits(data, byte, bit, count, value):
    """Overwrites `count` bits that start `bit` bits after `byte`."""
    for i in range(count):
        at = byte * 8 + bit + i
        mask = 128 >> at % 8
        if value >> (count - 1 - i) & 1:
            data[at // 8] |= mask
        else:
            data[at // 8] &= ~mask & 255


def start_codes(data):
    """(position, code) of every 00 00 01 xx."""
    at = data.find(b'\0\0\1')
    while 0 <= at < len(data) - 3:
        yield at, data[at + 3]
        at = data.find(b'\0\0\1', at + 3)


# MPEG-2: soft telecine. A stream of 24 frames a second gets the repeat-field flags of 3:2 pulldown, as film on DVD has
# them.


def soft_telecine(es):
    """(stream, fields shown of each picture in display order, display number of each picture in coding order)"""
    data = bytearray(es)
    base = seen = 0
    display = []
    fields = {}
    number = 0
    for at, code in list(start_codes(es)):
        if code == 0xB3:
            patch_bits(data, at + 4, 28, 4, 4)  # frame_rate_code: 30000/1001
        elif code == 0xB5 and data[at + 4] >> 4 == 1:
            patch_bits(data, at + 4, 12, 1, 0)  # progressive_sequence
        elif code == 0xB8:
            base = seen
        elif code == 0x00:
            number = base + (data[at + 4] << 2 | data[at + 5] >> 6)
            display.append(number)
            seen += 1
        elif code == 0xB5 and data[at + 4] >> 4 == 8:
            top_first, repeat = [(1, 1), (0, 0), (0, 1), (1, 0)][number % 4]
            patch_bits(data, at + 4, 24, 1, top_first)
            patch_bits(data, at + 4, 30, 1, repeat)
            patch_bits(data, at + 4, 32, 1, 1)  # progressive_frame
            fields[number] = 2 + repeat
    assert sorted(display) == list(range(len(display)))
    return bytes(data), [fields[i] for i in range(len(display))], display


def captioned(es):
    """Puts CEA-608 captions ("HI" and padding) as A/53 user data into every picture of an MPEG-2 stream."""

    def odd(c):
        return c if bin(c).count('1') & 1 else c | 0x80

    out = bytearray()
    last = 0
    for at, code in list(start_codes(es)):
        if code == 0xB5 and es[at + 4] >> 4 == 8:
            end = es.find(b'\0\0\1', at + 4)
            out += es[last:end]
            last = end
            pairs = [(odd(ord('H')), odd(ord('I'))), (0x80, 0x80)]
            cc = b''.join(bytes([0xFC | field, a, b]) for field, (a, b) in enumerate(pairs))
            out += b'\0\0\1\xb2GA94\x03' + bytes([0x40 | len(pairs), 0xFF]) + cc + b'\xff'
    return bytes(out + es[last:])


# H.264 in field pictures (PAFF). Every macroblock is I_PCM, so the stream needs no transform and is lossless.


def planes(yuv, width, height):
    """The three planes of one yuv420p frame as lists of rows."""
    sizes = [(width, height), (width // 2, height // 2), (width // 2, height // 2)]
    out, at = [], 0
    for w, h in sizes:
        out.append([yuv[at + y * w : at + y * w + w] for y in range(h)])
        at += w * h
    return out


def nal(kind, ref, payload):
    out = bytearray()
    zeros = 0
    for byte in payload:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return b'\0\0\0\1' + bytes([ref << 5 | kind]) + bytes(out)


def h264_parameter_sets(width, height, ticks, scale):
    sps = Bits().u(8, 77).u(8, 0).u(8, 40).ue(0).ue(4).ue(0).ue(4).ue(2).u(1, 0)
    sps.ue(width // 16 - 1).ue(height // 32 - 1)
    sps.u(1, 0).u(1, 0).u(1, 1).u(1, 0)  # frame_mbs_only, mb_adaptive_frame_field, direct_8x8_inference, cropping
    sps.u(1, 1).u(1, 0).u(1, 0).u(1, 0).u(1, 0)  # VUI: no aspect, overscan, video signal, chroma location
    sps.u(1, 1).u(32, ticks).u(32, scale).u(1, 1)  # timing
    sps.u(1, 0).u(1, 0).u(1, 0)
    sps.u(1, 1).u(1, 1).ue(0).ue(0).ue(16).ue(16).ue(1).ue(2)  # one frame of reordering
    pps = Bits().ue(0).ue(0).u(1, 0).u(1, 0).ue(0).ue(0).ue(0).u(1, 0).u(2, 0).se(0).se(0).se(0).u(1, 1).u(1, 0).u(1, 0)
    return nal(7, 3, sps.trailing()), nal(8, 3, pps.trailing())


def h264_picture(yuv_planes, width, rows, *, idr, ref, frame_num, field, poc, idr_id):
    """One slice. `field`: None (frame picture), 0 (top), 1 (bottom)."""
    b = Bits().ue(0).ue(7).ue(0).u(8, frame_num & 255)
    b.u(1, 0 if field is None else 1)
    if field is not None:
        b.u(1, field)
    if idr:
        b.ue(idr_id)
    b.u(8, poc & 255)
    if idr:
        b.u(2, 0)
    elif ref:
        b.u(1, 0)
    b.se(0).ue(1)
    luma, cb, cr = yuv_planes if field is None else [p[field::2] for p in yuv_planes]
    for y in range(0, rows, 16):
        for x in range(0, width, 16):
            b.ue(25).align()
            for row in luma[y : y + 16]:
                b.raw(row[x : x + 16])
            for plane in (cb, cr):
                for row in plane[y // 2 : y // 2 + 8]:
                    b.raw(row[x // 2 : x // 2 + 8])
    return nal(5 if idr else 1, 2 if ref else 0, b.trailing())


def h264_paff(frames, width, height, top_first=True, reorder=True, mixed=False, gop=8):
    """Access units in coding order as (display number, [bytes of each picture]). With `reorder` every second frame is
    coded after the one that follows it and is no reference; with `mixed` every fourth frame is a frame picture."""
    sps, pps = h264_parameter_sets(width, height, 1001, 60000)
    order = []
    for start in range(0, len(frames), gop):
        group = list(range(start, min(start + gop, len(frames))))
        order.append((group[0], True, True))
        rest = group[1:]
        while rest:
            if reorder and len(rest) >= 2:
                order += [(rest[1], False, True), (rest[0], False, False)]
                rest = rest[2:]
            else:
                order.append((rest[0], False, True))
                rest = rest[1:]
    units = []
    frame_num = first = 0
    last_ref = True
    for display, idr, ref in order:
        if idr:
            frame_num, first = 0, display
        elif last_ref:
            frame_num += 1
        last_ref = ref
        picture = planes(frames[display], width, height)
        common = dict(ref=ref, frame_num=frame_num, idr_id=(display // gop) & 1)
        pocs = [2 * (display - first), 2 * (display - first) + 1]
        if not top_first:
            pocs.reverse()
        if mixed and display % 4 == 3:
            parts = [h264_picture(picture, width, height, idr=idr, field=None, poc=min(pocs), **common)]
        else:
            parts = []
            for n, field in enumerate((0, 1) if top_first else (1, 0)):
                parts.append(h264_picture(picture, width, height // 2, idr=idr and n == 0, field=field, poc=pocs[field],
                    **common))
        aud = nal(9, 0, bytes([0x10]))  # primary_pic_type 0: I
        parts[0] = aud + (sps + pps if idr else b'') + parts[0]
        parts[1:] = [aud + p for p in parts[1:]]
        units.append((display, parts))
    return units


# MPEG-2 in field pictures: intra macroblocks with DC coefficients only, so pictures of 8x8 blocks a field.

LUMA_DC = [(3, 4), (2, 0), (2, 1), (3, 5), (3, 6), (4, 14), (5, 30), (6, 62), (7, 126), (8, 254), (9, 510), (9, 511)]
CHROMA_DC = [(2, 0), (2, 1), (2, 2), (3, 6), (4, 14), (5, 30), (6, 62), (7, 126), (8, 254), (9, 510), (10, 1022), (10,
    1023)]


def mpeg2_field_pictures(frames, width, height, top_first=True, rate_code=4):
    out = bytearray()
    for number, yuv in enumerate(frames):
        picture = planes(yuv, width, height)
        if number % 12 == 0:
            seq = (Bits() .u(32, 0x1B3) .u(12, width) .u(12, height) .u(4, 2) .u(4, rate_code) .u(18, 20000) .u(1,
                1) .u(10, 112) .u(1, 0))
            seq.u(1, 0).u(1, 0)
            ext = (Bits() .u(32, 0x1B5) .u(4, 1) .u(8, 0x48) .u(1, 0) .u(2, 1) .u(2, 0) .u(2, 0) .u(12, 0) .u(1,
                1) .u(8, 0) .u(1, 0) .u(2, 0) .u(5, 0))
            gop = Bits().u(32, 0x1B8).u(1, 0).u(5, 0).u(6, 0).u(1, 1).u(6, 0).u(6, number % 30).u(1, 1).u(1, 0)
            for part in (seq, ext, gop):
                out += part.align().out
        for field in (0, 1) if top_first else (1, 0):
            head = Bits().u(32, 0x100).u(10, number % 12).u(3, 1).u(16, 0xFFFF).u(1, 0)
            ext = (Bits() .u(32, 0x1B5) .u(4, 8) .u(16, 0xFFFF) .u(2, 0) .u(2, 1 + field) .u(1, 0) .u(1, 0) .u(1,
                0) .u(1, 0) .u(1, 0))
            ext.u(1, 0).u(1, 0).u(1, 0).u(1, 0).u(1, 0)
            out += head.align().out + ext.align().out
            out += mpeg2_intra_slices([p[field::2] for p in picture], width, height // 2)
    return bytes(out) + b'\0\0\1\xb7'


def mpeg2_intra_slices(field_planes, width, rows):
    def mean(plane, y, x):
        return sum(sum(row[x : x + 8]) for row in plane[y : y + 8]) // 64

    out = bytearray()
    for y in range(0, rows, 16):
        b = Bits().u(32, 0x101 + y // 16).u(5, 8).u(1, 0)
        predicted = [128, 128, 128]
        for x in range(0, width, 16):
            b.u(1, 1).u(1, 1)  # address increment 1, intra
            blocks = [(0, y + dy, x + dx) for dy in (0, 8) for dx in (0, 8)] + [(1, y // 2, x // 2), (2, y // 2,
                x // 2)]
            for plane, by, bx in blocks:
                value = mean(field_planes[plane], by, bx)
                diff = value - predicted[plane]
                predicted[plane] = value
                size = abs(diff).bit_length()
                b.u(*(CHROMA_DC if plane else LUMA_DC)[size])
                if size:
                    b.u(size, diff if diff > 0 else diff + (1 << size) - 1)
                b.u(2, 2)  # end of block
        out += b.align().out
    return bytes(out)


# Matroska, just enough to put both fields of a frame into one block, as capture programs do and ffmpeg's copy does not.


def ebml(ident, *parts):
    body = b''.join(parts)
    return bytes.fromhex(ident) + struct.pack('>Q', len(body) | 1 << 56) + body


def ebml_uint(ident, value):
    return ebml(ident, value.to_bytes(max(1, (value.bit_length() + 7) // 8), 'big'))


def matroska_h264(units, width, height, frame_ms, encodings=b''):
    """`units` as h264_paff gives them; the parameter sets are taken from the first one."""

    def split(data):
        return [n for n in data.replace(b'\0\0\0\1', b'\0\0\1').split(b'\0\0\1') if n]

    first = split(units[0][1][0])
    sps = next(n for n in first if n[0] & 31 == 7)
    pps = next(n for n in first if n[0] & 31 == 8)
    avcc = (bytes([1]) + sps[1:4] + bytes([0xFF, 0xE1]) + struct.pack('>H',
        len(sps)) + sps + bytes([1]) + struct.pack('>H', len(pps)) + pps)
    head = ebml('1A45DFA3', ebml_uint('4286', 1), ebml_uint('42F7', 1), ebml_uint('42F2', 4), ebml_uint('42F3', 8),
        ebml('4282', b'matroska'), ebml_uint('4287', 4), ebml_uint('4285', 2))
    info = ebml('1549A966', ebml_uint('2AD7B1', 1000000), ebml('4D80', b'hand'), ebml('5741', b'hand'), ebml('4489',
        struct.pack('>d', len(units) * frame_ms)))
    video = ebml('E0', ebml_uint('B0', width), ebml_uint('BA', height))
    track = ebml('1654AE6B', ebml('AE', ebml_uint('D7', 1), ebml_uint('73C5', 1), ebml_uint('83', 1), ebml_uint('9C',
        0), ebml_uint('23E383', round(frame_ms * 1e6)), ebml('86', b'V_MPEG4/ISO/AVC'), ebml('63A2', avcc), video, encodings))
    blocks = []
    for display, parts in units:
        nals = [n for p in parts for n in split(p) if n[0] & 31 in (1, 5)]
        key = 0x80 if any(n[0] & 31 == 5 for n in nals) else 0
        payload = b''.join(struct.pack('>I', len(n)) + n for n in nals)
        blocks.append(ebml('A3', b'\x81' + struct.pack('>hB', round(display * frame_ms), key) + payload))
    cluster = ebml('1F43B675', ebml_uint('E7', 0), *blocks)
    return head + ebml('18538067', info, track, cluster)
