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
    from pathlib import Path

MIB = 1 << 20
affinity = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no such limit to some cores here")


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
    assert all(phase.run_ns <= phase.wall_ns for phase in figures.phases.values())
    assert sum(phase.wall_ns for phase in figures.phases.values()) < figures.worker_ns < outcome.wall_s * 1e9
    assert 0 < steady.cpu_ns < 1.2 * steady.run_ns * (os.cpu_count() or 1)
    assert (figures.callers, figures.trace_bytes, figures.huge_page_bytes) == (1, None, None)
    assert figures.onnxruntime
    if sys.platform == "linux":
        assert figures.phases["open"].minor_faults
        assert all(phase.threads for phase in figures.phases.values())
        names = ("open", "first", "warm_up", "steady", "trim")
        base, first, before, kept, trimmed = (figures.rss(name) or 0 for name in names)
        rounding = MIB  # per-CPU counters let VmRSS lag VmHWM by some pages
        assert base > 10 * MIB
        assert base + 4 * 2048 * 512 < first <= (figures.peak_bytes or 0) + rounding  # a layer's output stays
        assert kept == pytest.approx(before, abs=16 * MIB)
        assert trimmed <= kept + rounding
        assert figures.rss_bytes[-1] == pytest.approx(kept, abs=rounding)
        assert all(0 < (one.rss_bytes or 0) <= (one.peak_bytes or 0) for one in figures.phases.values())


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep no marks of memory")
def test_memory_of_a_phase_is_that_of_no_other_one(tmp_path: Path) -> None:
    """128 MiB while importing and 64 in the first call are touched and given back; the call before idling keeps 32."""
    code = """
def spend(mib):
    spent = bytearray(mib << 20)
    spent[::4096] = b"x" * len(spent[::4096])
    return spent
def load(): spend(128)
class Thing(Thing):
    kept = []
    def call(self, feed):
        self.kept.append(spend(64) and b"" if not self.kept else spend(32) if len(self.kept) == 7 else b"")
        return []
"""
    figures = figures_of(made_up(tmp_path, code, idle_seconds=0.01, verify=[]))
    opened, kept, last = figures.rss("open") or 0, figures.rss("steady") or 0, figures.rss_bytes[-1] or 0
    grown = {name: (one.peak_bytes or 0) - opened for name, one in figures.phases.items()}
    assert grown["import"] > 120 * MIB
    assert 60 * MIB < grown["first"] < 80 * MIB
    assert max(grown[name] for name in ("open", "second", "warm_up", "steady")) < 16 * MIB
    assert last - kept < 16 * MIB < (figures.rss("idle") or 0) - kept


def test_calls_are_counted_and_watched_one_by_one() -> None:
    """Idle time begins with a call that is none of the counted ones."""
    for entry, warm_up, least, calls in (ONE, 4, 3, (1, 1, 4, 3)), (MANY, 1, 4, (3, 3, 3, 6)):
        figures = figures_of(job_of(entry, warm_up=warm_up, min_calls=least, idle_seconds=0.01))
        assert tuple(figures.phases[name].calls for name in CALLED) == calls
        assert len(figures.latencies_ns) == calls[-1] // len(entry.shapes)
        assert len(figures.rss_bytes) == sum(calls[:3]) + 1
        assert figures.phases["idle"].calls == 0
        assert figures.phases["idle"].run_ns >= 0.01e9


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
    assert (figures.items, changing.items) == (16, 4), "rows of a call, of the first feed"
    assert changing.steady.calls == 3 * len(changing.latencies_ns) >= 6


def test_error_of_one_caller_among_several_is_told(tmp_path: Path) -> None:
    code = """
import threading
class Thing(Thing):
    def call(self, feed):
        if threading.current_thread() is not threading.main_thread(): raise RuntimeError("not here")
        return []
"""
    outcome = run(made_up(tmp_path, code, callers=2))
    assert failure_of(outcome) == ("crashed", "RuntimeError: not here")


def test_latencies_take_no_memory_while_noted_and_end_the_loop_when_full(monkeypatch: Any) -> None:
    """Many callers keep no more than one: it would be memory of the process, and more than a report may hold."""
    monkeypatch.setattr(calling.Latencies, "MOST", 2500)
    kept, phase = calling.Latencies(), counters.Phase()
    before, thing = sys.getsizeof(kept._ns), SimpleNamespace(call=lambda _: None)
    calling.timed_loop(thing, [None], phase, {"min_seconds": 60, "min_calls": 1, "gap_seconds": 0}, kept)
    assert sys.getsizeof(kept._ns) == before
    assert (kept.full, kept.count, phase.calls) == (True, 2500, 2500)
    assert kept.told() == kept._ns[::3].tolist()
    shared = [calling.Latencies(25) for _ in range(25)]
    for one in shared:
        while not one.full:
            one.add(1)
    assert sum(one.count for one in shared) == 2500
    assert len([ns for one in shared for ns in one.told()]) <= 2 * calling.Latencies.TOLD


