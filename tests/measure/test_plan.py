"""What is measured, in which order, and what fits into this machine."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.experiments._common import threads
from bench.measure.plan import (
    baseline_reach,
    estimate_seconds,
    order_round,
    resolve,
    round_seconds,
    sample_seconds,
)
from bench.measure.profiles import PROFILES
from bench.results import stats
from bench.spec import BASELINE, CONTROL, Case, Input, LargestBatch, Load, Machine, Place, Proof, Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from samples import Make

    from bench.measure.plan import PlannedExperiment
    from bench.measure.profiles import Profile

MIB, GIB = 1 << 20, 1 << 30
TWO = Machine(cores=2)
CASES = (BASELINE, CONTROL, "a", "b", "c", "d")

case_ids = st.lists(st.text("abcdefgh", min_size=1, max_size=3), unique=True, max_size=12).map(
    lambda others: (BASELINE, *others)
)
seeds, reaches = st.integers(0, 1000), st.integers(1, 5)


def _order(cases: Sequence[str], seed: int, reach: int | None = 2) -> tuple[str, ...]:
    return order_round(cases, random.Random(seed), reach)


def _plan(
    make: Make, *groups: Any, profile: str = "default", free: int = GIB, **changes: Any
) -> PlannedExperiment:
    experiment = make.experiment(groups=groups or (make.group(),), **changes)
    return resolve(experiment, PROFILES[profile], TWO, free)


@given(cases=case_ids, seed=seeds, reach=reaches)
def test_every_case_comes_once_within_reach_of_no_more_baselines_than_needed(
    cases: tuple[str, ...], seed: int, reach: int
) -> None:
    """Parts one shorter than could be reached leave the baseline a choice of places."""
    order = _order(cases, seed, reach)
    assert sorted(case for case in order if case != BASELINE) == sorted(cases[1:])
    for place in range(len(order)):
        assert BASELINE in order[max(0, place - reach) : place + reach + 1]
    assert order.count(BASELINE) == max(1, math.ceil((len(cases) - 1) / max(2, 2 * reach - 1)))
    assert sorted(_order(cases, seed, None)) == sorted(cases)


@pytest.mark.parametrize(
    ("others", "reach", "places"), [(2, 2, 3), (3, 2, 2), (5, 3, 2), (6, 10, 7), (6, None, 7)]
)
def test_baseline_stands_anywhere_within_reach(others: int, reach: int | None, places: int) -> None:
    """A fixed place could be a fast or a slow one."""
    cases = (BASELINE, *"abcdef"[:others])
    assert len({_order(cases, seed, reach).index(BASELINE) for seed in range(200)}) == places


def test_order_of_cases_follows_the_seed_even_without_a_baseline_that_failed() -> None:
    orders = [_order(CASES, seed) for seed in range(100)]
    assert orders == [_order(CASES, seed) for seed in range(100)]
    assert len(set(orders)) > 30
    others = [[case for case in order if case != BASELINE] for order in orders]
    assert {one[0] for one in others} == {one[-1] for one in others} == set(CASES) - {BASELINE}
    assert (sorted(_order(("a", "b"), 0)), _order((), 0)) == (["a", "b"], ())


@pytest.mark.parametrize(
    ("group", "measured", "profile", "reach"),
    [
        ({"seconds": 0.75}, {}, "default", 12), ({"seconds": 2.9}, {}, "default", 3), ({"seconds": 3.1}, {}, "default", 2),
        ({"seconds": 4.6}, {}, "default", 1), ({"seconds": 20}, {}, "default", 1), ({"seconds": 1}, {0: 4}, "default", 2),
        ({"seconds": 1, "timed": False}, {}, "default", None), ({"seconds": 1}, {}, "smoke", None),
    ],
)  # fmt: skip
def test_reach_is_a_length_of_time_as_samples_were_seen_to_take(
    make: Make, group: dict[str, Any], measured: dict[int, float], profile: str, reach: int | None
) -> None:
    """Groups that show memory alone need the baseline once, and so does a smoke test."""
    planned = replace(_plan(make, make.group(**group), profile=profile), measured=measured)
    assert baseline_reach(planned, planned.groups[0]) == reach


def _largest(make: Make, free_mib: int, profile: str = "default", **changes: Any) -> PlannedExperiment:
    large, small = (LargestBatch(item_shape=(3,), limit=n, bytes_per_item=100 * MIB) for n in (32, 4))
    return _plan(make, make.group(input=large, small=small, **changes), profile=profile, free=free_mib * MIB)


@pytest.mark.parametrize(
    ("free_mib", "batch"),
    [(167, 1), (333, 1), (334, 2), (666, 2), (667, 4), (2000, 8), (5333, 16), (5334, 32), (1 << 20, 32)],
)
def test_largest_batch_is_the_last_power_of_two_in_sixty_percent_of_the_free_memory(
    make: Make, free_mib: int, batch: int
) -> None:
    """In 2000 MiB, twelve would fit: on another day eleven or thirteen, and no two days could be compared."""
    (group,) = _largest(make, free_mib).groups
    assert group.input == Input(label=f"batch={batch}", shapes=((batch, 3),))
    assert group.memory_bytes == batch * 100 * MIB <= 0.6 * free_mib * MIB
    assert ("上限 32" in group.note) is (batch < 32)
    assert group.note == "" or batch < 32


def test_group_that_does_not_fit_is_dropped_with_its_reason_and_the_others_keep_their_place(
    make: Make,
) -> None:
    planned = _largest(make, 166)
    assert planned.groups == ()
    assert "166 MiB" in planned.dropped[0]
    planned = _plan(make, *_largest(make, 166).experiment.groups, make.group(), free=166 * MIB)
    assert ([group.index for group in planned.groups], len(planned.dropped)) == ([1], 1)


@pytest.mark.parametrize(("free_mib", "labels"), [(350, [2, 1]), (200, [2, 1]), (1 << 20, [2, 1, 32])])
def test_no_two_groups_have_the_same_model_and_input(make: Make, free_mib: int, labels: list[int]) -> None:
    """Rows are found by them, and pyperf refuses two benchmarks of one name."""
    groups = (make.group(2), make.group(1), *_largest(make, 1 << 20, timed=False).experiment.groups)
    planned = _plan(make, *groups, free=free_mib * MIB)
    assert [group.input.label for group in planned.groups] == [f"batch={batch}" for batch in labels]


@pytest.mark.parametrize(
    ("profile", "batch", "seconds", "largest"),
    [("smoke", 1, 2, 4), ("quick", 1, 2, 4), ("default", 2, 4, 32), ("thorough", 2, 4, 32)],
)
def test_drafts_use_the_small_input_and_are_shorter_where_it_is_smaller(
    make: Make, profile: str, batch: int, seconds: float, largest: int
) -> None:
    for small, expected in ((1, seconds), (2, 4)):
        planned = _plan(make, make.group(2, seconds=4, small=make.group(small).input), profile=profile)
        assert sample_seconds(planned, planned.groups[0]) == expected
        assert planned.groups[0].input.label == f"batch={max(batch, small)}"
    (group,) = _largest(make, 1 << 20, profile).groups
    assert group.input.label == f"batch={largest}"


def test_cases_are_made_for_the_machine_and_a_group_may_have_some_of_them(make: Make) -> None:
    cases = (Case(id=BASELINE, title=""), Case(id="cores_3", title=""))
    groups, asked = (make.group(2, cases=(BASELINE,)), make.group(3)), list[Machine]()
    experiment = replace(make.experiment(groups=groups), cases=lambda machine: asked.append(machine) or cases)
    planned = resolve(experiment, PROFILES["default"], TWO, GIB)
    assert asked == [TWO]
    assert [group.cases for group in planned.groups] == [(BASELINE,), (BASELINE, "cores_3")]
    assert planned.case("cores_3") == cases[1]


def test_case_changes_what_its_group_fixes(make: Make) -> None:
    group = make.group(callers=2, cores=0.5, env={"A": "1", "B": "1"})
    planned = _plan(make, group)
    (one,) = planned.groups
    plain = one.settled(Case(id="one", title=""))
    assert (plain.subject, plain.variant, plain.load, plain.place) == (
        group.subject, group.variant, group.load, group.place,
    )  # fmt: skip
    place = Place(cores=1, env={"B": "2"})
    own = one.settled(Case(id="two", title="", load=Load(callers=3), variant="optimised", place=place))
    assert (own.variant, own.load.callers, own.subject) == ("optimised", 3, group.subject)
    assert own.place == Place(cores=1, env={"A": "1", "B": "2"})
    assert [planned.cpus(share) for share in (None, 1, 0.5, 0.1)] == [None, None, 1, 1]


@pytest.mark.parametrize(("name", "profile"), PROFILES.items())
def test_profiles_keep_their_promises(make: Make, name: str, profile: Profile) -> None:
    """Nine rounds for a latency verdict, three for a draft, seconds for a smoke test; each half of them suffices."""
    smoke, quick, default, thorough = (one.rounds for one in PROFILES.values())
    assert (smoke, quick, 9 <= default < thorough) == (1, 3, True)
    groups = (make.group(2), make.group(3, small=make.group(3).input, timed=False))
    plain, split = (_plan(make, *groups, profile=name, scenarios=one) for one in ((), (make.scenario(),)))
    assert [plain.rounds(group) for group in plain.groups] == [profile.rounds, 1]
    assert [split.rounds(group) for group in split.groups] == [profile.split_rounds, 1]
    assert (plain.most_rounds, split.most_rounds) == (profile.rounds, profile.split_rounds)
    assert _plan(make, groups[1], profile=name).most_rounds == 1
    if name in ("default", "thorough"):
        assert (profile.min_seconds, profile.min_calls, profile.small) == (0.2, 3, False)
        assert profile.split_rounds % 2 == 0
        assert profile.split_rounds // 2 >= stats.MIN_ROUNDS


REPORTS = (Report(subject="log_lines", cases=(BASELINE, "one")),)


@pytest.mark.parametrize(
    ("profile", "changes", "measured", "seconds"),
    [
        pytest.param("default", {}, {}, 9 * (4 * 3 + 2) + 4 * 3 + 1, id="once and each baseline"),
        pytest.param("default", {"observe_each_group": True}, {}, 9 * (4 * 3 + 2) + 4 * 3 + 2, id="on each group"),
        pytest.param("default", {"reports": REPORTS}, {}, 9 * 14 + 13 + 2 * 3, id="reports"),
        pytest.param("default", {}, {0: 0.5}, 9 * (4 * 0.5 + 2) + 4 * 0.5 + 1, id="as samples were seen to take"),
        pytest.param(
            "quick", {"observe_each_group": True}, {}, 3 * (4 * 1.5 + 2 * 0.5) + 4 * 1.5 + 0.5, id="draft"
        ),
    ],
)  # fmt: skip
def test_estimate_counts_rounds_and_untimed_children(
    make: Make, profile: str, changes: dict[str, Any], measured: dict[int, float], seconds: float
) -> None:
    """A group of four cases, each taking 3 seconds, and one of two cases that take 1; more rounds where some choose."""
    few = make.group(3, seconds=1, cases=(BASELINE, "two"), small=make.group(5).input)
    planned, chooses = (
        replace(
            _plan(make, make.group(2, seconds=3), few, profile=profile, scenarios=one, **changes),
            measured=measured,
        )
        for one in ((), (make.scenario(),))
    )
    assert estimate_seconds(planned) == pytest.approx(seconds)
    one_round = sum(round_seconds(planned, group) for group in planned.groups)
    more = (PROFILES[profile].split_rounds - PROFILES[profile].rounds) * one_round
    assert estimate_seconds(chooses) == pytest.approx(seconds + more)


def test_idle_while_is_watched_where_it_is_shown_or_proves_something(make: Make) -> None:
    proven = Case(id="one", title="", proofs=(Proof(fact="idle_cpu_s", relation="<", than=BASELINE),))
    plans = (
        _plan(make),
        _plan(make, columns=("latency_ms", "idle_cpu_s")),
        _plan(make, cases=(BASELINE, proven)),
    )
    assert [one.watches_idle for one in plans] == [False, True, True]


@pytest.mark.parametrize(
    ("cores", "expected"),
    [
        (1, {"single": 1, "double": 2}),
        (2, {"single": 1, "usable": 2, "double": 4}),
        (5, {"single": 1, "half": 2, "usable": 5, "double": 10}),
        (64, {"single": 1, "quarter": 16, "half": 32, "usable": 64, "double": 128}),
    ],
)
def test_thread_counts_follow_rules_and_equal_ones_stand_once(cores: int, expected: dict[str, int]) -> None:
    assert threads(Machine(cores=cores)) == expected
