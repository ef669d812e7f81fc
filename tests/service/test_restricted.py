"""What workers may do: they are restricted as far as the kernel can, and reach all that their jobs name."""

import shutil
import time
from pathlib import Path

import kit

QUICK = {'segment-length': '0.4', 'crf': 30, 'preset-speed': 'ultrafast'}
SLOW = {'denoise': 'nlmeans', 'resolution': '640x512', 'preset-speed': 'slow'}
CUBE = 'LUT_3D_SIZE 2\n' + '\n'.join(f'{r} {g} {b}' for b in (0, 1) for g in (0, 1) for r in (0, 1)) + '\n'


def status_of(pid):
    return dict(line.split(':\t', 1) for line in Path(f'/proc/{pid}/status').read_text(encoding='ascii').splitlines() if ':\t' in line)


def is_restricted(pid):
    """Of a process that may not be that far yet, or gone."""
    try:
        status = status_of(pid)
        score = Path(f'/proc/{pid}/oom_score_adj').read_text(encoding='ascii')
    except OSError:
        return False
    return status['NoNewPrivs'] == '1' and status['Seccomp'] == '2' and score == '500\n'


def test_workers_at_work(serve, tape):
    service = serve('--workers', 2)
    tape(service, 'a.avi', 'b.avi')
    jobs = [service.submit(n, options=SLOW) for n in ('a.avi', 'b.avi')]
    # The one may be over before the other begins: what counts is that each was seen restricted.
    seen, restricted, end = set(), set(), time.monotonic() + 60
    while len(restricted) < 2 and time.monotonic() < end:
        seen |= set(service.workers())
        restricted |= {pid for pid in seen if is_restricted(pid)}
        time.sleep(0.01)
    assert len(restricted) == 2, (seen, restricted)
    for job in jobs:
        service.ask('POST', f'/api/v1/jobs/{job}/cancel')
        service.wait(job, 'cancelled', 'done')
    # Each had a worker of its own, which knew nothing but its files: it is gone with its job.
    end = time.monotonic() + 10
    while service.workers() and time.monotonic() < end:
        time.sleep(0.05)
    assert not service.workers()


def test_nothing_is_left_of_a_job_that_fails(serve, tape):
    """The service makes the work folder for the worker, which may make nothing beside the output."""
    service = serve()
    (service.files / 'none.avi').write_text('no film')
    assert service.wait(service.submit('none.avi', options=QUICK), 'done', 'failed')['state'] == 'failed'
    tape(service, 'tape.avi')
    job = service.submit('tape.avi', options=SLOW)
    end = time.monotonic() + 30
    while not (service.files / 'tape.restored.mp4.terminalai').is_dir():
        assert time.monotonic() < end, service.log.read_text()
        time.sleep(0.01)
    service.ask('POST', f'/api/v1/jobs/{job}/cancel')
    service.wait(job, 'cancelled', 'done')
    service.ask('DELETE', f'/api/v1/jobs/{job}')
    end = time.monotonic() + 20
    while list(service.files.glob('*.terminalai')) and time.monotonic() < end:
        time.sleep(0.05)
    assert not list(service.files.glob('*.terminalai'))


def test_what_is_there_is_replaced(serve, tape):
    """Also by a worker that may write nothing in that folder but what gets a name there."""
    service = serve()
    tape(service, 'tape.avi')
    first = service.wait(service.submit('tape.avi', options=QUICK), 'done', 'failed')
    assert first['state'] == 'done', first['reason']
    out = service.files / 'tape.restored.mp4'
    was = out.read_bytes()
    for options in ({'crf': 35}, {'framemd5': 'on'}):
        again = service.wait(service.submit('tape.avi', output=str(out), options={**QUICK, **options, 'overwrite': 'on'}), 'done', 'failed')
        assert again['state'] == 'done', again['reason']
        assert out.read_bytes() != was or 'framemd5' in options
        was = out.read_bytes()
    assert sorted(p.name for p in service.files.iterdir()) == ['tape.avi', 'tape.restored.mp4', 'tape.restored.mp4.framemd5', 'tape.restored.mp4.json']


def test_all_that_a_job_names(serve, tape, tmp_path, monkeypatch):
    """Files of other folders than those of input and output: by options, by the shell, by a link."""
    service = serve()
    tape(service, 'tape.avi')
    far, work, outs = tmp_path / 'far', tmp_path / 'work', tmp_path / 'outs'
    for folder in (far, work, outs):
        folder.mkdir()
    (far / 'look.cube').write_text(CUBE)
    shutil.copy(kit.source('interlaced'), far / 'film.avi')
    (far / 'link.avi').symlink_to(service.files / 'tape.avi')
    quick = [w for n, v in QUICK.items() for w in (f'--{n}', v)]
    # "look.cube" is a file of where the shell is, which is not where the service is.
    monkeypatch.chdir(far)
    for name, more in (('film', []), ('link', []), ('film', ['--colour-lut', 'look.cube', '--work-dir', '../work', '--keep-work'])):
        said = service.shell('submit', far / f'{name}.avi', '-o', outs / f'{name}{len(more)}.mp4', *quick, *more)
        assert said.returncode == 0, said.stderr
    for job in (1, 2, 3):
        done = service.wait(job, 'done', 'failed')
        assert done['state'] == 'done', done['reason']
    assert list(work.iterdir()) and (outs / 'film0.mp4').exists()
    assert (tmp_path / '.local/state/terminalai/performance_metrics.jsonl').read_text(encoding='utf8').count('\n') == 3
