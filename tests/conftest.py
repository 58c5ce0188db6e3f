"""What tests of several packages share: valid records, a toy experiment, a clock and a worker without processes."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from samples import FakeClock, FakeWorker, Make

# What tests make stays, or is large: to look for rubbish as often as usual takes a tenth of their time.
gc.set_threshold(100_000, 50, 100)
FIRST = "test_hostile_site.py"  # builds two sites, one of them the one that many others look at
SLOW = {"browser", "cli", "facts", "models", "site", "test_selftest.py"}
"""Folders and files whose tests start processes that take their time."""
UNCOUNTED = {"browser", "experiments", "facts", "models", "pages", "site", "test_truth_mill.py"}
"""What is there for other parts than those whose coverage is asked for: tracing them takes a minute."""
Once = Callable[[str, Callable[[Path], object]], Path]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each process takes a file at a time: while the first one builds a site, the other does what takes long without
    it. Quick files come last, so that both end together.
    """

    def rank(item: pytest.Item) -> int:
        if item.path.name == FIRST:
            return 0
        return 2 if "whole" in item.fixturenames else 1 if item.get_closest_marker("slow") else 3  # type: ignore[attr-defined]

    for item in items:
        heavy = {"drafted", "finished", "whole"} & set(getattr(item, "fixturenames", ()))
        alone = item.get_closest_marker("alone")  # not beside others, and so not among the quick ones
        if heavy or alone or {item.path.parent.name, item.path.name} & SLOW:
            item.add_marker("slow")
        if {item.path.parent.name, item.path.name} & UNCOUNTED:
            item.add_marker("no_cover")
    items.sort(key=rank)


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

    def fill(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            for name in [one for one in os.environ if one.startswith("COV")]:
                patch.delenv(name)  # of its children
            made_up_site.build(folder, make)

    return once("whole", fill) / "site"


@pytest.fixture(scope="session")
def drafted(once: Once, make: Make) -> Path:
    """A draft of the real pages, when little is measured, of hostile samples."""
    import made_up_draft

    return made_up_draft.site_in(once("drafted", lambda folder: made_up_draft.build(folder, make)))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def worker(clock: FakeClock, make: Make) -> FakeWorker:
    return FakeWorker(clock, make)
