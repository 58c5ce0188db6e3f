from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from children import LISTEN
from jobs import LARGE, MANY, ONE, job_of
from lab import Lab
from toy_site import Site

from bench.measure import applicable, records, sampler
from bench.models import MODELS
from bench.models.prepared import prepare

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import FakeClock, FakeWorker, Make

    from bench.models.prepared import Prepared
    from bench.spec import Input

    Job = Callable[..., dict[str, Any]]
    Script = Callable[[str], Path]


@pytest.fixture
def lab(
    tmp_path: Path, make: Make, clock: FakeClock, worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> Lab:
    for module in (sampler, records):
        monkeypatch.setattr(module, "MODELS", {"toy": make.model()})
    monkeypatch.setattr(applicable, "free_memory", lambda: 1 << 40)
    return Lab(tmp_path, make, clock, worker)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(MODELS["tiny"], (ONE, LARGE, MANY), tmp_path_factory.mktemp("models"))


@pytest.fixture
def job(tiny: Prepared) -> Job:
    def make_job(entry: Input = ONE, **changes: Any) -> dict[str, Any]:
        return job_of(MODELS["tiny"], tiny, entry, **changes)

    return make_job


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Write a worker of a few lines; it has read its job."""

    def write(text: str) -> Path:
        path = tmp_path / "worker.py"
        path.write_text(LISTEN + text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def site(tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, make, monkeypatch)
