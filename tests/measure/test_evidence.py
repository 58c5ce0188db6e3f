"""Facts from ORT's log and from figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.measure import evidence
from bench.measure.trace import Node, Run
from bench.spec import Case, Subject

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from samples import Make

    from bench.results.records import Figures

MIB = 1 << 20
ARENA = "[I:onnxruntime:Default, bfc_arena.cc"
LOG = f"""\
2026-01-02 03:04:05.835836847 {ARENA}:28 BFCArena] Creating BFCArena for Cpu with following configs: \
initial_chunk_size_bytes: 1048576 initial_growth_chunk_size_bytes: 2097152
2026-01-02 03:04:05.835841530 [V:onnxruntime:Default, bfc_arena.cc:65 BFCArena] Creating 21 bins of max chunk size 256
2026-01-02 03:04:05.840428030 {ARENA}:281 Reserve] Reserving memory in BFCArena for Cpu size: 131072
2026-01-02 03:04:05.840500000 {ARENA}:335 AllocateRawInternal] Extending BFCArena for Cpu. \
bin_num:2 (requested) num_bytes: 1000 (actual) rounded_bytes:1024
2026-01-02 03:04:05.840500001 {ARENA}:205 Extend] Extended allocation by 1048576 bytes.
2026-01-02 03:04:05.840500002 {ARENA}:208 Extend] Total allocated bytes: 1179648
BENCH RUN 1
2026-01-02 03:04:05.846646637 {ARENA}:335 AllocateRawInternal] Extending BFCArena for Cpu. \
bin_num:14 (requested) num_bytes: 7372800 (actual) rounded_bytes:7372800
2026-01-02 03:04:05.846666762 {ARENA}:205 Extend] Extended allocation by 8388608 bytes.
2026-01-02 03:04:05.846670028 {ARENA}:208 Extend] Total allocated bytes: 9437184
2026-01-02 03:04:05.846673145 {ARENA}:211 Extend] Allocated memory at 0x55b188c01ec0 to 0x55b188d01ec0
2026-01-02 03:04:05.850000000 {ARENA}:600 Shrink] Cpu BFC Arena shrunk by 33554432 bytes. \
The total allocated bytes is now 0
BENCH RUN 2
2026-01-02 03:04:05.860000000 {ARENA}:335 AllocateRawInternal] Extending BFCArena for Cpu. \
bin_num:20 (requested) num_bytes: 838860800 (actual) rounded_bytes:838860800
2026-01-02 03:04:05.860000001 {ARENA}:205 Extend] Extended allocation by 838860800 bytes.
BENCH RUN 3
2026-01-02 03:04:05.870000000 [V:onnxruntime:, sequential_executor.cc:183] Begin execution
"""


OPTIONS = (
    "2026-01-02 [I:onnxruntime:, inference_session.cc:777 TraceSessionOptions] Session Options { "
    "execution_mode:0 enable_profiling:0 enable_mem_pattern:0 enable_mem_reuse:1 enable_cpu_mem_arena:0 "
    "intra_op_param:OrtThreadPoolParams { thread_pool_size: 3 auto_set_affinity: 0 } }\n"
)
WRONG = "2026-01-02 03:04:06 [W:onnxruntime:, inference_session.cc:1] a value is not a number\n"
LOG_WITH_WARNINGS = f"{LOG}{WRONG}BENCH RUN 4\n{WRONG}{LOG.splitlines()[-1]}\n{WRONG}"
SESSION = Subject()
NO_ARENA = dict.fromkeys(evidence.ARENA_FACTS, 0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"a model")
    return path


def _facts(
    figures: Figures,
    log: str,
    file: Path,
    runs: Sequence[Run] = (),
    subject: Subject = SESSION,
    **settings: Any,
) -> dict[str, float]:
    opened = file, subject
    return evidence.observe(Case(id="one", title="", settings=settings), figures, log, runs, opened)


def test_regions_of_the_log_know_their_size_need_and_run() -> None:
    regions, shrinks = evidence.read_arena_log(LOG)
    assert regions == [(1048576, 1024, 0), (8388608, 7372800, 1), (838860800, 838860800, 2)]
    assert shrinks == 1
    for log in ("", "onnxruntime says nothing of an arena\nBENCH RUN 1\nBENCH RUN 2\n"):
        assert evidence.read_arena_log(log) == ([], 0)


def test_facts_of_a_child(make: Make, file: Path) -> None:
    told = {"threads_created": 3, "threads_pinned": 2, "huge_page_bytes": 5 * MIB, "idle_cpu_ns": 1_000_000}
    figures = make.figures(**told, minor_faults=1.26, calls=100).model_copy(update={"callers": 2})
    facts = _facts(figures, LOG, file, log_severity_level=0)
    assert min(facts.pop("file"), facts.pop("subject")) > 0
    assert facts == {
        "arena_regions": 3,
        "arena_mib": pytest.approx((1048576 + 8388608 + 838860800) / MIB, abs=0.1),
        "session_info_lines": 1,
        "session_verbose_lines": 1,
        "warning_lines": 0,
        "idle_cpu_s": 0.001,
        "exact_regions_share": pytest.approx(1 / 3),
        "second_run_regions": 1,
        "arena_shrinks": 1,
        "callers": 2,
        "threads_created": 3,
        "threads_pinned": 2,
        "huge_page_mib": 5.0,
        "minor_faults": 1.3,
    }


def test_what_the_machine_does_not_tell_is_no_fact(make: Make, file: Path) -> None:
    """An empty log tells of no region; whether it was read at all, the default's shows (`proof.readable`)."""
    unknown = ("threads_created", "threads_pinned", "huge_page_bytes", "minor_faults", "idle_cpu_ns")
    facts = _facts(make.figures(**dict.fromkeys(unknown)), "", file)
    assert facts == {**NO_ARENA, "callers": 1, "file": facts["file"], "subject": facts["subject"]}


