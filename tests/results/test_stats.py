"""Intervals against SciPy, the promised rates by simulation, and what must hold for any values at all."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from bench.results import stats
from bench.results.stats import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.random import Generator
    from numpy.typing import NDArray

    Draw = Callable[[Generator, tuple[int, ...]], NDArray[np.float64]]

ROUNDS = 10
REPETITIONS = 3000
SAMPLING_ERROR = 2 * math.sqrt(0.95 * 0.05 / REPETITIONS)
"""Of a share of 95 % in that many repetitions, two standard deviations: 0.8 points."""


@pytest.mark.parametrize("count", range(1, 41))
def test_interval_lies_around_the_one_of_scipy_and_is_the_same_at_six(count: int) -> None:
    """Whoever looks only once could have a narrower one. Fewer than six values have none."""
    found = stats.interval_ranks(count)
    if count < stats.MIN_ROUNDS:
        assert found is None
        return
    assert found is not None
    low, high = found
    assert high == count - 1 - low
    assert 1 - 2 * scipy_stats.binom(count, 0.5).cdf(low) >= 0.95
    values = np.random.default_rng(count).exponential(size=count)
    once = scipy_stats.quantile_test(values, p=0.5).confidence_interval(0.95)
    estimate = stats.estimate(values.tolist())
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low <= once.low <= estimate.value == np.median(values) <= once.high <= estimate.high
    assert count != stats.MIN_ROUNDS or (estimate.low, estimate.high) == (once.low, once.high)


def _cuts(looks: Iterable[int]) -> dict[int, int]:
    """Values cut off at each end after so many rounds."""
    return {count: ranks[0] for count in looks if (ranks := stats.interval_ranks(count))}


def _misses_anywhere(cuts: Mapping[int, int]) -> float:
    """Exact probability that the median lies beside the interval at one of the looks, whatever the distribution.

    Each value lies above the median or not, like a coin: the paths of their number are counted that have missed nowhere.
    """
    paths = {0: 1}
    for count in range(1, max(cuts) + 1):
        further: dict[int, int] = defaultdict(int)
        for above, ways in paths.items():
            further[above] += ways
            further[above + 1] += ways
        cut = cuts.get(count, -1)
        paths = {above: ways for above, ways in further.items() if cut < above < count - cut}
    return 1 - sum(paths.values()) / 2 ** max(cuts)


def test_interval_holds_for_every_stopping_rule_and_could_not_be_narrower() -> None:
    every, default = _cuts(range(6, 22)), _cuts((6, 10))
    assert every == {n: (n - 6) // 4 for n in range(6, 22)}
    assert _misses_anywhere(every) == pytest.approx(0.0498, abs=5e-5)
    assert _misses_anywhere(_cuts(range(6, 200))) == pytest.approx(
        0.0517, abs=5e-5
    )  # nobody does; a tuner, who
    assert _misses_anywhere(_cuts(range(7, 200, 4))) == pytest.approx(
        0.0281, abs=5e-5
    )  # looks seldom, may go on
    assert _misses_anywhere(default) == pytest.approx(0.0430, abs=5e-5)
    assert _misses_anywhere(_cuts((6, 10, 14, 18))) == _misses_anywhere(
        every
    )  # nothing can happen between them
    sooner = [{**every, step - 1: (step - 6) // 4} for step in (6, 10, 14, 18)]
    more = [{**every, step: every[step] + 1} for step in (6, 10, 14, 18)]
    assert all(_misses_anywhere(one) > 0.05 for one in (*sooner, *more))


def test_estimate_is_median_with_interval_and_spread_median_with_full_range() -> None:
    assert stats.estimate([9, 1, 8, 2, 7, 3, 6, 4, 5]) == Estimate(5, 1, 9, 9)
    assert stats.estimate([9, 1, 8, 2, 7, 3, 6, 4, 5, 5]) == Estimate(5, 2, 8, 10)
    assert stats.spread([30.0, 10.0, 11.0]) == Estimate(11.0, 10.0, 30.0, 3)
    assert stats.spread([5.0]) == Estimate(5.0, None, None, 1)
    for reduce in (stats.estimate, stats.spread):
        with pytest.raises(ValueError, match="no values"):
            reduce([])


def test_noise_floor_is_at_least_two_percent() -> None:
    seen = ((None, None, 2), (0.995, 1.004, 4), (0.93, 1.01, 2), (0.99, 1.05, 4))
    found = [stats.noise_floor(Estimate(1.0, low, high, 9), samples) for low, high, samples in seen]
    assert found == pytest.approx([0.02, 0.02, 0.07, 0.05 * math.sqrt(2)])


@pytest.mark.parametrize(
    ("value", "low", "high", "floor", "expected", "rounds"),
    [
        (1.30, 1.25, 1.35, 0.02, "slower", 10),  # one more is the least that can be asked for
        (0.70, 0.65, 0.75, 0.02, "faster", 10),
        (1.01, 0.96, 1.04, 0.02, "same", 10),  # holds 1, within the margin of 5 % on both sides
        (1.00, 0.949, 1.04, 0.02, "unclear", 10),  # a difference of more than 5 % is not ruled out
        (1.00, 0.96, 1.051, 0.02, "unclear", 10),
        (1.015, 1.01, 1.02, 0.02, "same", 10),  # excludes 1, too small to matter
        (1.04, 1.03, 1.05, 0.06, "unclear", 10),  # excludes 1, drowned by the A/A row
        (1.0, 0.875, 1.125, 0.02, "unclear", 57),  # an eighth must shrink to the margin: 9 x 2.5 x 2.5
        (1.1, 0.9, 1.3, 0.02, "unclear", 36),  # 0.2 must shrink to the effect: 9 x 2 x 2
        (1.1, 1.05, 1.15, 0.2, "unclear", 36),  # so must the floor
        (1.03, 0.97, 1.09, 0.02, "unclear", 36),  # whichever is sooner: decided at 0.03
        (1.03, 1.00, 1.06, 0.02, "unclear", 10),  # the floor of 2 % is no noise: it does not shrink
        (1.10, None, None, 0.02, None, None),
    ],
)
def test_verdict_needs_an_interval_and_same_needs_it_to_rule_a_difference_out(
    value: float,
    low: float | None,
    high: float | None,
    floor: float,
    expected: str | None,
    rounds: int | None,
) -> None:
    """And how many rounds it takes. Of what is better when there is more of it, the same numbers say the opposite."""
    found = Estimate(value, low, high, 9)
    assert (stats.verdict(found, floor), stats.rounds_needed(found, floor)) == (expected, rounds)
    opposite = {"faster": "slower", "slower": "faster"}.get(expected or "", expected)
    assert stats.verdict(found, floor, less_is_better=False) == opposite


def test_memory_verdict() -> None:
    told = {
        ((115.9,), (100,)): "same",  # 16 MiB decide below 320 MiB
        ((116.1,) * 6, (100,) * 6): "more",
        ((1049,), (1000,)): "same",  # 5 % decide above
        ((1051,) * 6, (1000,) * 6): "more",
        ((116.1,) * 5, (100,) * 6): "unclear",  # of few rounds all may be odd ones
        ((132.1,), (100,)): "more",  # twice that is no chance
        ((899,), (1000,)): "less",
        ((100, 110, 120), (200, 210, 220)): "less",
        ((220, 310, 320), (200, 210, 220)): "unclear",  # the medians differ, the ranges touch
        ((100, 110, 200), (200, 210, 220)): "unclear",
        (
            (100, 205, 900),
            (50, 210, 800),
        ): "unclear",  # the medians do not differ, but three rounds say little
        ((100, 205, 205) * 3, (50, 210, 210) * 3): "same",
    }
    assert {one: stats.memory_verdict(*one) for one in told} == told


def test_expected_false_verdicts_are_one_in_twenty_and_never_rounded_down() -> None:
    """A bound that is rounded down is none: 29 rows are 1.45, not 1."""
    told = {0: 0.0, 1: 0.1, 3: 0.2, 29: 1.5, 40: 2.0, 41: 2.1}
    assert {rows: stats.expected_false_verdicts(rows) for rows in told} == told


def test_digits_end_at_the_noise() -> None:
    precise = {(123.456, 120.0, 126.0): 0, (12.3456, 12.3, 12.9): 1}
    told = precise | {(1.234, None, None): 2, (0.0, None, None): 1, (1e-12, None, None): 6}
    assert {one: stats.decimals(*one) for one in told} == told


def _bimodal(rng: Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return np.where(rng.random(shape) < 0.6, rng.normal(10, 0.2, shape), rng.normal(15, 0.5, shape))


def _rough(rng: Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Slow spells: one sample in five takes up to half as long again."""
    slow = np.where(rng.random(shape) < 0.2, rng.uniform(1.1, 1.5, shape), 1.0)
    return rng.lognormal(0, 0.03, shape) * slow


