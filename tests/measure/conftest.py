from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lab import Lab
from toy_site import Site

from bench.measure import child, header, task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from samples import FakeClock, FakeWorker, Make

    Script = Callable[[str], Path]

LISTEN = "import json, os, sys, time\njob = json.loads(sys.stdin.buffer.readline())\n"


@pytest.fixture
def lab(
    tmp_path: Path, make: Make, clock: FakeClock, worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> Lab:
    for module in (task, header):
        monkeypatch.setattr(module, "MODELS", {"toy": make.model()})
    monkeypatch.setattr(task, "free_memory", lambda: 1 << 40)
    return Lab(tmp_path, make, clock, worker)


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Let a few lines, which find a job read, take the place of the worker."""

    def write(text: str) -> Path:
        path = tmp_path / "worker.py"
        path.write_text(LISTEN + text, encoding="utf-8")
        monkeypatch.setattr(child, "WORKER", path)
        return path

    return write


@pytest.fixture
def site(tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, make, monkeypatch)
