"""All verdicts of a build: which rows count, in which order, how far from no difference."""

from __future__ import annotations

import math
from dataclasses import replace

from made_up import MadeUp

from bench.results.metrics import JUDGED_MEMORY, METRICS
from bench.results.verdicts import of_build
from bench.spec import BASELINE, CONTROL


def test_every_judged_row_but_the_control_is_there_once_as_a_ratio_to_the_default() -> None:
    export = MadeUp(experiment="arena", time=1.3, memory=0.25).export()
    expected = {
        (row.model, row.input, row.case, row.metric)
        for row in export.rows
        if row.verdict is not None and row.case != CONTROL
    }
    found = of_build([export])
    assert len(found) == len(expected)
    assert {(one.row.model, one.row.input, one.row.case, one.row.metric) for one in found} == expected
    ratios = {(one.row.metric, one.row.verdict): one.ratio for one in found if one.row.case != BASELINE}
    assert ratios == {
        ("ratio", "slower"): 1.3,
        **{(metric, "less"): 0.25 for metric in ("peak_mib", "kept_mib", "kept_trimmed_mib")},
    }


def test_differences_come_first_the_largest_leads_and_half_is_as_far_as_double() -> None:
    drawn = [(0, "arena_off", 3.0), (2, "arena_off", 0.5), (0, "pattern_off", 2.0)]
    values = {(group, case, "ratio"): value for group, case, value in drawn}
    wide = {(2, "pattern_off", "ratio"): 0.2}
    found = of_build([MadeUp(experiment="arena", values=values, half_widths=wide).export()])
    words = [one.row.verdict for one in found]
    assert sorted(words[:3]) == ["faster", "slower", "slower"]
    assert words[3:] == ["unclear", *["same"] * (len(words) - 4)]
    assert [one.decided for one in found] == [True] * 3 + [False] * (len(words) - 3)
    assert found[0].ratio == 3.0
    assert {one.ratio for one in found[1:3]} == {0.5, 2.0}
    assert math.isclose(found[1].effect, found[2].effect)


def test_draft_and_failed_default_give_nothing_to_hold_against() -> None:
    assert of_build([MadeUp(experiment="arena", profile="quick", rounds=3, time=2.0).export()]) == []
    failed = MadeUp(experiment="arena", failures={(None, BASELINE): "崩溃"}, memory=0.5).export()
    assert of_build([failed]) == []


def test_noise_takes_time_and_not_memory() -> None:
    """A busy machine leaves only what is not timed."""
    busy = of_build([MadeUp(experiment="arena", busy=True, time=2.0, memory=0.5).export()])
    assert busy
    assert all(not one.group.load.timed and one.row.metric in JUDGED_MEMORY for one in busy)
    for one in of_build([MadeUp(experiment="arena", time=2.0, memory=0.5).export()]):
        noisy = replace(one, group=one.group.model_copy(update={"noisy": True}))
        assert (one.quotable, noisy.quotable) == (True, METRICS[one.row.metric].kind == "memory")
