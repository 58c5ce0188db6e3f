"""The worker for real, on the smallest model."""

from __future__ import annotations

import mmap
import os
import sys
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
from jobs import LARGE, MANY, ONE, TIMEOUT_S, failure_of, figures_of

from bench.measure import worker
from bench.measure.child import WORKER, run_worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.spec import Input

    Job = Callable[..., dict[str, Any]]
PAGE_ROUNDING = 1 << 20
"""Per-CPU counters let VmRSS lag VmHWM by some pages."""
affinity = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system does not limit a process to some cores"
)


def test_times_are_in_their_order(job: Job) -> None:
    figures = figures_of(job())
    assert figures.fastest_ns <= figures.latency_ns <= figures.slowest_ns
    assert figures.calls >= 3
    assert figures.loop_ns >= 0.02 * 1e9
    assert figures.fastest_ns * figures.calls <= figures.loop_ns
    assert figures.worker_ns > figures.session_ns + figures.loop_ns


def test_few_runs_are_counted_and_watched_one_by_one(job: Job) -> None:
    figures = figures_of(job(min_seconds=0, min_calls=3, warm_up=4))
    assert figures.calls == 3
    assert len(figures.rss_bytes) == 2 + 4 + 1  # first, second, warm-up, end


def test_memory_marks_are_in_their_order(job: Job) -> None:
    figures = figures_of(job())
    marks = (figures.base_bytes, figures.after_first_bytes, figures.kept_bytes, figures.peak_bytes)
    if None in marks or figures.kept_trimmed_bytes is None:
        pytest.skip("this system keeps no marks of memory")
    base, after_first, kept, peak = (mark or 0 for mark in marks)
    assert 10 << 20 < base <= peak + PAGE_ROUNDING
    assert after_first <= peak + PAGE_ROUNDING
    assert kept <= peak + PAGE_ROUNDING
    assert figures.kept_trimmed_bytes <= kept + PAGE_ROUNDING
    assert figures.rss_bytes[-1] == pytest.approx(kept, abs=PAGE_ROUNDING)


def test_peak_is_that_of_the_runs_not_that_of_an_earlier_moment(tmp_path: Path, job: Job) -> None:
    """128 MiB touched and given back before the session exists must not stand in the peak."""
    script = tmp_path / "spender.py"
    script.write_text(
        f"""
import sys
sys.path.insert(0, {str(WORKER.parent)!r})
import worker
spent = bytearray(128 << 20)
spent[::4096] = b"x" * len(spent[::4096])
del spent
worker.main()
"""
    )
    outcome = run_worker(job(), {}, TIMEOUT_S, script)
    assert outcome.figures is not None
    if outcome.figures.peak_bytes is None or outcome.figures.base_bytes is None:
        pytest.skip("this system keeps no marks of memory")
    assert outcome.figures.peak_bytes < outcome.figures.base_bytes + (64 << 20)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_session_with_n_threads_creates_one_less(job: Job, count: int) -> None:
    assert figures_of(job(settings={"intra_op_num_threads": count})).threads_created in (count - 1, None)


def test_outputs_are_identical_to_the_reference_of_an_equal_process(job: Job, tmp_path: Path) -> None:
    reference = tmp_path / "reference.npz"
    figures_of(job(MANY, write_reference=str(reference)))
    with np.load(reference) as outputs:
        assert {name: output.shape for name, output in outputs.items()} == {"0.0": (4, 64), "2.0": (9, 64)}
    figures = figures_of(job(MANY, reference=str(reference)))
    assert (figures.outputs_identical, figures.outputs_difference) == (True, 0)


def test_outputs_that_differ_are_measured_against_the_largest_of_the_reference(
    job: Job, tmp_path: Path
) -> None:
    reference, tampered = tmp_path / "reference.npz", tmp_path / "tampered.npz"
    figures_of(job(write_reference=str(reference)))
    with np.load(reference) as outputs:
        output = outputs["0.0"].copy()
    scale = float(np.abs(output).max())
    row, column = np.unravel_index(np.abs(output).argmin(), output.shape)
    output[row, column] += scale / 4
    np.savez(tampered, **{"0.0": output})
    figures = figures_of(job(reference=str(tampered)))
    assert not figures.outputs_identical
    assert figures.outputs_difference == pytest.approx(0.25, rel=1e-3)


