"""The session for real: set as a reader would, and what shows of it when it is watched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from real_children import LARGE, MANY, ONE, failure_of, figures_of, job_of, run

from bench.experiments import EXPERIMENTS
from bench.measure import evidence, proof, trace
from bench.measure.trace import Run, read_runs
from bench.spec import BASELINE, Case, Input, Machine, Scalar, Subject

if TYPE_CHECKING:
    from bench.results.process import Figures

pytestmark = pytest.mark.slow


def _observed(
    folder: Path, entry: Input = MANY, settings: dict[str, Scalar] | None = None, **changes: Any
) -> tuple[Figures, tuple[Run, ...], dict[str, float]]:
    """Of a watched child: its report, its calls, and what is seen of the case."""
    case, path = Case(id=BASELINE, title="", settings=settings or {}), folder / "trace"
    job = job_of(entry, settings=dict(case.settings), observe=True, trace_prefix=str(path), **changes)
    outcome, opened = run(job), (Path(job["model"]), Subject())
    assert list(folder.iterdir()) == [path]
    runs = read_runs(path)
    return outcome.figures, runs, evidence.observe(case, outcome.figures, outcome.log, runs, opened)


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"settings": {"intra_op_num_thread": 1}}, "unsupported", "SessionOptions.intra_op_num_thread "),
        ({"settings": {"intra_op_num_threads": "many"}}, "unsupported", "不接受 'many'"),
        ({"model": "/somewhere/else/none.onnx"}, "crashed", "none.onnx"),
    ],
)
def test_what_cannot_be_opened_is_a_failure_with_its_reason(change: Any, kind: str, words: str) -> None:
    found, reason = failure_of(run(job_of(**change)))
    assert (found, words in reason, "somewhere" in reason) == (kind, True, False)


def test_settings_that_are_so_anyway_are_told_and_threads_are_created_without_the_caller() -> None:
    """And bound to no core."""
    level = "graph_optimization_level"
    same = {"enable_mem_pattern": True, "execution_mode": "ORT_SEQUENTIAL", level: "ORT_ENABLE_ALL"}
    others = {"enable_cpu_mem_arena": False, "session.x": "0", "enable_mem_reuse": False}
    three = figures_of(job_of(settings={**same, **others, "intra_op_num_threads": 3}))
    one = figures_of(job_of(settings={level: "ORT_ENABLE_BASIC", "intra_op_num_threads": 1}))
    assert (three.unchanged, one.unchanged) == (list(same), [])
    for count, figures in ((3, three), (1, one)):
        assert figures.threads_created in (count - 1, None)
        assert figures.threads_pinned in (0, None)


@pytest.mark.alone
def test_spinning_threads_burn_the_processor_after_a_call() -> None:
    """For some milliseconds, then they sleep; nobody watches unless asked to."""
    spin = "session.intra_op.allow_spinning"
    jobs = (job_of(settings={"intra_op_num_threads": 2, spin: flag}, idle_seconds=0.3) for flag in "01")
    calm, spinning = map(figures_of, jobs)
    assert calm.phases["idle"].cpu_ns < 0.01e9 < spinning.phases["idle"].cpu_ns < 0.3e9


FUSED = {"FusedGemm": 2, "Gemm": 1}
OPERATORS = {"DISABLE_ALL": {"Add": 3, "MatMul": 3, "Relu": 2}, "ENABLE_BASIC": {"Gemm": 3, "Relu": 2}}
OPERATORS |= {"ENABLE_EXTENDED": FUSED, "ENABLE_LAYOUT": FUSED, "ENABLE_ALL": FUSED}


@pytest.mark.parametrize("level", OPERATORS)
def test_watched_session_traces_every_call_and_lists_its_options(tmp_path: Path, level: str) -> None:
    """Comparing outputs comes after the trace. The installed ORT writes both as they are read here."""
    settings: dict[str, Scalar] = {
        "graph_optimization_level": f"ORT_{level}",
        "execution_mode": "ORT_PARALLEL",
    }
    settings |= {"enable_mem_pattern": False, "intra_op_num_threads": 2, "inter_op_num_threads": 3}
    figures, runs, facts = _observed(tmp_path, settings=settings)
    assert figures.trace_bytes == (tmp_path / "trace").stat().st_size
    assert len(runs) == figures.calls == 3 * (2 + 2 + 1)
    assert {run_.overlapping() for run_ in runs} == {0}
    assert all(r.start <= node.start <= node.end <= r.end + 1 for r in runs for node in r.nodes)
    assert trace.operators(runs) == OPERATORS[level]
    listed = {name: evidence.as_listed(name, value) for name, value in settings.items()}
    assert {name: facts[evidence.RECEIVED + name] for name in settings} == listed
    assert set(evidence.RECEIVED_SWITCHES) >= {*settings}


@pytest.mark.parametrize(("level", "warnings"), [(1, 1), (3, 0)])
def test_wrong_value_is_warned_of_up_to_its_level(tmp_path: Path, level: int, warnings: int) -> None:
    _, _, facts = _observed(tmp_path, settings={"log_severity_level": level})
    assert (facts["warning_lines"], facts["session_info_lines"] > 0) == (warnings, level < 2)


def test_arena_and_its_shrinkage_show_in_the_log(tmp_path: Path) -> None:
    """ORT never gives back the first region: an input that needs a second one shows it, in each call."""
    shrink = {"memory.enable_memory_arena_shrinkage": "cpu:0"}
    _, _, facts = _observed(tmp_path, LARGE, {"enable_mem_pattern": False}, run_settings=shrink)
    assert facts["arena_regions"] > 1
    assert facts["second_run_regions"] > 0
    assert facts["arena_shrinks"] == 1 + 1 + 2 + 3 + 1  # first, second, warm-up, timed, compared
    assert _observed(tmp_path, settings={"enable_cpu_mem_arena": False})[2]["arena_regions"] == 0


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


def test_watched_session_with_several_callers_still_tells_what_one_call_runs(tmp_path: Path) -> None:
    """Their calls overlap in the trace; those before them do not."""
    figures, runs, facts = _observed(tmp_path, ONE, callers=3, min_calls=50, warm_up=0)
    assert (figures.callers, len(runs)) == (3, 152)
    assert facts.items() >= {"nodes": 3, "overlapping_nodes": 0, "node_threads": 1}.items()


def test_no_proof_holds_for_the_default_itself(tmp_path: Path) -> None:
    """A proof that the default passes as well would prove nothing. One session on the small network stands in for
    every case: what depends on the model (regions, nodes, faults) is compared with itself.
    """
    plain = run(job_of(observe=True, verbose=False, trace_prefix=str(tmp_path / "trace")))
    outside = evidence.observe_from_outside(plain.figures, plain.log)
    silent = dict.fromkeys(proof.WITHOUT_OBSERVER, 0)
    assert outside == {**silent, "warning_lines": 1}  # that of a wrong value
    assert list(tmp_path.iterdir()) == []
    figures, _, default = _observed(tmp_path, warm_up=0, idle_seconds=0.1)
    assert figures.threads_pinned == figures.threads_created
    default["second_run_regions"] = 1  # the small network is content with its first region
    for experiment in EXPERIMENTS.values():
        cases = experiment.cases(Machine(cores=3))
        facts = {case.id: {**default, **outside} for case in cases}
        passed = [case.id for case in cases if proof.judge(case, facts)[0] == "effect"]
        assert passed == [], experiment.id
