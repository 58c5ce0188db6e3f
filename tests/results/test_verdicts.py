"""All verdicts of a build: which rows count, in which order, how far apart; and which settings no other one beats."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from made_up import MadeUp

from bench.results.frontier import Point, points, unbeaten
from bench.results.metrics import METRICS
from bench.results.verdicts import of_build
from bench.spec import BASELINE, CONTROL

BOTH = [BASELINE, "a"]


def test_every_judged_row_but_the_control_is_there_once_as_a_ratio_to_the_default() -> None:
    """Noise takes time and not memory."""
    export = MadeUp(experiment="arena", time=1.3, memory=0.25).export()
    found = of_build([export])
    judged = [row for row in export.rows if row.verdict is not None and row.case != CONTROL]
    assert sorted(map(id, judged)) == sorted(id(one.row) for one in found)
    ratios = {(one.row.metric, one.row.verdict): one.ratio for one in found if one.row.case != BASELINE}
    less = {(metric, "less"): 0.25 for metric in ("peak_mib", "kept_mib", "kept_trimmed_mib")}
    assert ratios == {("ratio", "slower"): 1.3, **less}
    for one in found:
        noisy = replace(one, group=one.group.model_copy(update={"noisy": True}))
        assert (one.quotable, noisy.quotable) == (True, METRICS[one.row.metric].kind == "memory")


def test_differences_come_first_the_largest_leads_and_half_is_as_far_as_double() -> None:
    drawn = [(0, "arena_off", 3.0), (2, "arena_off", 0.5), (0, "pattern_off", 2.0)]
    values = {(group, case, "ratio"): value for group, case, value in drawn}
    wide = {(2, "pattern_off", "ratio"): 0.2}
    found = of_build([MadeUp(experiment="arena", values=values, half_widths=wide).export()])
    words = [one.row.verdict for one in found]
    assert sorted(words[:3]) == ["faster", "slower", "slower"]
    assert words[3:] == ["unclear", *["same"] * (len(words) - 4)]
    assert [one.decided for one in found] == [True] * 3 + [False] * (len(words) - 3)
    assert (found[0].ratio, {one.ratio for one in found[1:3]}) == (3.0, {0.5, 2.0})
    assert math.isclose(found[1].effect, found[2].effect)


@pytest.mark.parametrize(
    ("ratio", "half", "kept", "floor", "best"),
    [
        (0.8, 0.01, [1000], 0.02, ["a"]),  # faster, same size
        (0.8, 0.01, [1040], 0.02, ["a"]),  # faster, larger by less than counts
        (0.8, 0.01, [1500], 0.02, BOTH),  # faster, larger
        (0.9, 0.1, [1000], 0.02, BOTH),  # the intervals touch
        (0.98, 0.001, [1000], 0.02, BOTH),  # faster by no more than the noise
        (0.9, 0.01, [1000], 0.2, BOTH),
        (1.0, 0.01, [500], 0.02, ["a"]),  # same time, smaller
        (1.04, 0.01, [500], 0.02, ["a"]),  # slower by no more than is called the same
        (1.3, 0.01, [500], 0.02, BOTH),  # slower, smaller
        (1.006, 0.3, [500], 0.02, BOTH),  # near, but may take a third more
        (1.0, 0.01, [1500], 0.02, [BASELINE]),  # same time, larger
        (1.0, 0.01, [1010], 0.02, BOTH),  # nothing to choose between them
        (1.0, 0.01, [500, 400, 1100], 0.02, BOTH),  # its rounds overlap
        (0.8, None, [500], 0.02, []),  # no interval, no judgement
    ],
)
def test_unbeaten_settings(ratio: float, half: Any, kept: Any, floor: float, best: list[str]) -> None:
    low, high = (None, None) if half is None else (ratio - half, ratio + half)
    other = Point("a", ratio, low, high, kept[0], None, tuple(kept[1:]))
    assert unbeaten([Point(BASELINE, 1.0, 1.0, 1.0, 1000, None), other], floor) == best


@pytest.mark.parametrize(
    ("changes", "cases"),
    [({}, True), ({"absent": ("kept_mib",)}, False), ({"failures": {(0, None): "坏了"}}, False)],
)
def test_points_have_both_figures_and_none_is_the_control(changes: Any, *, cases: bool) -> None:
    export = MadeUp(experiment="arena", memory=0.5, **changes).export()
    found = {point.case: point for point in points(export, export.groups[0])}
    assert list(found) == ([case.id for case in export.cases if case.id != CONTROL] if cases else [])
    assert all(point.peak for point in found.values())
    assert not found or (found[BASELINE].low, found[BASELINE].high) == (1.0, 1.0)