def test_outputs_that_are_not_finite_are_a_failure(job: Job, tmp_path: Path) -> None:
    bad = tmp_path / "bad.npy"
    np.save(bad, np.full((16, 256), np.nan, np.float32))
    assert failure_of(run_worker(job(input=str(bad)), {}, TIMEOUT_S))[0] == "not_finite"


def test_misspelt_attribute_is_unsupported(job: Job) -> None:
    kind, reason = failure_of(run_worker(job(settings={"intra_op_num_thread": 1}), {}, TIMEOUT_S))
    assert kind == "unsupported"
    assert "SessionOptions.intra_op_num_thread " in reason


def test_misspelt_config_key_is_accepted_by_ort_without_a_word(job: Job) -> None:
    """This is why every case proves its effect."""
    outcome = run_worker(job(settings={"session.intra_op.allow_spining": "0"}), {}, TIMEOUT_S)
    assert outcome.failure is None
    assert outcome.log == ""


def test_wrong_value_is_a_failure_with_its_reason(job: Job) -> None:
    kind, reason = failure_of(run_worker(job(settings={"intra_op_num_threads": "many"}), {}, TIMEOUT_S))
    assert kind == "crashed"
    assert reason


def test_missing_model_is_a_failure_that_names_the_file_but_no_folder(job: Job, tmp_path: Path) -> None:
    kind, reason = failure_of(run_worker(job(model=str(tmp_path / "none.onnx")), {}, TIMEOUT_S))
    assert kind == "crashed"
    assert "none.onnx" in reason
    assert str(tmp_path) not in reason


def test_enumerations_are_written_by_name(job: Job) -> None:
    settings = {"graph_optimization_level": "ORT_DISABLE_ALL", "execution_mode": "ORT_PARALLEL"}
    outcome = run_worker(job(settings=settings, observe=True), {}, TIMEOUT_S)
    assert outcome.failure is None
    assert "execution_mode:1" in outcome.log


def test_changing_shapes_count_calls_and_give_latency_per_call(job: Job) -> None:
    figures = figures_of(job(MANY, min_seconds=0, min_calls=6, warm_up=0))
    assert figures.calls == 6
    assert len(figures.rss_bytes) == 2 * 3 + 1
    assert figures.loop_ns >= 6 * figures.fastest_ns


@pytest.mark.alone
def test_idle_while_after_a_call_shows_what_spinning_threads_burn(job: Job) -> None:
    """Right after a call: a pool that spins does so for some milliseconds, then sleeps."""
    own = {"intra_op_num_threads": 2}
    calm, spinning = (
        figures_of(
            job(settings={**own, "session.intra_op.allow_spinning": flag}, idle_seconds=0.3)
        ).idle_cpu_ns
        for flag in ("0", "1")
    )
    assert calm is not None
    assert spinning is not None
    assert calm < 0.01e9 < spinning < 0.3 * 1e9
    assert figures_of(job()).idle_cpu_ns is None


def test_call_before_the_idle_while_is_counted(job: Job) -> None:
    figures = figures_of(job(warm_up=0, min_seconds=0, min_calls=3, idle_seconds=0.01))
    assert (figures.calls, figures.session_calls) == (3, 2 + 3 + 1)


def test_calls_alone_are_what_is_counted(job: Job) -> None:
    """Feeds of changing shapes are cut anew for every call: their time, CPU and faults are nobody's latency."""
    figures = figures_of(job(MANY, min_seconds=0.05))
    assert figures.fastest_ns * figures.calls <= figures.run_ns < figures.loop_ns
    assert figures.cpu_ns > 0


class Session:
    """Stands in for a session whose outputs take their time to go."""

    def run(self, *_: object) -> object:
        return Slow()


class Slow:
    def __del__(self) -> None:
        time.sleep(0.01)


