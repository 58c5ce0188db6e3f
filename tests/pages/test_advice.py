"""Recommendations follow verdicts: they change with the result, and are silent where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.experiments import EXPERIMENTS
from bench.pages import advice
from bench.results.summary import summarise
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from conftest import Make

    from bench.results.schema import Export

MIB = 1 << 20


def _export(make: Make, experiment: str, cases: dict[str, dict[str, Any]], **header: Any) -> Export:
    rounds = [
        [(case, {"latency_ns": 10_000_000 + n, **figures}) for case, figures in cases.items()]
        for n in range(9)
    ]
    journal = make.journal(rounds, **header)
    for case in cases:
        journal.add(make.untimed(case))
    return summarise(EXPERIMENTS[experiment], journal)


def _arena(make: Make, **header: Any) -> Export:
    return _export(
        make,
        "arena",
        {
            BASELINE: {"peak_bytes": 1000 * MIB, "kept_bytes": 1000 * MIB},
            CONTROL: {"peak_bytes": 1000 * MIB, "kept_bytes": 1000 * MIB},
            "pattern_off": {"peak_bytes": 500 * MIB, "kept_bytes": 500 * MIB},
            "arena_off": {"latency_ns": 15_000_000, "peak_bytes": 400 * MIB, "kept_bytes": 80 * MIB},
        },
        **header,
    )


def test_lowest_peak_wins_among_those_that_are_not_slower(make: Make) -> None:
    found = advice.memory_setting(_arena(make))
    assert found.case.id == "pattern_off"
    assert "500" in found.evidence


def test_draft_recommends_the_default(make: Make) -> None:
    found = advice.memory_setting(_arena(make, profile="quick"))
    assert found.case.id == BASELINE
    assert "不作推荐" in found.evidence


def test_nothing_to_save_keeps_the_default(make: Make) -> None:
    export = _export(make, "arena", {BASELINE: {}, CONTROL: {}, "pattern_off": {}, "arena_off": {}})
    assert advice.memory_setting(export).case.id == BASELINE


def test_option_without_proof_is_not_recommended(make: Make) -> None:
    export = _arena(make)
    proofs = [p.model_copy(update={"proven": p.case != "pattern_off"}) for p in export.proofs]
    found = advice.memory_setting(export.model_copy(update={"proofs": proofs}))
    assert found.case.id == BASELINE


@pytest.mark.parametrize(
    ("two_ms", "expected"), [(8, "2"), (10, BASELINE), (12, BASELINE)], ids=["faster", "same", "slower"]
)
def test_thread_count_is_set_only_where_it_is_faster(make: Make, two_ms: float, expected: str) -> None:
    cases = {
        BASELINE: {},
        CONTROL: {},
        "1": {"latency_ns": 19_000_000},
        "2": {"latency_ns": round(two_ms * 1e6)},
    }
    found = advice.thread_setting(_export(make, "intra_op_num_threads", cases))
    assert found.case.id == expected


def test_undecided_speed_keeps_the_default_and_says_why(make: Make) -> None:
    """Noise of 30 % on every other sample: nothing can be said of speed, much of memory."""
    rounds = [
        [
            (BASELINE, {"latency_ns": 10_000_000 + 3_000_000 * (n % 2), "peak_bytes": 1000 * MIB}),
            (CONTROL, {"latency_ns": 10_000_000 + 3_000_000 * (n % 3 == 0), "peak_bytes": 1000 * MIB}),
            ("pattern_off", {"latency_ns": 10_000_000 + 3_000_000 * (n % 3 == 1), "peak_bytes": 500 * MIB}),
        ]
        for n in range(9)
    ]
    journal = make.journal(rounds)
    journal.add(make.untimed("pattern_off"))
    found = advice.memory_setting(summarise(EXPERIMENTS["arena"], journal))
    assert found.case.id == BASELINE
    assert "还分不出它是否更慢" in found.evidence
