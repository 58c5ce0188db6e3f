"""Where the points of a drawing of time against memory lie: places in per cent, so that letters keep their size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.spec import BASELINE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.results.frontier import Point

LEFT, RIGHT, TOP, BOTTOM = 13.0, 97.0, 5.0, 84.0
"""Edges of the drawing; beyond them stand the figures of the axes."""
ROOM = 0.12
"""Beside the outermost points, as a share of what lies between them."""
NARROWEST = 0.04
"""Of the axis of ratios: noise is not spread over the whole width."""
MOST_TICKS = 5
STEPS = (1, 2, 5, 10)
CORNERS = (("end", -9, -9), ("start", 9, -9), ("start", 9, 19), ("end", -9, 19))
"""Where the labels of the first, second … point stand: a corner each, so that points on one spot can be told apart."""


@dataclass(frozen=True, slots=True)
class Axis:
    """From a value to its place."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + (self.end - self.start) * share, 2)

    def ticks(self) -> list[tuple[str, float]]:
        """Even values with their places."""
        rough = (self.high - self.low) / MOST_TICKS
        scale = 10.0 ** math.floor(math.log10(rough))
        step = next(one * scale for one in STEPS if one * scale >= rough * 0.999)
        digits = max(0, -math.floor(math.log10(step)))
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [(f"{n * step:.{digits}f}", self.place(n * step)) for n in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class Spot:
    """A point as it is drawn."""

    case: str
    label: str
    x: float
    y: float
    line: tuple[float, float] | None
    """From where to where the interval reaches."""
    corner: tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Drawing:
    """Ratio from left to right, MiB at the most from bottom to top."""

    spots: tuple[Spot, ...]
    time: Axis
    memory: Axis


def drawing(points: Sequence[Point], labels: Mapping[str, str]) -> Drawing | None:
    """None where there is nothing to compare, or memory cannot be read."""
    able = [one for one in points if one.peak is not None]
    if len(able) < 2 or all(one.case != BASELINE for one in able):
        return None
    ends = [end for one in able for end in (one.ratio, one.low, one.high) if end is not None]
    room = max((max(ends) - min(ends)) * ROOM, (NARROWEST - (max(ends) - min(ends))) / 2)
    time = Axis(min(ends) - room, max(ends) + room, LEFT, RIGHT)
    memory = Axis(0.0, max(one.peak or 0.0 for one in able) * (1 + ROOM), BOTTOM, TOP)
    spots = (
        Spot(
            case=one.case,
            label=labels[one.case],
            x=time.place(one.ratio),
            y=memory.place(one.peak or 0.0),
            line=(time.place(one.low), time.place(one.high))
            if one.low is not None and one.high is not None
            else None,
            corner=corner,
        )
        for one, corner in zip(able, CORNERS, strict=False)
    )
    return Drawing(tuple(spots), time, memory)
