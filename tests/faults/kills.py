#!/usr/bin/env python3
"""Stops runs at random moments, goes on, compares with an undisturbed run; prints the table.

usage: kills.py --program build/terminalai [--kills N] [--seed N] [--signals KILL,TERM,...] [--sources A,B] [--encoders A,B]
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

import kit
import judge


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--program', required=True)
    parser.add_argument('--kills', type=int, default=200)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--signals', default='KILL')
    parser.add_argument('--sources', default=','.join(kit.SOURCES))
    parser.add_argument('--encoders', default='h264,hevc,av1,ffv1')
    args = parser.parse_args()
    signals = args.signals.split(',') if args.signals != 'all' else list(kit.SIGNALS)
    cases = [(case, how) for case in kit.CASES for how in signals if case[0] in args.sources.split(',') and
        case[1] in args.encoders.split(',')]
    random.Random(args.seed).shuffle(cases)
    table = {}
    bad = 0
    with tempfile.TemporaryDirectory() as scratch:
        program = judge.Program(Path(args.program).resolve(), Path(scratch) / 'home')
        for n in range(args.kills):
            case, how = cases[n % len(cases)]
            row = table.setdefault((*case, how), [0, 0, 0])
            row[0] += 1
            try:
                found = kit.stop_and_go_on(program, scratch, case, how, args.seed * 100000 + n)
                row[1] += found.identical
                row[2] = max(row[2], found.lost)
            except AssertionError as error:
                print(f'{case} {how} seed {args.seed} number {n}: {error}', file=sys.stderr)
                bad += 1
    print(f'{"source":12} {"encoder":8} {"in":4} {"signal":10} {"stops":>5} {"identical":>9} {"in flight, most":>15}')
    for (source, encoder, suffix, how), (stops, identical, lost) in sorted(table.items()):
        print(f'{source:12} {encoder:8} {suffix:4} {how:10} {stops:5} {identical:9} {lost:15}')
    stops, identical = sum(r[0] for r in table.values()), sum(r[1] for r in table.values())
    print(f'{stops} stops, {identical} identical, {bad} with a complaint, seed {args.seed}')
    return 0 if identical == stops and not bad else 1


if __name__ == '__main__':
    sys.exit(main())
