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
