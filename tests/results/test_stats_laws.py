"""What must hold for any values at all."""

from __future__ import annotations

import math
from statistics import median

from hypothesis import assume, given
from hypothesis import strategies as st

from bench.results import stats
from bench.results.stats import Estimate

VALUES = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=40)
MANY = st.lists(st.floats(1e-6, 1e6), min_size=stats.MIN_ROUNDS, max_size=40)
FLOOR = st.floats(stats.MIN_EFFECT, 0.5)


@st.composite
def _ratios(draw: st.DrawFn) -> Estimate:
    low, value, high = sorted(draw(st.tuples(*[st.floats(0.1, 10)] * 3)))
    return Estimate(value, low, high, draw(st.integers(stats.MIN_ROUNDS, 40)))


@given(VALUES)
def test_estimate_lies_within_its_interval_and_that_within_the_values(values: list[float]) -> None:
    found = stats.estimate(values)
    assert found.value == median(values)
    assert found.rounds == len(values)
    assert (found.low is None) == (found.high is None) == (len(values) < stats.MIN_ROUNDS)
    if found.low is not None and found.high is not None:
        assert min(values) <= found.low <= found.value <= found.high <= max(values)


@given(VALUES, st.randoms(use_true_random=False))
def test_order_of_the_rounds_does_not_matter(values: list[float], chance: object) -> None:
    mixed = list(values)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert stats.estimate(mixed) == stats.estimate(values)
    assert stats.spread(mixed) == stats.spread(values)


@given(MANY, st.sampled_from((0.25, 0.5, 2.0, 1024.0)))
def test_another_unit_changes_the_numbers_and_nothing_else(values: list[float], factor: float) -> None:
    """Powers of two scale without rounding."""
    one, other = stats.estimate(values), stats.estimate([value * factor for value in values])
    assert one.low is not None
    assert one.high is not None
    assert (other.value, other.low, other.high) == (one.value * factor, one.low * factor, one.high * factor)


@given(MANY)
def test_full_range_holds_the_interval(values: list[float]) -> None:
    interval, everything = stats.estimate(values), stats.spread(values)
    assert stats.overlap(interval, everything)
    assert interval.low is not None
    assert everything.low is not None
    assert everything.low <= interval.low


@given(_ratios(), FLOOR)
def test_faster_and_slower_need_an_interval_beside_one_and_an_effect_above_the_floor(
    ratio: Estimate, floor: float
) -> None:
    found = stats.verdict(ratio, floor)
    assert ratio.low is not None
    assert ratio.high is not None
    if found == "faster":
        assert ratio.high < 1
    if found == "slower":
        assert ratio.low > 1
    if found in ("faster", "slower"):
        assert abs(ratio.value - 1) > floor
    if found == "same":
        assert 1 - stats.SAME_MARGIN <= ratio.low <= ratio.high <= 1 + stats.SAME_MARGIN
        assert ratio.low <= 1 <= ratio.high or abs(ratio.value - 1) <= stats.MIN_EFFECT


@given(_ratios(), FLOOR, FLOOR)
def test_noise_never_makes_settings_the_same(ratio: Estimate, one: float, other: float) -> None:
    """Whatever equal settings differ by: that something was not seen is no reason to rule it out."""
    assert (stats.verdict(ratio, one) == "same") == (stats.verdict(ratio, other) == "same")


@given(_ratios(), FLOOR, FLOOR)
def test_more_noise_never_makes_a_difference_appear(ratio: Estimate, one: float, other: float) -> None:
    calm, noisy = sorted((one, other))
    if stats.verdict(ratio, noisy) in ("faster", "slower"):
        assert stats.verdict(ratio, noisy) == stats.verdict(ratio, calm)


@given(_ratios())
def test_noise_floor_covers_the_interval_of_the_control(control: Estimate) -> None:
    """So the control itself is never called faster or slower."""
    floor = stats.noise_floor(control)
    assert floor >= stats.MIN_EFFECT
    assert stats.verdict(control, floor) in ("same", "unclear")


@given(_ratios(), FLOOR)
def test_rounds_needed_are_more_than_were_not_enough(ratio: Estimate, floor: float) -> None:
    needed = stats.rounds_needed(ratio, floor)
    assert needed is not None
    assert needed > ratio.rounds


SIZES = st.lists(st.floats(1, 1e5), min_size=1, max_size=9)


@given(SIZES, SIZES)
def test_less_memory_one_way_round_is_more_the_other(one: list[float], other: list[float]) -> None:
    there, back = stats.memory_verdict(one, other), stats.memory_verdict(other, one)
    if there == "less":
        assert max(one) < min(other)
    if there == "more":
        assert min(one) > max(other)
    if abs(median(one) - median(other)) > max(
        0.06 * max(median(one), median(other)), stats.MEMORY_EFFECT_MIB
    ):
        assert {there, back} in ({"less", "more"}, {"unclear"})


@given(st.floats(1e-5, 1e6), st.floats(1e-9, 1e6))
def test_last_digit_shown_is_not_finer_than_a_tenth_of_the_half_width(value: float, half: float) -> None:
    assume(half < value)
    places = stats.decimals(value, value - half, value + half)
    assert 0 <= places <= 6
    assert 10.0**-places >= half / 10 * (1 - 1e-6) or places == 0
    assert places in (0, 6) or 10.0**-places <= half * (1 + 1e-6)


@given(st.integers(1, 60))
def test_interval_is_symmetric_and_grows_no_wider_than_the_values(count: int) -> None:
    ranks = stats.interval_ranks(count)
    assert (ranks is None) == (count < stats.MIN_ROUNDS)
    if ranks:
        assert ranks[0] + ranks[1] == count - 1
        covered = 1 - 2 * sum(math.comb(count, k) for k in range(ranks[0] + 1)) / 2**count
        assert covered >= stats.CONFIDENCE
