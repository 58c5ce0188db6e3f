"""What a real worker tells when it is watched: log, arena, trace, proofs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jobs import LARGE, MANY, TIMEOUT_S, figures_of

from bench.experiments import EXPERIMENTS
from bench.measure import evidence, proof, trace
from bench.measure.child import WORKER, run_script, run_worker
from bench.measure.trace import read_runs
from bench.spec import BASELINE, Case

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.spec import Scalar

    Job = Callable[..., dict[str, Any]]


def test_report_has_stdout_for_itself_however_much_ort_logs(job: Job) -> None:
    status, output, log = run_script(WORKER, {**job(observe=True), "parent_pid": os.getpid()}, {}, TIMEOUT_S)
    assert status == 0
    assert set(json.loads(output)) == {"ok"}
    assert "onnxruntime" in log
    assert [line for line in log.splitlines() if line.startswith("BENCH RUN")] == [
        "BENCH RUN 1",
        "BENCH RUN 2",
        "BENCH RUN 3",
    ]


def test_child_watched_from_outside_is_left_as_it_is(job: Job, tmp_path: Path) -> None:
    """What the log and the profiler show of the default: nothing, but for the warning of a wrong value."""
    quiet = job(observe=True, verbose=False, min_seconds=0, trace_prefix=str(tmp_path / "trace"))
    outcome = run_worker(quiet, {}, TIMEOUT_S)
    assert outcome.figures is not None
    facts = evidence.observe_from_outside(outcome.figures, outcome.log)
    assert facts == {
        "session_info_lines": 0,
        "session_verbose_lines": 0,
        "warning_lines": 1,
        "trace_bytes": 0,
    }
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("level", "warnings"), [(1, 1), (2, 1), (3, 0), (4, 0)])
def test_wrong_value_is_warned_of_up_to_the_level_of_warnings(job: Job, level: int, warnings: int) -> None:
    settings: dict[str, Scalar] = {"log_severity_level": level}
    outcome = run_worker(job(settings=settings, observe=True, min_seconds=0), {}, TIMEOUT_S)
    assert outcome.figures is not None
    case = Case(id="one", title="", settings=settings)
    facts = evidence.observe(case, outcome.figures, outcome.log, ())
    assert facts["warning_lines"] == warnings
    assert (facts["session_info_lines"] > 0) is (level < 2)


def test_threads_of_the_default_are_bound_and_those_asked_for_are_not(job: Job) -> None:
    plain = figures_of(job(min_seconds=0))
    own = figures_of(job(settings={"intra_op_num_threads": 2}, min_seconds=0))
    assert plain.threads_pinned == plain.threads_created
    assert (own.threads_created, own.threads_pinned) == (1, 0)


@pytest.mark.parametrize(
    ("settings", "unchanged"),
    [
        ({}, []),
        ({"enable_mem_pattern": True, "enable_cpu_mem_arena": False}, ["enable_mem_pattern"]),
        ({"graph_optimization_level": "ORT_ENABLE_ALL"}, ["graph_optimization_level"]),
        ({"graph_optimization_level": "ORT_ENABLE_BASIC"}, []),
        ({"execution_mode": "ORT_SEQUENTIAL", "session.x": "0"}, ["execution_mode"]),
    ],
)
def test_settings_that_are_so_anyway_are_told(
    job: Job, settings: dict[str, Any], unchanged: list[str]
) -> None:
    assert figures_of(job(settings=settings, min_seconds=0)).unchanged == unchanged


def test_timed_child_logs_nothing(job: Job) -> None:
    assert run_worker(job(), {}, TIMEOUT_S).log == ""


@pytest.mark.parametrize(
    ("settings", "least", "most"), [({}, 1, 99), ({"enable_cpu_mem_arena": False}, 0, 0)]
)
def test_arena_shows_in_the_log(job: Job, settings: dict[str, Any], least: int, most: int) -> None:
    outcome = run_worker(job(settings=settings, observe=True, min_seconds=0), {}, TIMEOUT_S)
    assert least <= len(evidence.read_arena_log(outcome.log).regions) <= most


def test_shared_arena_extends_by_what_is_needed(job: Job) -> None:
    shared = job(
        settings={"session.use_env_allocators": "1"},
        shared_arena={"arena_extend_strategy": 1},
        observe=True,
        min_seconds=0,
    )
    outcome = run_worker(shared, {}, TIMEOUT_S)
    assert outcome.figures is not None
    facts = evidence.observe(Case(id="shared", title=""), outcome.figures, outcome.log, ())
    assert facts["arena_regions"] > 0
    assert facts["exact_regions_share"] == 1


def test_arena_shrinkage_is_asked_for_in_each_run(job: Job) -> None:
    """ORT never gives back the first region: one that needs a second one shows it."""
    shrinking = job(
        LARGE,
        settings={"enable_mem_pattern": False},
        run_settings={"memory.enable_memory_arena_shrinkage": "cpu:0"},
        observe=True,
        min_seconds=0,
    )
    outcome = run_worker(shrinking, {}, TIMEOUT_S)
    assert outcome.failure is None
    assert (
        evidence.read_arena_log(outcome.log).shrinks == 1 + 1 + 2 + 3 + 1
    )  # first, second, warm-up, timed, compared


def test_profiled_session_tells_the_size_of_its_trace_and_removes_it(job: Job, tmp_path: Path) -> None:
    prefix = str(tmp_path / "trace")
    profiled = job(
        settings={"enable_profiling": True}, trace_prefix=prefix, warm_up=0, min_seconds=0, min_calls=3
    )
    small = figures_of(profiled).trace_bytes
    large = figures_of({**profiled, "min_calls": 30}).trace_bytes
    assert small is not None
    assert large is not None
    assert large > 3 * small > 3000
    assert list(tmp_path.iterdir()) == []


def test_session_without_profiling_writes_no_trace(job: Job, tmp_path: Path) -> None:
    assert figures_of(job(trace_prefix=str(tmp_path / "trace"))).trace_bytes is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("settings", [{}, {"enable_profiling": True}])
def test_observed_session_leaves_a_trace_of_every_call(
    job: Job, tmp_path: Path, settings: dict[str, Any]
) -> None:
    """Three layers, each one node after fusion; comparing outputs comes after the trace."""
    path = tmp_path / "trace"
    figures = figures_of(job(MANY, settings=settings, observe=True, trace_prefix=str(path), min_seconds=0))
    assert list(tmp_path.iterdir()) == [path]
    assert figures.trace_bytes == path.stat().st_size
    runs = read_runs(path)
    assert len(runs) == figures.session_calls == 3 * (2 + 2 + 1)
    assert [len(run.nodes) for run in runs] == [3] * len(runs)
    assert {run.overlapping() for run in runs} == {0}
    assert all(run.start <= node.start <= node.end <= run.end + 1 for run in runs for node in run.nodes)


def test_trace_shows_what_is_not_optimised(job: Job, tmp_path: Path) -> None:
    path = tmp_path / "trace"
    settings = {"graph_optimization_level": "ORT_DISABLE_ALL"}
    figures_of(job(settings=settings, observe=True, trace_prefix=str(path), min_seconds=0))
    assert trace.operators(read_runs(path)) == {"Add": 3, "MatMul": 3, "Relu": 2}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("graph_optimization_level", level) for level in ("ORT_DISABLE_ALL", "ORT_ENABLE_BASIC")),
        *(("graph_optimization_level", level) for level in ("ORT_ENABLE_EXTENDED", "ORT_ENABLE_ALL")),
        ("graph_optimization_level", "ORT_ENABLE_LAYOUT"),
        ("execution_mode", "ORT_PARALLEL"),
        ("enable_mem_pattern", False),
        ("intra_op_num_threads", 2),
        ("inter_op_num_threads", 3),
    ],
)
def test_session_lists_the_option_that_it_was_given(job: Job, name: str, value: Scalar) -> None:
    """The installed ORT writes its options as `evidence` reads them."""
    case = Case(id="one", title="", settings={name: value})
    outcome = run_worker(job(settings={name: value}, observe=True, min_seconds=0), {}, TIMEOUT_S)
    assert outcome.figures is not None
    facts = evidence.observe(case, outcome.figures, outcome.log, ())
    assert facts[evidence.RECEIVED + name] == evidence.as_listed(value)
    assert name in evidence.RECEIVED_SWITCHES


def test_observing_leaves_profiling_to_the_case_that_sets_it(job: Job) -> None:
    plain = run_worker(job(observe=True, min_seconds=0), {}, TIMEOUT_S)
    off = run_worker(job(observe=True, min_seconds=0, settings={"enable_profiling": False}), {}, TIMEOUT_S)
    assert plain.figures is not None
    assert plain.figures.trace_bytes
    assert off.figures is not None
    assert off.figures.trace_bytes is None


def test_no_proof_holds_for_the_default_itself(job: Job) -> None:
    """A proof that the default passes as well would prove nothing.

    Facts of a default session on the small network stand in for every case; what depends on the
    model (regions, nodes, faults) differs from the default by a factor and is compared with itself.
    """
    outcome = run_worker(job(MANY, observe=True, min_seconds=0, warm_up=0, idle_seconds=0.1), {}, TIMEOUT_S)
    assert outcome.figures is not None
    runs = read_runs(Path(job()["trace_prefix"]))
    default = evidence.observe(Case(id=BASELINE, title=""), outcome.figures, outcome.log, runs)
    plain = run_worker(job(observe=True, verbose=False, min_seconds=0), {}, TIMEOUT_S)
    assert plain.figures is not None
    outside = evidence.observe_from_outside(plain.figures, plain.log)
    default["second_run_regions"] = 1  # the small network is content with its first region
    for experiment in EXPERIMENTS.values():
        cases = experiment.cases(3)
        facts = {case.id: {**default, **outside} for case in cases}
        passed = [case.id for case in cases if proof.judge(case, facts)[0] == "effect"]
        assert passed == [], experiment.id
