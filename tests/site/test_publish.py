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

    from samples import Make

THREADS = EXPERIMENTS["intra_op_num_threads"]
OLD, NEW = "20260101-000000-aaaa", "20260102-000000-aaaa"


class Exported:
    """A build folder, and what is exported of it."""

    def __init__(self, root: Path, make: Make) -> None:
        self.folders, self.make, self.here = Folders.below(root), make, Here.read()
        self.key = self.here.key(THREADS, PROFILES["default"])
        self.data, self.told = self.folders.export / "data", list[str]()

    def store(self, build: str, key: str = "", experiment: str = THREADS.id) -> None:
        cases = (BASELINE,) if experiment == SELFTEST else (BASELINE, CONTROL, "1", "2")
        rounds = [[(case, {}) for case in cases]] * 3
        journal = self.make.journal(rounds, experiment=experiment, build=build, key=key or self.key)
        keep(self.folders.results, journal)

    def damage(self, experiment: str, build: str) -> None:
        path = store.journal_path(self.folders.results, experiment, build)
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}\n")

    def publish(self, *, stale_ok: bool = False) -> dict[str, str]:
        return publish.publish(self.here, self.folders, self.told.append, stale_ok=stale_ok)

    @property
    def build(self) -> str:
        found = json.loads((self.data / f"{THREADS.id}.json").read_text(encoding="utf-8"))
        return str(found["build"]["id"])

    @property
    def selftests(self) -> set[str]:
        return {path.stem for path in (self.data / SELFTEST).glob("*.json")}


@pytest.fixture
def exported(tmp_path: Path, make: Make) -> Exported:
    return Exported(tmp_path, make)


def test_newest_valid_result_is_published_and_written_once(exported: Exported) -> None:
    exported.store(OLD)
    exported.store(NEW)
    assert exported.publish() == {THREADS.id: "valid"}
    assert exported.build == NEW
    assert (exported.data / "machine.json").exists()
    before = (exported.data / f"{THREADS.id}.json").stat().st_mtime_ns
    exported.publish()
    assert (exported.data / f"{THREADS.id}.json").stat().st_mtime_ns == before


def test_result_of_another_key_stands_in_for_a_preview_alone(exported: Exported) -> None:
    exported.store(OLD, "f" * 16)
    assert exported.publish(stale_ok=True) == {THREADS.id: "stale"}
    assert exported.build == OLD
    assert exported.publish() == {}
    assert not list(exported.data.glob(f"{THREADS.id}*"))


def test_damaged_result_is_named_and_the_older_one_published_with_a_damaged_selftest_as_none(
    exported: Exported,
) -> None:
    exported.store(OLD)
    exported.damage(THREADS.id, NEW)
    exported.damage(SELFTEST, OLD)
    exported.publish()
    assert (exported.build, exported.selftests) == (OLD, set())
    assert [any(f"{build}.jsonl" in sentence for sentence in exported.told) for build in (NEW, OLD)] == [
        True
    ] * 2


def test_selftest_of_the_build_that_is_shown_is_published_and_no_later_one(exported: Exported) -> None:
    """One made on a quieter day must not vouch for a build that it never saw."""
    exported.store(OLD)
    exported.store(NEW, experiment=SELFTEST)
    exported.publish()
    assert exported.selftests == set()
    exported.store(OLD, experiment=SELFTEST)
    exported.publish()
    assert exported.selftests == {OLD}
    exported.store(NEW)
    header = store.read(store.journal_path(exported.folders.results, SELFTEST, NEW)).header
    store.journal_path(exported.folders.results, SELFTEST, NEW).unlink()
    store.Writer.create(exported.folders.results, header)  # and not ended
    exported.publish()
    assert exported.selftests == set()
