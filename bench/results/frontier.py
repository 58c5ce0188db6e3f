"""Time against memory: which settings no other one beats, as far as the measurement can tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.results import stats
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.results.published import Export, GroupSummary


@dataclass(frozen=True, slots=True)
class Point:
    """One setting: its latency over the default's, and what memory it keeps and needs, in MiB."""

    case: str
    ratio: float
    low: float | None
    high: float | None
    kept: float
    peak: float | None
    kept_range: tuple[float, ...] = ()
    """Least and most of any round; empty: there was but one."""


def points(export: Export, group: GroupSummary) -> list[Point]:
    """Every setting with both figures; the A/A row is left out, it would lie on the default."""
    rows = {
        (row.case, row.metric): row
        for row in export.rows
        if (row.model, row.input) == (group.model, group.input) and row.value is not None
    }
    found = []
    for case in (case.id for case in export.cases if case.id != CONTROL):
        ratio, kept, peak = (rows.get((case, metric)) for metric in ("ratio", "kept_mib", "peak_mib"))
        if ratio and kept and ratio.value is not None and kept.value is not None:
            low, high = (1.0, 1.0) if case == BASELINE else (ratio.low, ratio.high)
            seen = tuple(end for end in (kept.low, kept.high) if end is not None)
            needed = peak.value if peak else None
            found.append(Point(case, ratio.value, low, high, kept.value, needed, seen))
    return found


def unbeaten(found: Sequence[Point], floor: float) -> list[str]:
    """Cases that no other was measured to beat; none where an interval is missing."""
    if any(point.low is None for point in found):
        return []
    return [one.case for one in found if not any(_beats(other, one, floor) for other in found)]


def _beats(one: Point, other: Point, floor: float) -> bool:
    """Measured to be faster and not larger, or smaller and not slower by more than what is called the same."""
    if one.high is None or other.low is None:
        return False
    size = stats.memory_verdict([one.kept, *one.kept_range], [other.kept, *other.kept_range])
    if one.high < other.low and one.ratio < other.ratio * (1 - floor):
        return size in ("less", "same")
    return size == "less" and one.high <= other.ratio * (1 + stats.SAME_MARGIN)
