"""Cells: every figure of every case, with its interval and verdict, and why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bench.results.metrics import FACTS, JUDGED_MEMORY, JUDGED_TIMES, METRICS
from bench.results.records import Failure
from bench.results.rows import rows_of
from bench.results.view import GroupView
from bench.spec import BASELINE, CONTROL, ORIGINAL, SINGLE

if TYPE_CHECKING:
    from samples import Make, Measured

    from bench.results.published import Row
    from bench.results.store import Journal

    Rounds = list[list[tuple[str, Measured]]]
    Told = tuple[float | None, float | None, float | None, int, str | None]
    """Value, low, high, rounds, verdict."""

MIB = 1 << 20
SOMETIMES = tuple(metric.id for metric in METRICS.values() if not metric.always)
SIZES = dict.fromkeys(("peak_bytes", "kept_bytes", "kept_trimmed_bytes", "open_peak_bytes"), 30 * MIB)
WHOLE = {"calls": 20, "latencies_ns": [10_000_000] * 20}
HALF = {"calls": 20, "latencies_ns": [5_000_000] * 20, "session_ns": 2_500_000, **SIZES}
JUDGED = tuple(one for one in (*JUDGED_TIMES, *JUDGED_MEMORY) if METRICS[one].than == BASELINE)


def _rows(journal: Journal, *columns: str, group: int = 0) -> dict[tuple[str, str], Row]:
    """(case, metric) -> row."""
    found = rows_of("toys", GroupView(journal, journal.header.groups[group]), columns)
    rows = {(row.case, row.metric): row for row in found}
    assert len(rows) == len(found)
    return rows


def _equal(rounds: int = 6, **cases: Measured) -> Rounds:
    return [list(cases.items())] * rounds


def _untimed(make: Make, *, timed: bool = False) -> list[Any]:
    return [make.group_record(cases=[BASELINE, "one"], timed=timed)]


def _ms(ms: float, **more: Any) -> dict[str, Any]:
    return {"latency_ns": round(ms * 1e6), **more}


def _kept(mib: int | None, **more: Any) -> dict[str, Any]:
    return {"kept_bytes": mib and mib * MIB, **more}


def _tail(ms: float, high: float, calls: int = 20) -> dict[str, Any]:
    """One call in ten takes so much longer; as many calls in a process."""
    latencies = [round(ms * 1e6)] * (calls - calls // 10) + [round(high * 1e6)] * (calls // 10)
    return {"latencies_ns": latencies, "calls": calls}


def _told(row: Row) -> Told:
    return row.value, row.low, row.high, row.rounds, row.verdict


def _all(value: float | None, verdict: str | None = None, rounds: int = 6) -> Told:
    """The same in all rounds."""
    return value, value, value, rounds, verdict


def _noise(by: float) -> Rounds:
    """What is 4.5 % slower; the default measured again is now so much faster than itself, now so much slower."""
    again = [{BASELINE: 10, CONTROL: 10 + sign * by, ORIGINAL: 10, "one": 10.45} for sign in (-1, 1)]
    return [[(case, _ms(ms)) for case, ms in one.items()] for one in again * 3]


def _tails(high: float) -> Rounds:
    """The median does not move; each round is slower than the last by half."""
    speeds = [1.5**n for n in range(6)]
    return [[(BASELINE, _tail(10 * by, 20 * by)), ("one", _tail(10 * by, high * by))] for by in speeds]


def _grown(before_mib: int | None, kept_mib: int | None, calls: int) -> Rounds:
    before = before_mib and before_mib * MIB
    return _equal(default=_kept(kept_mib, before_steady_bytes=before, calls=calls))


NONE = _all(None, rounds=0)
FAILURE = Failure(kind="wrong_output", reason="输出与默认设置相差 0.5（相对），超过 0.001")
FOUR = _ms(10, threads_created=3)
NEAREST = ("one", 12), (BASELINE, 10), (CONTROL, 10), (BASELINE, 30), (ORIGINAL, 45)
"""The machine is three times slower in the second half of each round; `one` is 1.2, the original 1.5."""
# fmt: off
READ = {
    "session_ms": 5, "first_run_ms": 30, "second_run_ms": 20, "cpu_s": 0.02, "calls_per_s": 100, "cores_used": 2, "minor_faults": 12,
    "threads": 2, "base_mib": 50, "open_peak_mib": 60, "after_first_mib": 100, "after_second_mib": 150, "peak_mib": 220, "kept_mib": 200,
    "kept_trimmed_mib": 190,
}
CELLS: tuple[tuple[Rounds, dict[str, Told | None]], ...] = (
    # each figure is read from its phase and per call, of one feed or of several
    *((_equal(default={"feeds": feeds, "after_second_bytes": 150 * MIB}), {f"default {name}": _all(value) for name, value in READ.items()})
      for feeds in (1, 3)),
    # a ratio needs six rounds for its interval and a verdict, is paired, and that of the default is one
    (_equal(5, default=_ms(10), one=_ms(20)), {"one ratio": (2, None, None, 5, None)}),
    ([[(BASELINE, _ms(10 * 2**n)), ("one", _ms(15 * 2**n))] for n in range(7)],
     {"one ratio": _all(1.5, "slower", 7), "default ratio": (1, None, None, 7, None), "one ratio_original": None}),
    # the article's settings are compared within rounds, by way of the nearest baseline
    ([[(case, _ms(ms)) for case, ms in NEAREST]] * 6,
     {"one ratio": _all(1.2, "slower"), "one ratio_original": _all(0.8, "faster"), "original ratio": _all(1.5, "slower"),
      "original ratio_original": None, "default ratio_original": _all(0.666666667, "faster"), "default latency_ms": _all(20)}),
    # 4.5 % are more than 4 %, but less than 1.4 times as much: a ratio of four samples
    (_noise(0.4), {"one ratio": _all(1.045, "slower"), "one ratio_original": _all(1.045, "unclear")}),
    (_noise(0.8), {"one ratio": _all(1.045, "unclear"), "one ratio_original": _all(1.045, "unclear")}),
    (_tails(40), {"one p95_ratio": _all(2, "slower"), "one ratio": _all(1, "same"), "default p95_ms": (56.25, 20, 151.875, 6, None)}),
    (_tails(20.9), {"one p95_ratio": _all(1.045, "same")}),
    # each metric has its own A/A row: medians of equal settings agree, their tails do not
    ([[(BASELINE, _tail(10, 20)), (CONTROL, _tail(10, ms)), ("one", _tail(10, 21.2))] for ms in (17, 23) * 3],
     {"one p95_ratio": _all(1.06, "unclear")}),
    # p95 needs a hundred calls of both
    (_equal(default=_tail(10, 20, 17), one=_tail(10, 20, 17)), {"one p95_ms": _all(20), "one p95_ratio": _all(1, "same")}),
    (_equal(default=_tail(10, 20, 16), one=_tail(10, 20, 17)),
     {"one p95_ms": _all(20), "one p95_ratio": None, "default p95_ms": None, "default p95_ratio": None}),
    (_equal(default=_tail(10, 20, 17), one=_tail(10, 20, 16)),
     {"one p95_ms": None, "one p95_ratio": None, "default p95_ms": _all(20)}),
    (_equal(default=_ms(10, callers=4), one=_ms(5, callers=4)), {"one calls_ratio": _all(2, "faster"), "one calls_per_s": _all(800)}),
    # of a batch, time and memory above the open session's are shared out among its rows
    (_equal(default=_ms(10, items=5, base_bytes=50 * MIB, peak_bytes=220 * MIB)),
     {"default item_ms": _all(2), "default item_peak_mib": _all(34), "default latency_ms": _all(10)}),
    # speed-up counts from one thread, and efficiency from the threads really there
    (_equal(default=FOUR, single=_ms(30, threads_created=0), usable=FOUR),
     {"single speed_up": _all(1), "single efficiency": _all(1), "single threads": _all(1),
      "usable speed_up": _all(3), "usable efficiency": _all(0.75), "usable threads": _all(4)}),
    (_equal(default=FOUR, usable=FOUR), {"usable speed_up": None, "usable efficiency": None}),
    (_equal(default=FOUR, single=_ms(10, threads_created=None)),
     {"single speed_up": _all(1), "single efficiency": None, "single threads": None}),
    # a page more or less in a few calls is no rate
    (_grown(200, 201, 100), {"default grown_mib_per_1000": _all(10)}),
    (_grown(210, 200, 500), {"default grown_mib_per_1000": _all(-20)}),
    *((_grown(*one), {"default grown_mib_per_1000": None}) for one in ((200, 201, 99), (None, 201, 100), (200, None, 100))),
    # the file holds the calls before the timed ones too: here four
    (_equal(default={}, one={"trace_bytes": 270 * 1024, "calls": 50}),
     {"one trace_kib_per_run": _all(5), "default trace_kib_per_run": None}),
    # what the machine lacks is no cell
    ([[(BASELINE, _kept(None, minor_faults=value))] for value in (20, 10, None)],
     {"default kept_mib": None, "default minor_faults": (15, None, None, 2, None), "default peak_mib": _all(220, rounds=3)}),
    # memory has its full range, and its verdict needs six rounds that do not meet
    ([[(BASELINE, _kept(200 + n)), ("one", _kept(250 + n))] for n in range(0, 180, 20)], {"one kept_mib": (330, 250, 410, 9, "unclear")}),
    ([[(BASELINE, {}), ("one", HALF | ({} if n < 5 else _kept(None)))] for n in range(9)],
     {"one kept_mib": _all(30, rounds=5), "one peak_mib": _all(30, "less", 9)}),
    # without a default there are figures and no ratios
    (_equal(default=FAILURE, one=_ms(10)),
     {"default ratio": NONE, "one latency_ms": _all(10), "one kept_mib": _all(200), "one ratio": None}),
    # values carry nine digits
    (_equal(default={"latency_ns": 3_000_000_001}, one=_ms(1000)),
     {"default latency_ms": _all(3000), "one ratio": _all(0.333333333, "faster")}),
)
# fmt: on
"""Rounds -> cells by case and metric; None: there is none."""


@pytest.mark.parametrize(("rounds", "expected"), CELLS)
def test_cells(make: Make, rounds: Rounds, expected: dict[str, Told | None]) -> None:
    rows = {" ".join(cell): _told(row) for cell, row in _rows(make.journal(rounds), *SOMETIMES).items()}
    assert {cell: rows.get(cell) for cell in expected} == expected


def test_failed_rounds_leave_the_figure_of_the_others_or_the_reason_alone(make: Make) -> None:
    one = [FAILURE if n == 4 else _ms(20) for n in range(9)]
    rounds = [[(BASELINE, _ms(10)), ("one", told), ("two", FAILURE)] for told in one]
    rows = _rows(make.journal(rounds))
    row = rows["one", "ratio"]
    assert (_told(row), row.failed_rounds, row.failure) == (_all(2, "slower", 8), 1, None)
    for metric in ("latency_ms", "ratio", "kept_mib"):
        row = rows["two", metric]
        assert (_told(row), row.failed_rounds) == (NONE, 9)
        assert (row.failure, rows[BASELINE, metric].failure) == (FAILURE.reason, None)


def test_metrics_of_some_questions_are_rows_only_where_a_column_names_them(make: Make) -> None:
    """All others always are; what fails has a row of each, with its reason; growth is not told of a few calls."""
    journal = make.journal(_equal(10, default=_ms(10), single=_ms(20), one=FAILURE, original=_ms(30)))
    plain, asked = _rows(journal), _rows(journal, "p95_ratio", "latency_ms")
    assert not {metric for _, metric in plain} & set(SOMETIMES)
    assert asked.keys() - plain.keys() == {(c, "p95_ratio") for c in (BASELINE, SINGLE, "one", ORIGINAL)}
    always = {m.id for m in METRICS.values() if m.always and m.kind != "fact"}
    assert {metric for case, metric in plain if case == "one"} == always
    lacking = always - {metric for case, metric in plain if case == SINGLE}
    assert lacking == {"grown_mib_per_1000", "trace_kib_per_run"}
    assert all(row.unit == METRICS[row.metric].unit for row in asked.values())


def test_observed_fact_is_a_cell_of_one_round_of_its_group_without_interval_or_verdict(make: Make) -> None:
    """Also a zero; none of a case that failed while it was observed, or of what nobody asks for."""
    groups = [make.group_record(index=n, input=f"batch={n + 1}", cases=[BASELINE, "one"]) for n in (0, 1)]
    journal = make.journal([[(BASELINE, {}), ("one", {})]], groups=groups)
    journal.untimed[:] = [
        make.untimed(BASELINE, facts=dict.fromkeys(FACTS, 7.0) | {"arena_regions": 2.0}),
        make.untimed(BASELINE, group=1, facts={"nodes": 0.0}),
        make.untimed("one", facts={"nodes": 3.0}, outcome=None, failure=FAILURE),
    ]
    first, second = _rows(journal, *FACTS), _rows(journal, group=1)
    for fact in FACTS:
        row = first[BASELINE, fact]
        assert (*_told(row), row.failure, row.unit) == (7, None, None, 1, None, None, METRICS[fact].unit)
        assert ("one", fact) not in first
    assert (BASELINE, "arena_regions") not in first
    assert {metric: row.value for (_, metric), row in second.items() if metric in FACTS} == {"nodes": 0}


@pytest.mark.parametrize("timed", [True, False], ids=["timed", "untimed"])
@pytest.mark.parametrize("seen", [[{"outcome": "nothing"}], [{"outcome": None}], []])
def test_setting_that_was_not_seen_in_effect_gets_no_verdict(make: Make, seen: Any, *, timed: bool) -> None:
    """Half the time and half the memory, whatever from; without the proof the same figures have no word."""
    journal = make.journal(_equal(default=WHOLE, one=HALF), groups=_untimed(make, timed=timed))
    proven = _rows(journal, *SOMETIMES)
    journal.untimed[:] = [make.untimed("one", **one) for one in seen]
    unproven = _rows(journal, *SOMETIMES)
    for metric in JUDGED:
        word = "less" if metric in JUDGED_MEMORY else "faster" if timed else None
        assert proven["one", metric].verdict == word
        assert unproven["one", metric] == proven["one", metric].model_copy(update={"verdict": None})


@pytest.mark.parametrize(("unseen", "verdict"), [((), "faster"), (("one",), None), ((ORIGINAL,), None)])
def test_both_of_a_ratio_must_be_seen(make: Make, unseen: tuple[str, ...], verdict: str | None) -> None:
    rounds = _equal(default=_ms(15), original=_ms(20), one=_ms(10), default_again=_ms(15))
    rows = _rows(make.journal(rounds, outcomes=dict.fromkeys(unseen, "unseen")))
    assert rows["one", "ratio_original"].verdict == verdict
    assert rows[CONTROL, "ratio"].verdict == "same"  # it needs no proof


@pytest.mark.parametrize(
    ("profile", "dirty", "judged"),
    [("thorough", (0, 1), True), ("default", (0, 1, 2), False), ("quick", (), False)],
)
def test_drafts_and_busy_machines_judge_nothing(
    make: Make, profile: str, dirty: Any, *, judged: bool
) -> None:
    """Busy: more than 30 % of the rounds."""
    rounds = _equal(9, default=WHOLE, one=HALF, original=WHOLE)
    rows = _rows(make.journal(rounds, profile=profile, dirty=dirty), *SOMETIMES)
    assert {rows["one", m].verdict is not None for m in (*JUDGED_TIMES, *JUDGED_MEMORY)} == {judged}
    assert rows["one", "ratio"].value == 0.5


@pytest.mark.parametrize(("rounds", "word"), [(1, None), (5, None), (6, "less")])
def test_memory_needs_six_rounds_unless_nothing_is_timed(make: Make, rounds: int, word: str | None) -> None:
    """Otherwise cutting a build short would make differences that more rounds take away."""
    taken = _equal(rounds, default=WHOLE, one=HALF)
    timed, untimed = _rows(make.journal(taken)), _rows(make.journal(taken, groups=_untimed(make)))
    for metric in (one for one in JUDGED_MEMORY if METRICS[one].always):
        assert (timed["one", metric].verdict, untimed["one", metric].verdict) == (word, "less")


@pytest.mark.parametrize("count", [1, 2, 3, 19, 20, 21, 1000])
def test_quantiles_of_latencies_are_those_of_numpy(make: Make, count: int) -> None:
    drawn = np.random.default_rng(count).integers(1, 10**9, count).tolist()
    figures = make.figures(latencies_ns=drawn, calls=count)
    assert figures.latency_ns() == np.median(drawn)
    assert figures.latency_ns(0.95) == np.quantile(drawn, 0.95, method="inverted_cdf")
