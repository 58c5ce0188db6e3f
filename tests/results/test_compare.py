"""Two builds side by side, with made-up rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.results.compare import MEMORY, RATIOS, TIMES, Incomparable, compare
from bench.results.metrics import METRICS
from bench.results.summary import summarise
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from samples import Make

    from bench.results.published import Export

SIZES = ("peak_bytes", "kept_bytes", "kept_trimmed_bytes", "open_peak_bytes")


def _export(make: Make, one_ms: float = 12, kept_mib: int = 100, **header: Any) -> Export:
    """Nine rounds in which the case `one` takes so long, and keeps so much, beside a default of 10 ms."""
    kept = dict.fromkeys(SIZES, kept_mib << 20)
    rounds = [
        [(BASELINE, _ms(10 + n / 1e6)), (CONTROL, _ms(10 + n / 1e6)), ("one", _ms(one_ms + n * 7e-6) | kept)]
        for n in range(9)
    ]
    return summarise(make.experiment(columns=tuple(METRICS)), make.journal(rounds, **header))


def _ms(ms: float) -> dict[str, Any]:
    return {"latencies_ns": [round(ms * 1e6)] * 20, "calls": 20}


def test_build_agrees_with_itself_in_all_that_is_judged_and_in_the_times_behind_it(make: Make) -> None:
    found = compare([_export(make)], [_export(make)])
    assert (found.agrees, found.same_place, found.only_once) == (True, True, 0)
    compared = {*RATIOS, *TIMES, *MEMORY}
    judged = {m.id for m in METRICS.values() if m.judged and m.than == BASELINE}
    assert judged <= compared == {pair.key[-1] for pair in found.pairs}
    assert compared - judged == {METRICS[name].of for name in RATIOS}
    assert all(found.share_repeating((metric,)) == 1 for metric in compared)


@pytest.mark.parametrize(
    ("first", "second", "flipped", "latency", "kept"),
    [
        ({}, {"one_ms": 8}, {"ratio", "p95_ratio", "calls_ratio"}, 2 / 3, 1),
        ({}, {"one_ms": 13}, set(), 2 / 3, 1),  # intervals that do not meet are no reversal
        ({}, {"kept_mib": 400}, {metric for metric in MEMORY if metric != "open_peak_mib"}, 1, 2 / 3),
        # memory repeats within 8 MiB, or two per cent
        ({"kept_mib": 200}, {"kept_mib": 208}, set(), 1, 1),
        ({"kept_mib": 200}, {"kept_mib": 191}, set(), 1, 2 / 3),
        ({"kept_mib": 1000}, {"kept_mib": 1020}, set(), 1, 1),
        ({"kept_mib": 1000}, {"kept_mib": 1021}, set(), 1, 2 / 3),
    ],
)
def test_verdict_that_turns_around_is_named_and_what_does_not_meet_is_counted(
    make: Make, first: Any, second: Any, flipped: set[str], latency: float, kept: float
) -> None:
    found = compare([_export(make, **first)], [_export(make, **second)])
    assert {pair.key[3:] for pair in found.flips} == {("one", metric) for metric in flipped}
    shares = [found.share_repeating((metric,)) for metric in ("latency_ms", "kept_mib")]
    assert (shares, found.agrees) == ([latency, kept], latency == kept == 1)


def test_other_machine_is_compared_by_ratios_alone_and_missing_figures_are_counted(make: Make) -> None:
    one = _export(make)
    found = compare([one], [_export(make, machine={"cpu": "另一个", "cores": 8})])
    assert (found.same_place, found.share_repeating(TIMES), found.share_repeating(RATIOS)) == (False, None, 1)
    fewer = one.model_copy(update={"rows": [row for row in one.rows if row.case != "one"]})
    assert compare([one], [fewer]).only_once == len({*RATIOS, *TIMES, *MEMORY})


def test_times_of_too_few_rounds_have_no_interval_that_could_repeat(make: Make) -> None:
    """As of a group that is there for its memory: one round, whose times differ each time."""
    bare = [
        one.model_copy(
            update={
                "rows": [
                    row.model_copy(update={"low": None, "high": None}) if row.case == "one" else row
                    for row in one.rows
                ]
            }
        )
        for one in (_export(make), _export(make, one_ms=13))
    ]
    found = compare(bare[:1], bare[1:])
    assert found.agrees
    assert {pair.key[-1] for pair in found.pairs if pair.key[3] == "one"} == {*MEMORY}


def test_drafts_and_builds_with_nothing_in_common_are_not_compared(make: Make) -> None:
    one = _export(make)
    bare, draft = one.model_copy(update={"rows": []}), _export(make, profile="quick")
    for other, told in (([draft], "草稿"), ([], "没有相同的实验"), ([bare], "没有相同的模型")):
        with pytest.raises(Incomparable, match=told):
            compare([one], other)