def test_fingerprints_differ_with_what_they_are_of(make: Make, file: Path) -> None:
    """Of runs that all overlap, nothing is known."""

    def run(start: int = 0, operator: str = "Conv", block: int | None = 4) -> Run:
        return Run(start, start + 9, (Node("a", operator, 1, start, start + 5, block),))

    def seen(*runs: Run, subject: Subject = SESSION) -> dict[str, float]:
        facts = _facts(make.figures(), "", file, runs, subject)
        return {name: facts[name] for name in evidence.FINGERPRINTS if name in facts}

    usual = seen(run())
    assert set(usual) == set(evidence.FINGERPRINTS)

    def changed(other: dict[str, float]) -> set[str]:
        return {name for name in usual if other.get(name) != usual[name]}

    assert changed(seen(run(operator="Gemm"))) == {"operators"}
    assert changed(seen(run(block=2))) == changed(seen(run(block=None))) == {"block_sizes"}
    assert changed(seen(run(), run(start=5))) == {"operators", "block_sizes"}
    assert changed(seen(run(), subject=Subject(name="known_cost"))) == {"subject"}
    assert changed(seen(run(), subject=Subject(options={"x": 1}))) == {"subject"}
    file.write_bytes(b"another model")
    assert changed(seen(run())) == {"file"}


def test_switches_that_the_session_was_given_are_read_from_its_log(make: Make, file: Path) -> None:
    facts = _facts(make.figures(), OPTIONS, file)
    given = {name: value for name, value in facts.items() if name.startswith(evidence.RECEIVED)}
    assert given == {
        "received_execution_mode": 0,
        "received_intra_op_num_threads": 3,
        "received_enable_mem_pattern": 0,
        "received_enable_mem_reuse": 1,
        "received_enable_cpu_mem_arena": 0,
    }


def test_what_the_observer_switches_on_is_no_fact(make: Make, file: Path) -> None:
    """Log level and profiler are set in every untimed child: they say nothing of a case that does not set them."""
    plain = _facts(make.figures(trace_bytes=5000), LOG + OPTIONS, file)
    assert not {"session_info_lines", "session_verbose_lines", "trace_bytes"} & set(plain)
    assert "received_enable_profiling" not in plain
    for size in (5000, None):
        own = _facts(make.figures(trace_bytes=size), LOG, file, enable_profiling=True, log_severity_level=1)
        assert own["trace_bytes"] == (size or 0)


def test_lines_are_those_of_a_healthy_session_and_warnings_those_of_a_wrong_one(
    make: Make, file: Path
) -> None:
    """Seen from outside, the default has these facts alone."""
    lines = {"session_info_lines": 1, "session_verbose_lines": 1, "warning_lines": 2}
    facts = _facts(make.figures(), LOG_WITH_WARNINGS, file, log_severity_level=0)
    assert {name: facts[name] for name in lines} == lines
    assert evidence.observe_from_outside(make.figures(), LOG_WITH_WARNINGS) == {**lines, "trace_bytes": 0}
