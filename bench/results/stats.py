"""Statistics: numbers in, numbers out.

The unit is the process: one value a round. Intervals are exact order-statistic intervals of the
median (binomial law, no assumption on the distribution), verdicts need an interval that excludes
1 *and* an effect that stands out of the A/A row.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE = 0.95
MIN_ROUNDS = 6
"""Fewest values whose extremes hold the median with 95 % confidence."""
MIN_EFFECT = 0.02
UNDECIDED_WIDTH = 0.10
MEMORY_EFFECT = 0.05
MEMORY_EFFECT_MIB = 16

Verdict = Literal["faster", "slower", "same", "unclear"]
MemoryVerdict = Literal["less", "more", "same"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A median with its interval; the interval is None when there are too few values."""

    value: float
    low: float | None
    high: float | None
    rounds: int


def interval_ranks(count: int, confidence: float = CONFIDENCE) -> tuple[int, int] | None:
    """Zero-based ranks of the narrowest symmetric interval of the median; None if there is none."""
    best = None
    tail = 0.0
    for rank in range(count // 2):
        tail += math.comb(count, rank) / 2**count
        if 1 - 2 * tail < confidence:
            break
        best = (rank, count - 1 - rank)
    return best


def estimate(values: Sequence[float]) -> Estimate:
    """Median and exact interval of one value a round."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    ranks = interval_ranks(len(ordered))
    low, high = (ordered[ranks[0]], ordered[ranks[1]]) if ranks else (None, None)
    return Estimate(median(ordered), low, high, len(ordered))


def spread(values: Sequence[float]) -> Estimate:
    """Median and full range: for memory, where every value seen is one that a service can meet."""
    if not values:
        raise ValueError("no values")
    several = len(values) > 1
    return Estimate(
        median(values), min(values) if several else None, max(values) if several else None, len(values)
    )


def noise_floor(control: Estimate | None) -> float:
    """Smallest effect that counts: what identical settings were seen to differ by, at least 2 %."""
    if control is None or control.low is None or control.high is None:
        return MIN_EFFECT
    return max(MIN_EFFECT, abs(control.low - 1), abs(control.high - 1))


def verdict(ratio: Estimate, floor: float) -> Verdict | None:
    """Judge a time ratio (case / baseline); None with too few rounds."""
    if ratio.low is None or ratio.high is None:
        return None
    if (ratio.low > 1 or ratio.high < 1) and abs(ratio.value - 1) > floor:
        return "slower" if ratio.value > 1 else "faster"
    return "same" if ratio.high - ratio.low <= UNDECIDED_WIDTH else "unclear"


def memory_verdict(value_mib: float, baseline_mib: float) -> MemoryVerdict:
    """Judge a memory figure: a difference is stated only above max(5 %, 16 MiB)."""
    difference = value_mib - baseline_mib
    if abs(difference) <= max(MEMORY_EFFECT * baseline_mib, MEMORY_EFFECT_MIB):
        return "same"
    return "more" if difference > 0 else "less"


def overlap(one: Estimate, other: Estimate) -> bool:
    """Whether two intervals share a point; False where one has none."""
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return False
    return one.low <= other.high and other.low <= one.high


def rounds_needed(ratio: Estimate, width: float = UNDECIDED_WIDTH) -> int | None:
    """Rounds after which the interval would be about `width` wide: it shrinks with the square root."""
    if ratio.low is None or ratio.high is None:
        return None
    now = ratio.high - ratio.low
    return max(MIN_ROUNDS, math.ceil(ratio.rounds * (now / width) ** 2)) if now > width else ratio.rounds


def expected_false_verdicts(rows: int) -> float:
    """How many of that many truly equal rows an interval at this level excludes 1 for."""
    return rows * (1 - CONFIDENCE)


def decimals(value: float, low: float | None, high: float | None) -> int:
    """Decimal places worth printing: up to the first digit of the half-width, else three digits in all."""
    half = (high - low) / 2 if low is not None and high is not None else 0.0
    scale, digits = (half, 1) if half > 0 else (abs(value), 3)
    if scale == 0 or not math.isfinite(scale):
        return 1
    return min(6, max(0, digits - 1 - math.floor(math.log10(scale))))
