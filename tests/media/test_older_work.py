"""What an older version left behind: read where that can be, else refused with the reason and the way out. What is in `older/` was made by it."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

import judge

OLDER = Path(__file__).parent / 'older'
OPTIONS = ['--segment-length', 0.8, '--preset', 'clean', '--quality', 'fast', '--preset-speed', 'ultrafast', '--resolution', 'source']
QUIET = ['--progress', 'none']


def write_tape(path):
    """The source that the older version read, byte for byte, with its date."""
    with open(path, 'wb') as f:
        f.write(b'YUV4MPEG2 W48 H32 F25:1 Ip A1:1 C420jpeg\n')
        for n in range(60):
            f.write(b'FRAME\n' + bytes(16 + (x * 3 + y * 5 + n * 2) % 200 for y in range(32) for x in range(48)) + bytes([128]) * 768)
    os.utime(path, ns=(10**18, 10**18))


class Left:
    """A folder as that version left it, at another place."""

    def __init__(self, folder):
        self.folder, self.tape, self.out = folder, folder / 'tape.y4m', folder / 'half.mp4'
        self.work = judge.work_folder(self.out)
        write_tape(self.tape)
        shutil.copytree(OLDER / self.work.name, self.work)
        for name in ('whole.mp4', 'whole.mp4.json'):
            shutil.copy(OLDER / name, folder / name)
        plan = self.work / 'plan.json'
        plan.write_text(plan.read_text().replace('/tmp/tape/', f'{folder}/'))
        self.before = self.files()

    def files(self):
        return {p.name: p.read_bytes() for p in self.work.iterdir()}


@pytest.fixture
def left(tmp_path):
    return Left(tmp_path)


def test_status(program, left):
    """Its plan and its journal are read; what to do next is not what would be refused."""
    state = program('status', left.out, '--json', code=0).json()
    assert state['state'] == 'interrupted' and state['segments'] == {'total': 3, 'done': 2, 'running': [], 'left': 1}, state
    assert state['frames'] == {'total': 60, 'done': 40} and len(state['playable']) == 2
    assert '--restart' in state['next'] and 'resume' not in state['next'], state
    assert '--restart' in program('status', left.out, code=0).out
    listed = program('task', '--plan', left.work / 'plan.json', '--list', '--json', code=0).json()
    assert [t['state'] for t in listed['tasks']] == ['done', 'done', 'left']
    found, = program('clean', left.folder, '--json', code=0).json()
    assert found['tasks_done'] == 2 and found['tasks_total'] == 3
    assert left.files() == left.before


@pytest.mark.parametrize('args', [
    ['resume', 'half.mp4'],
    ['restore', 'tape.y4m', '-o', 'half.mp4', *OPTIONS],
])
def test_going_on_names_the_way_out(program, left, args):
    """Work that another version began is not mixed with this one's: nothing is changed, and the message says why, and --restart."""
    refused = program(*args, *QUIET, cwd=left.folder, code=1)
    assert len(refused.error_lines) == 2 and 'index' in refused.err and 'in another way' in refused.err, refused
    assert '"terminalai restore" with --restart' in refused.err and 'content is another' not in refused.err, refused
    told = program(*args, *QUIET, '--json', cwd=left.folder, code=1).json()['files'][0]
    assert told['code'] == 'mismatch' and '--restart' in told['advice'], told
    assert left.files() == left.before and not left.out.exists()


@pytest.mark.parametrize('args', [['task', '--task', 'seg-00002'], ['segment', '--index', 2], ['join']])
def test_single_tasks(program, left, args):
    refused = program(args[0], '--plan', left.work / 'plan.json', *args[1:], code=1)
    assert len(refused.error_lines) == 1 and 'plan it anew' in refused.err, refused
    assert left.files() == left.before


def test_restart_begins_anew(program, left):
    program('restore', 'tape.y4m', '-o', 'half.mp4', *OPTIONS, *QUIET, '--restart', cwd=left.folder, code=0)
    assert not left.work.exists() and len(judge.look(left.out)['frames']) == 60
    fresh = left.folder / 'fresh.mp4'
    program('restore', left.tape, '-o', fresh, *OPTIONS, *QUIET, code=0)
    assert judge.sha256(fresh) == judge.sha256(left.out)


def test_a_report(program, left):
    """Its output is still what its report says, and another one is not."""
    whole = left.folder / 'whole.mp4'
    assert 'good' in program('verify', whole, code=0).err
    assert program('status', whole, '--json', code=0).json()['report_fits'] is True
    data = bytearray(whole.read_bytes())
    data[len(data) // 2] ^= 1
    whole.write_bytes(data)
    assert 'good' not in program('verify', whole, code=1).err


def journal_line(entry):
    text = json.dumps(entry, separators=(',', ':'))
    return '{"entry":%s,"sha256":"%s"}' % (text, hashlib.sha256(text.encode()).hexdigest())


@pytest.mark.parametrize('what', ['libraries', 'program'])
def test_work_of_other_libraries(program, left, what):
    """The same plan, begun where libav was another: also then the advice is not to resume."""
    shutil.rmtree(left.work)
    args = ['restore', 'tape.y4m', '-o', 'half.mp4', *OPTIONS, *QUIET]
    program(*args, '--keep-work', cwd=left.folder, code=0)
    left.out.unlink()
    judge.report_path(left.out).unlink()
    journal = left.work / 'journal.jsonl'
    lines = journal.read_text().splitlines()
    entry = json.loads(lines[0])['entry']
    made_by = json.loads(entry['made_by'])
    made_by['libavcodec' if what == 'libraries' else 'terminalai'] = '1.2.3'
    entry['made_by'] = json.dumps(made_by, separators=(',', ':'), sort_keys=True)
    journal.write_text('\n'.join([journal_line(entry)] + [line for line in lines[1:] if '"task"' in line]) + '\n')
    before = left.files()
    for command in (['resume', 'half.mp4', *QUIET], args):
        refused = program(*command, cwd=left.folder, code=1)
        assert len(refused.error_lines) == 2 and '1.2.3' in refused.err and '"terminalai restore" with --restart' in refused.err, refused
    assert '--restart' in program('status', left.out, '--json', code=0).json()['next']
    assert left.files() == before
