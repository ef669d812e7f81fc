"""What the system that runs the service needs: units, readiness, the watchdog, an orderly end, logs."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import kit
import pytest

ROOT = Path(__file__).resolve().parents[2]
SLOW = {'segment-length': '0.4', 'crf': 24, 'preset-speed': 'slow', 'resolution': '640x512'}  # workers are nice: not too slow for a busy machine


@pytest.fixture
def ear(tmp_path, monkeypatch):
    """A socket that hears what the service says to systemd."""
    path = tmp_path / 'notify.sock'
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(str(path))
    s.settimeout(20)
    monkeypatch.setenv('NOTIFY_SOCKET', str(path))
    yield s
    s.close()


def test_ready_and_stopping(serve, ear):
    service = serve()
    assert ear.recv(1000).decode().split('\n')[0] == 'READY=1'
    assert service.ask('GET', '/api/v1/health')[0] == 200
    assert service.stop(signal.SIGTERM) == 0
    assert ear.recv(1000) == b'STOPPING=1'


def test_watchdog(serve, ear, monkeypatch):
    monkeypatch.setenv('WATCHDOG_USEC', '600000')
    service = serve()
    end, beats = time.monotonic() + 2.5, 0
    while time.monotonic() < end:
        beats += ear.recv(1000) == b'WATCHDOG=1'
    assert 5 <= beats <= 12, beats  # one each 0.3 s
    # One that is stopped says nothing: the system would start it anew.
    os.kill(service.process.pid, signal.SIGSTOP)
    ear.settimeout(1.5)
    try:
        with pytest.raises(TimeoutError):
            while True:
                ear.recv(1000)
    finally:
        os.kill(service.process.pid, signal.SIGCONT)


def test_abstract_socket(serve, monkeypatch):
    name = f'terminalai-test-{os.getpid()}'
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind('\0' + name)
    s.settimeout(20)
    monkeypatch.setenv('NOTIFY_SOCKET', '@' + name)
    serve()
    assert s.recv(1000).startswith(b'READY=1')


@pytest.mark.parametrize('how', ['shell', 'signal'])
def test_drain(serve, how):
    """What runs is finished, what waits stays, then the service ends."""
    service = serve('--workers', 1)
    for name in ('a.mkv', 'b.mkv'):
        shutil.copy(kit.source('interlaced'), service.files / name)
    jobs = [service.submit(n, options=SLOW) for n in ('a.mkv', 'b.mkv')]
    service.wait(jobs[0], 'running')
    if how == 'shell':
        assert service.shell('jobs', 'drain').returncode == 0
    else:
        service.process.send_signal(signal.SIGUSR2)
    assert service.process.wait(240) == 0
    service.start()
    assert service.job(jobs[0])['state'] == 'done'
    assert service.history(jobs[1])[:2] in (['queued'], ['queued', 'planning'])
    assert service.history(jobs[0]).count('done') == 1


def test_log_rotation(serve, tmp_path):
    log = tmp_path / 'service.txt'
    line = '2026-11-29T15:04:05.678Z info    [terminalai] ' + 'x' * 950 + '\n'
    log.write_text(line * 10100)  # 10 MB
    (tmp_path / 'service.txt.1').write_text('older\n')
    service = serve('--log-file', log)
    (service.files / 'text.avi').write_text('no film')
    service.wait(service.submit('text.avi'), 'failed')
    service.stop()
    assert (tmp_path / 'service.txt.2').read_text() == 'older\n'
    assert (tmp_path / 'service.txt.1').stat().st_size > 10e6
    assert 0 < log.stat().st_size < 1e5


def test_the_example_is_right(serve, tmp_path):
    """dist/config.yaml as it is, and with all that is commented out in it."""
    text = (ROOT / 'dist' / 'config.yaml').read_text().replace('127.0.0.1:7860', '127.0.0.1:0')
    config = tmp_path / 'house.yaml'
    config.write_text(text)
    service = serve('--config', config)
    assert service.ask('GET', '/api/v1/health')[0] == 200
    service.stop()
    full = re.sub(r'^( *)#( *[a-z-])', r'\1\2', text, flags=re.M)
    # Sentences of the comments became lines again: only what is a setting stays.
    full = '\n'.join(line for line in full.split('\n') if re.match(r'^ *(- )?[a-z-]+:( |$)', line))
    for secret in ('token', 'discord', 'webhook-key', 'mail-password'):
        path = tmp_path / secret
        path.write_text('https://example.org/s3cret\n')
        path.chmod(0o600)
        full = full.replace(f'/etc/terminalai/{secret}', str(path))
    for folder in ('/tapes', '/restored'):
        full = full.replace(folder, str(tmp_path) + folder)
        (tmp_path / folder[1:]).mkdir()
    config.write_text(full)
    service = None
    os.environ['SLACK_WEBHOOK'] = 'https://example.org/s3cret'
    try:
        service = serve('--config', config, roots=False)
    finally:
        del os.environ['SLACK_WEBHOOK']
    token = {'Authorization': 'Bearer https://example.org/s3cret'}
    shown = service.ask('GET', '/api/v1/notifications', headers=token)[1]
    assert [e['name'] for e in shown['endpoints']] == ['family', 'team', 'archive', 'mail', 'desktop'], full
    assert len(service.ask('GET', '/api/v1/folders', headers=token)[1]['folders']) == 1


@pytest.mark.parametrize('name', ['terminalai.service', 'terminalai-user.service'])
def test_units(name, tmp_path, program):
    if not shutil.which('systemd-analyze'):
        pytest.skip('no systemd-analyze')
    unit = tmp_path / 'terminalai.service'
    text = (ROOT / 'dist' / (name + '.in')).read_text()
    unit.write_text(text.replace('@bindir@/terminalai', str(program.path)).replace('@docdir@', '/usr/share/doc'))
    got = subprocess.run(['systemd-analyze', 'verify', '--man=no', *(['--user'] if 'user' in name else []), unit],
        capture_output=True, text=True, timeout=60, check=False, env={**os.environ, 'XDG_RUNTIME_DIR': str(tmp_path)})
    said = [line for line in (got.stdout + got.stderr).split('\n') if 'terminalai' in line]
    assert not said, said
    if 'user' in name:
        return
    got = subprocess.run(['systemd-analyze', 'security', '--offline=yes', '--threshold=25', unit], capture_output=True,
        text=True, timeout=60, check=False)
    assert got.returncode == 0, got.stdout  # an exposure of 2.5 of 10 at most


MANAGER = """
set -eu
mount -t tmpfs none /run/systemd
mkdir /run/systemd/system  # as where systemd is the first process
for group in $GROUPS_OF_TEST; do echo $$ > "$group/cgroup.procs" || true; done
SYSTEMD_LOG_TARGET=console /lib/systemd/systemd --user > manager.log 2>&1 &
for _ in $(seq 100); do
    systemctl --user is-system-running > state 2>&1 && break
    sleep 0.1
