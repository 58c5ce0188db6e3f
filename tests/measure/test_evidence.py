"""Facts from ORT's log and from figures, held against what a case promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.experiments import EXPERIMENTS
from bench.measure import evidence
from bench.measure.evidence import ArenaLog
from bench.spec import BASELINE, CONTROL, Case, Proof

if TYPE_CHECKING:
    from conftest import Make

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


def test_regions_of_the_log_know_their_size_need_and_run() -> None:
    found = evidence.read_arena_log(LOG)
    assert found.regions == (1048576, 8388608, 838860800)
    assert found.requested == (1024, 7372800, 838860800)
    assert found.runs == (0, 1, 2)
    assert found.shrinks == 1


@pytest.mark.parametrize("log", ["", "onnxruntime says nothing of an arena\nBENCH RUN 1\nBENCH RUN 2\n"])
def test_log_without_an_arena_has_no_regions(log: str) -> None:
    assert evidence.read_arena_log(log) == ArenaLog((), (), (), 0)


def test_facts_of_a_child(make: Make) -> None:
    figures = make.figures(threads_created=3, huge_page_bytes=5 * MIB, minor_faults=1.26)
    assert evidence.observe(_case(None, log_severity_level=0), figures, LOG, ()) == {
        "arena_regions": 3,
        "arena_mib": pytest.approx((1048576 + 8388608 + 838860800) / MIB, abs=0.1),
        "session_info_lines": 1,
        "session_verbose_lines": 1,
        "idle_cpu_s": 0.001,
        "exact_regions_share": pytest.approx(1 / 3),
        "second_run_regions": 1,
        "arena_shrinks": 1,
        "threads_created": 3,
        "huge_page_mib": 5.0,
        "minor_faults": 1.3,
    }


def test_what_the_machine_does_not_tell_is_no_fact(make: Make) -> None:
    figures = make.figures(threads_created=None, huge_page_bytes=None, minor_faults=None, idle_cpu_ns=None)
    found = evidence.observe(_case(None), figures, "", ())
    assert found == {
        "arena_regions": 0,
        "arena_mib": 0.0,
        "exact_regions_share": 0.0,
        "second_run_regions": 0,
        "arena_shrinks": 0,
    }


def _case(proof: Proof | None, name: str = "one", **settings: bool | int) -> Case:
    return Case(id=name, title="", proof=proof, settings=settings)


@pytest.mark.parametrize(
    ("relation", "seen", "proven"),
    [("==", 0, True), ("==", 1, False), ("<", -1, True), ("<", 0, False), (">", 1, True), (">", 0, False)],
)
def test_fact_against_a_number(relation: str, seen: float, *, proven: bool) -> None:
    proof = Proof(fact="arena_regions", relation=relation, expected=0)
    found, text = evidence.judge(_case(proof), {"one": {"arena_regions": seen}})
    assert found is proven
    assert evidence.FACTS["arena_regions"] in text
    assert str(seen) in text


@pytest.mark.parametrize(("seen", "proven"), [(49, True), (50, False), (51, False)])
def test_fact_against_a_share_of_another_cases(seen: float, *, proven: bool) -> None:
    proof = Proof(fact="minor_faults", relation="<", expected=0.5, than=BASELINE)
    facts = {"one": {"minor_faults": seen}, BASELINE: {"minor_faults": 100.0}}
    found, text = evidence.judge(_case(proof), facts)
    assert found is proven
    assert f"{BASELINE} 为 100" in text


@pytest.mark.parametrize("facts", [{}, {"one": {}}, {"one": {"threads_created": 1.0}}])
def test_fact_that_is_missing_proves_nothing(facts: dict[str, dict[str, float]]) -> None:
    proof = Proof(fact="arena_regions", relation="==", expected=0)
    proven, text = evidence.judge(_case(proof), facts)
    assert proven is None
    assert "读不到" in text


def test_missing_fact_of_the_other_case_proves_nothing() -> None:
    proof = Proof(fact="second_run_regions", relation="<", expected=1, than=BASELINE)
    assert evidence.judge(_case(proof), {"one": {"second_run_regions": 0.0}})[0] is None


def test_case_without_a_proof_says_so() -> None:
    assert evidence.judge(_case(None), {}) == (None, "没有可观察的证据")
    for case in (BASELINE, CONTROL):
        proven, text = evidence.judge(_case(None, case), {})
        assert proven is None
        assert "无需证明" in text


def test_every_proof_in_the_experiments_names_a_known_fact_and_case() -> None:
    for experiment in EXPERIMENTS.values():
        cases = experiment.cases(4)
        for case in cases:
            if case.proof:
                assert case.proof.fact in evidence.FACTS
                assert case.proof.than is None or case.proof.than in {other.id for other in cases}


OPTIONS = (
    "2026-01-02 [I:onnxruntime:, inference_session.cc:777 TraceSessionOptions] Session Options { "
    "execution_mode:0 enable_profiling:0 enable_mem_pattern:0 enable_mem_reuse:1 enable_cpu_mem_arena:0 "
    "intra_op_param:OrtThreadPoolParams { thread_pool_size: 3 auto_set_affinity: 0 } }\n"
)
NO_REGIONS = Proof(fact="arena_regions", relation="==", expected=0)


def test_switches_that_the_session_was_given_are_read_from_its_log(make: Make) -> None:
    facts = evidence.observe(_case(None), make.figures(), OPTIONS, ())
    given = {name: value for name, value in facts.items() if name.startswith(evidence.RECEIVED)}
    assert given == {
        "received_execution_mode": 0,
        "received_intra_op_num_threads": 3,
        "received_enable_mem_pattern": 0,
        "received_enable_mem_reuse": 1,
        "received_enable_cpu_mem_arena": 0,
    }


@pytest.mark.parametrize(("reuse", "proven"), [(True, True), (False, False)])
def test_case_with_several_switches_needs_every_one_to_arrive(
    make: Make, *, reuse: bool, proven: bool
) -> None:
    case = _case(NO_REGIONS, enable_cpu_mem_arena=False, enable_mem_pattern=False, enable_mem_reuse=reuse)
    found, text = evidence.judge(case, {"one": evidence.observe(case, make.figures(), OPTIONS, ())})
    assert found is proven
    assert "会话收到 enable_cpu_mem_arena=0、enable_mem_pattern=0、enable_mem_reuse=1" in text


def test_single_switch_is_proven_without_more_words(make: Make) -> None:
    case = _case(NO_REGIONS, enable_cpu_mem_arena=False)
    text = evidence.judge(case, {"one": evidence.observe(case, make.figures(), OPTIONS, ())})[1]
    assert "会话收到" not in text


SAME_THREADS = Proof(fact="threads_created", relation="==", expected=1, than=BASELINE)


@pytest.mark.parametrize(("mode", "proven"), [("ORT_SEQUENTIAL", True), ("ORT_PARALLEL", False)])
def test_proof_that_nothing_changed_needs_the_option_to_arrive(
    make: Make, mode: str, *, proven: bool
) -> None:
    case = Case(id="one", title="", proof=SAME_THREADS, settings={"execution_mode": mode})
    seen = evidence.observe(case, make.figures(threads_created=1), OPTIONS, ())
    found, text = evidence.judge(case, {"one": seen, BASELINE: {"threads_created": 1}})
    assert found is proven
    assert "会话收到 execution_mode=0" in text


def test_proof_that_nothing_changed_is_none_when_the_log_lists_nothing(make: Make) -> None:
    case = Case(id="one", title="", proof=SAME_THREADS, settings={"log_severity_level": 4})
    seen = evidence.observe(case, make.figures(threads_created=1), "", ())
    assert evidence.judge(case, {"one": seen, BASELINE: {"threads_created": 1}})[0] is None


def test_what_the_observer_switches_on_is_no_fact(make: Make) -> None:
    """Log level and profiler are set in every untimed child: they say nothing of a case that does not set them."""
    plain = evidence.observe(_case(None), make.figures(trace_bytes=5000), LOG + OPTIONS, ())
    assert not {"session_info_lines", "session_verbose_lines", "trace_bytes"} & set(plain)
    assert "received_enable_profiling" not in plain
    own = _case(None, enable_profiling=True, log_severity_level=1)
    assert evidence.observe(own, make.figures(trace_bytes=5000), LOG, ())["trace_bytes"] == 5000
