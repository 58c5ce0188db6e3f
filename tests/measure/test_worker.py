"""The worker for real: phases and their counters, callers, feeds, outputs."""

from __future__ import annotations

import mmap
import os
import sys
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
from real_children import LARGE, MANY, ONE, failure_of, figures_of, job_of, made_up, run

from bench.measure import calling, counters, worker
from bench.results.process import CALLED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.spec import Input

MIB = 1 << 20
ROUNDING = 1 << 20
"""Per-CPU counters let VmRSS lag VmHWM by some pages."""
affinity = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system does not limit a process to some cores"
)
marks = pytest.mark.skipif(sys.platform != "linux", reason="other systems keep no marks of memory")


def test_every_phase_has_its_counters_in_their_order() -> None:
    outcome = run(job_of(LARGE, min_seconds=0.05))
    assert (outcome.failure, outcome.log) == (None, "")
    figures = outcome.figures
    assert figures is not None
    assert list(figures.phases) == ["import", "open", *CALLED, "trim"]
    assert [figures.phases[name].calls for name in CALLED[:3]] == [1, 1, 2]
    steady = figures.steady
    assert len(figures.latencies_ns) == steady.calls >= 3
    assert sum(figures.latencies_ns) <= steady.run_ns <= steady.wall_ns
    assert steady.wall_ns >= 0.05e9
    for phase in figures.phases.values():
        assert phase.run_ns <= phase.wall_ns
    assert sum(phase.wall_ns for phase in figures.phases.values()) < figures.worker_ns < outcome.wall_s * 1e9
    assert 0 < steady.cpu_ns < 1.2 * steady.run_ns * (os.cpu_count() or 1)
    assert (figures.callers, figures.trace_bytes, figures.huge_page_bytes) == (1, None, None)
    assert figures.onnxruntime
    if sys.platform == "linux":
        assert figures.phases["open"].minor_faults
        assert all(phase.threads for phase in figures.phases.values())
        base, first, before, kept, trimmed = (
            figures.rss(name) or 0 for name in ("open", "first", "warm_up", "steady", "trim")
        )
        assert base > 10 * MIB
        assert base + 4 * 2048 * 512 < first <= (figures.peak_bytes or 0) + ROUNDING  # a layer's output stays
        assert kept == pytest.approx(before, abs=16 * MIB)
        assert trimmed <= kept + ROUNDING
        assert figures.rss_bytes[-1] == pytest.approx(kept, abs=ROUNDING)
        assert all(0 < (one.rss_bytes or 0) <= (one.peak_bytes or 0) for one in figures.phases.values())


@marks
def test_peak_of_a_phase_is_that_of_no_earlier_one(tmp_path: Path) -> None:
    """128 MiB while importing and 64 in the first call are touched and given back."""
    code = """
def spend(mib):
    spent = bytearray(mib << 20)
    spent[::4096] = b"x" * len(spent[::4096])
def load(): spend(128)
class Thing(Thing):
    first = True
    def call(self, feed):
        if self.first: spend(64)
        self.first = False
        return []
def start(job): return Thing()
"""
    phases = figures_of(made_up(tmp_path, code)).phases
    grown = {name: (one.peak_bytes or 0) - (phases["open"].rss_bytes or 0) for name, one in phases.items()}
    assert grown["import"] > 120 * MIB
    assert 60 * MIB < grown["first"] < 80 * MIB
    assert max(grown[name] for name in ("open", "second", "warm_up", "steady")) < 16 * MIB


@pytest.mark.parametrize(
    ("entry", "warm_up", "calls"),
    [(ONE, 0, (1, 1, 0, 3)), (ONE, 4, (1, 1, 4, 3)), (MANY, 1, (3, 3, 3, 6))],
    ids=["no warm-up", "warm-up", "changing shapes"],
)
def test_calls_are_counted_and_watched_one_by_one(entry: Input, warm_up: int, calls: tuple[int, ...]) -> None:
    """Idle time begins with a call that is none of the counted ones."""
    job = job_of(entry, warm_up=warm_up, min_calls=4 if entry is MANY else 3, idle_seconds=0.01)
    figures = figures_of(job)
    assert tuple(figures.phases[name].calls for name in CALLED) == calls
    assert len(figures.latencies_ns) == calls[-1] // len(entry.shapes)
    assert len(figures.rss_bytes) == sum(calls[:3]) + 1
    assert figures.phases["idle"].calls == 0
    assert figures.phases["idle"].run_ns >= 0.01e9


GROWING = """
class Thing:
    kept = []
    def call(self, feed): return self.kept.append(b"x" * (32 << 20)) or []
    def close(self): return {}
"""


