"""Intervals against SciPy, and the promised rates by simulation."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats as scipy_stats

from bench.results import stats
from bench.results.stats import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

    Draw = Callable[[Generator, tuple[int, ...]], NDArray[np.float64]]

ROUNDS = 9
REPETITIONS = 3000
SAMPLING_ERROR = 2 * math.sqrt(0.95 * 0.05 / REPETITIONS)
"""Of a share of 95 % in that many repetitions, two standard deviations: 0.8 points."""


@pytest.mark.parametrize("count", range(6, 31))
def test_interval_is_the_one_of_scipy(count: int) -> None:
    values = np.random.default_rng(count).exponential(size=count)
    expected = scipy_stats.quantile_test(values, p=0.5).confidence_interval(0.95)
    found = stats.estimate(values.tolist())
    assert (found.low, found.high) == (expected.low, expected.high)


@pytest.mark.parametrize("count", range(6, 31))
def test_interval_is_the_narrowest_that_covers_95_percent(count: int) -> None:
    ranks = stats.interval_ranks(count)
    assert ranks is not None
    low, high = ranks
    binomial = scipy_stats.binom(count, 0.5)

    def coverage(lowest: int) -> float:
        return float(1 - 2 * binomial.cdf(lowest))

    assert high == count - 1 - low
    assert coverage(low) >= 0.95
    assert coverage(low + 1) < 0.95


def test_interval_ranks_of_a_default_build_and_of_the_fewest_rounds() -> None:
    assert stats.interval_ranks(9) == (1, 7)
    assert stats.interval_ranks(6) == (0, 5)


@pytest.mark.parametrize("count", range(6))
def test_too_few_values_have_no_interval(count: int) -> None:
    assert stats.interval_ranks(count) is None


def test_estimate_is_median_with_interval_whatever_the_order() -> None:
    found = stats.estimate([9, 1, 8, 2, 7, 3, 6, 4, 5])
    assert found == Estimate(5, 2, 8, 9)


def test_estimate_of_a_few_values_is_only_a_median() -> None:
    found = stats.estimate([3.0, 1.0])
    assert found == Estimate(2.0, None, None, 2)


def test_spread_is_median_with_full_range() -> None:
    assert stats.spread([30.0, 10.0, 11.0]) == Estimate(11.0, 10.0, 30.0, 3)
    assert stats.spread([5.0]) == Estimate(5.0, None, None, 1)


@pytest.mark.parametrize("reduce", [stats.estimate, stats.spread])
def test_no_values_are_refused(reduce: Callable[[list[float]], Estimate]) -> None:
    with pytest.raises(ValueError, match="no values"):
        reduce([])


def test_noise_floor_is_what_equal_settings_differ_by_but_at_least_two_percent() -> None:
    assert stats.noise_floor(None) == 0.02
    assert stats.noise_floor(Estimate(1.0, None, None, 3)) == 0.02
    assert stats.noise_floor(Estimate(1.0, 0.995, 1.004, 9)) == 0.02
    assert stats.noise_floor(Estimate(1.0, 0.93, 1.01, 9)) == pytest.approx(0.07)
    assert stats.noise_floor(Estimate(1.0, 0.99, 1.05, 9)) == pytest.approx(0.05)
    assert stats.noise_floor(Estimate(1.0, 0.99, 1.05, 9), 4) == pytest.approx(0.05 * math.sqrt(2))
    assert stats.noise_floor(Estimate(1.0, 0.999, 1.001, 9), 4) == 0.02


@pytest.mark.parametrize(
    ("value", "low", "high", "floor", "expected"),
    [
        (1.30, 1.25, 1.35, 0.02, "slower"),
        (0.70, 0.65, 0.75, 0.02, "faster"),
        (1.01, 0.96, 1.04, 0.02, "same"),  # holds 1, within the margin of 5 % on both sides
        (1.00, 0.95, 1.05, 0.02, "same"),
        (1.00, 0.949, 1.04, 0.02, "unclear"),  # a difference of more than 5 % is not ruled out
        (1.00, 0.96, 1.051, 0.02, "unclear"),
        (1.015, 1.01, 1.02, 0.02, "same"),  # excludes 1, too small to matter
        (0.985, 0.98, 0.99, 0.02, "same"),
        (1.019, 1.01, 1.03, 0.02, "same"),
        (1.04, 1.03, 1.05, 0.06, "unclear"),  # excludes 1, drowned by the A/A row
        (1.13, 1.10, 1.16, 0.14, "unclear"),  # the article's 13 %, in a group with two bad rounds
        (1.05, 0.99, 1.08, 0.02, "unclear"),  # holds 1 and 8 %
        (1.10, 0.95, 1.30, 0.02, "unclear"),
        (1.10, None, None, 0.02, None),
    ],
)
def test_verdict_needs_an_interval_and_same_needs_it_to_rule_a_difference_out(
    value: float, low: float | None, high: float | None, floor: float, expected: str | None
) -> None:
    rounds = 9 if low is not None else 5
    assert stats.verdict(Estimate(value, low, high, rounds), floor) == expected


@pytest.mark.parametrize(
    ("value", "baseline", "expected"),
    [
        (115.9, 100.0, "same"),  # 16 MiB decide below 320 MiB
        (116.1, 100.0, "more"),
        (83.0, 100.0, "less"),
        (1049.0, 1000.0, "same"),  # 5 % decide above
        (1051.0, 1000.0, "more"),
        (949.0, 1000.0, "less"),
    ],
)
def test_memory_verdict_needs_five_percent_and_sixteen_mib(
    value: float, baseline: float, expected: str
) -> None:
    assert stats.memory_verdict([value], [baseline]) == expected


@pytest.mark.parametrize(
    ("own", "baseline", "expected"),
    [
        ([300, 310, 320], [200, 210, 220], "more"),
        ([100, 110, 120], [200, 210, 220], "less"),
        ([215, 310, 320], [200, 210, 220], "unclear"),  # the medians differ, the ranges meet
        ([100, 110, 220], [200, 210, 220], "unclear"),
        ([220, 310, 320], [200, 210, 220], "unclear"),  # they touch
        ([100, 205, 900], [50, 210, 800], "same"),  # the medians do not differ
    ],
)
def test_memory_differs_only_where_no_round_of_the_one_lies_among_the_others(
    own: list[float], baseline: list[float], expected: str
) -> None:
    assert stats.memory_verdict(own, baseline) == expected


@pytest.mark.parametrize(
    ("value", "low", "high", "floor", "rounds"),
    [
        (1.0, 0.875, 1.125, 0.02, 57),  # an eighth must shrink to the margin: 9 x 2.5 x 2.5
        (1.1, 0.9, 1.3, 0.02, 36),  # 0.2 must shrink to the effect: 9 x 2 x 2
        (1.1, 1.05, 1.15, 0.2, 36),  # so must the floor
        (1.03, 0.97, 1.09, 0.02, 36),  # whichever is sooner: decided at 0.03
        (1.04, 1.03, 1.05, 0.02, 10),  # one more is the least that can be asked for
        (1.0, None, None, 0.02, None),
    ],
)
def test_rounds_needed_are_those_after_which_interval_and_floor_allow_a_verdict(
    value: float, low: float | None, high: float | None, floor: float, rounds: int | None
) -> None:
    assert stats.rounds_needed(Estimate(value, low, high, 9), floor) == rounds


def test_floor_of_two_percent_does_not_shrink_with_rounds() -> None:
    """It is no noise: an effect beyond it does not wait for it."""
    found = stats.rounds_needed(Estimate(1.03, 1.00, 1.06, 9), stats.MIN_EFFECT)
    assert found == 10


@pytest.mark.parametrize(
    ("rows", "expected"),
    [(0, 0.0), (1, 0.1), (2, 0.1), (3, 0.2), (29, 1.5), (40, 2.0), (41, 2.1), (110, 5.5)],
)
def test_expected_false_verdicts_are_one_in_twenty_and_never_rounded_down(rows: int, expected: float) -> None:
    """A bound that is rounded down is none: 29 rows are 1.45, not 1."""
    assert stats.expected_false_verdicts(rows) == expected


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (123.456, 120.0, 126.0, 0),  # ± 3
        (12.3456, 12.3, 12.9, 1),  # ± 0.3
        (0.123456, 0.12, 0.126, 3),  # ± 0.003
        (123456.0, 1e5, 1.4e5, 0),
        (1.234, None, None, 2),
        (12.34, None, None, 1),
        (1234.0, None, None, 0),
        (0.0, None, None, 1),
        (5.0, 5.0, 5.0, 2),
        (1e-12, None, None, 6),
    ],
)
def test_digits_end_where_the_noise_begins(
    value: float, low: float | None, high: float | None, expected: int
) -> None:
    assert stats.decimals(value, low, high) == expected


def _lognormal(rng: Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return rng.lognormal(0, 0.5, shape)


def _normal(rng: Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return rng.normal(10.0, 0.5, shape)


def _laplace(rng: Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Heavy tails on both sides."""
    return rng.laplace(10.0, 0.5, shape)


