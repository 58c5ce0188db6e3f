"""What tests of several packages share: valid records, a toy experiment, a clock and a worker without processes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from samples import FakeClock, FakeWorker, Make

HEAVY = ("stage", "whole")
"""Fixtures that run the real command line or build a site: their tests are slow and begin first."""
SLOW = {"browser", "cli", "facts", "models", "site", "test_selftest.py"}
"""Folders and files whose tests start processes that take their time."""
Once = Callable[[str, Callable[[Path], object]], Path]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each process takes a file at a time: those that take longest come first, so that both end together."""

    def weight(item: pytest.Item) -> list[bool]:
        asked = getattr(item, "fixturenames", ())
        return [name not in asked for name in HEAVY]

    for item in items:
        slow = {item.path.parent.name, item.path.name} & SLOW or item.get_closest_marker(
            "alone"
        )  # not beside others
        if slow or not all(weight(item)):
            item.add_marker("slow")
    items.sort(key=lambda item: (weight(item), item.get_closest_marker("slow") is None))


@pytest.fixture(scope="session")
def make() -> Make:
    return Make()


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Fills a folder for all processes that run tests: the first that asks does it, the others wait."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def folder(name: str, fill: Callable[[Path], object]) -> Path:
        path, done = shared / name, shared / f"{name}.done"
        with FileLock(shared / f"{name}.lock"):
            if not done.exists():
                shutil.rmtree(path, ignore_errors=True)
                path.mkdir()
                fill(path)
                done.touch()
        return path

    return folder


@pytest.fixture(scope="session")
def whole(once: Once, make: Make) -> Path:
    """The real pages over made-up samples, built once for all tests that look at them."""
    import made_up_site

    return once("whole", lambda folder: made_up_site.build(folder, make)) / "site"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def worker(clock: FakeClock, make: Make) -> FakeWorker:
    return FakeWorker(clock, make)
