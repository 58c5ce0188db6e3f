"""Which stored result is published, and that nothing else stays behind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from stored import keep

from bench.experiments import EXPERIMENTS
from bench.measure.campaign import Here
from bench.measure.profiles import PROFILES
from bench.results import store
from bench.results.trust import SELFTEST
from bench.site import publish
from bench.spec import BASELINE, CONTROL
from bench.system.folders import Folders

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Make

THREADS = EXPERIMENTS["intra_op_num_threads"]


@pytest.fixture(scope="module")
def here() -> Here:
    return Here.read()


def _store(folders: Folders, make: Make, build: str, key: str, ms: float) -> None:
    rounds = [[(case, {"latency_ns": round(ms * 1e6)}) for case in (BASELINE, CONTROL, "1", "2")]] * 3
    journal = make.journal(rounds, experiment=THREADS.id, build=build, key=key)
    keep(folders.results, journal)


def _published(folders: Folders) -> dict[str, object]:
    return json.loads((folders.export / "data" / f"{THREADS.id}.json").read_text(encoding="utf-8"))


def test_newest_valid_result_is_published(tmp_path: Path, make: Make, here: Here) -> None:
    folders = Folders.below(tmp_path)
    for build, ms in (("20260101-000000-aaaa", 10), ("20260102-000000-aaaa", 20)):
        _store(folders, make, build, here.key(THREADS, PROFILES["default"]), ms)
    assert publish.publish(here, folders, lambda _: None) == {THREADS.id: "valid"}
    assert _published(folders)["build"]["id"] == "20260102-000000-aaaa"  # type: ignore[index]
    assert (folders.export / "data" / "machine.json").exists()


def test_result_of_another_key_is_not_published(tmp_path: Path, make: Make, here: Here) -> None:
    folders = Folders.below(tmp_path)
    _store(folders, make, "20260101-000000-aaaa", "f" * 16, 10)
    assert publish.publish(here, folders, lambda _: None) == {}
    assert not (folders.export / "data" / f"{THREADS.id}.json").exists()


def test_preview_may_show_a_result_of_another_key_and_says_so(tmp_path: Path, make: Make, here: Here) -> None:
    folders = Folders.below(tmp_path)
    _store(folders, make, "20260101-000000-aaaa", "f" * 16, 10)
    assert publish.publish(here, folders, lambda _: None, stale_ok=True) == {THREADS.id: "stale"}
    assert _published(folders)["build"]["id"] == "20260101-000000-aaaa"  # type: ignore[index]


def test_export_goes_when_its_result_is_no_longer_valid(tmp_path: Path, make: Make, here: Here) -> None:
    folders = Folders.below(tmp_path)
    _store(folders, make, "20260101-000000-aaaa", "f" * 16, 10)
    publish.publish(here, folders, lambda _: None, stale_ok=True)
    publish.publish(here, folders, lambda _: None)
    assert not list((folders.export / "data").glob(f"{THREADS.id}*"))


def test_files_that_are_up_to_date_are_not_written_again(tmp_path: Path, make: Make, here: Here) -> None:
    folders = Folders.below(tmp_path)
    _store(folders, make, "20260101-000000-aaaa", here.key(THREADS, PROFILES["default"]), 10)
    publish.publish(here, folders, lambda _: None)
    data = folders.export / "data" / f"{THREADS.id}.json"
    before = data.stat().st_mtime_ns
    publish.publish(here, folders, lambda _: None)
    assert data.stat().st_mtime_ns == before


def test_damaged_result_is_named_and_the_older_one_published(tmp_path: Path, make: Make, here: Here) -> None:
    folders, told = Folders.below(tmp_path), []
    _store(folders, make, "20260101-000000-aaaa", here.key(THREADS, PROFILES["default"]), 10)
    store.journal_path(folders.results, THREADS.id, "20260102-000000-aaaa").write_text("{}\n")
    publish.publish(here, folders, told.append)
    assert _published(folders)["build"]["id"] == "20260101-000000-aaaa"  # type: ignore[index]
    assert any("20260102-000000-aaaa" in sentence for sentence in told)


def _store_selftest(folders: Folders, make: Make, build: str, *, complete: bool = True) -> None:
    journal = make.journal([[(BASELINE, {})]], experiment=SELFTEST, build=build)
    if complete:
        keep(folders.results, journal)
    else:
        store.Writer.create(folders.results, journal.header)


def _selftests(folders: Folders) -> set[str]:
    return {path.stem for path in (folders.export / "data" / SELFTEST).glob("*.json")}


def test_selftest_of_the_build_that_is_shown_is_published_and_no_later_one(
    tmp_path: Path, make: Make, here: Here
) -> None:
    """One made on a quieter day must not vouch for a build that it never saw."""
    folders = Folders.below(tmp_path)
    own, later = "20260101-000000-aaaa", "20260102-000000-aaaa"
    _store(folders, make, own, here.key(THREADS, PROFILES["default"]), 10)
    _store_selftest(folders, make, later)
    publish.publish(here, folders, lambda _: None)
    assert _selftests(folders) == set()
    _store_selftest(folders, make, own)
    publish.publish(here, folders, lambda _: None)
    assert _selftests(folders) == {own}


def test_selftest_goes_with_its_build(tmp_path: Path, make: Make, here: Here) -> None:
    folders = Folders.below(tmp_path)
    own, later = "20260101-000000-aaaa", "20260102-000000-aaaa"
    for build in (own, later):
        _store(folders, make, build, here.key(THREADS, PROFILES["default"]), 10)
        _store_selftest(folders, make, build, complete=build == own)
        publish.publish(here, folders, lambda _: None)
    assert _selftests(folders) == set()


def test_damaged_selftest_is_named_and_none(tmp_path: Path, make: Make, here: Here) -> None:
    folders, told = Folders.below(tmp_path), []
    own = "20260101-000000-aaaa"
    _store(folders, make, own, here.key(THREADS, PROFILES["default"]), 10)
    path = store.journal_path(folders.results, SELFTEST, own)
    path.parent.mkdir(parents=True)
    path.write_text("{}\n")
    publish.publish(here, folders, told.append)
    assert _selftests(folders) == set()
    assert any(own in sentence for sentence in told)
