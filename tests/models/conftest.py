from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.models import MODELS

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def built() -> Callable[[str], bytes]:
    """Bytes of a model by id, built once."""

    @cache
    def bytes_of(name: str) -> bytes:
        return MODELS[name].build()

    return bytes_of


@pytest.fixture
def in_child() -> Callable[..., str]:
    """Run Python code in a fresh process; its standard output. Models run nowhere else."""

    def run(code: str, *arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=ROOT,
            env={**os.environ, "ORT_DISABLE_TELEMETRY": "1"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=120,
        ).stdout

    return run
