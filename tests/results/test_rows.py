"""Cells of their own kind: observed facts, the article's settings, what grows with every run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.results.metrics import FACT_METRICS
from bench.results.rows import rows_of
from bench.results.store import Journal
from bench.results.view import ORIGINAL, GroupView
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conftest import Make

    from bench.results import schema
    from bench.results.published import Row

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
    journal.add(make.untimed("one", facts={"nodes": 3.0}, outcome=None, failure=make.failure()))
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
    assert _rows(make.journal(rounds))["one", "ratio_original"].verdict == "unclear"


@pytest.mark.parametrize(("again", "verdict"), [((9.8, 10.2), "slower"), ((9.65, 10.35), "unclear")])
def test_ratio_of_two_ratios_must_exceed_the_noise_of_four_samples(
    make: Make, again: tuple[float, float], verdict: str
) -> None:
    """4.5 % are more than the 3.5 % by which equal settings differ, but less than 1.4 times as much."""
    rounds = [
        [(BASELINE, _ms(10)), (CONTROL, _ms(again[n % 2])), (ORIGINAL, _ms(10)), ("one", _ms(10.45))]
        for n in range(6)
    ]
    rows = _rows(make.journal(rounds))
    assert rows["one", "ratio"].verdict == "slower"
    assert rows["one", "ratio_original"].verdict == verdict


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
    [(200, 210, 1000, 10.0), (200, 201, 100, 10.0), (210, 200, 500, -20.0), (200, 201, 99, None)],
)
def test_growth_is_counted_for_a_thousand_runs_of_the_timed_loop(
    make: Make, before_mib: int, kept_mib: int, calls: int, grown: float | None
) -> None:
    figures = {
        "before_steady_bytes": before_mib * MIB,
        "kept_bytes": kept_mib * MIB,
        "calls": calls,
        "session_calls": 10 * calls,
    }
    rows = _rows(_journal(make, default=figures))
    if grown is None:  # a page more or less in a few runs is no rate
        assert (BASELINE, "grown_mib_per_1000") not in rows
        return
    row = rows[BASELINE, "grown_mib_per_1000"]
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


JUDGED = ("ratio", "peak_mib", "kept_mib", "kept_trimmed_mib")
HALF_AS_MUCH = {
    "latency_ns": 5 * MS,
    "peak_bytes": 110 * MIB,
    "kept_bytes": 90 * MIB,
    "kept_trimmed_bytes": 80 * MIB,
}


@pytest.mark.parametrize("memory_only", [False, True])
@pytest.mark.parametrize("outcome", ["nothing", "unseen"])
def test_setting_that_was_not_seen_to_take_effect_gets_no_verdict(
    make: Make,
    outcome: schema.Outcome,
    memory_only: bool,  # noqa: FBT001
) -> None:
    """Half the time and half the memory, whatever from; without the proof the same figures have no word."""
    rounds = [[(BASELINE, _ms(10)), ("one", HALF_AS_MUCH)]] * 6
    groups = [make.group_record(cases=[BASELINE, "one"], memory_only=memory_only)]
    seen = _rows(make.journal(rounds, groups=groups))
    unseen = _rows(make.journal(rounds, groups=groups, outcomes={"one": outcome}))
    assert {seen["one", metric].verdict for metric in JUDGED} == {None if memory_only else "faster", "less"}
    assert {unseen["one", metric].verdict for metric in JUDGED} == {None}
    assert all(unseen["one", metric].value == seen["one", metric].value for metric in JUDGED)


def test_setting_that_was_never_looked_for_gets_no_verdict(make: Make) -> None:
    journal = _journal(make, default=_ms(10), one=_ms(20))
    journal.untimed.clear()
    assert _rows(journal)["one", "ratio"].verdict is None


def test_control_needs_no_proof(make: Make) -> None:
    rounds = [[(BASELINE, _ms(10)), (CONTROL, _ms(10 + n / 100))] for n in range(6)]
    assert _rows(make.journal(rounds))[CONTROL, "ratio"].verdict == "same"


def test_outcome_of_the_group_counts_before_that_of_another(make: Make) -> None:
    groups = [make.group_record(index=n, input=f"batch={n + 1}", cases=[BASELINE, "one"]) for n in (0, 1)]
    journal = Journal(Path("toys/20260102-030405-abcd.jsonl"), make.header((BASELINE, "one"), groups=groups))
    for number, index in ((number, index) for number in range(6) for index in (0, 1)):
        for position, (case, ms) in enumerate(((BASELINE, 10), ("one", 20))):
            place = {"group": index, "round": number, "position": position}
            journal.add(make.sample(case, _ms(ms), **place))
        journal.add(make.end(number, group=index))

    def verdicts() -> list[str | None]:
        return [_rows(journal, index)["one", "ratio"].verdict for index in (0, 1)]

    journal.add(make.untimed("one", group=0))
    assert verdicts() == ["slower", "slower"]
    journal.add(make.untimed("one", group=1, outcome="nothing"))
    assert verdicts() == ["slower", None]


@pytest.mark.parametrize(("unseen", "verdict"), [((), "faster"), (("one",), None), ((ORIGINAL,), None)])
def test_comparison_with_the_article_needs_both_to_be_seen(
    make: Make, unseen: tuple[str, ...], verdict: str | None
) -> None:
    rounds = [[(BASELINE, _ms(15)), (ORIGINAL, _ms(20)), ("one", _ms(10))]] * 6
    journal = make.journal(rounds, outcomes=dict.fromkeys(unseen, "unseen"))
    assert _rows(journal)["one", "ratio_original"].verdict == verdict


@pytest.mark.parametrize(("rounds", "judged"), [(1, False), (5, False), (6, True), (9, True)])
def test_fewer_than_six_rounds_give_no_verdict_on_memory(make: Make, rounds: int, *, judged: bool) -> None:
    """Otherwise cutting a build short would make differences that more rounds take away."""
    rows = _rows(_journal(make, rounds, default=_ms(10), one=HALF_AS_MUCH))
    assert {rows["one", metric].verdict for metric in JUDGED[1:]} == {"less" if judged else None}


def test_single_round_decides_where_memory_alone_is_measured(make: Make) -> None:
    groups = [make.group_record(cases=[BASELINE, "one"], memory_only=True)]
    rows = _rows(make.journal([[(BASELINE, _ms(10)), ("one", HALF_AS_MUCH)]], groups=groups))
    assert {rows["one", metric].verdict for metric in JUDGED[1:]} == {"less"}


def test_memory_known_in_fewer_rounds_than_six_is_not_judged(make: Make) -> None:
    rounds = [
        [(BASELINE, {}), ("one", HALF_AS_MUCH if n < 5 else {**HALF_AS_MUCH, "kept_bytes": None})]
        for n in range(9)
    ]
    rows = _rows(make.journal(rounds))
    assert (rows["one", "kept_mib"].rounds, rows["one", "kept_mib"].verdict) == (5, None)
    assert rows["one", "peak_mib"].verdict == "less"


def test_rounds_that_failed_are_counted_and_the_others_give_the_figure(make: Make) -> None:
    rounds = [[(BASELINE, _ms(10)), ("one", make.failure() if n == 4 else _ms(20))] for n in range(9)]
    row = _rows(make.journal(rounds))["one", "ratio"]
    assert (row.value, row.rounds, row.failed_rounds, row.failure, row.verdict) == (2.0, 8, 1, None, "slower")


def test_case_that_failed_in_every_round_has_its_reason(make: Make) -> None:
    row = _rows(_journal(make, default={}, one=make.failure()))["one", "ratio"]
    assert (row.value, row.failed_rounds, row.failure) == (None, 6, make.failure().reason)