def test_last_reading_of_memory_is_of_the_timed_calls_not_of_the_one_before_idling(tmp_path: Path) -> None:
    figures = figures_of(made_up(tmp_path, GROWING, idle_seconds=0.01, verify=[]))
    steady, idle, last = figures.rss("steady"), figures.rss("idle"), figures.rss_bytes[-1]
    if not (steady and idle and last):
        pytest.skip("this system does not tell")
    assert last - steady < 16 << 20 < idle - steady


@pytest.mark.alone
def test_callers_call_at_the_same_time_and_are_counted_together() -> None:
    sleeping: dict[str, Any] = {"subject": "known_cost", "options": {"sleep_ms": 20}}
    figures = figures_of(job_of(**sleeping, callers=3, min_calls=5))
    assert (figures.callers, figures.steady.calls, len(figures.latencies_ns)) == (3, 15, 15)
    assert min(figures.latencies_ns) >= 20e6
    assert 0.1e9 <= figures.steady.run_ns < 0.2e9  # one after the other, it would be 0.3 s
    assert sum(figures.latencies_ns) <= 3 * figures.steady.run_ns
    assert figures.steady.cpu_ns < 0.5 * figures.steady.run_ns
    changing = figures_of(job_of(MANY, callers=2, min_seconds=0.02))
    assert changing.steady.calls == 3 * len(changing.latencies_ns) >= 6


def test_error_of_one_caller_among_several_is_told(tmp_path: Path) -> None:
    code = """
import threading
class Thing(Thing):
    def call(self, feed):
        if threading.current_thread() is not threading.main_thread(): raise RuntimeError("not here")
        return []
def start(job): return Thing()
"""
    outcome = run(made_up(tmp_path, code, callers=2))
    assert failure_of(outcome) == ("crashed", "RuntimeError: not here")


def test_latencies_take_no_memory_while_they_are_noted_and_end_the_loop_when_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Many callers keep no more than one: it would be memory of the process, and more than a report may hold."""
    monkeypatch.setattr(calling.Latencies, "MOST", 2500)
    kept, phase = calling.Latencies(), counters.Phase()
    before = sys.getsizeof(kept._ns)
    thing = SimpleNamespace(call=lambda _: None)
    calling.timed_loop(thing, [None], phase, {"min_seconds": 60, "min_calls": 1}, kept)
    assert sys.getsizeof(kept._ns) == before
    assert (kept.full, kept.count, phase.calls) == (True, 2500, 2500)
    assert kept.told() == kept._ns[::3].tolist()
    shared = [calling.Latencies(25) for _ in range(25)]
    for one in shared:
        while not one.full:
            one.add(1)
    assert sum(one.count for one in shared) == 2500
    assert len([ns for one in shared for ns in one.told()]) <= 2 * calling.Latencies.TOLD


class SlowToGo:
    def __del__(self) -> None:
        time.sleep(0.01)


class SlowFeeds:
    """They are slow to make, and touch memory."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, _: int) -> None:
        time.sleep(0.02)
        with mmap.mmap(-1, 8 << 20) as fresh:  # what malloc keeps from another test would not fault again
            for place in range(0, len(fresh), mmap.PAGESIZE):
                fresh[place] = 1


@pytest.mark.alone
def test_caller_waits_for_outputs_to_be_freed_and_neither_waits_nor_pays_for_feeds() -> None:
    phase, faults = counters.Phase(), counters.usage()
    latency = calling.one_pass(SimpleNamespace(call=lambda _: SlowToGo()), SlowFeeds(), phase)
    assert 0.01e9 <= latency < 0.02e9
    assert 2 * latency <= phase.run_ns < 0.04e9
    assert phase.cpu_ns < 0.01e9
    if faults:
        assert phase.faults < 0.1 * (counters.usage()[0] - faults[0])


def test_resetting_the_peak_is_no_part_of_a_phase() -> None:
    memory = SimpleNamespace(
        reset_peak=lambda: time.sleep(0.05), resident=lambda: 1, peak=lambda: time.sleep(0.05)
    )
    phases = counters.Phases(memory)
    with phases("open"):
        pass
    assert phases.reports["open"]["wall_ns"] < 0.05e9


def test_callers_are_counted_from_the_moment_that_all_are_ready() -> None:
    """The counters are read before the first of them calls, however late the waiting thread goes on."""
    phase, begun = counters.Phase(), list[bool]()
    noting = SimpleNamespace(call=lambda _: begun.append(hasattr(phase, "_wall")))
    kept = [calling.Latencies(2), calling.Latencies(2)]
    calling.timed_callers(noting, [None], phase, {"min_seconds": 0, "min_calls": 50}, kept)
    assert len(begun) == phase.calls == 100
    assert all(begun)


@affinity
def test_thread_that_has_ended_is_bound_to_nothing() -> None:
    ended = threading.Thread(target=lambda: None)
    ended.start()
    ended.join()
    assert ended.native_id
    assert counters.pinned({ended.native_id, threading.get_native_id()}) == 0


