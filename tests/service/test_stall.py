"""A worker whose heart beats while nothing is done is ended, and its job goes on; one that is only slow is let be."""

import hashlib
import os
import signal
import time

import onnx_kit

SETTINGS = 'terminalai dummy engine\ndevice gpu\n'


def network():
    return onnx_kit.model([onnx_kit.node('Concat', ['x'] * 4, 't', axis=1), onnx_kit.node('DepthToSpace', ['t'], 'y', blocksize=2)],
                          [onnx_kit.picture('x', 3, 'h', 'w')], [onnx_kit.picture('y', 3, 'hh', 'ww')])


def with_engine(tmp_path):
    """A configuration by which jobs use the engine that stands in for a device, and the file that says how that behaves."""
    engine, model, config = tmp_path / 'engine.dummy', tmp_path / 'files' / 'any.onnx', tmp_path / 'config.yaml'
    model.parent.mkdir(exist_ok=True)
    model.write_bytes(network())
    engine.write_text(SETTINGS)
    config.write_text(f'scale: neural\nscale-model: {model}\nengine: dummy\nengine-library: {engine}\ndenoise: off\n'
                      'resolution: 192x128\nencoder: ffv1\nsegment-length: 0.4\n')
    return engine, config


def md5(path):
    with open(path, 'rb') as f:
        return hashlib.file_digest(f, 'md5').hexdigest()


def test_driver_that_stands_still(serve, tape, tmp_path):
    engine, config = with_engine(tmp_path)
    service = serve('--worker-stall', 3, '--workers', 1, '--config', config)
    tape(service, 'a.avi', 'b.avi')
    whole = service.submit('b.avi', output=str(service.files / 'b.mkv'))
    assert service.wait(whole, 'done', 'failed')['state'] == 'done', service.job(whole)
    # Waits between calls that are shorter than that are no standstill.
    engine.write_text(SETTINGS + 'call_ms 600\n')
    service.stop()
    service.start()
    slow = service.submit('a.avi', output=str(service.files / 'slow.mkv'))
    assert service.wait(slow, 'done', 'failed')['state'] == 'done', service.job(slow)
    assert service.job(slow)['attempt'] == 0
    engine.write_text(SETTINGS + 'call_ms 60000\n')
    service.stop()
    service.start()
    job = service.submit('a.avi', output=str(service.files / 'a.mkv'))
    service.wait(job, 'planning', 'running')
    begin = time.monotonic()
    stopped = service.wait(job, 'queued', limit=60)
    assert 'its worker did nothing for 3 s and was ended; attempt 1 of 3, tried again' in stopped['reason'], stopped
    assert 2 < time.monotonic() - begin < 30
    engine.write_text(SETTINGS)
    done = service.wait(job, 'done', 'failed')
    assert done['state'] == 'done' and done['attempt'] == 1, done
    assert md5(done['output']) == md5(service.files / 'b.mkv') == md5(service.files / 'slow.mkv')
    assert service.stop() == 0


def test_paused_machine(serve, tape):
    """Service and workers are put to sleep for longer than a worker may say nothing, as a container that is paused."""
    service = serve()
    tape(service, 'a.avi')
    job = service.submit('a.avi', options={'denoise': 'nlmeans', 'resolution': '640x512', 'segment-length': '0.4'})
    service.wait(job, 'running')
    sleepers = [service.process.pid, *service.workers()]
    for pid in sleepers:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(36)
    for pid in sleepers:  # the service before its workers can say anything
        os.kill(pid, signal.SIGCONT)
    done = service.wait(job, 'done', 'failed')
    assert done['state'] == 'done' and done['attempt'] == 0, done
