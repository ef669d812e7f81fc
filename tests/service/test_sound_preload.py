"""serve --audio-preload: workers start with the service and have the networks for sound loaded before the first job."""

import os
import time
from pathlib import Path

import pytest

import judge
import sound_kit
from service import Service
from sound_network_kit import known, voice


def test_preload(program, has_service, tmp_path, monkeypatch):
    folder = Path(os.environ.get('TERMINALAI_ENGINE_LIBRARY') or Path(os.environ.get('TA_BUILD', 'build')).resolve() / 'engines')
    if not (folder / 'onnxruntime').is_dir():
        pytest.skip('there is no ONNX Runtime in the build folder')
    for key, value in {**known(tmp_path, gtcrn=voice()), 'TERMINALAI_ENGINE_LIBRARY': str(folder)}.items():
        monkeypatch.setenv(key, value)
    service = Service(program, tmp_path, '--workers', '1', '--audio-preload')
    try:
        end, worker = time.monotonic() + 30, None
        while time.monotonic() < end and worker is None:
            worker = next((n for n in service.workers() if 'onnxruntime' in Path(f'/proc/{n}/maps').read_text()), None)
            time.sleep(0.05)
        assert worker, 'no worker has loaded anything: ' + service.log.read_text()
        sound_kit.film(service.files / 'a.mkv', sound_kit.write_wav(tmp_path / 'a.wav', [sound_kit.noise(1, 16000)], 16000), 1)
        job = service.submit('a.mkv', options={'preset': 'clean', 'resolution': 'source', 'encoder': 'ffv1', 'audio-enhance': 'neural', 'audio-model': 'gtcrn'})
        done = service.wait(job, 'done', 'failed')
        assert done['state'] == 'done', done
        assert service.workers() == [worker]
        counts = judge.report(done['output'])['networks']
        assert counts['loads'] == 1 and counts['hits'] >= 1, counts
    finally:
        service.stop()