class Feeds:
    """Feeds that are slow to make."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, _: int) -> None:
        time.sleep(0.02)


def test_caller_waits_for_the_outputs_to_be_freed_and_not_for_the_feeds_to_be_made() -> None:
    spent = worker.Spent()
    latency = worker.one_run(Session(), None, Feeds(), spent=spent)
    assert 0.01e9 <= latency < 0.02e9
    assert 2 * latency <= spent.wall_ns < 0.04e9
    assert spent.cpu_ns < 0.01e9


def test_faults_of_making_feeds_are_not_those_of_the_calls() -> None:
    class Touching(Feeds):
        def __getitem__(self, _: int) -> None:
            with mmap.mmap(-1, 8 << 20) as fresh:  # what malloc keeps from another test would not fault again
                for place in range(0, len(fresh), mmap.PAGESIZE):
                    fresh[place] = 1

    spent = worker.Spent()
    if not spent.known:
        pytest.skip("this system counts no faults")
    before = worker.usage()[0]
    for _ in range(5):
        worker.one_run(Session(), None, Touching(), spent=spent)
    assert spent.faults < 0.1 * (worker.usage()[0] - before)


def test_latencies_take_no_memory_while_they_are_noted() -> None:
    kept = worker.Latencies()
    before = sys.getsizeof(kept._ns)
    for latency in (30, 10, 20, 40):
        kept.add(latency)
    assert sys.getsizeof(kept._ns) == before
    assert kept.report() == {"latency_ns": 25, "fastest_ns": 10, "slowest_ns": 40}
    assert not kept.full


def test_loop_ends_when_no_more_latencies_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker.Latencies, "MOST", 5)
    kept = worker.Latencies()
    found = worker.steady_runs(
        SimpleNamespace(run=lambda *_: None), None, [None], {"min_seconds": 60, "min_calls": 1}, kept
    )
    assert (found["calls"], kept.full) == (5, True)


def test_environment_of_the_case_reaches_the_process(tmp_path: Path, job: Job) -> None:
    script = tmp_path / "teller.py"
    script.write_text(
        f"""
import os, sys
sys.path.insert(0, {str(WORKER.parent)!r})
print(os.environ["GLIBC_TUNABLES"], file=sys.stderr)
import worker
worker.main()
"""
    )
    outcome = run_worker(job(), {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}, TIMEOUT_S, script)
    assert outcome.failure is None
    assert "glibc.malloc.hugetlb=1" in outcome.log


def _telling_affinity(tmp_path: Path) -> Path:
    """The worker, but before its first call it tells which cores it may run on."""
    script = tmp_path / "teller.py"
    script.write_text(
        f"""
import os, sys
sys.path.insert(0, {str(WORKER.parent)!r})
import worker
run = worker.one_run
def one_run(*arguments):
    print("CORES", *sorted(os.sched_getaffinity(0)), file=sys.stderr)
    worker.one_run = run
    return run(*arguments)
worker.one_run = one_run
worker.main()
"""
    )
    return script


@affinity
@pytest.mark.parametrize("count", [None, 1, 2])
def test_process_keeps_to_the_first_cores(tmp_path: Path, job: Job, count: int | None) -> None:
    usable = sorted(os.sched_getaffinity(0))
    outcome = run_worker(job(cpus=count), {}, TIMEOUT_S, _telling_affinity(tmp_path))
    assert outcome.failure is None
    mine = usable[:count]
    assert outcome.log.splitlines() == [f"CORES {' '.join(map(str, mine))}"]
    assert sorted(os.sched_getaffinity(0)) == usable


@pytest.mark.parametrize(
    ("entry", "warm_up", "calls"), [(ONE, 0, 2 + 3), (ONE, 4, 2 + 4 + 3), (MANY, 1, 3 * (2 + 1 + 1))]
)
def test_all_calls_of_the_session_are_counted(job: Job, entry: Input, warm_up: int, calls: int) -> None:
    figures = figures_of(job(entry, warm_up=warm_up, min_seconds=0, min_calls=3))
    assert (figures.calls, figures.session_calls) == (3, calls)


def test_memory_before_the_timed_loop_lies_between_its_neighbours(job: Job) -> None:
    figures = figures_of(job(LARGE))
    marks = (figures.base_bytes, figures.before_steady_bytes, figures.kept_bytes, figures.peak_bytes)
    if None in marks:
        pytest.skip("this system keeps no marks of memory")
    base, before, kept, peak = (mark or 0 for mark in marks)
    assert base + 4 * 2048 * 512 < before <= peak + PAGE_ROUNDING  # at least one layer's output stays
    assert before == pytest.approx(kept, abs=16 << 20)


def test_real_worker_runs_beside_another_one_that_is_gone_afterwards(job: Job) -> None:
    before = psutil.Process().children()
    assert figures_of(job(processes=2)).calls >= 3
    assert psutil.Process().children() == before
