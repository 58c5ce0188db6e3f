"""Every subject but the session, for real; and subjects that misbehave: one clear sentence each."""

from __future__ import annotations

import importlib.util
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from real_children import ONE, TINY, failure_of, figures_of, job_of, made_up, posix, run

from bench import subjects
from bench.measure import evidence
from bench.results.trust import ALLOCATED_MIB
from bench.spec import Case, Shape, Subject

if TYPE_CHECKING:
    from bench.results.process import Figures

pytestmark = pytest.mark.slow
MIB = 1 << 20
LEVELS = (None, 0, 2, 3, 4)
"""Of a session's log; None: it is not set."""
QUIET = (None, 2, 3, 4)

Lines = dict[str, list[str]]


def test_subjects_are_found_by_convention_and_hide_no_module_of_others() -> None:
    """In the measured process they are imported by their bare names."""
    assert {"session", "known_cost", "shared_arena", "line_memory", "log_lines"} <= set(subjects.SUBJECTS)
    for name, title in subjects.SUBJECTS.items():
        assert title
        found = importlib.util.find_spec(name)
        assert found is None or Path(found.origin or "").parent == subjects.FOLDER


def _known(**cost: int) -> Figures:
    return figures_of(job_of(subject="known_cost", options=cost, verify=[]))


def test_known_memory_is_seen_as_peak_and_as_kept() -> None:
    allocated, held = _known(allocated_mib=ALLOCATED_MIB), _known(held_mib=ALLOCATED_MIB)
    base, kept = ([one.rss(phase) or 0 for one in (allocated, held)] for phase in ("open", "steady"))
    if not all(base):
        pytest.skip("this system keeps no marks of memory")
    assert (allocated.peak_bytes or 0) - base[0] == pytest.approx(ALLOCATED_MIB * MIB, rel=0.02)
    assert kept[0] - base[0] < 0.02 * ALLOCATED_MIB * MIB
    assert kept[1] - base[1] == pytest.approx(ALLOCATED_MIB * MIB, rel=0.02)


@pytest.mark.alone
def test_known_time_is_seen_and_whether_a_processor_was_needed() -> None:
    """From the first call on: no thread of NumPy's spins beside it."""
    asleep = _known(sleep_ms=20)
    assert min(asleep.latencies_ns) >= 20e6
    assert asleep.steady.cpu_ns < 0.1 * asleep.steady.run_ns
    assert asleep.onnxruntime == ""
    less, more = (_known(hashes=n) for n in (500, 2000))
    assert more.steady.cpu_ns == pytest.approx(4 * less.steady.cpu_ns, rel=0.4)
    assert less.phases["first"].cpu_ns < 1.1 * less.phases["first"].run_ns


def test_shared_arena_extends_by_what_is_needed() -> None:
    job = job_of(
        subject="shared_arena",
        options={"arena_extend_strategy": 1},
        settings={"session.use_env_allocators": "1"},
        observe=True,
    )
    outcome = run(job)
    assert outcome.figures is not None
    opened = Path(job["model"]), Subject()
    facts = evidence.observe(Case(id="x", title=""), outcome.figures, outcome.log, (), opened)
    assert facts["arena_regions"] > 0
    assert facts["exact_regions_share"] == 1


def test_line_table_shows_each_line_of_one_inference_without_its_folder() -> None:
    table = run(job_of(subject="line_memory", report=True)).lines["table"]
    assert table[0] == "Filename: line_memory.py"
    assert any("session.run" in line and "MiB" in line for line in table)


@pytest.fixture(scope="module")
def logs() -> dict[int | None, Lines]:
    """Side by side: most of their time they wait for what is said late."""

    def report(level: int | None) -> Lines:
        settings = {} if level is None else {"log_severity_level": level}
        outcome = run(job_of(subject="log_lines", report=True, settings=settings))
        assert (outcome.failure, outcome.log) == (None, "")
        return outcome.lines

    with ThreadPoolExecutor(len(LEVELS)) as pool:
        return dict(zip(LEVELS, pool.map(report, LEVELS), strict=True))


def _severities(lines: list[str]) -> set[str]:
    return {letter for letter in "VIWEF" for line in lines if f"[{letter}:onnxruntime" in line}