def test_outputs_are_compared_with_those_of_an_equal_process(tmp_path: Path) -> None:
    """Identical, then changed by a quarter of the largest."""
    reference, tampered = tmp_path / "reference.npz", tmp_path / "tampered.npz"
    figures_of(job_of(MANY, write_reference=str(reference)))
    with np.load(reference) as kept:
        outputs = dict(kept)
    assert {name: output.shape for name, output in outputs.items()} == {"0.0": (4, 64), "2.0": (9, 64)}
    same = figures_of(job_of(MANY, reference=str(reference))).outputs
    assert (same.compared, same.finite, same.identical, same.difference) == (2, True, True, 0)
    changed = outputs["0.0"]
    changed[np.unravel_index(np.abs(changed).argmin(), changed.shape)] += np.abs(changed).max() / 4
    np.savez(tampered, **outputs)
    other = figures_of(job_of(MANY, reference=str(tampered))).outputs
    assert not other.identical
    assert other.difference == pytest.approx(0.25, rel=1e-3)


@pytest.mark.parametrize(
    ("kind", "reference", "outputs", "difference"),
    [
        pytest.param("int8", [[-128, -128]], [[-128, -127]], 1 / 128, id="absolute value that overflows"),
        pytest.param("uint8", [[1, 255]], [[2, 255]], 1 / 255, id="whole numbers"),
        pytest.param("f", [[1, 2]], [[1, np.nan]], 1, id="no number at all"),
        pytest.param("bool", [[True]], [[False]], 1, id="true or false"),
        pytest.param("f", [[1, 2]], [[1, 2, 3]], 1, id="another shape"),
        pytest.param("f", [[1], [2]], [[1]], 1, id="one output less"),
        pytest.param("f", [[1]], [[1], [2]], 1, id="one output more"),
        pytest.param("f", [[1]], [], 1, id="none"),
        pytest.param("f", [[0]], [[0]], 0, id="the same"),
        pytest.param("f", [], [], 0, id="no outputs: nothing to compare"),
    ],
)
def test_outputs_of_any_kind_and_number_are_compared(
    tmp_path: Path, kind: str, reference: Sequence[Any], outputs: Sequence[Any], difference: float
) -> None:
    def arrays(values: Sequence[Any]) -> list[Any]:
        return [np.array(one, kind) for one in values]

    path = tmp_path / "reference.npz"
    np.savez(path, **{f"0.{n}": output for n, output in enumerate(arrays(reference))})
    job = {"reference": str(path), "write_reference": None, "verify": [0]}
    found = worker.compare_outputs(np, SimpleNamespace(call=lambda _: arrays(outputs)), [None], job)
    assert found["difference"] == pytest.approx(difference)
    assert (found["identical"], found["compared"]) == (difference == 0, bool(reference))


@affinity
@pytest.mark.parametrize("count", [None, 1, 2])
def test_process_has_the_environment_of_its_case_and_the_first_cores(
    tmp_path: Path, count: int | None
) -> None:
    """And hides none of its neighbours, which are called `trace`, too."""
    usable = sorted(os.sched_getaffinity(0))
    code = """
import os, sys, trace
def load():
    trace.Trace
    print(os.environ["GLIBC_TUNABLES"], *sorted(os.sched_getaffinity(0)), file=sys.stderr)
"""
    outcome = run(made_up(tmp_path, code, cpus=count), GLIBC_TUNABLES="glibc.malloc.hugetlb=1")
    assert outcome.failure is None
    assert outcome.log.split() == ["glibc.malloc.hugetlb=1", *map(str, usable[:count])]
    assert sorted(os.sched_getaffinity(0)) == usable


def test_company_does_the_same_and_is_gone_afterwards(tmp_path: Path) -> None:
    """With as many callers each."""
    code = f"""
import os, threading
class Thing(Thing):
    def call(self, feed):
        open(os.path.join({str(tmp_path)!r}, f"{{os.getpid()}}-{{threading.get_ident()}}"), "w").close()
        return []
def start(job): return Thing()
"""
    before = psutil.Process().children()
    figures_of(made_up(tmp_path, code, processes=2, callers=2, min_seconds=0.1))
    assert psutil.Process().children() == before
    threads = [path.name.partition("-")[0] for path in tmp_path.glob("*-*")]
    assert sorted(threads.count(process) for process in set(threads)) == [
        2,
        3,
    ]  # the measured one's first calls


def test_chatter_reaches_the_log_and_not_the_report(tmp_path: Path) -> None:
    code = """
import os
def start(job):
    print("print")
    os.write(1, b"descriptor 1\\n")
    os.system("echo grandchild")
    return Thing()
"""
    outcome = run(made_up(tmp_path, code))
    assert outcome.failure is None
    assert {"print", "descriptor 1", "grandchild"} <= set(outcome.log.splitlines())
