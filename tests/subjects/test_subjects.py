"""Every subject but the session, for real; and subjects that misbehave: one clear sentence each."""

from __future__ import annotations

import importlib.util
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from real_children import failure_of, figures_of, job_of, made_up, run

from bench import subjects
from bench.measure import evidence
from bench.results.trust import ALLOCATED_MIB

if TYPE_CHECKING:
    from bench.results.process import Figures
    from bench.spec import Shape

pytestmark = pytest.mark.slow


def test_subjects_are_found_by_convention_and_hide_no_module_of_others() -> None:
    """In the measured process they are imported by their bare names."""
    assert {"session", "known_cost", "shared_arena", "line_memory", "log_lines"} <= set(subjects.SUBJECTS)
    assert all(subjects.SUBJECTS.values())
    found = filter(None, map(importlib.util.find_spec, subjects.SUBJECTS))
    assert {Path(one.origin or "").parent for one in found} <= {subjects.FOLDER}


def _known(**cost: int) -> Figures:
    return figures_of(job_of(subject="known_cost", options=cost, verify=[]))


def test_known_memory_is_seen_as_peak_and_as_kept() -> None:
    allocated, held = _known(allocated_mib=ALLOCATED_MIB), _known(held_mib=ALLOCATED_MIB)
    base, kept = ([one.rss(phase) or 0 for one in (allocated, held)] for phase in ("open", "steady"))
    if not all(base):
        pytest.skip("this system keeps no marks of memory")
    known = ALLOCATED_MIB << 20
    assert (allocated.peak_bytes or 0) - base[0] == pytest.approx(known, rel=0.02)
    assert kept[0] - base[0] < 0.02 * known
    assert kept[1] - base[1] == pytest.approx(known, rel=0.02)


@pytest.mark.alone
def test_known_time_is_seen_and_whether_a_processor_was_needed() -> None:
    """From the first call on: no thread of NumPy's spins beside it."""
    asleep, less, more = _known(sleep_ms=20), _known(hashes=250), _known(hashes=1000)
    assert min(asleep.latencies_ns) >= 20e6
    assert asleep.steady.cpu_ns < 0.1 * asleep.steady.run_ns
    assert asleep.onnxruntime == ""
    assert more.steady.cpu_ns == pytest.approx(4 * less.steady.cpu_ns, rel=0.4)
    assert less.phases["first"].cpu_ns < 1.1 * less.phases["first"].run_ns


def test_shared_arena_extends_by_what_is_needed() -> None:
    options, settings = {"arena_extend_strategy": 1}, {"session.use_env_allocators": "1"}
    outcome = run(job_of(subject="shared_arena", options=options, settings=settings, observe=True))
    assert outcome.failure is None
    regions, _ = evidence.read_arena_log(outcome.log)
    assert regions
    assert all(region.size == region.needed for region in regions)


def test_line_table_shows_each_line_of_one_inference_without_its_folder() -> None:
    table = run(job_of(subject="line_memory", report=True)).lines["table"]
    assert table[0] == "Filename: line_memory.py"
    assert any("session.run" in line and "MiB" in line for line in table)


def _printed(level: int | None) -> dict[str, list[str]]:
    settings = {} if level is None else {"log_severity_level": level}
    outcome = run(job_of(subject="log_lines", report=True, settings=settings))
    assert (outcome.failure, outcome.log) == (None, "")
    return outcome.lines


def _severities(lines: list[str]) -> set[str]:
    return {letter for letter in "VIWEF" for line in lines if f"[{letter}:onnxruntime" in line}


def test_what_the_log_prints_at_each_level() -> None:
    """Pages tell by these lines what each level hides; a failing node raises an exception whatever the level."""
    levels = (None, 2, 3, 4, 0)
    with ThreadPoolExecutor(len(levels)) as pool:  # most of their time they wait for what is said late
        *quiet, chatty = pool.map(_printed, levels)
    for level, told in zip(levels, quiet, strict=False):
        warns, errs = level in (None, 2), level != 4
        assert told["healthy"] == told["misspelt_key"] == told["default_logger_quiet"] == []
        assert (_severities(told["warning"]), len(told["warning"])) == ({"W"} if warns else set(), warns)
        assert all("spin_duration_us" in line for line in told["warning"])
        assert told["error"][-1].startswith("Python 异常：")
        assert _severities(told["error"]) == ({"E"} if errs else set())
        assert any("gather" in line for line in told["error"]) is errs
        if sys.platform == "linux":  # others bind threads in another way
            assert _severities(told["default_logger"]) == {"E"}  # it knows no level of a session
            assert all("onnxruntime:Default" in line for line in told["default_logger"])
    for incident in ("healthy", "misspelt_key"):  # cut to the last lines
        note, *lines = chatty[incident]
        assert ("行，只列" in note, len(lines), _severities(lines) <= {"V", "I"}) == (True, 4, True)
    assert ("W" in _severities(chatty["warning"]), len(chatty["warning"])) == (True, 1 + 1 + 4)
    assert "E" in _severities(chatty["error"])


RAISES = "class Thing(Thing):\n    def call(self, feed): raise ValueError('对不起 /home/somebody/x.onnx')\n"
NAN = "import numpy\nclass Thing(Thing):\n    def call(self, feed): return [numpy.array([1, numpy.nan])]\n"
LACKS = "class Unsupported(Exception): pass\ndef load(): raise Unsupported('没有这个')\n"


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        pytest.param(RAISES, "crashed", "ValueError: 对不起 x.onnx", id="raises"),
        pytest.param(NAN, "not_finite", "输出含 NaN 或无穷大", id="no number"),
        pytest.param("def report(job): 1 / 0\n", "crashed", "ZeroDivisionError", id="fails to report"),
        pytest.param(LACKS, "unsupported", "没有这个", id="is not supported here"),
    ],
)
def test_subject_that_misbehaves_is_a_failure(tmp_path: Path, code: str, kind: str, reason: str) -> None:
    job = made_up(tmp_path, f"{code}def start(job): return Thing()\n", report="report(" in code)
    found, told = failure_of(outcome := run(job))
    assert (found, reason in told, "\n" in told, outcome.lines) == (kind, True, False, {})


SEES = """
import sys
class Thing(Thing):
    def call(self, feed):
        print({k: (str(v.dtype), v.shape, int(v.sum()), v.flags.c_contiguous) for k, v in feed.items()}, file=sys.stderr)
        return []
def start(job): return Thing()
"""


def test_feeds_are_made_for_every_input_by_name_and_kind(tmp_path: Path) -> None:
    """Cut anew for every call where shapes change, and in C order."""
    np.save(tmp_path / "ids.npy", np.arange(20, dtype=np.int64).reshape(4, 5))
    np.save(tmp_path / "mask.npy", np.ones((4, 5), np.float32))
    feeds: list[dict[str, Shape]] = [{"ids": (2, 3), "mask": (1, 5)}, {"ids": (4, 5), "mask": (4, 5)}]
    inputs = {name: str(tmp_path / f"{name}.npy") for name in feeds[0]}
    outcome = run(made_up(tmp_path, SEES, inputs=inputs, shapes=feeds, verify=[], warm_up=0, min_calls=2))
    assert outcome.failure is None
    assert outcome.log.splitlines() == 3 * [
        "{'ids': ('int64', (2, 3), 21, True), 'mask': ('float32', (1, 5), 5, True)}",
        "{'ids': ('int64', (4, 5), 190, True), 'mask': ('float32', (4, 5), 20, True)}",
    ]
