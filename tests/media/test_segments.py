"""How long segments are where nobody says it: a stop loses what is being made, which must not be a minute's work."""

import pytest


@pytest.fixture(scope='module')
def tape(program, tmp_path_factory):
    """Thirty seconds of 480 lines: what was one segment before."""
    path = tmp_path_factory.mktemp('segments') / 'tape.avi'
    program('simulate', '-o', path, '--frames', 900, '--noise', 0, code=0)
    return path


def lengths(program, source, *args):
    plan = program('plan', source, *args, '--json', code=0).json()
    cuts = plan['video']['cuts']
    why = [d['why'] for d in plan['decisions'] if d['what'] == 'segments']
    return [b - a for a, b in zip(cuts, cuts[1:])], why


# Source frames that a segment has at most: forty seconds of one core, by the costs that were measured of x264, x265 and nlmeans
# at 720x480 and 1440x1080 (two output frames each).
@pytest.mark.parametrize('args, least, most', [
    ([], 60, 100),
    (['--quality', 'fast'], 160, 260),
    (['--quality', 'best'], 24, 40),
    (['--encoder', 'hevc'], 24, 40),
    (['--denoise', 'nlmeans', '--resolution', 'source'], 70, 150),
    (['--resolution', 'source'], 280, 460),
    (['--resolution', 'source', '--quality', 'fast'], 900, 900),
    (['--encoder', 'ffv1', '-o', 'x.mkv', '--resolution', 'source'], 500, 900),
    (['--segment-length', '30'], 900, 900),
    (['--segment-length', '5'], 150, 150),
], ids=lambda a: '-'.join(a).strip('-') or 'default' if isinstance(a, list) else None)
def test_by_the_work_in_them(program, tape, args, least, most):
    found, why = lengths(program, tape, *args)
    assert sum(found) == 900 and least <= max(found) <= most, found
    assert max(found) - min(found) <= 2 or '--segment-length' in args, found  # nothing is left over at the end
    if len(found) > 1 and '--segment-length' not in args:
        assert f'{max(found) / 30000 * 1001:.1f} seconds each' in why[0] or f'{min(found) / 30000 * 1001:.1f} seconds each' in why[0], why
    else:
        assert not why


def test_the_machine_does_not_count(program, tape, tmp_path):
    """The same pieces wherever it is planned: the output has the same bytes."""
    assert lengths(program, tape, '--cpu-mask', 'none') == lengths(program, tape)


def test_short_clip_is_one(program, tape):
    assert lengths(program, tape, '--range', '0-1', '--quality', 'fast')[0] == [30]
