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


def _point(case: str, ratio: float, kept: float, half: float | None = 0.01, *seen: float) -> Point:
    low, high = (None, None) if half is None else (ratio - half, ratio + half)
    return Point(case=case, ratio=ratio, low=low, high=high, kept=kept, peak=None, kept_range=seen)


@pytest.mark.parametrize(
    ("other", "floor", "best"),
    [
        (_point("a", 0.8, 1000), FLOOR, ["a"]),  # faster, same size
        (_point("a", 0.8, 1040), FLOOR, ["a"]),  # faster, larger by less than counts
        (_point("a", 0.8, 1500), FLOOR, [BASELINE, "a"]),  # faster, larger
        (_point("a", 0.9, 1000, 0.1), FLOOR, [BASELINE, "a"]),  # the intervals touch
        (_point("a", 0.98, 1000, 0.001), FLOOR, [BASELINE, "a"]),  # faster by no more than the noise
        (_point("a", 1.0, 500), FLOOR, ["a"]),  # same time, smaller
        (_point("a", 1.04, 500), FLOOR, ["a"]),  # slower by no more than is called the same
        (_point("a", 1.015, 500), FLOOR, ["a"]),  # looks no slower, smaller
        (_point("a", 1.3, 500), FLOOR, [BASELINE, "a"]),  # slower, smaller
        (_point("a", 1.3, 500, 0.5), FLOOR, [BASELINE, "a"]),  # cannot be told, but looks slower
        (_point("a", 1.006, 500, 0.3), FLOOR, [BASELINE, "a"]),  # near, but may take a third more
        (_point("a", 1.3, 1000), FLOOR, [BASELINE]),  # slower, same size
        (_point("a", 1.3, 1500), FLOOR, [BASELINE]),  # slower, larger
        (_point("a", 1.0, 1500), FLOOR, [BASELINE]),  # same time, larger
        (_point("a", 1.0, 1010), FLOOR, [BASELINE, "a"]),  # nothing to choose between them
        (_point("a", 1.0, 500, 0.01, 400, 1100), FLOOR, [BASELINE, "a"]),  # its rounds overlap
        (_point("a", 0.9, 1000), 0.2, [BASELINE, "a"]),  # within the noise
        (_point("a", 0.8, 500, None), FLOOR, []),  # no interval, no judgement
    ],
)
def test_settings_that_no_other_beats(other: Point, floor: float, best: list[str]) -> None:
    assert unbeaten([_point(BASELINE, 1.0, 1000, 0), other], floor) == best


@pytest.mark.parametrize("name", DRAWN)
def test_points_have_both_figures_and_leave_out_the_default_measured_again(name: str) -> None:
    export = MadeUp(experiment=name, memory=0.5).export()
    found = {point.case: point for point in points(export, export.groups[0])}
    assert CONTROL not in found
    assert (found[BASELINE].low, found[BASELINE].high) == (1.0, 1.0)
    assert len(found) > 2
    assert all(point.peak for point in found.values())


@pytest.mark.parametrize("changes", [{"absent": ("kept_mib",)}, {"failures": {(0, None): "坏了"}}])
def test_settings_without_both_figures_are_no_points(changes: dict[str, Any]) -> None:
    export = MadeUp(experiment=DRAWN[0], **changes).export()
    assert points(export, export.groups[0]) == []
