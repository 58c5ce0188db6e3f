"""Facts from ORT's log and from figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from samples import Make

from bench.measure import evidence
from bench.measure.trace import Node, Run
from bench.spec import Case, Subject

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20
ARENA = "2026-01-02 03:04:05.835836847 [I:onnxruntime:Default, bfc_arena.cc"
EXTENDING = f"{ARENA}:335 AllocateRawInternal] Extending BFCArena for Cpu. bin_num:2 (requested) num_bytes:"
LOG = f"""\
{EXTENDING} 1000 (actual) rounded_bytes:1024
{ARENA}:205 Extend] Extended allocation by 1048576 bytes.
BENCH RUN 1
{EXTENDING} 7372800 (actual) rounded_bytes:7372800
{ARENA}:205 Extend] Extended allocation by 8388608 bytes.
{ARENA}:600 Shrink] Cpu BFC Arena shrunk by 33554432 bytes. The total allocated bytes is now 0
BENCH RUN 2
{EXTENDING} 838860800 (actual) rounded_bytes:838860800
{ARENA}:205 Extend] Extended allocation by 838860800 bytes.
2026-01-02 03:04:05.870000000 [V:onnxruntime:, sequential_executor.cc:183] Begin execution
"""
OPTIONS = """\
2026-01-02 [I:onnxruntime:, inference_session.cc:777 TraceSessionOptions] Session Options { execution_mode:0 \
enable_profiling:0 enable_mem_pattern:0 enable_mem_reuse:1 enable_cpu_mem_arena:0 \
intra_op_param:OrtThreadPoolParams { thread_pool_size: 3 auto_set_affinity: 0 } }
"""
GIVEN = {
    "received_execution_mode": 0, "received_enable_mem_pattern": 0, "received_enable_mem_reuse": 1,
    "received_enable_cpu_mem_arena": 0, "received_intra_op_num_threads": 3,
}  # fmt: skip
WRONG = "2026-01-02 03:04:06 [W:onnxruntime:, inference_session.cc:1] a value is not a number\n"
LINES = {"session_info_lines": 1, "session_verbose_lines": 1, "warning_lines": 2}
CHATTY = {"log_severity_level": 0}
NO_ARENA = dict.fromkeys(evidence.ARENA_FACTS, 0)
SHOWN = {
    "arena_regions": 3, "arena_mib": 809.0, "arena_shrinks": 1,
    "exact_regions_share": pytest.approx(1 / 3), "second_run_regions": 1, "callers": 2, "threads_created": 3, "threads_pinned": 2,
    "file_mib": 0.0, "processes": 1, "huge_page_mib": 5.0, "minor_faults": 1.3, "idle_cpu_s": 0.001, "opened_mib": 0.0, "opening_cores": 2.0, "returned_mib": 10.0, **LINES, "warning_lines": 0,
}  # fmt: skip


def _observe(folder: Path, log: str = "", *runs: Run, callers: int = 1, **figures: Any) -> dict[str, float]:
    content, subject = figures.pop("content", b"a model"), figures.pop("subject", Subject())
    case = Case(id="x", title="", settings=figures.pop("settings", {}))
    (folder / "model.onnx").write_bytes(content)
    child = Make().figures(**figures).model_copy(update={"callers": callers})
    return evidence.observe(case, child, log, runs, (folder / "model.onnx", subject))


def test_facts_of_a_child(tmp_path: Path) -> None:
    """What the machine does not tell is none; of an empty log, `proof.readable` says whether it was read at all."""
    told = {"threads_created": 3, "threads_pinned": 2, "huge_page_bytes": 5 * MIB, "idle_cpu_ns": 1_000_000}
    facts = _observe(tmp_path, LOG, settings=CHATTY, **told, minor_faults=1.26, calls=100, callers=2)
    opened = {name: facts[name] for name in ("file", "subject", "runtime")}
    assert min(opened.values()) > 0
    assert facts == opened | SHOWN
    regions = [(MIB, 1024, 0), (8 * MIB, 7372800, 1), (800 * MIB, 800 * MIB, 2)]
    assert evidence.read_arena_log(LOG) == (regions, 1)
    facts = _observe(tmp_path, **dict.fromkeys(told), minor_faults=None)
    assert facts == {
        **NO_ARENA,
        "callers": 1,
        "processes": 1,
        "file_mib": 0.0,
        "opened_mib": 0.0,
        "opening_cores": 2.0,
        "returned_mib": 10.0,
        **opened,
    }


def test_a_trim_that_hands_nothing_back(tmp_path: Path) -> None:
    """It touches pages of its own; a fact below 0 would be refused, and the whole experiment with it."""
    figures = {"kept_bytes": 100 * MIB, "kept_trimmed_bytes": 101 * MIB}
    assert _observe(tmp_path, **figures)["returned_mib"] == 0


def test_fingerprints_differ_with_what_they_are_of(tmp_path: Path) -> None:
    """Of runs that all overlap, nothing is known."""

    def run(start: int = 0, operator: str = "Conv", block: int | None = 4) -> Run:
        return Run(start, start + 9, (Node("a", operator, 1, start, start + 5, block),))

    usual = _observe(tmp_path, "", run())
    assert set(evidence.FINGERPRINTS) <= set(usual)

    def changed(*runs: Run, **changes: Any) -> set[str]:
        other = _observe(tmp_path, "", *runs, **changes)
        return {name for name in evidence.FINGERPRINTS if other.get(name) != usual[name]}

    assert changed(run()) == set()
    assert changed(run(operator="Gemm")) == {"operators"}
    assert changed(run(block=2)) == changed(run(block=None)) == {"block_sizes"}
    assert changed(run(), run(start=5)) == {"operators", "block_sizes"}
    assert changed(run(), subject=Subject(name="known_cost")) == {"subject"}
    assert changed(run(), subject=Subject(options={"x": 1})) == {"subject"}
    assert changed(run(), content=b"another model") == {"file"}


def test_log_tells_what_the_case_was_given_but_not_what_the_observer_set(tmp_path: Path) -> None:
    """Log level and profiler are set in every untimed child: they say nothing of a case that does not set them."""
    plain = _observe(tmp_path, LOG + OPTIONS, trace_bytes=5000)
    assert {name: told for name, told in plain.items() if name.startswith(evidence.RECEIVED)} == GIVEN
    assert not {"session_info_lines", "session_verbose_lines", "trace_bytes"} & set(plain)
    for size in (5000, None):
        facts = _observe(tmp_path, settings={"enable_profiling": True}, trace_bytes=size)
        assert facts["trace_bytes"] == (size or 0)


def test_lines_are_of_a_healthy_session_and_warnings_of_a_wrong_one(tmp_path: Path) -> None:
    """Seen from outside, the default has these facts alone."""
    log = f"{LOG}{WRONG}BENCH RUN 4\n{WRONG}{LOG.splitlines()[-1]}\n{WRONG}"
    assert _observe(tmp_path, log, settings=CHATTY).items() >= LINES.items()
    assert evidence.observe_from_outside(Make().figures(), log) == {**LINES, "trace_bytes": 0}
