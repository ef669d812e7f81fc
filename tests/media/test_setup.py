"""What setup.sh asks a package manager for, with a stand-in of apt-get that writes down its arguments."""

import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# "apt-get" that fails where the packages named in BROKEN are asked for, and is happy with all others.
APT_GET = """#!/bin/sh
echo "$*" >>"$APT_LOG"
for broken in $BROKEN; do
    case " $* " in *" $broken "*) exit 100 ;; esac
done
"""


@pytest.fixture
def setup(tmp_path):
    """setup(arguments, lacking=..., broken=...): runs setup.sh where the commands `lacking` are not found."""
    folder = tmp_path / "bin"

    def run(*arguments, lacking, broken=""):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for place in reversed(os.environ["PATH"].split(os.pathsep)):
            if not os.path.isdir(place):
                continue
            for name in os.listdir(place):
                link = folder / name
                link.unlink(missing_ok=True)
                link.symlink_to(os.path.join(place, name))
        for name in ("apt-get", "apt-cache", "dnf", "pacman", "brew", "sudo", *lacking):
            (folder / name).unlink(missing_ok=True)
        (folder / "apt-get").write_text(APT_GET)
        (folder / "apt-cache").write_text("#!/bin/sh\n")
        (folder / "sudo").write_text('#!/bin/sh\n[ "$1" != -n ] || shift\nexec "$@"\n')
        for name in ("apt-get", "apt-cache", "sudo"):
            (folder / name).chmod(0o755)
        log = tmp_path / "asked"
        log.unlink(missing_ok=True)
        env = dict(os.environ, PATH=str(folder), APT_LOG=str(log), BROKEN=broken)
        done = subprocess.run(["bash", ROOT / "setup.sh", *arguments], env=env, capture_output=True, text=True)
        asked = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
        return done, [line[line.index("install"):] for line in asked if "install" in line]

    return run


@pytest.mark.skipif(not (shutil.which("npm") and shutil.which("node")), reason="no node")
def test_a_group_that_is_whole_is_left_alone(setup):
    """Node from elsewhere conflicts with the system's npm: it is not asked for where both commands are there."""
    done, asked = setup(lacking=["meson"])
    assert done.returncode == 1 and "still missing: meson" in done.stderr  # the stand-in has installed nothing
    assert len(asked) == 1 and "meson" in asked[0] and "npm" not in asked[0] and "nodejs" not in asked[0]


def test_packages_that_cannot_be_had_do_not_hold_up_the_others(setup):
    done, asked = setup(lacking=["meson", "npm"], broken="npm")
    assert done.returncode == 1
    assert [("meson" in line, "npm" in line) for line in asked] == [(True, True), (True, False), (False, True)]
    assert 'the packages of "page" could not be installed' in done.stderr
    assert "still missing: meson npm" in done.stderr


def test_a_page_that_cannot_be_built_is_no_failure(setup):
    done, asked = setup(lacking=["npm"], broken="npm")
    assert done.returncode == 0 and len(asked) == 1
    assert "still missing: npm; install them by other means" in done.stderr


def test_check_says_what_is_missing_and_installs_nothing(setup):
    done, asked = setup("--check", lacking=["meson"])
    assert done.returncode == 1 and "missing: meson" in done.stderr and asked == []
