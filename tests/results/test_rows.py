"""Cells of their own kind: observed facts, the article's settings, what grows with every run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.results.metrics import FACT_METRICS
from bench.results.rows import rows_of
from bench.results.view import ORIGINAL, GroupView
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conftest import Make

    from bench.results.published import Row
    from bench.results.store import Journal

MIB = 1 << 20
MS = 1_000_000

Rows = dict[tuple[str, str], "Row"]
"""(case, metric) -> row."""


def _rows(journal: Journal, group: int = 0) -> Rows:
    found = rows_of("toys", GroupView(journal, journal.header.groups[group]))
    rows = {(row.case, row.metric): row for row in found}
    assert len(rows) == len(found)
    return rows


def _journal(make: Make, rounds: int = 6, **cases: Mapping[str, Any]) -> Journal:
    """As many equal rounds of these cases, in this order."""
    return make.journal([list(cases.items())] * rounds)


def _ms(ms: float) -> dict[str, Any]:
    return {"latency_ns": round(ms * MS)}


def test_observed_fact_is_a_cell_of_one_round_without_interval_or_verdict(make: Make) -> None:
    journal = _journal(make, default={}, one={})
    facts = dict.fromkeys(FACT_METRICS, 7.0) | {"arena_regions": 2.0}
    journal.add(make.untimed("one", facts=facts))
    rows = _rows(journal)
    for fact in FACT_METRICS:
        row = rows["one", fact]
        assert (row.value, row.low, row.high, row.rounds) == (7.0, None, None, 1)
        assert (row.verdict, row.failure, row.unit) == (None, None, "")
        assert (row.model, row.input) == ("toy", "batch=2")
        assert (BASELINE, fact) not in rows
    assert ("one", "arena_regions") not in rows


def test_fact_of_zero_is_a_cell_and_one_that_was_not_seen_is_none(make: Make) -> None:
    journal = _journal(make, default={})
    journal.add(make.untimed(BASELINE, facts={"overlapping_nodes": 0.0}))
    rows = _rows(journal)
    assert rows[BASELINE, "overlapping_nodes"].value == 0
    assert (BASELINE, "nodes") not in rows


def test_fact_stays_in_the_group_that_it_was_observed_on(make: Make) -> None:
    groups = [make.group_record(index=n, input=f"batch={n + 1}", cases=[BASELINE]) for n in (0, 1)]
    journal = make.journal([[(BASELINE, {})]], groups=groups)
    journal.add(make.untimed(BASELINE, group=0, facts={"nodes": 3.0}))
    journal.add(make.untimed(BASELINE, group=1, facts={"nodes": 8.0}))
    assert [_rows(journal, group)[BASELINE, "nodes"].value for group in (0, 1)] == [3, 8]


def test_case_that_failed_while_observed_has_no_facts(make: Make) -> None:
    journal = _journal(make, default={}, one={})
    journal.add(make.untimed("one", facts={"nodes": 3.0}, proven=None, failure=make.failure()))
    assert ("one", "nodes") not in _rows(journal)


@pytest.mark.parametrize(
    ("original_ms", "one_ms", "ratio", "verdict"),
    [(20, 10, 0.5, "faster"), (10, 20, 2.0, "slower"), (10, 10.1, 1.01, "same")],
)
def test_case_is_held_against_the_articles_settings(
    make: Make, original_ms: float, one_ms: float, ratio: float, verdict: str
) -> None:
    journal = _journal(make, default=_ms(15), original=_ms(original_ms), one=_ms(one_ms))
    row = _rows(journal)["one", "ratio_original"]
    assert (row.value, row.low, row.high) == (ratio, ratio, ratio)
    assert (row.verdict, row.rounds) == (verdict, 6)


@pytest.mark.parametrize(
    ("original_ms", "ratio", "verdict"), [(20, 0.5, "faster"), (8, 1.25, "slower"), (10.1, 0.990099, "same")]
)
def test_default_is_held_against_the_articles_settings_too(
    make: Make, original_ms: float, ratio: float, verdict: str
) -> None:
    rows = _rows(_journal(make, default=_ms(10), original=_ms(original_ms)))
    row = rows[BASELINE, "ratio_original"]
    assert row.value == pytest.approx(ratio, rel=1e-5)
    assert row.verdict == verdict
    assert rows[BASELINE, "ratio"].verdict is None
    assert (ORIGINAL, "ratio_original") not in rows
    assert rows[ORIGINAL, "ratio"].value == pytest.approx(1 / ratio, rel=1e-5)


def test_articles_settings_are_compared_within_rounds_by_way_of_the_nearest_baseline(make: Make) -> None:
    """The machine is three times slower in the second half of each round; `one` is 1.2, the original 1.5."""
    round_: list[tuple[str, Any]] = [
        ("one", _ms(12)),
        (BASELINE, _ms(10)),
        (CONTROL, _ms(10)),
        (BASELINE, _ms(30)),
        (ORIGINAL, _ms(45)),
    ]
    rows = _rows(make.journal([round_] * 6))
    assert rows["one", "ratio_original"].value == pytest.approx(0.8)
    assert rows[BASELINE, "ratio_original"].value == pytest.approx(1 / 1.5)


def test_noise_of_the_control_silences_a_small_difference_to_the_article(make: Make) -> None:
    rounds = [
        [(BASELINE, _ms(10)), (CONTROL, _ms(again)), (ORIGINAL, _ms(10)), ("one", _ms(10.5))]
        for again in (9.2, 10.8, 10, 9.3, 10.7, 10)
    ]
    assert _rows(make.journal(rounds))["one", "ratio_original"].verdict == "same"


def test_without_the_articles_settings_nothing_is_held_against_them(make: Make) -> None:
    assert not [
        metric for _, metric in _rows(_journal(make, default={}, one={})) if metric == "ratio_original"
    ]


def test_draft_holds_against_the_article_without_a_verdict(make: Make) -> None:
    rounds = [[(BASELINE, _ms(10)), (ORIGINAL, _ms(20))]] * 6
    row = _rows(make.journal(rounds, profile="quick"))[BASELINE, "ratio_original"]
    assert (row.value, row.verdict) == (0.5, None)


@pytest.mark.parametrize(
    ("before_mib", "kept_mib", "calls", "grown"),
    [(200, 210, 1000, 10.0), (200, 201, 50, 20.0), (210, 200, 500, -20.0)],
)
def test_growth_is_counted_for_a_thousand_runs_of_the_timed_loop(
    make: Make, before_mib: int, kept_mib: int, calls: int, grown: float
) -> None:
    figures = {
        "before_steady_bytes": before_mib * MIB,
        "kept_bytes": kept_mib * MIB,
        "calls": calls,
        "session_calls": 10 * calls,
    }
    row = _rows(_journal(make, default=figures))[BASELINE, "grown_mib_per_1000"]
    assert (row.value, row.unit, row.verdict) == (grown, "MiB", None)


@pytest.mark.parametrize("name", ["before_steady_bytes", "kept_bytes"])
def test_growth_is_not_known_where_memory_is_not(make: Make, name: str) -> None:
    assert (BASELINE, "grown_mib_per_1000") not in _rows(_journal(make, default={name: None}))


def test_size_of_the_trace_is_counted_for_every_call_of_the_session(make: Make) -> None:
    """It holds the runs before the timed ones too."""
    profiled = {"trace_bytes": 300 * 1024, "calls": 10, "session_calls": 60}
    rows = _rows(_journal(make, default={}, one=profiled))
    row = rows["one", "trace_kib_per_run"]
    assert (row.value, row.unit) == (5.0, "KiB")
    assert (BASELINE, "trace_kib_per_run") not in rows
