from __future__ import annotations

import os
from itertools import repeat
from typing import TYPE_CHECKING

import pytest

from bench.measure import cores
from bench.measure.child import Outcome
from bench.measure.cores import Cores, ask
from bench.measure.machine import usable_cpus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from samples import FakeClock, Make

    from bench.results.records import Failure

NEAR, APART = (275.0,), (635.0,)
KNOWN = [NEAR] * 4 + [APART] * 16
"""What the first samples see: the usual is what the nearest were, also where they are few."""


def watch(
    clock: FakeClock, *readings: tuple[float, ...], known: Iterable[tuple[float, ...]] = KNOWN
) -> Cores:
    found = Cores(iter([*known, *readings]), clock=clock, sleep=clock.advance)
    for _ in known:
        found.usual(remember=True)
    return found


def take(watched: Cores, clock: FakeClock, failure: Failure | None = None, *, patient: bool = True) -> int:
    """How many samples it took, of a second each."""
    taken = []

    def sample() -> Outcome:
        clock.advance(1)
        taken.append(Outcome(1.0, "", failure=failure))
        return taken[-1]

    assert watched.take(sample, patient=patient) is taken[-1]
    return len(taken)


def after_a_while(clock: FakeClock, *readings: tuple[float, ...]) -> Cores:
    """A watch that has seen a minute of quiet samples: some waiting may be paid for."""
    watched = watch(clock, *[NEAR] * 120, *readings)
    for _ in range(60):
        assert take(watched, clock) == 1
    return watched


def test_a_sample_between_two_usual_readings_is_taken_once(clock: FakeClock) -> None:
    watched = watch(clock, NEAR, NEAR)
    assert (take(watched, clock), watched.retaken, watched.apart) == (1, 0, 0)


def test_a_sample_waits_until_the_cores_lie_as_usual(clock: FakeClock) -> None:
    watched = after_a_while(clock, APART, APART, NEAR, NEAR)
    start = clock()
    assert take(watched, clock) == 1
    assert clock() - start == pytest.approx(1 + 2 * cores.BETWEEN_S)
    assert (watched.retaken, watched.apart) == (0, 0)


def test_a_sample_after_which_they_lie_apart_is_taken_again(clock: FakeClock) -> None:
    watched = after_a_while(clock, NEAR, APART, NEAR, NEAR)
    assert (take(watched, clock), watched.retaken, watched.apart) == (2, 1, 0)


def test_the_last_of_three_counts_though_they_lie_apart(clock: FakeClock) -> None:
    watched = after_a_while(clock, *[NEAR, APART] * 3)
    assert (take(watched, clock), watched.retaken, watched.apart) == (3, 2, 1)


def test_a_failure_is_not_taken_again(clock: FakeClock, make: Make) -> None:
    watched = after_a_while(clock, NEAR, APART)
    assert (take(watched, clock, make.failure()), watched.apart) == (1, 1)


def test_who_has_no_time_neither_waits_nor_takes_again(clock: FakeClock) -> None:
    watched = after_a_while(clock, APART)
    start = clock()
    assert (take(watched, clock, patient=False), clock() - start) == (1, 1)
    assert (watched.retaken, watched.apart) == (0, 1)


def test_waiting_and_taking_again_have_an_end(clock: FakeClock) -> None:
    """Readings that never become usual cost a sixth of the time, not three times of it."""
    known = [NEAR] * 150 + [APART]
    watched = Cores(iter([*known, *repeat(APART, 10_000)]), clock=clock, sleep=clock.advance)
    for _ in known:
        watched.usual(remember=True)
    start, samples = clock(), sum(take(watched, clock) for _ in range(60))
    assert samples < clock() - start <= samples / (1 - cores.SHARE) + cores.MOST_WAITED_S


def test_what_lasts_becomes_the_usual(clock: FakeClock) -> None:
    watched = watch(clock, *[APART] * (3 * cores.REMEMBERED), known=[NEAR] * cores.REMEMBERED)
    assert not watched.usual()
    assert any(watched.usual(remember=True) for _ in range(cores.REMEMBERED))


def test_one_core_far_from_the_others_is_enough(clock: FakeClock) -> None:
    near, one_apart = (275.0, 280.0), (275.0, 640.0)
    watched = watch(clock, one_apart, near, known=[near] * cores.FEWEST)
    assert [watched.usual(), watched.usual()] == [False, True]


def test_a_core_that_does_not_answer_is_apart(clock: FakeClock) -> None:
    watched = watch(clock, (float("inf"),), known=[NEAR] * cores.FEWEST)
    assert not watched.usual()


def test_where_nothing_can_be_asked_all_is_usual(clock: FakeClock) -> None:
    watched = Cores(ask([3]), clock=clock)
    assert (take(watched, clock), watched.asked, watched.apart) == (1, False, 0)


@pytest.mark.alone
@pytest.mark.skipif(len(usable_cpus()) < 2, reason="one core has no others")
def test_real_cores_answer_and_nothing_is_left_behind() -> None:
    mask, readings = os.sched_getaffinity(0), ask(usable_cpus())
    found = [next(readings) for _ in range(5)]
    assert os.sched_getaffinity(0) == mask
    assert all(20 < length < 1e6 for reading in found for length in reading)
    readings.close()  # type: ignore[attr-defined]  # it is a generator
