"""Which settings no other one beats: only what was measured to be worse is called so."""

from __future__ import annotations

from typing import Any

import pytest
from made_up import MadeUp

from bench.experiments import EXPERIMENTS
from bench.results.frontier import Point, points, unbeaten
from bench.spec import BASELINE, CONTROL

FLOOR = 0.02
DRAWN = [e.id for e in EXPERIMENTS.values() if any(chart.kind == "frontier" for chart in e.charts)]


def _point(case: str, ratio: float, kept: float, half: float | None = 0.01) -> Point:
    low, high = (None, None) if half is None else (ratio - half, ratio + half)
    return Point(case=case, ratio=ratio, low=low, high=high, kept=kept, peak=None)


DEFAULT = _point(BASELINE, 1.0, 1000, 0)


@pytest.mark.parametrize(
    ("other", "best"),
    [
        (_point("a", 0.8, 1000), ["a"]),  # faster, same size
        (_point("a", 0.8, 1040), ["a"]),  # faster, larger by less than counts
        (_point("a", 0.8, 1500), [BASELINE, "a"]),  # faster, larger
        (_point("a", 1.0, 500), ["a"]),  # same time, smaller
        (_point("a", 1.015, 500), ["a"]),  # looks no slower, smaller
        (_point("a", 1.3, 500), [BASELINE, "a"]),  # slower, smaller
        (_point("a", 1.3, 500, 0.5), [BASELINE, "a"]),  # cannot be told, but looks slower
        (_point("a", 1.3, 1000), [BASELINE]),  # slower, same size
        (_point("a", 1.3, 1500), [BASELINE]),  # slower, larger
        (_point("a", 1.0, 1500), [BASELINE]),  # same time, larger
        (_point("a", 1.0, 1010), [BASELINE, "a"]),  # nothing to choose between them
        (_point("a", 0.8, 500, None), []),  # no interval, no judgement
    ],
)
def test_settings_that_no_other_beats(other: Point, best: list[str]) -> None:
    assert unbeaten([DEFAULT, other], FLOOR) == best


def test_difference_within_the_noise_makes_nothing_faster() -> None:
    assert unbeaten([DEFAULT, _point("a", 0.9, 1000)], 0.2) == [BASELINE, "a"]


@pytest.mark.parametrize("name", DRAWN)
def test_points_have_both_figures_and_leave_out_the_default_measured_again(name: str) -> None:
    export = MadeUp(experiment=name, memory=0.5).export()
    group = export.groups[0]
    found = {point.case: point for point in points(export, group)}
    assert CONTROL not in found
    assert (found[BASELINE].low, found[BASELINE].high) == (1.0, 1.0)
    assert len(found) > 2
    assert all(point.peak for point in found.values())


@pytest.mark.parametrize(
    "changes",
    [{"absent": ("kept_mib",)}, {"failures": {(0, None): "坏了"}}],
    ids=["memory cannot be read", "everything failed"],
)
def test_settings_without_both_figures_are_no_points(changes: dict[str, Any]) -> None:
    export = MadeUp(experiment=DRAWN[0], **changes).export()
    assert points(export, export.groups[0]) == []


def test_smaller_setting_beats_no_other_that_it_may_be_slower_than() -> None:
    """Its median is near enough; its interval does not rule out that it takes a third more."""
    assert unbeaten([DEFAULT, _point("a", 1.006, 500, 0.3)], FLOOR) == [BASELINE, "a"]


def test_memory_whose_rounds_overlap_beats_nothing() -> None:
    wide = Point(case="a", ratio=1.0, low=0.99, high=1.01, kept=500, peak=None, kept_range=(400, 1100))
    assert unbeaten([DEFAULT, wide], FLOOR) == [BASELINE, "a"]