NOISE: dict[str, tuple[Draw, float | None]] = {
    "normal": (lambda rng, shape: rng.normal(10.0, 0.5, shape), 10.0),
    "exponential": (lambda rng, shape: rng.exponential(1.0, shape), math.log(2)),
    "bimodal": (_bimodal, float(scipy_stats.norm(10, 0.2).ppf(0.5 / 0.6))),
    "quiet": (lambda rng, shape: rng.lognormal(0, 0.02, shape), 1.0),
    "rough": (_rough, None),
}
"""How values of a round may be spread, and the true median where it is known."""


@pytest.mark.parametrize("name", [name for name, (_, truth) in NOISE.items() if truth is not None])
@pytest.mark.parametrize("rounds", [6, ROUNDS, 21])
def test_interval_holds_the_median_as_often_as_promised(name: str, rounds: int) -> None:
    draw, truth = NOISE[name]
    drawn = draw(np.random.default_rng(20260101), (REPETITIONS, rounds)).tolist()
    found = [stats.estimate(values) for values in drawn]
    held = sum((one.low or math.inf) <= (truth or 0) <= (one.high or 0) for one in found)
    assert held / REPETITIONS >= 0.95 - SAMPLING_ERROR


def _verdicts(effect: float, noise: Draw, *, shared_baseline: bool, seed: int) -> list[str | None]:
    """What nine rounds say of a case `effect` times as slow, with the A/A row as floor."""
    rng = np.random.default_rng(seed)
    case, control, near, far = (noise(rng, (REPETITIONS, ROUNDS)) for _ in range(4))
    ratios = (case * effect / near).tolist()
    controls = (control / (near if shared_baseline else far)).tolist()
    return [
        stats.verdict(stats.estimate(one), stats.noise_floor(stats.estimate(other)))
        for one, other in zip(ratios, controls, strict=True)
    ]