class Slow(list[None]):
    def __del__(self) -> None:
        time.sleep(0.01)

    def __getitem__(self, _: Any) -> Any:
        time.sleep(0.02)
        with mmap.mmap(-1, 8 << 20) as fresh:  # what malloc keeps from another test would not fault again
            for place in range(0, len(fresh), mmap.PAGESIZE):
                fresh[place] = 1


@pytest.mark.alone
def test_caller_waits_for_outputs_to_be_freed_and_neither_waits_nor_pays_for_feeds() -> None:
    phase, faults = counters.Phase(), counters.usage()
    latency = calling.one_pass(SimpleNamespace(call=lambda _: Slow()), Slow([None, None]), phase)
    assert 0.01e9 <= latency < 0.02e9
    assert 2 * latency <= phase.run_ns < 0.04e9
    assert phase.cpu_ns < 0.01e9
    if faults:
        assert phase.faults < 0.1 * (counters.usage()[0] - faults[0])


def test_reading_memory_is_no_part_of_a_phase() -> None:
    slow: Any = dict.fromkeys(("reset_peak", "peak"), lambda: time.sleep(0.05))
    phases = counters.Phases(SimpleNamespace(**slow, resident=lambda: 1))
    with phases("open"):
        pass
    assert phases.reports["open"]["wall_ns"] < 0.05e9


def test_callers_are_counted_from_the_moment_that_all_are_ready() -> None:
    """The counters are read before the first of them calls, however late the waiting thread goes on."""
    phase, begun = counters.Phase(), list[bool]()
    noting = SimpleNamespace(call=lambda _: begun.append(hasattr(phase, "_wall")))
    kept = [calling.Latencies(2), calling.Latencies(2)]
    calling.timed_callers(noting, [None], phase, {"min_seconds": 0, "min_calls": 50, "gap_seconds": 0}, kept)
    assert (len(begun), phase.calls, all(begun)) == (100, 100, True)


@affinity
def test_thread_that_has_ended_is_bound_to_nothing() -> None:
    ended = threading.Thread(target=lambda: None)
    ended.start()
    ended.join()
    assert ended.native_id
    while ended.native_id in counters.thread_ids():
        time.sleep(0.001)  # the kernel takes a moment longer
    assert counters.pinned({ended.native_id, threading.get_native_id()}) == 0


def test_outputs_are_compared_with_those_of_an_equal_process(tmp_path: Path) -> None:
    reference = tmp_path / "reference.npz"
    figures_of(job_of(MANY, write_reference=str(reference)))
    with np.load(reference) as kept:
        assert {name: output.shape for name, output in kept.items()} == {"0.0": (4, 64), "2.0": (9, 64)}
    same = figures_of(job_of(MANY, reference=str(reference))).outputs
    assert (same.compared, same.finite, same.identical, same.difference) == (2, True, True, 0)


@pytest.mark.parametrize(
    ("kind", "reference", "outputs", "difference"),
    [
        ("int8", [[-128, -128]], [[-128, -127]], 1 / 128), ("uint8", [[1, 255]], [[2, 255]], 1 / 255),
        ("f", [[-4, 1]], [[-4, 2]], 0.25), ("f", [[1, 2]], [[1, np.nan]], 1), ("bool", [[True]], [[False]], 1),
        ("f", [[1, 2]], [[1, 2, 3]], 1), ("f", [[1], [2]], [[1]], 1), ("f", [[1]], [[1], [2]], 1),
        ("f", [[0]], [[0]], 0), ("f", [], [], 0),
    ],
)  # fmt: skip
def test_outputs_differ(tmp_path: Path, kind: str, reference: Any, outputs: Any, difference: float) -> None:
    path, arrays = tmp_path / "reference.npz", [np.array(one, kind) for one in outputs]
    np.savez(path, **{f"0.{n}": np.array(one, kind) for n, one in enumerate(reference)})
    job = {"reference": str(path), "write_reference": None, "verify": [0], "decides": ""}
    found = worker.compare_outputs(np, SimpleNamespace(call=lambda _: arrays), [None], job)
    assert found["difference"] == pytest.approx(difference)
    assert (found["identical"], found["compared"]) == (difference == 0, bool(reference))


