"""Figures as text: to the digits that their intervals allow, with units, as shares and as times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.results import stats
from bench.results.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.results.published import Row

MIB_PER_GIB = 1024
UNIT_SPACE = "\u202f"
"""Narrow no-break space between number and unit."""
MOST_DIGITS = 3
TWICE = 2.0
"""From this ratio on, how many times is said, not how many per cent more."""
SLOWER = ("慢", "快")
"""What is said of a latency in the place of more and less."""


def number(row: Row) -> str:
    """A value to the digits that its interval allows, without unit."""
    if row.value is None:
        return "—"
    return plain(row.value, row.low, row.high)


def plain(value: float, low: float | None = None, high: float | None = None) -> str:
    digits = stats.decimals(value, low, high)
    if float(value).is_integer() and low == high:
        digits = 0
    return f"{value:.{digits}f}"


def interval(row: Row) -> str:
    """`59.8–60.6`, or nothing where there is no interval; one that excludes 1 is not shown to touch it."""
    if row.value is None or row.low is None or row.high is None:
        return ""
    digits = stats.decimals(row.value, row.low, row.high)
    apart = METRICS[row.metric].kind == "ratio" and (row.low > 1 or row.high < 1)
    while apart and digits < MOST_DIGITS and 1.0 in (round(row.low, digits), round(row.high, digits)):
        digits += 1
    low, high = f"{row.low:.{digits}f}", f"{row.high:.{digits}f}"
    return "" if low == high else f"{low}–{high}"


def memory(mib: float) -> str:
    """`844 MiB` or `6.4 GiB`."""
    if abs(mib) >= MIB_PER_GIB:
        return f"{mib / MIB_PER_GIB:.1f}{UNIT_SPACE}GiB"
    return f"{mib:.0f}{UNIT_SPACE}MiB"


def percent(ratio: float, low: float | None, high: float | None) -> str:
    """Distance of a ratio from 1 as a percentage with as many digits as the interval allows."""
    half = (high - low) / 2 if low is not None and high is not None else 0.05
    digits = 1 if half < 0.002 else 0
    return f"{abs(ratio - 1) * 100:.{digits}f}%"


def change(ratio: float, low: float | None, high: float | None, words: tuple[str, str] = ("多", "少")) -> str:
    """`多 98%`, to the digits that the interval allows; never `少 100%`, as something is always left.

    `words` for more and less; of what is slower, `慢到 2.1 倍` from twice on.
    """
    more, less = words
    if more == SLOWER[0] and ratio >= TWICE:
        return f"{more}到 {ratio:.1f} 倍"
    size = percent(ratio, low, high)
    if float(size.rstrip("%")) == 0:
        return "相差不到 1%"
    if size == "100%" and ratio < 1:
        size = f"{(1 - ratio) * 100:.1f}%" if ratio > 0.0005 else "99.9% 以上"
    return f"{more if ratio > 1 else less} {size}"


def distance(ratio: float) -> str:
    """How far a time is from another: `慢 32%`, from twice on `慢到 2.1 倍`; `快 20%` is a fifth of the time less."""
    return change(ratio, None, None, SLOWER)


def span(ratios: Sequence[float]) -> str:
    """From the smallest to the largest of several slow-downs: `慢 4%–32%`; the beginning of a sentence if there is none."""
    least, most = min(ratios), max(ratios)
    if distance(least) == distance(most):
        return distance(least)
    if most < TWICE:
        return f"{distance(least).rstrip('%')}–{percent(most, None, None)}"
    return f"{distance(least)}，最多{distance(most)}"
