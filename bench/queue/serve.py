#!/usr/bin/env python3
"""How many requests a second the service answers on connections that stay open, while niced workers take all cores; pages of a
long list, its start and its memory.

usage: bench/queue/serve.py BUILD [--seconds N] [--jobs N]

Limits: 10,000 requests a second, the 99th percentile within 10 ms; with 100,000 jobs a page within 20 ms, a start within 2 s,
30 MB and 1 KB a job; 30 MB without any. "changing" is the list while its jobs change all the time.
"""

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'tests' / 'service'))

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import figures  # noqa: E402
from service import Service  # noqa: E402

PATHS = ('/api/v1/health', '/api/v1/jobs?limit=20', '/api/v1/jobs/1')
BURN = 'import os; os.nice(10)\nwhile True: pass'


class Program:
    def __init__(self, build):
        self.path = build / 'terminalai'


def rss_kb(service):
    text = Path(f'/proc/{service.process.pid}/status').read_text(encoding='ascii')
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith('VmRSS'))


def fill(service, count):
    (service.files / 'tape.avi').write_bytes(b'x')
    service.ask('POST', '/api/v1/queue/pause')
    at = 0
    while at < count:
        n = min(1000, count - at)
        jobs = [{'input': str(service.files / 'tape.avi'), 'output': str(service.files / f'{at + i}.mp4'), 'options': {}} for i in range(n)]
        status, answer = service.ask('POST', '/api/v1/jobs', {'jobs': jobs})
        assert status == 201, answer
        at += n


def page_ms(service, query, after):
    connection, best = http.client.HTTPConnection('127.0.0.1', service.port), []
    for i in range(20):  # each another page, none that is kept
        begin = time.monotonic()
        connection.request('GET', f'/api/v1/jobs?{query}&after={after + i}')
        connection.getresponse().read()
        best.append((time.monotonic() - begin) * 1000)
    connection.close()
    return sorted(best)[len(best) // 2]


def change(port, stop, counted):
    """Changes of priority, one after the other: each is an event, after which no page of the list is as it was."""
    connection = http.client.HTTPConnection('127.0.0.1', port)
    while not stop.is_set():
        connection.request('PATCH', f'/api/v1/jobs/{counted[0] % 20 + 1}', json.dumps({'priority': counted[0] % 100}))
        connection.getresponse().read()
        counted[0] += 1
    connection.close()


def load(args, service, path):
    text = subprocess.run([args.build / 'bench' / 'http_load', str(service.port), path, '16', str(args.seconds)],
        capture_output=True, text=True, check=True).stdout
    return json.loads(text)


def keep(result, kept):
    for path, found in (*result['http'].items(), ('the list while it changes', result['changing'])):
        kept.add(f'{path}: requests', found['requests_per_second'], '1/s', figures.MORE)
        kept.add(f'{path}: 99th percentile', found['p99_ms'], 'ms', figures.LESS)
    for path, ms in result['pages_ms'].items():
        kept.add(f'a page, {path}', ms, 'ms', figures.LESS)
    kept.add('memory without jobs', result['idle_rss_kb'] / 1e3, 'MB', figures.LESS)
    kept.add(f'memory with {result["jobs"]} jobs', result['rss_kb'] / 1e3, 'MB', figures.LESS)
    kept.add('start', result['start_s'], 's', figures.LESS)
    kept.save()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('build', type=Path)
    parser.add_argument('--seconds', type=float, default=5)
    parser.add_argument('--jobs', type=int, default=100000)
    figures.option(parser)
    args = parser.parse_args()
    burners = []
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Program(args.build.resolve()), Path(folder))
        time.sleep(1)
        result = {'idle_rss_kb': rss_kb(service), 'http': {}}
        try:
            fill(service, 100)
            burners = [subprocess.Popen([sys.executable, '-c', BURN]) for _ in range(os.cpu_count() or 1)]
            for path in PATHS:
                result['http'][path] = load(args, service, path)
            stop, counted = threading.Event(), [0]
            changer = threading.Thread(target=change, args=(service.port, stop, counted))
            changer.start()
            result['changing'] = load(args, service, PATHS[1])
            stop.set()
            changer.join()
            result['changing']['changes_per_second'] = round(counted[0] / args.seconds)
            for b in burners:
                b.kill()
            fill(service, args.jobs)
            result['pages_ms'] = {f'{q} {after}': round(page_ms(service, q, after), 1)
                for q, after in (('limit=100', 0), ('limit=100&order=newest', args.jobs), ('limit=100', args.jobs // 2))}
            result['rss_kb'], result['jobs'] = rss_kb(service), args.jobs
            service.stop()
            begin = time.monotonic()
            service.start()
            result['start_s'] = round(time.monotonic() - begin, 2)
        finally:
            for b in burners:
                b.kill()
            service.stop()
    print(json.dumps(result, indent=2))
    keep(result, figures.Figures(args.figures))


if __name__ == '__main__':
    main()