def test_outputs_of_text_and_of_maps_are_compared_too(tmp_path: Path) -> None:
    """As classifiers give them: labels, and for each row a map from label to share."""
    path = str(tmp_path / "reference.npz")

    def compared(share: float, name: str, reference: str | None) -> Any:
        outputs = [np.array([name], object), [{"a": share, "b": 1 - share}]]
        to_write = None if reference else path
        job = {"reference": reference, "write_reference": to_write, "verify": [0], "decides": ""}
        return worker.compare_outputs(np, SimpleNamespace(call=lambda _: outputs), [None], job)

    compared(0.25, "a", None)
    assert compared(0.25, "a", path)["identical"]
    assert compared(0.25, "b", path)["difference"] == 1
    assert compared(0.1, "a", path)["difference"] == pytest.approx(0.2)


ROWS = np.eye(4)
"""Row n is one step that is sure of character n; 0 is no character."""


@pytest.mark.parametrize(
    ("decides", "reference", "output", "cosine", "agreement"),
    [
        ("", [3.0, 4.0], [6.0, 8.0], 1, None), ("", [1.0, 0.0], [0.0, 1.0], 0, None), ("", [0.0], [0.0], 1, None),
        ("", [0.0], [1.0], 0, None), ("", [1.0], [np.nan], 0, None), ("", [1.0], [1.0, 2.0], 0, None),
        ("area", [0.9, 0.9, 0.1, 0.0], [0.9, 0.2, 0.8, 0.0], None, 1 / 3), ("area", [0.1], [0.2], None, 1), ("area", [1.0], [1.0, 1.0], None, 0),
        ("text", [ROWS[[1, 1, 0, 2, 3]]], [ROWS[[1, 0, 2, 2, 3]]], None, 1), ("text", [ROWS[[1, 0, 1, 2]]], [ROWS[[1, 1, 1, 2]]], None, 0.8),
        ("text", [ROWS[[0, 0]]], [ROWS[[0, 0]]], None, 1), ("text", [ROWS[:2]], [ROWS], None, 0),
    ],
)  # fmt: skip
def test_outputs_of_another_precision_agree_so_far(
    tmp_path: Path, decides: str, reference: Any, output: Any, cosine: float | None, agreement: float | None
) -> None:
    """Read as a user would: repeats and blanks are no characters, and text stands where a probability is high."""
    path, arrays = str(tmp_path / "reference.npz"), [np.array(output)]
    np.savez(path, **{"0.0": np.array(reference)})
    job = {"reference": path, "write_reference": None, "verify": [0], "decides": decides}
    found = worker.compare_outputs(np, SimpleNamespace(call=lambda _: arrays), [None], job)
    assert cosine is None or found["cosine"] == pytest.approx(cosine)
    assert found["agreement"] == (None if agreement is None else pytest.approx(agreement))


@affinity
@pytest.mark.parametrize("count", [None, 1])
def test_process_has_environment_cores_and_stdout_of_its_own(tmp_path: Path, count: int | None) -> None:
    """It hides none of its neighbours, which are called `trace`, too. What anybody prints is in the log."""
    usable = sorted(os.sched_getaffinity(0))
    code = """
import os, sys, trace
def load():
    trace.Trace
    print(os.environ["GLIBC_TUNABLES"], *sorted(os.sched_getaffinity(0)))
    os.write(1, b"descriptor 1\\n")
    os.system("echo grandchild")
"""
    outcome = run(made_up(tmp_path, code, cpus=count), GLIBC_TUNABLES="glibc.malloc.hugetlb=1")
    own = " ".join(["glibc.malloc.hugetlb=1", *map(str, usable[:count])])
    assert (outcome.failure, sorted(outcome.log.splitlines())) == (None, ["descriptor 1", own, "grandchild"])
    assert sorted(os.sched_getaffinity(0)) == usable


def test_company_does_the_same_and_is_gone_afterwards(tmp_path: Path) -> None:
    """With as many callers each."""
    code = f"""
import os, threading
class Thing(Thing):
    def call(self, feed):
        return open({str(tmp_path)!r} + f"/{{os.getpid()}}-{{threading.get_ident()}}", "w").close() or []
"""
    before = psutil.Process().children()
    figures_of(made_up(tmp_path, code, processes=2, callers=2, min_seconds=0.1))
    assert psutil.Process().children() == before
    threads = [path.name.partition("-")[0] for path in tmp_path.glob("*-*")]
    # The measured one's first calls are those of a third thread.
    assert sorted(threads.count(process) for process in set(threads)) == [2, 3]
