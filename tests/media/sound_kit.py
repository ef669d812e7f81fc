"""Sound with what must be found in it, and reading it back, for the tests of restored sound. Plain Python: numpy need not be there."""

import array
import json
import math
import random
import subprocess
import wave


def write_wav(path, channels, rate=48000, width=2):
    """`channels`: lists of floats in -1..1."""
    top = 2 ** (8 * width - 1) - 1
    data = bytearray()
    for values in zip(*channels):
        for v in values:
            data += int(round(max(-1, min(1, v)) * top)).to_bytes(width, 'little', signed=True)
    with wave.open(str(path), 'wb') as f:
        f.setnchannels(len(channels))
        f.setsampwidth(width)
        f.setframerate(rate)
        f.writeframes(bytes(data))
    return path


def noise(seconds, rate=48000, level=0.1, seed=1):
    r = random.Random(seed)
    return [r.uniform(-level, level) for _ in range(int(seconds * rate))]


def tone(seconds, frequency, rate=48000, level=0.1):
    return [level * math.sin(2 * math.pi * frequency * i / rate) for i in range(int(seconds * rate))]


def film(path, wav, seconds, codec='pcm_s16le', extra=()):
    """A tiny film with this sound."""
    subprocess.run(['ffmpeg', '-v', 'error', '-y', '-f', 'lavfi', '-i', f'color=s=64x64:r=2:d={seconds}', '-i', str(wav), '-map', '0:v', '-map', '1:a',
                    '-c:v', 'mpeg4', '-c:a', codec, *extra, str(path)], check=True)
    return path


def samples(path, which=0, rate=None):
    """Channels of floats, as they are decoded from the first sample on."""
    info = json.loads(subprocess.run(['ffprobe', '-v', 'error', '-of', 'json', '-select_streams', f'a:{which}', '-show_streams', str(path)],
                                     check=True, capture_output=True).stdout)['streams'][0]
    count = info['channels']
    args = ['-ar', str(rate)] if rate else []
    raw = subprocess.run(['ffmpeg', '-v', 'error', '-i', str(path), '-map', f'0:a:{which}', '-f', 'f32le', *args, '-'], check=True, capture_output=True).stdout
    values = array.array('f')
    values.frombytes(raw)
    return [values[c::count] for c in range(count)], info


def loudness(path, which=0):
    """(LUFS, dBTP), by ffmpeg's own meter."""
    text = subprocess.run(['ffmpeg', '-hide_banner', '-nostats', '-i', str(path), '-map', f'0:a:{which}', '-af', 'ebur128=peak=true:framelog=verbose', '-f',
                           'null', '-'], check=True, capture_output=True, text=True).stderr
    value = {}
    for line in text[text.rindex('Summary'):].splitlines():
        words = line.split()
        if words[:1] in (['I:'], ['Peak:']) and words[0] not in value:
            value[words[0]] = float(words[1])
    return value['I:'], value['Peak:']


def delay(clean, got, most=400):
    """By how many samples `got` comes later, by cross-correlation around the loudest stretch."""
    begin = max(most, len(clean) // 2)
    stretch = clean[begin:begin + 4000]

    def match(shift):
        return abs(sum(a * b for a, b in zip(stretch, got[begin + shift:begin + shift + len(stretch)])))
    return max(range(-most, most + 1), key=match)


def power(values):
    return sum(v * v for v in values) / max(1, len(values))
