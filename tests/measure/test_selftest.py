"""The self-test: known costs in a real child, and the journal of a build."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest
from jobs import job_of
from lab import Told

from bench.measure import selftest
from bench.measure.campaign import Here
from bench.measure.child import Outcome
from bench.models import MODELS
from bench.models.prepared import prepare
from bench.results import store
from bench.results.trust import ALLOCATED_MIB, SELFTEST
from bench.system.folders import Folders

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from conftest import Make

MIB = 1 << 20
BUILD = "20260102-030405-abcd"


def _known(folder: Path, known: str, **changes: Any) -> Outcome:
    prepared = prepare(MODELS["tiny"], (selftest.ONE_ROW,), folder)
    job = job_of(
        MODELS["tiny"],
        prepared,
        selftest.ONE_ROW,
        warm_up=500,
        min_seconds=0,
        verify=[],
        trace_prefix="",
        **changes,
    )
    return selftest._run_known(job, {"BENCH_KNOWN": known}, 60)


def test_memory_given_back_is_peak_and_not_kept(tmp_path: Path) -> None:
    figures = _known(tmp_path, f"allocation:{ALLOCATED_MIB}").figures
    assert figures is not None
    assert figures.peak_bytes is not None
    assert figures.base_bytes is not None
    assert figures.kept_bytes is not None
    assert figures.peak_bytes - figures.base_bytes == pytest.approx(ALLOCATED_MIB * MIB, rel=0.02)
    assert figures.kept_bytes - figures.base_bytes < 0.02 * ALLOCATED_MIB * MIB


def test_memory_held_is_kept(tmp_path: Path) -> None:
    figures = _known(tmp_path, f"holding:{ALLOCATED_MIB}").figures
    assert figures is not None
    assert figures.base_bytes is not None
    assert figures.kept_bytes is not None
    assert figures.kept_bytes - figures.base_bytes == pytest.approx(ALLOCATED_MIB * MIB, rel=0.02)


def test_sleep_takes_its_time_and_no_processor(tmp_path: Path) -> None:
    figures = _known(tmp_path, "sleep:20").figures
    assert figures is not None
    assert figures.fastest_ns >= 20_000_000
    assert figures.cpu_ns < 0.1 * figures.latency_ns


def test_arithmetic_takes_processor_time(tmp_path: Path) -> None:
    """Long enough that the threads of NumPy's OpenBLAS, which spin for some 30 ms after its import, do not count."""
    less, more = (_known(tmp_path, f"arithmetic:{n}").figures for n in (500, 2000))
    assert less is not None
    assert more is not None
    assert more.cpu_ns == pytest.approx(4 * less.cpu_ns, rel=0.4)


def test_known_costs_need_no_warm_up(tmp_path: Path) -> None:
    figures = _known(tmp_path, "arithmetic:1").figures
    assert figures is not None
    assert figures.session_calls == 2 + selftest.WARM_UP + 3


class Answers:
    """A worker that answers at once and counts."""

    def __init__(self, make: Make) -> None:
        self.make, self.calls = make, 0

    def __call__(self, job: Mapping[str, Any], env: Mapping[str, str], timeout_s: float) -> Outcome:  # noqa: ARG002
        assert "BENCH_KNOWN" in env
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


def test_every_profile_that_judges_begins_with_it() -> None:
    assert set(selftest.WITH_SELFTEST) == {"default", "thorough"}
    assert "BENCH_KNOWN" in asdict(selftest.EXPERIMENT.cases(2)[0])["env"]