def _exponential(rng: Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return rng.exponential(1.0, shape)


def _bimodal(rng: Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return np.where(rng.random(shape) < 0.6, rng.normal(10, 0.2, shape), rng.normal(15, 0.5, shape))


BIMODAL_MEDIAN = float(scipy_stats.norm(10, 0.2).ppf(0.5 / 0.6))


@pytest.mark.parametrize(
    ("draw", "truth"),
    [
        (_normal, 10.0),
        (_laplace, 10.0),
        (_lognormal, 1.0),
        (_exponential, math.log(2)),
        (_bimodal, BIMODAL_MEDIAN),
    ],
    ids=["normal", "laplace", "lognormal", "exponential", "bimodal"],
)
@pytest.mark.parametrize("rounds", [6, ROUNDS, 21])
def test_interval_holds_the_median_as_often_as_promised(draw: Draw, truth: float, rounds: int) -> None:
    samples = draw(np.random.default_rng(20260101), (REPETITIONS, rounds)).tolist()
    held = 0
    for values in samples:
        found = stats.estimate(values)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
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


def _quiet(rng: Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return rng.lognormal(0, 0.02, shape)


def _rough(rng: Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Slow spells: one sample in five takes up to half as long again."""
    return rng.lognormal(0, 0.03, shape) * np.where(
        rng.random(shape) < 0.2, rng.uniform(1.1, 1.5, shape), 1.0
    )


@pytest.mark.parametrize("shared_baseline", [True, False])
@pytest.mark.parametrize(
    "noise",
    [_quiet, _rough, _bimodal, _normal, _laplace, _lognormal],
    ids=["quiet", "rough", "bimodal", "normal", "laplace", "lognormal"],
)
def test_equal_settings_are_told_apart_in_one_build_of_twenty_at_most(
    noise: Draw, *, shared_baseline: bool
) -> None:
    verdicts = _verdicts(1.0, noise, shared_baseline=shared_baseline, seed=1)
    assert sum(one in ("faster", "slower") for one in verdicts) / REPETITIONS <= 0.05


@pytest.mark.parametrize(("effect", "expected"), [(1.1, "slower"), (1 / 1.1, "faster")])
def test_ten_percent_are_found_in_two_percent_of_noise(effect: float, expected: str) -> None:
    verdicts = _verdicts(effect, _quiet, shared_baseline=False, seed=2)
    assert verdicts.count(expected) / REPETITIONS >= 0.98


def test_median_ratio_of_equal_settings_is_one() -> None:
    ratios = np.random.default_rng(3).lognormal(0, 0.02, (500, ROUNDS)).tolist()
    assert median(stats.estimate(one).value for one in ratios) == pytest.approx(1, abs=0.003)
