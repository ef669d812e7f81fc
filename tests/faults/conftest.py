"""Shims need a program without a sanitizer of its own."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import kit  # noqa: E402


@pytest.fixture
def folder(tmp_path):
    where = tmp_path / 'films'
    where.mkdir()
    return where


@pytest.fixture
def shim():
    """shim(name, **settings): the environment for a run with that shim; settings become TA_FAULT_* and the like."""

    def load(name, **settings):
        env = kit.shim(name)
        if env is None or os.environ.get('TA_SANITIZER'):
            pytest.skip('the shims are not built for this program')
        return {**env, **{key: str(value) for key, value in settings.items()}}

    return load
