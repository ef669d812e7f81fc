#!/usr/bin/env python3
"""The service at work for long: jobs that come, are cancelled and removed, clients that follow events and leave, uploads,
thumbnails, questions. Memory, descriptors, threads and files of the service are watched; none of them may grow.

usage: bench/queue/soak.py BUILD [--hours H | --minutes M] [--seed N]

Prints the slope of each an hour with its 95 % confidence interval, after the first fifth of the time. It fails where the
interval lies above 0 and the growth within the run is more than noise: 1 MB, 2 descriptors, 1 thread, 20 files.
"""

import argparse
import http.client
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'tests' / 'service'))

from service import Service  # noqa: E402

QUICK = {'segment-length': '0.2', 'crf': 30, 'preset-speed': 'ultrafast', 'quality': 'fast', 'resolution': 'source'}
NOISE = {'rss_kb': 1024, 'descriptors': 2, 'threads': 1, 'files': 20}
QUEUED_MOST = 20
EVENTS_KEPT = 4096
EVERY = 5  # seconds between two samples
T95 = 1.98


class Program:
    def __init__(self, build):
        self.path = build / 'terminalai'


def sample(service):
    proc = Path(f'/proc/{service.process.pid}')
    status = dict(line.split(':\t', 1) for line in (proc / 'status').read_text(encoding='ascii').splitlines() if ':\t' in line)
    return {'rss_kb': int(status['VmRSS'].split()[0]), 'threads': int(status['Threads']),
        'descriptors': len(os.listdir(proc / 'fd')),
        'files': sum(len(files) for folder in (service.state, service.files) for _, _, files in os.walk(folder))}


def slope(points):
    """Of (hours, value): the slope, and half of its 95 % interval."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    by = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    rest = sum((y - mean_y - by * (x - mean_x)) ** 2 for x, y in points)
    return by, T95 * math.sqrt(rest / (n - 2) / spread)


class Load:
    def __init__(self, service, dice):
        self.service, self.dice, self.number, self.counts, self.open = service, dice, 0, {}, []

    def ask(self, *args, **more):
        return self.service.ask(*args, **more)

    def fill(self):
        """What keeps the last so many of something is full before anything is measured: events (4096), pictures of each place."""
        job = self.ask('POST', '/api/v1/jobs', {'input': str(self.service.files / 'tape.mpg'), 'options': QUICK,
            'output': str(self.service.files / 'first.mp4')})[1]['id']
        connection = http.client.HTTPConnection('127.0.0.1', self.service.port, timeout=30)
        for i in range(EVENTS_KEPT):
            connection.request('PATCH', f'/api/v1/jobs/{job}', json.dumps({'priority': i % 50}))
            connection.getresponse().read()
        connection.close()
        for at in range(100):
            self.ask('GET', f'/api/v1/thumbnail?input={self.service.files / "tape.mpg"}&at={at}', raw=True)

    def submit(self):
        # A machine that is slower than the load would make the list longer and longer, which is no growth of the service.
        if self.ask('GET', '/api/v1/system')[1]['jobs']['queued'] >= QUEUED_MOST:
            return
        self.number += 1
        self.ask('POST', '/api/v1/jobs', {'input': str(self.service.files / 'tape.mpg'), 'options': QUICK,
            'output': str(self.service.files / f'{self.number % 10}.mp4')})

    def cancel(self):
        jobs = self.ask('GET', '/api/v1/jobs?state=queued,planning,running')[1]['jobs']
        if jobs:
            self.ask('POST', f'/api/v1/jobs/{self.dice.choice(jobs)["id"]}/cancel')

    def clear(self):
        self.ask('DELETE', '/api/v1/jobs?state=done,failed,cancelled')
        for path in (*self.service.files.glob('*.mp4*'), *(self.service.files / 'uploads').glob('*')):
            if path.is_file():
                path.unlink(missing_ok=True)

    def follow(self):
        connection = http.client.HTTPConnection('127.0.0.1', self.service.port, timeout=5)
        connection.request('GET', '/api/v1/events')
        connection.getresponse().read1(64)
        self.open.append(connection)
        while len(self.open) > 10:
            self.open.pop(0).close()

    def upload(self):
        data = self.dice.randbytes(100000)
        status, begun = self.ask('POST', '/api/v1/uploads', {'name': f'up{self.number % 5}.bin', 'size': len(data)})
        assert status == 201, begun
        status, sent = self.ask('PATCH', f'/api/v1/uploads/{begun["id"]}?offset=0', data)
        assert status == 200 and sent['state'] == 'whole', sent

    def look(self):
        path = str(self.service.files / 'tape.mpg')
        self.ask('GET', f'/api/v1/thumbnail?input={path}&at={self.dice.randrange(100)}', raw=True)
        self.ask('GET', f'/api/v1/probe?input={path}')

    def read(self):
        for path in ('jobs?limit=100', 'system', 'logs', 'options', 'alerts', 'health', 'nothing', f'jobs/{self.number}'):
            self.ask('GET', f'/api/v1/{path}', raw=True)
        self.ask('POST', '/api/v1/jobs', b'{"input": [')

    def step(self):
        what = self.dice.choices(['submit', 'cancel', 'clear', 'follow', 'upload', 'look', 'read'], [6, 2, 1, 4, 2, 4, 10])[0]
        getattr(self, what)()
        self.counts[what] = self.counts.get(what, 0) + 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('build', type=Path)
    parser.add_argument('--hours', type=float)
    parser.add_argument('--minutes', type=float, default=30)
    parser.add_argument('--seed', type=int, default=1)
    args = parser.parse_args()
    seconds = args.hours * 3600 if args.hours else args.minutes * 60
    samples, grown = [], []
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Program(args.build.resolve()), Path(folder), '--keep-jobs', '50')
        subprocess.run(['ffmpeg', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=25:d=1', '-c:v', 'mpeg2video', '-q:v', '4',
            service.files / 'tape.mpg'], check=True)
        load = Load(service, random.Random(args.seed))
        try:
            load.fill()
            begin, next_sample = time.monotonic(), 0
            while (now := time.monotonic() - begin) < seconds:
                load.step()
                time.sleep(0.05)
                if now >= next_sample:
                    samples.append((now, sample(service)))
                    next_sample = now + EVERY
        finally:
            service.stop()
    settled = [(t / 3600, s) for t, s in samples if t >= seconds / 5]
    result = {'seconds': round(seconds), 'seed': args.seed, 'steps': load.counts, 'jobs': load.number, 'samples': len(settled)}
    for name, noise in NOISE.items():
        by, half = slope([(hours, s[name]) for hours, s in settled])
        span = settled[-1][0] - settled[0][0]
        result[name] = {'first': settled[0][1][name], 'last': settled[-1][1][name], 'slope_an_hour': round(by, 2), 'interval': round(half, 2)}
        if by - half > 0 and by * span > noise:
            grown.append(name)
    print(json.dumps(result, indent=2))
    if grown:
        print('grows: ' + ', '.join(grown), file=sys.stderr)
    return bool(grown)


if __name__ == '__main__':
    sys.exit(main())
