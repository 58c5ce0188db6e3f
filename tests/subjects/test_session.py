"""The session for real: set as a reader would, and what shows of it when it is watched."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from real_children import LARGE, MANY, TIMEOUT_S, failure_of, figures_of, job_of, run

from bench.experiments import EXPERIMENTS
from bench.measure import evidence, proof, trace
from bench.measure.child import WORKER, run_script
from bench.measure.trace import read_runs
from bench.spec import BASELINE, Case, Machine, Subject

if TYPE_CHECKING:
    from bench.spec import Scalar


pytestmark = pytest.mark.slow


def _facts(case: Case, **changes: Any) -> dict[str, float]:
    """What is observed of a case's child."""
    job = job_of(settings=dict(case.settings), observe=True, **changes)
    outcome = run(job)
    assert outcome.figures is not None
    return evidence.observe(case, outcome.figures, outcome.log, (), (Path(job["model"]), Subject()))


def _case(**settings: Scalar) -> Case:
    return Case(id="one", title="", settings=settings)


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"settings": {"intra_op_num_thread": 1}}, "unsupported", "SessionOptions.intra_op_num_thread "),
        ({"settings": {"intra_op_num_threads": "many"}}, "unsupported", "不接受 'many'"),
        ({"model": "/somewhere/else/none.onnx"}, "crashed", "none.onnx"),
    ],
    ids=["misspelt attribute", "wrong value", "missing model"],
)
def test_what_cannot_be_opened_is_a_failure_with_its_reason(
    change: dict[str, Any], kind: str, words: str
) -> None:
    found, reason = failure_of(run(job_of(**change)))
    assert (found, words in reason, "somewhere" in reason) == (kind, True, False)


def test_misspelt_config_key_is_accepted_by_ort_without_a_word() -> None:
    """This is why every case proves its effect."""
    outcome = run(job_of(settings={"session.intra_op.allow_spining": "0"}))
    assert (outcome.failure, outcome.log) == (None, "")


def test_settings_that_are_so_anyway_are_told() -> None:
    same = {
        "enable_mem_pattern": True,
        "graph_optimization_level": "ORT_ENABLE_ALL",
        "execution_mode": "ORT_SEQUENTIAL",
    }
    others = {"enable_cpu_mem_arena": False, "session.x": "0", "enable_mem_reuse": False}
    assert figures_of(job_of(settings={**same, **others})).unchanged == list(same)
    assert figures_of(job_of(settings={"graph_optimization_level": "ORT_ENABLE_BASIC"})).unchanged == []


@pytest.mark.parametrize("count", [1, 3])
def test_threads_asked_for_are_created_without_the_caller_and_bound_to_no_core(count: int) -> None:
    figures = figures_of(job_of(settings={"intra_op_num_threads": count}))
    assert figures.threads_created in (count - 1, None)
    assert figures.threads_pinned in (0, None)


@pytest.mark.alone
def test_spinning_threads_burn_the_processor_after_a_call() -> None:
    """For some milliseconds, then they sleep; nobody watches unless asked to."""
    own = {"intra_op_num_threads": 2}
    calm, spinning = (
        figures_of(job_of(settings={**own, "session.intra_op.allow_spinning": flag}, idle_seconds=0.3))
        for flag in ("0", "1")
    )
    assert calm.phases["idle"].cpu_ns < 0.01e9 < spinning.phases["idle"].cpu_ns < 0.3e9


@pytest.mark.parametrize(
    "level",
    ["ORT_DISABLE_ALL", "ORT_ENABLE_BASIC", "ORT_ENABLE_EXTENDED", "ORT_ENABLE_LAYOUT", "ORT_ENABLE_ALL"],
)
def test_session_lists_the_options_that_it_was_given(level: str) -> None:
    """The installed ORT writes them as `evidence` reads them."""
    settings: dict[str, Scalar] = {
        "graph_optimization_level": level,
        "execution_mode": "ORT_PARALLEL",
        "enable_mem_pattern": False,
        "intra_op_num_threads": 2,
        "inter_op_num_threads": 3,
    }
    facts = _facts(_case(**settings))
    for name, value in settings.items():
        assert facts[evidence.RECEIVED + name] == evidence.as_listed(name, value)
        assert name in evidence.RECEIVED_SWITCHES


@pytest.mark.parametrize(("level", "warnings"), [(1, 1), (2, 1), (3, 0)])
def test_wrong_value_is_warned_of_up_to_the_level_of_warnings(level: int, warnings: int) -> None:
    facts = _facts(_case(log_severity_level=level))
    assert facts["warning_lines"] == warnings
    assert (facts["session_info_lines"] > 0) is (level < 2)


def test_report_has_stdout_for_itself_however_much_ort_logs() -> None:
    job = {**job_of(observe=True), "parent_pid": os.getpid()}
    status, output, log = run_script(WORKER, job, {}, TIMEOUT_S)
    assert (status, set(json.loads(output))) == (0, {"ok"})
    assert "onnxruntime" in log
    marks = [line for line in log.splitlines() if line.startswith("BENCH RUN")]
    assert marks == ["BENCH RUN 1", "BENCH RUN 2", "BENCH RUN 3"]


