"""Statistics: numbers in, numbers out.

The unit is the process: one value a round. Intervals are exact order-statistic intervals of the
median (binomial law, no assumption on the distribution) that hold for every stopping rule (Jennison &
Turnbull 1984), verdicts need an interval that excludes 1 *and* an effect that stands out of the A/A row.
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
ROUNDS_A_STEP, LAST_STEP = 4, 18
"""Between two steps more rounds can only widen the interval: whoever looks, looks at 6, 10, 14 and 18 rounds. A build
plans no more; who tunes may go on."""
MIN_EFFECT = 0.02
SAME_MARGIN = 0.05
"""Two times are called the same when the whole interval of their ratio lies so near 1."""
TINY = 1e-9
"""What binary fractions may add to a number that is even in tenths."""
MEMORY_EFFECT = 0.05
MEMORY_EFFECT_MIB = 16

Verdict = Literal["faster", "slower", "same", "unclear"]
MemoryVerdict = Literal["less", "more", "same", "unclear"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A median with its interval; the interval is None when there are too few values."""

    value: float
    low: float | None
    high: float | None
    rounds: int


def interval_ranks(count: int) -> tuple[int, int] | None:
    """Zero-based ranks of the ends of the median's interval; None where there is none.

    One value more is cut off at each end with every fourth round. So it holds the median with 95 % at all counts at
    once, whatever decides when to stop: with 95.02 % up to 21 rounds for who looks after every one from the sixth on,
    with 94.83 % if he never ends.
    """
    if count < MIN_ROUNDS:
        return None
    cut = (count - MIN_ROUNDS) // ROUNDS_A_STEP
    return cut, count - 1 - cut


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
    low, high = (min(values), max(values)) if len(values) > 1 else (None, None)
    return Estimate(median(values), low, high, len(values))


def noise_floor(control: Estimate | None, samples: int = 2) -> float:
    """Smallest effect that counts: what identical settings were seen to differ by, at least 2 %.

    That is between two samples; what is computed from more of them differs by more.
    """
    if control is None or control.low is None or control.high is None:
        return MIN_EFFECT
    seen = max(abs(control.low - 1), abs(control.high - 1))
    return max(MIN_EFFECT, seen * math.sqrt(samples / 2))


def verdict(
    ratio: Estimate, floor: float, *, tolerance: float = MIN_EFFECT, less_is_better: bool = True
) -> Verdict | None:
    """Judge a ratio (case / baseline) of times, or of calls a second; None with too few rounds.

    That no difference was seen is not enough for `same`: the interval must rule one out. What is seen, and within
    the tolerance, is none that anybody would name.
    """
    if ratio.low is None or ratio.high is None or ratio.rounds < MIN_ROUNDS:
        return None
    apart, effect = ratio.low > 1 or ratio.high < 1, abs(ratio.value - 1)
    if apart and effect > floor:
        return "slower" if (ratio.value > 1) == less_is_better else "faster"
    within = ratio.low >= 1 - SAME_MARGIN and ratio.high <= 1 + SAME_MARGIN
    return "same" if within and (not apart or effect <= tolerance) else "unclear"


def memory_verdict(own_mib: Sequence[float], baseline_mib: Sequence[float]) -> MemoryVerdict:
    """Judge memory, a value a round: a difference is stated only above max(5 %, 16 MiB), and where no rounds overlap.

    Few rounds may all be odd ones: of them, a difference must be twice that, and its absence needs that they lie no
    farther apart than twice that.
    """
    own, baseline = median(own_mib), median(baseline_mib)
    few, notable = min(len(own_mib), len(baseline_mib)) < MIN_ROUNDS, notable_mib(baseline)
    if abs(own - baseline) <= notable:
        apart = max(max(one) - min(one) for one in (own_mib, baseline_mib))
        return "unclear" if few and apart > 2 * notable else "same"
    if few and abs(own - baseline) <= 2 * notable:
        return "unclear"
    if max(own_mib) < min(baseline_mib):
        return "less"
    return "more" if min(own_mib) > max(baseline_mib) else "unclear"


def notable_mib(baseline_mib: float) -> float:
    """Smallest difference of memory worth naming."""
    return max(MEMORY_EFFECT * baseline_mib, MEMORY_EFFECT_MIB)


def overlap(one: Estimate, other: Estimate) -> bool:
    """Whether two intervals share a point; False where one has none."""
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return False
    return one.low <= other.high and other.low <= one.high


def rounds_needed(ratio: Estimate, floor: float) -> int | None:
    """Rounds after which a verdict is to be expected, as intervals and floor shrink with the square root.

    Either the interval and the floor fall below the effect, or the interval lies within the margin of `same`.
    None: more rounds of this kind would not help.
    """
    if ratio.low is None or ratio.high is None:
        return None
    effect, half = abs(ratio.value - 1), (ratio.high - ratio.low) / 2
    ways = []
    if effect > MIN_EFFECT:
        ways.append(max(half, floor if floor > MIN_EFFECT else 0.0) / effect)
    if effect < SAME_MARGIN:
        ways.append(half / (SAME_MARGIN - effect))
    return max(MIN_ROUNDS, ratio.rounds + 1, math.ceil(ratio.rounds * min(ways) ** 2)) if ways else None


def at_step(rounds: int) -> int:
    """So many rounds, or as many more as it takes until the interval becomes narrower, where it still does."""
    if rounds > LAST_STEP:
        return rounds
    return MIN_ROUNDS + ROUNDS_A_STEP * max(0, math.ceil((rounds - MIN_ROUNDS) / ROUNDS_A_STEP))


def expected_false_verdicts(rows: int) -> float:
    """Bound on how many of that many truly equal rows have an interval beside 1, on average: rounded up to a tenth."""
    return math.ceil(rows * (1 - CONFIDENCE) * 10 - TINY) / 10


def decimals(value: float, low: float | None, high: float | None) -> int:
    """Decimal places worth printing: up to the first digit of the half-width, else three digits in all."""
    half = (high - low) / 2 if low is not None and high is not None else 0.0
    scale, digits = (half, 1) if half > 0 else (abs(value), 3)
    if scale == 0 or not math.isfinite(scale):
        return 1
    return min(6, max(0, digits - 1 - math.floor(math.log10(scale))))