done
show() { systemctl --user show -p "$1" --value terminalai; }
systemctl --user start terminalai  # returns when it says that it is ready
echo "started $(show ActiveState) $(show StatusText)"
"$PROGRAM" submit "$HOME/tape.mkv" --segment-length 0.4 --resolution 640x512 --preset-speed slow > /dev/null
until "$PROGRAM" jobs show 1 --json | grep -q '"state": "running"'; do sleep 0.1; done
kill -KILL "$(show MainPID)"
sleep 1
until [ "$(show ActiveState)" = active ]; do sleep 0.2; done
echo "restarts $(show NRestarts)"
systemctl --user stop terminalai
echo "stopped $(show ActiveState) $(show Result) $(show ExecMainStatus)"
systemctl --user start terminalai
until "$PROGRAM" jobs show 1 --json | grep -q '"state": "\\(done\\|failed\\)"'; do sleep 0.2; done
"$PROGRAM" jobs show 1 --json | grep '"state"' | head -1
systemctl --user stop terminalai
"""


def own_groups():
    """The control groups that this process is in, of all hierarchies, as far as it may write there."""
    found = []
    for line in Path('/proc/self/cgroup').read_text().splitlines():
        name, path = line.split(':', 2)[1:]
        for mount in [name.removeprefix('name=')] if name else ['unified', '']:
            folder = Path('/sys/fs/cgroup', mount, path.strip('/'))
            if os.access(folder / 'cgroup.procs', os.W_OK):
                found.append(folder)
    return found


def test_a_user_unit_is_started(program, tmp_path):
    """By a real manager, in rooms of its own: ready, killed and started again, stopped with work in hand, gone on with."""
    groups = own_groups()
    if os.geteuid() or not groups or not Path('/lib/systemd/systemd').exists() or not shutil.which('unshare'):
        pytest.skip('no systemd, or no right to run a manager')
    units, run = tmp_path / '.config/systemd/user', tmp_path / 'run'
    units.mkdir(parents=True)
    run.mkdir(mode=0o700)
    text = (ROOT / 'dist/terminalai-user.service.in').read_text()
    (units / 'terminalai.service').write_text(text.replace('@bindir@/terminalai', str(program.path)))
    shutil.copy(kit.source('interlaced'), tmp_path / 'tape.mkv')
    own = [group / f'terminalai-test-{os.getpid()}' for group in groups]
    for folder in own:
        folder.mkdir()
    env = {'PATH': os.environ['PATH'], 'HOME': str(tmp_path), 'XDG_RUNTIME_DIR': str(run), 'GROUPS_OF_TEST': ' '.join(map(str, own)), 'PROGRAM': str(program.path)}
    try:
        done = subprocess.run(['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'bash', '-c', MANAGER], cwd=tmp_path,
            env=env, capture_output=True, text=True, timeout=180, check=False)
    finally:
        for folder in sorted((p for o in own for p in (o, *o.rglob('*')) if p.is_dir()), reverse=True):
            folder.rmdir()
    assert done.returncode == 0, done.stderr + (tmp_path / 'manager.log').read_text()[-3000:]
    lines = done.stdout.splitlines()
    assert lines[:3] == ['started active taking jobs', 'restarts 1', 'stopped inactive success 0'] and '"done"' in lines[3], lines
