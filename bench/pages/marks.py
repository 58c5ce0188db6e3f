"""Bars and intervals drawn in the cells of a table: places on the axis of a column, as CSS percentages."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.results.published import Row

RATIOS = ("ratio", "ratio_original")
MARGIN = 1.02
"""Room beside the outermost interval, as a factor."""


@dataclass(frozen=True, slots=True)
class Axis:
    """What lies at the left and the right edge of every cell of a column."""

    left: float
    right: float
    ratios: bool
    """Places go by the logarithm, so that half and double lie equally far from 1."""

    def place(self, value: float) -> str:
        if self.ratios:
            share = math.log(value / self.left) / math.log(self.right / self.left)
        else:
            share = (value - self.left) / (self.right - self.left)
        return f"{min(1.0, max(0.0, share)) * 100:.1f}%"


def axis(metric: str, rows: Sequence[Row | None]) -> Axis | None:
    """The common axis of a column; None where a drawing would say nothing."""
    found = [row for row in rows if row is not None and row.value is not None]
    ends = [end for row in found for end in (row.low, row.value, row.high) if end is not None]
    if metric in RATIOS:
        if len(found) < 2 or min(ends) <= 0:
            return None
        return Axis(min(*ends, 1.0) / MARGIN, max(*ends, 1.0) * MARGIN, ratios=True)
    if len({row.value for row in found}) < 2 or min(ends) < 0:
        return None
    return Axis(0.0, max(ends), ratios=False)


def number(text: str, row: Row, column: Axis | None) -> str:
    """The number of a cell with its bar, or with its interval where it is a ratio."""
    if column is None or row.value is None:
        return text
    if column.ratios:
        style = f"--at:{column.place(row.value)};--one:{column.place(1.0)}{_ends(row, column)}"
        return f'{text}<span class="bench-whisker" style="{style}"></span>'
    style = f"--bar:{column.place(row.value)}{_ends(row, column)}"
    return f'<span class="bench-bar" style="{style}">{text}</span>'


def _ends(row: Row, column: Axis) -> str:
    if row.low is None or row.high is None:
        return ""
    return f";--low:{column.place(row.low)};--high:{column.place(row.high)}"
