"""Which stored result is published, and that nothing else stays behind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

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
FOREIGN, OLD, NEW = (f"2026010{day}-000000-aaaa" for day in (1, 2, 3))
VALID = {THREADS.id: "valid"}


class Exported:
    """A build folder, and what is exported of it."""

    def __init__(self, root: Path, make: Make) -> None:
        self.folders, self.make, self.here = Folders.below(root), make, Here.read()
        self.key, self.told = self.here.key(THREADS, PROFILES["default"]), list[str]()

    def path(self, build: str, experiment: str = THREADS.id) -> Path:
        """Of a stored result, which goes if there was one."""
        path = store.journal_path(self.folders.results, experiment, build)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        return path

    def store(self, build: str, experiment: str = THREADS.id, **changes: str) -> store.Journal:
        self.path(build, experiment)
        cases = (BASELINE,) if experiment == SELFTEST else (BASELINE, CONTROL, "1", "2")
        header = {"experiment": experiment, "build": build, "key": self.key} | changes
        journal = self.make.journal([[(case, {}) for case in cases]] * 3, **header)
        keep(self.folders.results, journal)
        return journal

    def publish(self, *, stale_ok: bool = False) -> tuple[dict[str, str], str | None, set[str]]:
        """What is said to be shown, the build that is shown, and builds whose self-test is; sentences go to `told`."""
        status = publish.publish(self.here, self.folders, self.told.append, stale_ok=stale_ok)
        data = self.folders.export / "data"
        shown = [json.loads(path.read_bytes())["build"]["id"] for path in data.glob(f"{THREADS.id}.json")]
        return status, shown[0] if shown else None, {path.stem for path in (data / SELFTEST).glob("*.json")}


def test_newest_valid_result_is_published_with_its_own_selftest(tmp_path: Path, make: Make) -> None:
    """Another key's result stands in for a preview alone; a self-test of a quieter day vouches for no earlier build."""
    exported, data = Exported(tmp_path, make), Folders.below(tmp_path).export / "data"
    exported.store(FOREIGN, key="f" * 16)
    assert exported.publish(stale_ok=True) == ({THREADS.id: "stale"}, FOREIGN, set())
    assert exported.publish() == ({}, None, set())
    assert not list(data.glob(f"{THREADS.id}*"))
    exported.store(OLD)
    exported.store(NEW)
    assert exported.publish() == (VALID, NEW, set())
    assert (data / "machine.json").exists()
    before = (data / f"{THREADS.id}.json").stat().st_mtime_ns
    assert exported.publish() == (VALID, NEW, set())
    assert (data / f"{THREADS.id}.json").stat().st_mtime_ns == before, "written once"
    exported.path(NEW).write_text("{}\n")
    exported.path(OLD, SELFTEST).write_text("{}\n")
    assert exported.publish() == (VALID, OLD, set())
    assert all(any(f"{build}.jsonl" in sentence for sentence in exported.told) for build in (NEW, OLD))
    selftest = exported.store(NEW, SELFTEST)
    assert exported.publish() == (VALID, OLD, set())
    exported.store(OLD, SELFTEST)
    assert exported.publish() == (VALID, OLD, {OLD})
    exported.store(NEW)
    exported.path(NEW, SELFTEST)
    store.Writer.create(exported.folders.results, selftest.header)  # and not ended
    assert exported.publish() == (VALID, NEW, set())
