from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lab import Lab

from bench.measure import applicable, records, sampler

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import FakeClock, FakeWorker, Make


@pytest.fixture
def lab(
    tmp_path: Path, make: Make, clock: FakeClock, worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> Lab:
    for module in (sampler, records):
        monkeypatch.setattr(module, "MODELS", {"toy": make.model()})
    monkeypatch.setattr(applicable, "free_memory", lambda: 1 << 40)
    return Lab(tmp_path, make, clock, worker)
