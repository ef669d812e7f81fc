"""DV tapes for tests: made by ffmpeg, then broken or told otherwise, block by block."""

import subprocess

BLOCK = 80
SEQUENCE = 150 * BLOCK
PAL, NTSC = 12 * SEQUENCE, 10 * SEQUENCE


def tape(path, seconds=0.48, system='pal', rate=48000, tone=440, date=None, timecode='00:00:00:00', wide=False, pictures='testsrc2'):
    """A file of raw DV with a tone. Returns its bytes."""
    pal = system == 'pal'
    size, fps, pixels = ('720x576', '25', 'yuv420p') if pal else ('720x480', '30000/1001', 'yuv411p')
    subprocess.run(['ffmpeg', '-v', 'error', '-nostdin', '-y', '-f', 'lavfi', '-i', f'{pictures}=r={fps}:s={size}:d={seconds}',
        '-f', 'lavfi', '-i', f'sine={tone}:d={seconds}:r={rate}', '-c:v', 'dvvideo', '-pix_fmt', pixels, '-ar', str(rate),
        '-ac', '2', *(['-metadata', f'creation_time={date}'] if date else []), '-timecode', timecode,
        '-aspect', '16:9' if wide else '4:3', '-f', 'dv', str(path)], check=True)
    return path.read_bytes()


def zero(data, at, count):
    return data[:at] + bytes(count) + data[at + count:]


def lose(data, at, count):
    return data[:at] + data[at + count:]


def insert(data, at, count):
    return data[:at] + bytes(i * 37 & 0x6f for i in range(count)) + data[at:]


def type1_avi(raw, size=PAL):
    """The AVI whose single stream has the sound inside the pictures."""
    def chunk(name, data):
        return name + len(data).to_bytes(4, 'little') + data + b'\0' * (len(data) % 2)

    def u32(*values):
        return b''.join(v.to_bytes(4, 'little') for v in values)

    pal = size == PAL
    frames = [raw[i : i + size] for i in range(0, len(raw), size)]
    scale, rate, height = (1, 25, 576) if pal else (1001, 30000, 480)
    avih = u32(40000 if pal else 33367, 0, 0, 0x10, len(frames), 0, 1, size, 720, height, 0, 0, 0, 0)
    strh = b'iavs' + b'dvsd' + u32(0, 0, 0, scale, rate, 0, len(frames), size, 0xFFFFFFFF, 0) + bytes(4) + \
        (720).to_bytes(2, 'little') + height.to_bytes(2, 'little')
    header = chunk(b'LIST', b'hdrl' + chunk(b'avih', avih) +
        chunk(b'LIST', b'strl' + chunk(b'strh', strh) + chunk(b'strf', bytes(32))))
    movi = chunk(b'LIST', b'movi' + b''.join(chunk(b'00__', f) for f in frames))
    index, at = b'', 4
    for f in frames:
        index += b'00__' + u32(0x10, at, len(f))
        at += 8 + len(f)
    body = b'AVI ' + header + movi + chunk(b'idx1', index)
    return b'RIFF' + len(body).to_bytes(4, 'little') + body


def pitches(pcm, rate=48000, window=0.08):
    """The frequency of a tone, by its zero crossings, in each window of mono samples."""
    found, size = [], int(rate * window)
    for start in range(0, len(pcm) - size, size):
        s = pcm[start : start + size]
        up = [i + s[i] / (s[i] - s[i + 1]) for i in range(size - 1) if s[i] < 0 <= s[i + 1]]
        found.append(rate * (len(up) - 1) / (up[-1] - up[0]) if len(up) > 2 else 0)
    return found


def steepest(pcm):
    """The largest step from one sample to the next: of a tone that is chopped far more than of a whole one."""
    return max(abs(b - a) for a, b in zip(pcm, pcm[1:]))