@pytest.mark.parametrize("shared_baseline", [True, False])
@pytest.mark.parametrize("name", [name for name in NOISE if name != "exponential"])
def test_equal_settings_are_rarely_told_apart(name: str, *, shared_baseline: bool) -> None:
    verdicts = _verdicts(1.0, NOISE[name][0], shared_baseline=shared_baseline, seed=1)
    assert sum(one in ("faster", "slower") for one in verdicts) / REPETITIONS <= 0.05


@pytest.mark.parametrize(("effect", "expected"), [(1.1, "slower"), (1 / 1.1, "faster")])
def test_ten_percent_are_found_in_two_percent_of_noise(effect: float, expected: str) -> None:
    verdicts = _verdicts(effect, NOISE["quiet"][0], shared_baseline=False, seed=2)
    assert verdicts.count(expected) / REPETITIONS >= 0.98


FLOOR = st.floats(stats.MIN_EFFECT, 0.5)


@st.composite
def _ratios(draw: st.DrawFn) -> Estimate:
    low, value, high = sorted(draw(st.tuples(*[st.floats(0.1, 10)] * 3)))
    return Estimate(value, low, high, draw(st.integers(stats.MIN_ROUNDS, 40)))


@given(_ratios(), FLOOR, FLOOR)
def test_more_noise_makes_no_verdict(ratio: Estimate, one: float, other: float) -> None:
    """Nor does noise ever make settings the same: that something was not seen is no reason to rule it out."""
    calm, noisy = sorted((one, other))
    found = stats.verdict(ratio, calm)
    assert ratio.low is not None
    assert ratio.high is not None
    if found in ("faster", "slower"):
        assert ratio.high < 1 if found == "faster" else ratio.low > 1
        assert abs(ratio.value - 1) > calm
    if found == "same":
        assert 1 - stats.SAME_MARGIN <= ratio.low <= ratio.high <= 1 + stats.SAME_MARGIN
        assert ratio.low <= 1 <= ratio.high or abs(ratio.value - 1) <= stats.MIN_EFFECT
    assert (found == "same") == (stats.verdict(ratio, noisy) == "same")
    if stats.verdict(ratio, noisy) in ("faster", "slower"):
        assert stats.verdict(ratio, noisy) == found


@given(_ratios(), FLOOR)
def test_control_is_not_told_apart_by_its_own_floor(ratio: Estimate, floor: float) -> None:
    own = stats.noise_floor(ratio)
    assert own >= stats.MIN_EFFECT
    assert stats.verdict(ratio, own) in ("same", "unclear")
    assert (stats.rounds_needed(ratio, floor) or 0) > ratio.rounds