def test_child_watched_from_outside_is_left_as_it_is(tmp_path: Path) -> None:
    """What the log and the profiler show of the default: nothing, but for the warning of a wrong value."""
    outcome = run(job_of(observe=True, verbose=False, trace_prefix=str(tmp_path / "trace")))
    assert outcome.figures is not None
    facts = evidence.observe_from_outside(outcome.figures, outcome.log)
    silent = {"session_info_lines": 0, "session_verbose_lines": 0, "trace_bytes": 0}
    assert facts == {**silent, "warning_lines": 1}
    assert list(tmp_path.iterdir()) == []


def test_arena_and_its_shrinkage_show_in_the_log() -> None:
    """ORT never gives back the first region: an input that needs a second one shows it, in each call."""
    assert _facts(_case(enable_cpu_mem_arena=False))["arena_regions"] == 0
    shrink = {"memory.enable_memory_arena_shrinkage": "cpu:0"}
    outcome = run(job_of(LARGE, settings={"enable_mem_pattern": False}, run_settings=shrink, observe=True))
    regions, shrinks = evidence.read_arena_log(outcome.log)
    assert len(regions) > 1
    assert shrinks == 1 + 1 + 2 + 3 + 1  # first, second, warm-up, timed, compared


def test_profiler_belongs_to_the_case_that_sets_it(tmp_path: Path) -> None:
    """Timed, the size of the trace is told and the file removed; watched, it is left; switched off, there is none."""
    path = tmp_path / "trace"
    profiled = job_of(settings={"enable_profiling": True}, trace_prefix=str(path), warm_up=0)
    small, large = (figures_of({**profiled, "min_calls": calls}).trace_bytes or 0 for calls in (3, 30))
    assert large > 3 * small > 3000
    assert list(tmp_path.iterdir()) == []
    watched = {**profiled, "observe": True, "verbose": True}
    assert figures_of({**watched, "settings": {"enable_profiling": False}}).trace_bytes is None
    assert figures_of(watched).trace_bytes == path.stat().st_size


@pytest.mark.parametrize(
    ("level", "operators"),
    [
        ("ORT_ENABLE_ALL", {"FusedGemm": 2, "Gemm": 1}),
        ("ORT_DISABLE_ALL", {"Add": 3, "MatMul": 3, "Relu": 2}),
    ],
)
def test_watched_session_leaves_a_trace_of_every_call(
    tmp_path: Path, level: str, operators: dict[str, int]
) -> None:
    """Comparing outputs comes after the trace."""
    path = tmp_path / "trace"
    settings = {"graph_optimization_level": level}
    figures = figures_of(job_of(MANY, settings=settings, observe=True, trace_prefix=str(path)))
    assert list(tmp_path.iterdir()) == [path]
    assert figures.trace_bytes == path.stat().st_size
    runs = read_runs(path)
    assert len(runs) == figures.calls == 3 * (2 + 2 + 1)
    assert {run_.overlapping() for run_ in runs} == {0}
    assert all(r.start <= node.start <= node.end <= r.end + 1 for r in runs for node in r.nodes)
    assert trace.operators(runs) == operators


def test_watched_session_with_several_callers_still_tells_what_one_call_runs(tmp_path: Path) -> None:
    """Their calls overlap in the trace; those before them do not."""
    path = tmp_path / "trace"
    figures = figures_of(job_of(observe=True, trace_prefix=str(path), callers=3, min_calls=50, warm_up=0))
    assert (figures.callers, len(read_runs(path))) == (3, 152)
    assert trace.facts(read_runs(path)) == {"nodes": 3, "overlapping_nodes": 0, "node_threads": 1}


def test_no_proof_holds_for_the_default_itself(tmp_path: Path) -> None:
    """A proof that the default passes as well would prove nothing.

    Facts of a default session on the small network stand in for every case; what depends on the
    model (regions, nodes, faults) differs from the default by a factor and is compared with itself.
    """
    path = tmp_path / "trace"
    job = job_of(MANY, observe=True, warm_up=0, idle_seconds=0.1, trace_prefix=str(path))
    outcome, plain = run(job), run(job_of(observe=True, verbose=False))
    assert outcome.figures is not None
    assert plain.figures is not None
    assert outcome.figures.threads_pinned == outcome.figures.threads_created
    base, opened = Case(id=BASELINE, title=""), (Path(job["model"]), Subject())
    default = evidence.observe(base, outcome.figures, outcome.log, read_runs(path), opened)
    outside = evidence.observe_from_outside(plain.figures, plain.log)
    default["second_run_regions"] = 1  # the small network is content with its first region
    for experiment in EXPERIMENTS.values():
        cases = experiment.cases(Machine(cores=3))
        facts = {case.id: {**default, **outside} for case in cases}
        passed = [case.id for case in cases if proof.judge(case, facts)[0] == "effect"]
        assert passed == [], experiment.id
