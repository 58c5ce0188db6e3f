"""What a group's samples say before anything is judged: who stands beside whom, and what may be quoted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.results.metrics import METRICS
from bench.results.view import GroupView, gap
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conftest import Make, Measured

    from bench.results import schema
    from bench.results.store import Journal

Timed = tuple[str, float, float, "Measured"]
"""Case, start, length in seconds, what was measured."""


def _ms(ms: float) -> dict[str, Any]:
    return {"latency_ns": round(ms * 1e6)}


def _view(journal: Journal, index: int = 0) -> GroupView:
    return GroupView(journal, journal.header.groups[index])


def _timed(make: Make, samples: Sequence[Timed], rounds: int = 1) -> GroupView:
    """The same round some times, with the moments at which its processes started and how long they took."""
    found = make.journal([[(case, measured) for case, _, _, measured in samples]] * rounds)
    for number, sample in enumerate(found.samples):
        _, start, length, _ = samples[number % len(samples)]
        found.samples[number] = sample.model_copy(update={"started_s": start, "wall_s": length})
    return _view(found)


def _sample(make: Make, start: float, length: float) -> schema.Sample:
    return make.sample(BASELINE).model_copy(update={"started_s": start, "wall_s": length})


@pytest.mark.parametrize(
    ("one", "other", "seconds"),
    [
        ((0, 2), (5, 1), 3),
        ((5, 1), (0, 2), 3),
        ((0, 2), (2, 1), 0),
        ((0, 2), (1.9, 1), 0),
        ((3, 1), (3, 1), 0),
    ],
)
def test_gap_runs_from_the_end_of_the_earlier_to_the_start_of_the_later(
    make: Make, one: tuple[float, float], other: tuple[float, float], seconds: float
) -> None:
    assert gap(_sample(make, *one), _sample(make, *other)) == pytest.approx(seconds)


def test_ratio_is_held_against_the_baseline_nearest_in_time_not_in_place(make: Make) -> None:
    """`one` is as near to both in the order, but the first took a minute to come to its turn."""
    view = _timed(
        make,
        [
            (BASELINE, 0, 1, _ms(10)),
            ("one", 60, 1, _ms(60)),
            ("two", 62, 1, _ms(11)),
            (BASELINE, 64, 1, _ms(50)),
        ],
    )
    assert view.ratios("one") == [pytest.approx(1.2)]


def test_farthest_is_the_worst_way_to_the_baseline_that_is_compared_with(make: Make) -> None:
    view = _timed(
        make,
        [
            ("two", 0, 1, {}),
            (BASELINE, 4, 2, {}),
            ("one", 7.5, 1, {}),
            (BASELINE, 20, 1, {}),
        ],
    )
    assert view.farthest_s == pytest.approx(3.0)


def test_failed_samples_and_rounds_without_a_baseline_are_no_distance(make: Make) -> None:
    failure = make.failure()
    assert _timed(make, [(BASELINE, 0, 1, {}), ("one", 90, 1, failure), ("two", 2, 1, {})]).farthest_s == 1
    assert _timed(make, [(BASELINE, 0, 1, failure), ("one", 90, 1, {})]).farthest_s == 0


def test_worst_of_all_rounds_counts(make: Make) -> None:
    journal = make.journal([[(BASELINE, {}), ("one", {})]] * 6)
    journal.samples[7] = journal.samples[7].model_copy(update={"started_s": 31.0})
    assert _view(journal).farthest_s == 30


def test_failures_are_counted_by_round_and_leave_gaps(make: Make) -> None:
    rounds = [
        [(BASELINE, _ms(10)), ("one", _ms(20) if number % 3 else make.failure())] for number in range(6)
    ]
    view = _view(make.journal(rounds))
    assert (view.failed_rounds("one"), view.failed_rounds(BASELINE)) == (2, 0)
    assert view.ratio_by_round("one") == [None, 2.0, 2.0, None, 2.0, 2.0]
    assert view.value_by_round("one", METRICS["latency_ms"]) == [None, 20, 20, None, 20, 20]
    assert view.failure("one") is None


def _controlled(make: Make, *milliseconds: float, **options: Any) -> GroupView:
    """The default at 10 ms in every round, and measured again at these."""
    rounds = [[(BASELINE, _ms(10)), (CONTROL, _ms(ms))] for ms in milliseconds]
    return _view(make.journal(rounds, **options))


@pytest.mark.parametrize(
    ("milliseconds", "noisy"),
    [
        ((10, 10, 10, 10, 10, 10), False),
        ((9.1, 10.9, 10, 9.1, 10.9, 10), False),
        ((8.9, 10, 10, 10, 10, 10), True),  # differs by more than a tenth
        ((10.3, 10.3, 10.2, 10.4, 10.3, 10.3), True),  # told apart, though they are the same
        ((9.7, 9.7, 9.8, 9.6, 9.7, 9.7), True),
        ((10.1, 10.1, 10.05, 10.1, 10.1, 10.1), False),  # the interval excludes 1 by what nobody would name
    ],
)
def test_group_whose_equal_settings_differ_may_not_be_quoted(
    make: Make, milliseconds: tuple[float, ...], *, noisy: bool
) -> None:
    assert _controlled(make, *milliseconds).noisy is noisy


def test_group_that_was_disturbed_may_not_be_quoted(make: Make) -> None:
    calm = [10.0] * 9
    assert [_controlled(make, *calm, dirty=range(count)).noisy for count in (2, 3)] == [False, True]


def test_noise_does_not_matter_where_memory_alone_is_measured(make: Make) -> None:
    groups = [make.group_record(cases=[BASELINE, CONTROL], memory_only=True)]
    assert not _controlled(make, *[13.0] * 6, groups=groups, dirty=range(6)).noisy


def test_few_rounds_have_no_interval_that_could_exclude_one(make: Make) -> None:
    view = _controlled(make, *[13.0] * 5)
    assert (view.control_excludes_one, view.noisy) == (False, False)


def test_without_the_default_measured_again_only_two_percent_are_taken_for_noise(make: Make) -> None:
    view = _view(make.journal([[(BASELINE, _ms(10)), ("one", _ms(20))]] * 6))
    assert (view.control, view.noise_floor, view.noisy) == (None, 0.02, False)


@pytest.mark.parametrize("outcome", ["effect", "nothing", "unseen"])
def test_outcome_is_what_was_observed(make: Make, outcome: schema.Outcome) -> None:
    view = _view(make.journal([[(BASELINE, {}), ("one", {})]], outcomes={"one": outcome}))
    assert view.outcome("one") == outcome


def test_default_has_nothing_to_prove_and_what_was_not_looked_for_was_not_seen(make: Make) -> None:
    journal = make.journal([[(BASELINE, {}), (CONTROL, {}), ("one", {}), ("two", {})]])
    journal.untimed[:] = [make.untimed("two", outcome=None, failure=make.failure(), facts={}, regions=[])]
    view = _view(journal)
    assert [view.outcome(case) for case in (BASELINE, CONTROL, "one", "two")] == [
        None,
        None,
        "unseen",
        "unseen",
    ]
