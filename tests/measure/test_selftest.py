"""The self-test of a build; what its known costs must show is in `tests.subjects`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from lab import BUILD, Told
from real_children import job_of

from bench.measure import selftest
from bench.measure.campaign import Here
from bench.measure.child import Outcome
from bench.results import store
from bench.results.trust import SELFTEST
from bench.spec import Machine
from bench.system.folders import Folders

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from conftest import Make


def test_known_costs_need_no_warm_up() -> None:
    outcome = selftest._run_known(job_of(subject="known_cost", options={"hashes": 1}, warm_up=500), {}, 60)
    assert outcome.figures is not None
    assert outcome.figures.phases["warm_up"].calls == selftest.WARM_UP


class Answers:
    """A worker that answers at once and counts."""

    def __init__(self, make: Make) -> None:
        self.make, self.calls = make, 0

    def __call__(self, job: Mapping[str, Any], env: Mapping[str, str], timeout_s: float) -> Outcome:  # noqa: ARG002
        assert job["subject"] == "known_cost"
        self.calls += 1
        return Outcome(1.0, "", figures=self.make.figures())


@pytest.fixture
def answers(make: Make, monkeypatch: pytest.MonkeyPatch) -> Answers:
    worker = Answers(make)
    monkeypatch.setattr(selftest, "_run_known", worker)
    return worker


def test_build_has_one_selftest(tmp_path: Path, answers: Answers) -> None:
    folders, here = Folders.below(tmp_path), Here.read()
    first = selftest.measure(BUILD, 7, here, folders, Told())
    calls = answers.calls
    again = selftest.measure(BUILD, 8, here, folders, Told())
    assert first.complete
    assert first.header.experiment == SELFTEST
    assert (answers.calls, again.header) == (calls, first.header)


@pytest.mark.parametrize("bytes_left", [0, 10, 2000])
def test_selftest_cut_short_is_begun_anew(tmp_path: Path, answers: Answers, bytes_left: int) -> None:
    folders, here = Folders.below(tmp_path), Here.read()
    path = selftest.measure(BUILD, 7, here, folders, Told()).path
    path.write_bytes(path.read_bytes()[:bytes_left])
    calls = answers.calls
    assert selftest.measure(BUILD, 9, here, folders, Told()).complete
    assert answers.calls - calls >= 9 * 4 + 2  # more where a round was disturbed
    assert store.read(path).complete


def test_every_profile_that_judges_begins_with_it_and_it_is_of_known_costs_alone() -> None:
    assert set(selftest.WITH_SELFTEST) == {"default", "thorough"}
    cases = selftest.EXPERIMENT.cases(Machine(cores=2))
    assert {case.subject.name for case in cases if case.subject} == {"known_cost"}
    assert all(case.subject for case in cases)
