"""Options that matter before the plan is made. The others: tests/unit/test_options.c."""

import clips


def test_scan_full_measures_every_frame(program, tmp_path):
    source = tmp_path / 'long.avi'
    clips.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=25:duration=80', '-c:v', 'mjpeg', '-q:v', 9, source)

    def measured(depth):
        plan = program('plan', source, '--scan', depth, '--json', code=0).json()
        return plan['diagnosis']['scan_type']['full'], plan['diagnosis']['scan_type']['frames']['measured']

    assert measured('full') == (True, 2000)
    full, frames = measured('sample')
    assert not full and frames < 1000