@pytest.mark.parametrize("level", QUIET)
def test_what_the_log_prints_from_warnings_on(logs: dict[int | None, Lines], level: int | None) -> None:
    """Pages tell by these lines what each level hides; a failing node raises an exception whatever the level."""
    told = logs[level]
    assert told["healthy"] == told["misspelt_key"] == []
    assert _severities(told["warning"]) == ({"W"} if level in (None, 2) else set())
    assert len(told["warning"]) == (level in (None, 2))
    assert all("spin_duration_us" in line for line in told["warning"])
    assert told["error"][-1].startswith("Python 异常：")
    assert _severities(told["error"]) == (set() if level == 4 else {"E"})
    assert any("gather" in line for line in told["error"]) is (level != 4)
    if (
        sys.platform == "linux"
    ):  # others bind threads in another way; the default logger knows no level of a session
        assert _severities(told["default_logger"]) == {"E"}
        assert all("onnxruntime:Default" in line for line in told["default_logger"])
    assert told["default_logger_quiet"] == []


def test_chatty_level_is_cut_to_its_last_lines_and_keeps_warnings_and_errors(
    logs: dict[int | None, Lines],
) -> None:
    """A hundred others come after the warning."""
    chatty = logs[0]
    for incident in ("healthy", "misspelt_key"):
        note, *lines = chatty[incident]
        assert ("行，只列" in note, len(lines)) == (True, 4)
        assert _severities(lines) <= {"V", "I"}
    assert "W" in _severities(chatty["warning"])
    assert len(chatty["warning"]) == 1 + 1 + 4
    assert "E" in _severities(chatty["error"])


RAISES = "class Thing(Thing):\n    def call(self, feed): raise ValueError('对不起 /home/somebody/x.onnx')\n"
NAN = "import numpy\nclass Thing(Thing):\n    def call(self, feed): return [numpy.array([1, numpy.nan])]\n"
HANGS = "import time\nclass Thing(Thing):\n    def call(self, feed): time.sleep(60)\n"
FORKS = "import os, time\nclass Thing(Thing):\n    def close(self):\n        os.fork() or time.sleep(60)\n        return {}\n"


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        pytest.param(RAISES, "crashed", "ValueError: 对不起 x.onnx", id="raises"),
        pytest.param("def load(): import no_such_module\n", "crashed", "No module named", id="lacks a module"),
        pytest.param("class Thing(Thing):\n    close = None\n", "crashed", "TypeError", id="has no end"),
        pytest.param(NAN, "not_finite", "输出含 NaN 或无穷大", id="no number"),
        pytest.param(HANGS, "timeout", "超过 2 秒仍未结束，已终止", id="hangs"),
        pytest.param(FORKS, "unsupported", "子进程还在跑", marks=posix, id="forks"),
        pytest.param("def report(job): return {'a': 1 / 0}\n", "crashed", "ZeroDivisionError", id="fails to report"),
        pytest.param("def load(): raise SystemExit(3)\n", "crashed", "退出码 3，没有报告", id="exits"),
        pytest.param(
            "class Unsupported(Exception): pass\ndef load(): raise Unsupported('没有这个')\n",
            "unsupported",
            "没有这个",
            id="is not supported here",
        ),
    ],
)  # fmt: skip
def test_subject_that_misbehaves_is_a_failure_with_one_sentence(
    tmp_path: Path, code: str, kind: str, reason: str
) -> None:
    job = made_up(tmp_path, f"{code}def start(job): return Thing()\n", report="report(" in code)
    outcome = run(job, timeout_s=2.0 if kind == "timeout" else 60.0)
    found, told = failure_of(outcome)
    assert (found, reason in told, "\n" in told, outcome.lines) == (kind, True, False, {})


def test_feeds_are_made_for_every_input_by_name_and_kind(tmp_path: Path) -> None:
    """Cut anew for every call where shapes change, and in C order."""
    arrays = {"ids": np.arange(20, dtype=np.int64).reshape(4, 5), "mask": np.ones((4, 5), np.float32)}
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    code = """
import sys
class Thing(Thing):
    def call(self, feed):
        print({k: (str(v.dtype), v.shape, int(v.sum()), v.flags.c_contiguous) for k, v in feed.items()}, file=sys.stderr)
        return []
def start(job): return Thing()
"""
    feeds: list[dict[str, Shape]] = [{"ids": (2, 3), "mask": (1, 5)}, {"ids": (4, 5), "mask": (4, 5)}]
    inputs = {name: str(tmp_path / f"{name}.npy") for name in arrays}
    job = made_up(tmp_path, code, inputs=inputs, shapes=feeds, verify=[], warm_up=0, min_calls=2)
    one, two, *rest = (outcome := run(job)).log.splitlines()
    assert outcome.failure is None
    assert one == "{'ids': ('int64', (2, 3), 21, True), 'mask': ('float32', (1, 5), 5, True)}"
    assert two == "{'ids': ('int64', (4, 5), 190, True), 'mask': ('float32', (4, 5), 20, True)}"
    assert rest == [one, two, one, two]
    assert TINY.shapes(ONE.shapes[0]) == {"x": (16, 256)}
