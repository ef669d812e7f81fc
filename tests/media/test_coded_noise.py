"""Noise of tapes behind MPEG-2, which takes much of what is faint: what is read is still near to what was there."""

import pytest

import clips

MPEG2 = ('-c:v', 'mpeg2video', '-b:v', '6M', '-maxrate', '8M', '-bufsize', '1835k', '-g', 15, '-bf', 2, '-flags', '+ildct+ilme', '-top', 1)


def read(program, path):
    return program('plan', path, '--json', '-q', '--preset', 'clean', '--no-cache', code=0).json()['diagnosis']['noise']


@pytest.mark.parametrize('sigma', [0, 1, 2, 4, 8])
def test_near_what_was_there(program, tmp_path, sigma):
    tape, disc = tmp_path / 'tape.mkv', tmp_path / 'disc.mpg'
    program('simulate', '--noise', sigma, '--frames', 60, '-o', tape, code=0)
    clips.ffmpeg('-i', tape, '-map', '0:v', '-pix_fmt', 'yuv420p', '-threads', 1, *MPEG2, disc)
    exact, coded = read(program, tape), read(program, disc)
    print(sigma, exact, coded)
    assert exact['value']['luma'] == pytest.approx(sigma, rel=0.1, abs=0.1)
    if sigma:
        assert coded['value']['luma'] == pytest.approx(sigma, rel=0.25)
    else:
        assert coded['value']['luma'] < 0.9  # what coding itself adds
    assert coded['confidence'] <= 0.5
