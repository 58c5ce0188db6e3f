"""The self-test of a build; what its known costs must show is in `tests.subjects`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab import BUILD, Told
from real_children import job_of

from bench.measure import selftest
from bench.measure.campaign import Here
from bench.measure.child import Outcome
from bench.results import store
from bench.results.trust import SELFTEST
from bench.system.folders import Folders

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from samples import Make


def test_build_has_one_selftest_of_known_costs_and_one_cut_short_is_begun_anew(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every profile that judges begins with it."""
    assert set(selftest.WITH_SELFTEST) == {"default", "thorough"}
    known = selftest._run_known(job_of(subject="known_cost", options={"hashes": 1}, warm_up=500), {}, 60)
    assert known.figures.phases["warm_up"].calls == selftest.WARM_UP  # they need no more
    called: list[str] = []

    def answer(job: Any, *_: object) -> Outcome:
        called.append(job["subject"])
        return Outcome(1.0, "", figures=make.figures())

    monkeypatch.setattr(selftest, "_run_known", answer)
    folders, here = Folders.below(tmp_path), Here.read()
    first = selftest.measure(BUILD, 7, here, folders, Told())
    calls = len(called)
    assert (first.complete, first.header.experiment, {*called}) == (True, SELFTEST, {"known_cost"})
    assert (selftest.measure(BUILD, 8, here, folders, Told()).header, len(called)) == (first.header, calls)
    for bytes_left in (0, -50):
        called.clear()
        first.path.write_bytes(first.path.read_bytes()[:bytes_left])
        assert selftest.measure(BUILD, 9, here, folders, Told()).complete
        assert len(called) >= 9 * 4 + 2  # more where a round was disturbed
        assert store.read(first.path).complete
