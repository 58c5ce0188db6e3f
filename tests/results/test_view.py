"""What a group's samples say before anything is judged: who stands beside whom, and what may be quoted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.results.metrics import METRICS
from bench.results.view import GroupView, gap
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from samples import Make, Measured

    from bench.results.store import Journal

Timed = tuple[str, float, float, "Measured"]
"""Case, start, length in seconds, what was measured."""
RATIO, LATENCY = METRICS["ratio"], METRICS["latency_ms"]


def _ms(ms: float) -> dict[str, Any]:
    return {"latency_ns": round(ms * 1e6)}


def _view(journal: Journal) -> GroupView:
    return GroupView(journal, journal.header.groups[0])


def _timed(make: Make, samples: Sequence[Timed]) -> GroupView:
    """One round, with the moments at which its processes started and how long they took."""
    found = make.journal([[(case, measured) for case, _, _, measured in samples]])
    times = [{"started_s": start, "wall_s": length} for _, start, length, _ in samples]
    found.samples[:] = [one.model_copy(update=time) for one, time in zip(found.samples, times, strict=True)]
    return _view(found)


@pytest.mark.parametrize(
    ("one", "other", "seconds"),
    [((0, 2), (5, 1), 3), ((0, 2), (2, 1), 0), ((0, 2), (1.9, 1), 0), ((3, 1), (3, 1), 0)],
)
def test_gap_runs_from_end_to_start(
    make: Make, one: tuple[float, float], other: tuple[float, float], seconds: float
) -> None:
    a, b = (
        make.sample(BASELINE).model_copy(update={"started_s": start, "wall_s": length})
        for start, length in (one, other)
    )
    assert gap(a, b) == gap(b, a) == pytest.approx(seconds)


def test_ratio_is_held_against_the_baseline_nearest_in_time_not_in_place(make: Make) -> None:
    """`one` is as near to both in the order, but the first took a minute to come to its turn."""
    order = [(BASELINE, 0, 10), ("one", 60, 60), ("two", 62, 11), (BASELINE, 64, 50)]
    samples = [(case, start, 1, _ms(ms)) for case, start, ms in order]
    assert _timed(make, samples).values("one", RATIO) == [pytest.approx(1.2)]


def test_farthest_is_the_worst_way_to_the_baseline_that_is_compared_with(make: Make) -> None:
    """What failed is no distance, nor is a round without a baseline; the worst of all rounds counts."""
    samples = [("two", 0, 1, {}), (BASELINE, 4, 2, {}), ("one", 7.5, 1, {}), (BASELINE, 20, 1, {})]
    assert _timed(make, samples).farthest_s == pytest.approx(3.0)
    failure = make.failure()
    assert _timed(make, [(BASELINE, 0, 1, {}), ("one", 90, 1, failure), ("two", 2, 1, {})]).farthest_s == 1
    assert _timed(make, [(BASELINE, 0, 1, failure), ("one", 90, 1, {})]).farthest_s == 0
    journal = make.journal([[(BASELINE, {}), ("one", {})]] * 6)
    journal.samples[7] = journal.samples[7].model_copy(update={"started_s": 31.0})
    assert _view(journal).farthest_s == 30


def test_failures_are_counted_by_round_and_leave_gaps(make: Make) -> None:
    rounds = [
        [(BASELINE, _ms(10)), ("one", _ms(20) if number % 3 else make.failure())] for number in range(6)
    ]
    view = _view(make.journal(rounds))
    assert (view.failed_rounds("one"), view.failed_rounds(BASELINE)) == (2, 0)
    assert view.by_round("one", RATIO) == [None, 2.0, 2.0, None, 2.0, 2.0]
    assert view.by_round("one", LATENCY) == [None, 20, 20, None, 20, 20]
    assert view.failure("one") is None
    assert (view.calls("one"), view.calls(BASELINE)) == (40, 60)


def test_a_round_is_the_median_of_its_samples(make: Make) -> None:
    rounds = [[(BASELINE, _ms(ms)), (BASELINE, _ms(ms + 2))] for ms in (10, 98, 20)]
    assert _view(make.journal(rounds)).values(BASELINE, LATENCY) == [11, 99, 21]


def _controlled(make: Make, *milliseconds: float, **options: Any) -> GroupView:
    """The default at 10 ms in every round, and measured again at these."""
    rounds = [[(BASELINE, _ms(10)), (CONTROL, _ms(ms))] for ms in milliseconds]
    return _view(make.journal(rounds, **options))


@pytest.mark.parametrize(
    ("milliseconds", "noisy", "excludes_one"),
    [
        ((10, 10, 10, 10, 10, 10), False, False),
        ((9.1, 10.9, 10, 9.1, 10.9, 10), False, False),
        ((8.9, 10, 10, 10, 10, 10), True, False),  # differs by more than a tenth
        ((10.3, 10.3, 10.2, 10.4, 10.3, 10.3), True, True),  # told apart, though they are the same
        ((10.1, 10.1, 10.05, 10.1, 10.1, 10.1), False, True),  # by what nobody would name
        ((13, 13, 13, 13, 13), False, False),  # too few rounds for an interval
    ],
)
def test_group_whose_equal_settings_differ_may_not_be_quoted(
    make: Make, milliseconds: tuple[float, ...], *, noisy: bool, excludes_one: bool
) -> None:
    view = _controlled(make, *milliseconds)
    assert (view.noisy, view.control_excludes_one) == (noisy, excludes_one)
    untimed = make.group_record(cases=[BASELINE, CONTROL], timed=False)
    assert not _controlled(make, *milliseconds, groups=[untimed], dirty=range(6)).noisy


def test_without_the_default_measured_again_only_two_percent_are_taken_for_noise(make: Make) -> None:
    view = _view(make.journal([[(BASELINE, _ms(10)), ("one", _ms(20))]] * 6))
    assert (view.control, view.noise_floor, view.noisy) == (None, 0.02, False)


def test_outcome_is_what_was_observed(make: Make) -> None:
    """The default has nothing to prove; what was not looked for, or failed then, was not seen."""
    cases = (BASELINE, CONTROL, "one", "two", "three")
    journal = make.journal([[(case, {}) for case in cases]], outcomes={"one": "nothing"})
    journal.untimed[1:] = [make.untimed("two", outcome=None, failure=make.failure(), facts={}, regions=[])]
    assert [_view(journal).outcome(case) for case in cases] == [None, None, "nothing", "unseen", "unseen"]


def test_outcome_of_the_group_counts_before_that_of_another(make: Make) -> None:
    groups = [make.group_record(index=n, input=f"batch={n + 1}", cases=[BASELINE, "one"]) for n in (0, 1)]
    journal = make.journal([[(BASELINE, {}), ("one", {})]], groups=groups)
    for outcomes in (["effect", "effect"], ["effect", "nothing"]):
        assert [GroupView(journal, group).outcome("one") for group in groups] == outcomes
        journal.add(make.untimed("one", group=1, outcome="nothing"))
