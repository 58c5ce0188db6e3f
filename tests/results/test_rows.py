"""Cells: every figure of every case, with its interval and verdict, and why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bench.results.metrics import FACTS, JUDGED_MEMORY, JUDGED_TIMES, METRICS
from bench.results.rows import rows_of
from bench.results.view import GroupView
from bench.spec import BASELINE, CONTROL, ORIGINAL, SINGLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from samples import Make, Measured

    from bench.results.published import Row
    from bench.results.records import Outcome
    from bench.results.store import Journal

MIB = 1 << 20
SOMETIMES = tuple(metric.id for metric in METRICS.values() if not metric.always)
SIZES = ("peak_bytes", "kept_bytes", "kept_trimmed_bytes", "open_peak_bytes")
WHOLE = {"calls": 20, "latencies_ns": [10_000_000] * 20}
HALF = {
    "session_ns": 2_500_000,
    "latencies_ns": [5_000_000] * 20,
    "calls": 20,
    **dict.fromkeys(SIZES, 30 * MIB),
}
JUDGED = tuple(one for one in (*JUDGED_TIMES, *JUDGED_MEMORY) if METRICS[one].than == BASELINE)


def _rows(journal: Journal, *columns: str, group: int = 0) -> dict[tuple[str, str], Row]:
    """(case, metric) -> row."""
    found = rows_of("toys", GroupView(journal, journal.header.groups[group]), columns)
    rows = {(row.case, row.metric): row for row in found}
    assert len(rows) == len(found)
    return rows


def _journal(make: Make, rounds: int = 6, **cases: Measured) -> Journal:
    """As many equal rounds of these cases, in this order."""
    return make.journal([list(cases.items())] * rounds)


def _untimed(make: Make, *, timed: bool = False) -> list[Any]:
    return [make.group_record(cases=[BASELINE, "one"], timed=timed)]


def _ms(ms: float) -> dict[str, Any]:
    return {"latency_ns": round(ms * 1e6)}


def _told(row: Row) -> tuple[Any, ...]:
    return row.value, row.low, row.high, row.rounds, row.verdict


def test_metrics_of_some_questions_are_rows_only_where_a_column_names_them(make: Make) -> None:
    """All others always are; what fails has a row of each, with its reason."""
    journal = _journal(make, 10, default=_ms(10), single=_ms(20), one=make.failure(), original=_ms(30))
    plain, asked = _rows(journal), _rows(journal, "p95_ratio", "latency_ms")
    sometimes = {"p95_ms", "p95_ratio", "calls_per_s", "calls_ratio", "open_ratio", "open_peak_mib"}
    assert set(SOMETIMES) == sometimes
    assert not {metric for _, metric in plain} & sometimes
    assert asked.keys() - plain.keys() == {(c, "p95_ratio") for c in (BASELINE, SINGLE, "one", ORIGINAL)}
    always = {m.id for m in METRICS.values() if m.always and m.kind != "fact"}
    assert {metric for case, metric in plain if case == "one"} == always
    # growth is not told of a few calls
    of_others = {"grown_mib_per_1000", "trace_kib_per_run"}
    assert always - {metric for case, metric in plain if case == SINGLE} == of_others
    assert all(row.unit == METRICS[row.metric].unit for row in asked.values())


@pytest.mark.parametrize("feeds", [1, 3])
def test_each_figure_is_read_from_its_phase_and_per_call(make: Make, feeds: int) -> None:
    times = {"session_ms": 5, "first_run_ms": 30, "second_run_ms": 20, "cpu_s": 0.02, "calls_per_s": 100}
    counts = {"cores_used": 2, "minor_faults": 12, "threads": 2}
    early = {"base_mib": 50, "open_peak_mib": 60, "after_first_mib": 100, "after_second_mib": 150}
    late = {"peak_mib": 220, "kept_mib": 200, "kept_trimmed_mib": 190}
    rows = _rows(_journal(make, default={"feeds": feeds, "after_second_bytes": 150 * MIB}), *SOMETIMES)
    for metric, value in (times | counts | early | late).items():
        row = rows[BASELINE, metric]
        assert (row.metric, row.value, row.rounds) == (metric, pytest.approx(value), 6)


def test_observed_fact_is_a_cell_of_one_round_of_its_group_without_interval_or_verdict(make: Make) -> None:
    """Also a zero; none of a case that failed while it was observed, or of what nobody asks for."""
    groups = [make.group_record(index=n, input=f"batch={n + 1}", cases=[BASELINE, "one"]) for n in (0, 1)]
    journal = make.journal([[(BASELINE, {}), ("one", {})]], groups=groups)
    journal.untimed[:] = [
        make.untimed(BASELINE, facts=dict.fromkeys(FACTS, 7.0) | {"arena_regions": 2.0}),
        make.untimed(BASELINE, group=1, facts={"nodes": 0.0}),
        make.untimed("one", facts={"nodes": 3.0}, outcome=None, failure=make.failure()),
    ]
    first, second = _rows(journal), _rows(journal, group=1)
    for fact in FACTS:
        row = first[BASELINE, fact]
        assert (*_told(row), row.failure, row.unit) == (7, None, None, 1, None, None, METRICS[fact].unit)
        assert ("one", fact) not in first
    assert (BASELINE, "arena_regions") not in first
    assert {metric: row.value for (_, metric), row in second.items() if metric in FACTS} == {"nodes": 0}


def test_ratio_needs_six_rounds_for_interval_and_verdict_and_the_default_is_one(make: Make) -> None:
    few = _rows(_journal(make, 5, default=_ms(10), one=_ms(20)))
    assert _told(few["one", "ratio"]) == (2.0, None, None, 5, None)
    rows = _rows(make.journal([[(BASELINE, _ms(10 * 2**n)), ("one", _ms(15 * 2**n))] for n in range(7)]))
    assert _told(rows["one", "ratio"]) == (1.5, 1.5, 1.5, 7, "slower")  # paired
    assert _told(rows[BASELINE, "ratio"]) == (1.0, None, None, 7, None)


@pytest.mark.parametrize(
    ("default", "original", "one", "verdict"),
    [(15, 20, 10, "faster"), (10, 8, 20, "slower"), (10, 10.1, 10.2, "same")],
)
def test_ratio_to_the_articles_settings(
    make: Make, default: float, original: float, one: float, verdict: str
) -> None:
    rows = _rows(_journal(make, default=_ms(default), original=_ms(original), one=_ms(one)))
    for case, ms in ((BASELINE, default), ("one", one)):
        row = rows[case, "ratio_original"]
        assert (row.value, row.verdict) == (pytest.approx(ms / original), verdict)
    assert (ORIGINAL, "ratio_original") not in rows
    assert rows[ORIGINAL, "ratio"].value == pytest.approx(original / default)
    assert "ratio_original" not in {metric for _, metric in _rows(_journal(make, default={}, one={}))}


def test_articles_settings_are_compared_within_rounds_by_way_of_the_nearest_baseline(make: Make) -> None:
    """The machine is three times slower in the second half of each round; `one` is 1.2, the original 1.5."""
    order = [("one", 12), (BASELINE, 10), (CONTROL, 10), (BASELINE, 30), (ORIGINAL, 45)]
    rows = _rows(make.journal([[(case, _ms(ms)) for case, ms in order]] * 6))
    assert rows["one", "ratio"].value == pytest.approx(1.2)
    assert rows["one", "ratio_original"].value == pytest.approx(0.8)
    assert rows[BASELINE, "ratio_original"].value == pytest.approx(1 / 1.5)


@pytest.mark.parametrize(
    ("again", "verdicts"),
    [
        ((9.7, 10.3), ("slower", "slower")),
        ((9.6, 10.4), ("slower", "unclear")),
        ((9.2, 10.8), ("unclear", "unclear")),
    ],
)
def test_effect_must_exceed_noise(make: Make, again: tuple[float, float], verdicts: tuple[str, str]) -> None:
    """4.5 % are more than the 4 % of the second, but less than 1.4 times as much: a ratio of four samples."""
    rounds = [
        [(BASELINE, _ms(10)), (CONTROL, _ms(again[n % 2])), (ORIGINAL, _ms(10)), ("one", _ms(10.45))]
        for n in range(6)
    ]
    rows = _rows(make.journal(rounds))
    assert (rows["one", "ratio"].verdict, rows["one", "ratio_original"].verdict) == verdicts


def _tail(ms: float, high: float, calls: int = 20) -> dict[str, Any]:
    """One call in ten takes so much longer; as many calls in a process."""
    latencies = [round(ms * 1e6)] * (calls - calls // 10) + [round(high * 1e6)] * (calls // 10)
    return {"latencies_ns": latencies, "calls": calls}


@pytest.mark.parametrize(
    ("high", "ratio", "verdict"), [(40, 2.0, "slower"), (10, 0.5, "faster"), (20.9, 1.045, "same")]
)
def test_p95_is_compared_within_rounds(make: Make, high: float, ratio: float, verdict: str) -> None:
    """The median does not move; each round is slower than the last by half."""
    speeds = [1.5**n for n in range(6)]
    rounds = [[(BASELINE, _tail(10 * by, 20 * by)), ("one", _tail(10 * by, high * by))] for by in speeds]
    rows = _rows(make.journal(rounds), "p95_ms", "p95_ratio")
    assert _told(rows["one", "p95_ratio"]) == (*[pytest.approx(ratio)] * 3, 6, verdict)
    assert rows["one", "ratio"].verdict == "same"
    assert rows[BASELINE, "p95_ms"].value == pytest.approx(20 * (1.5**2 + 1.5**3) / 2)


@pytest.mark.parametrize(("again", "verdict"), [((20, 20), "slower"), ((17, 23), "unclear")])
def test_p95_has_its_own_noise(make: Make, again: tuple[float, float], verdict: str) -> None:
    """Each metric has its own A/A row: medians of equal settings agree, their tails do not."""
    rounds = [
        [(BASELINE, _tail(10, 20)), (CONTROL, _tail(10, again[n % 2])), ("one", _tail(10, 21.2))]
        for n in range(6)
    ]
    assert _rows(make.journal(rounds), "p95_ratio")["one", "p95_ratio"].verdict == verdict


@pytest.mark.parametrize(
    ("base", "own", "shown"),
    [(17, 17, {"p95_ms", "p95_ratio"}), (16, 17, {"p95_ms"}), (17, 16, set()), (90, 10, set())],
)
def test_p95_needs_a_hundred_calls_of_both(make: Make, base: int, own: int, shown: set[str]) -> None:
    journal = _journal(make, default=_tail(10, 20, base), one=_tail(10, 20, own))
    rows = _rows(journal, "p95_ms", "p95_ratio")
    assert {metric for case, metric in rows if case == "one" and metric.startswith("p95")} == shown
    assert ((BASELINE, "p95_ms") in rows) == ((BASELINE, "p95_ratio") in rows) == (base > 16)


@pytest.mark.parametrize(("ms", "value", "verdict"), [(5, 2, "faster"), (20, 0.5, "slower"), (10, 1, "same")])
def test_more_calls_a_second_are_faster(make: Make, ms: float, value: float, verdict: str) -> None:
    four = {"callers": 4}
    rows = _rows(_journal(make, default={**_ms(10), **four}, one={**_ms(ms), **four}), *SOMETIMES)
    assert _told(rows["one", "calls_ratio"]) == (value, value, value, 6, verdict)
    assert rows["one", "calls_per_s"].value == pytest.approx(4000 / ms)


def test_speed_up_counts_from_one_thread_and_efficiency_from_the_threads_really_there(make: Make) -> None:
    four, one = {**_ms(10), "threads_created": 3}, {**_ms(30), "threads_created": 0}
    rows = _rows(_journal(make, default=four, single=one, usable=four))
    found = [
        rows[case, metric].value
        for case in (SINGLE, "usable")
        for metric in ("speed_up", "efficiency", "threads")
    ]
    assert found == [1, 1, 1, 3, 0.75, 4]
    assert _told(rows["usable", "efficiency"]) == (0.75, 0.75, 0.75, 6, None)
    alone = _rows(_journal(make, default=four, usable=four))
    assert not {metric for _, metric in alone} & {"speed_up", "efficiency"}
    unknown = {**four, "threads_created": None}
    hidden = _rows(_journal(make, default=unknown, single=unknown))
    assert (SINGLE, "speed_up") in hidden
    assert not {metric for _, metric in hidden} & {"efficiency", "threads"}


@pytest.mark.parametrize(
    ("before_mib", "kept_mib", "calls", "grown"),
    [
        (200, 201, 100, 10.0),
        (210, 200, 500, -20.0),
        (200, 201, 99, None),  # a page more or less in a few calls is no rate
        (None, 201, 100, None),
        (200, None, 100, None),
    ],
)
def test_growth_is_counted_for_a_thousand_calls_of_the_timed_loop(
    make: Make, before_mib: int | None, kept_mib: int | None, calls: int, grown: float | None
) -> None:
    sizes = {"before_steady_bytes": before_mib, "kept_bytes": kept_mib}
    told = {name: None if mib is None else mib * MIB for name, mib in sizes.items()}
    row = _rows(_journal(make, default={**told, "calls": calls})).get((BASELINE, "grown_mib_per_1000"))
    assert (None if row is None else row.value) == grown


def test_size_of_the_trace_is_counted_for_every_call_of_the_process(make: Make) -> None:
    """It holds those before the timed ones too: here four."""
    rows = _rows(_journal(make, default={}, one={"trace_bytes": 270 * 1024, "calls": 50}))
    assert rows["one", "trace_kib_per_run"].value == 5.0
    assert (BASELINE, "trace_kib_per_run") not in rows


def test_figure_that_the_machine_lacks_is_no_cell(make: Make) -> None:
    rounds = [[(BASELINE, {"minor_faults": value, "kept_bytes": None})] for value in (20, 10, None)]
    rows = _rows(make.journal(rounds))
    assert (BASELINE, "kept_mib") not in rows
    assert (rows[BASELINE, "minor_faults"].value, rows[BASELINE, "minor_faults"].rounds) == (15, 2)
    assert {(BASELINE, "latency_ms"), (BASELINE, "peak_mib")} <= rows.keys()


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("outcome", ["nothing", "unseen", None])
def test_setting_that_was_not_seen_to_take_effect_gets_no_verdict(
    make: Make,
    outcome: Outcome | None,
    timed: bool,  # noqa: FBT001
) -> None:
    """Half the time and half the memory, whatever from; without the proof the same figures have no word."""
    rounds, groups = [[(BASELINE, WHOLE), ("one", HALF)]] * 6, _untimed(make, timed=timed)
    seen = _rows(make.journal(rounds, groups=groups), *SOMETIMES)
    journal = make.journal(rounds, groups=groups, outcomes={"one": outcome} if outcome else {})
    if outcome is None:  # nobody looked
        journal.untimed.clear()
    unseen = _rows(journal, *SOMETIMES)
    for metric in JUDGED:
        word = "less" if metric in JUDGED_MEMORY else "faster" if timed else None
        assert seen["one", metric].verdict == word
        assert (unseen["one", metric].verdict, unseen["one", metric].value) == (
            None,
            seen["one", metric].value,
        )


@pytest.mark.parametrize(("unseen", "verdict"), [((), "faster"), (("one",), None), ((ORIGINAL,), None)])
def test_both_of_a_ratio_must_be_seen(make: Make, unseen: tuple[str, ...], verdict: str | None) -> None:
    rounds = [[(BASELINE, _ms(15)), (ORIGINAL, _ms(20)), ("one", _ms(10)), (CONTROL, _ms(15))]] * 6
    rows = _rows(make.journal(rounds, outcomes=dict.fromkeys(unseen, "unseen")))
    assert rows["one", "ratio_original"].verdict == verdict
    assert rows[CONTROL, "ratio"].verdict == "same"  # it needs no proof


@pytest.mark.parametrize(
    ("profile", "dirty", "judged"),
    [("thorough", (0, 1), True), ("default", (0, 1, 2), False), ("quick", (), False), ("smoke", (), False)],
)
def test_drafts_and_busy_machines_have_no_verdicts(
    make: Make, profile: str, dirty: Sequence[int], *, judged: bool
) -> None:
    """Busy: more than 30 % of the rounds."""
    rounds = [[(BASELINE, WHOLE), ("one", HALF), (ORIGINAL, WHOLE)]] * 9
    rows = _rows(make.journal(rounds, profile=profile, dirty=dirty), *SOMETIMES)
    assert {rows["one", m].verdict is not None for m in (*JUDGED_TIMES, *JUDGED_MEMORY)} == {judged}
    assert rows["one", "ratio"].value == 0.5


@pytest.mark.parametrize(("rounds", "judged"), [(1, False), (5, False), (6, True)])
def test_memory_needs_six_rounds_unless_nothing_is_timed(make: Make, rounds: int, *, judged: bool) -> None:
    """Otherwise cutting a build short would make differences that more rounds take away."""
    taken = [[(BASELINE, WHOLE), ("one", HALF)]] * rounds
    always = [one for one in JUDGED_MEMORY if METRICS[one].always]
    timed, untimed = _rows(make.journal(taken)), _rows(make.journal(taken, groups=_untimed(make)))
    assert {timed["one", metric].verdict for metric in always} == {"less" if judged else None}
    assert {untimed["one", metric].verdict for metric in always} == {"less"}


def test_memory_has_its_full_range_and_its_verdict_needs_six_rounds_that_do_not_meet(make: Make) -> None:
    few = [[(BASELINE, {}), ("one", HALF | ({} if n < 5 else {"kept_bytes": None}))] for n in range(9)]
    rows = _rows(make.journal(few))
    assert (rows["one", "kept_mib"].rounds, rows["one", "kept_mib"].verdict) == (5, None)
    assert rows["one", "peak_mib"].verdict == "less"
    steps = [20 * n * MIB for n in range(9)]
    meeting = [
        [(BASELINE, {"kept_bytes": 200 * MIB + more}), ("one", {"kept_bytes": 250 * MIB + more})]
        for more in steps
    ]
    assert _told(_rows(make.journal(meeting))["one", "kept_mib"]) == (330, 250, 410, 9, "unclear")


def test_failed_rounds_leave_the_figure_of_the_others_or_the_reason_alone(make: Make) -> None:
    rounds = [[(BASELINE, _ms(10)), ("one", make.failure() if n == 4 else _ms(20))] for n in range(9)]
    row = _rows(make.journal(rounds))["one", "ratio"]
    assert (*_told(row), row.failed_rounds, row.failure) == (2.0, 2.0, 2.0, 8, "slower", 1, None)
    failure = make.failure("wrong_output", "输出与默认设置相差 0.5（相对），超过 0.001")
    rows = _rows(_journal(make, default={}, one=failure))
    for metric in ("latency_ms", "ratio", "kept_mib"):
        row = rows["one", metric]
        assert (*_told(row), row.failed_rounds) == (None, None, None, 0, None, 6)
        assert (row.failure, rows[BASELINE, metric].failure) == (failure.reason, None)


def test_without_a_default_there_are_figures_and_no_ratios(make: Make) -> None:
    rows = _rows(_journal(make, default=make.failure("out_of_memory"), one=_ms(10)))
    assert rows[BASELINE, "ratio"].value is None
    assert rows["one", "latency_ms"].value == 10
    assert rows["one", "kept_mib"].verdict is None
    assert ("one", "ratio") not in rows


def test_values_carry_nine_digits(make: Make) -> None:
    rows = _rows(_journal(make, default={"latency_ns": 3_000_000_001}, one={"latency_ns": 10**9}))
    assert (rows[BASELINE, "latency_ms"].value, rows["one", "ratio"].value) == (3000.0, 0.333333333)


@pytest.mark.parametrize("count", [1, 2, 3, 19, 20, 21, 100, 1000])
def test_quantiles_of_latencies_are_those_of_numpy(make: Make, count: int) -> None:
    drawn = np.random.default_rng(count).integers(1, 10**9, count).tolist()
    figures = make.figures(latencies_ns=drawn, calls=count)
    assert figures.latency_ns() == np.median(drawn)
    assert figures.latency_ns(0.95) == np.quantile(drawn, 0.95, method="inverted_cdf")
