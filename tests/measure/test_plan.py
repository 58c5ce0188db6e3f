"""What is measured, in which order, and what fits into this machine."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import Make

from bench.experiments._common import threads
from bench.measure import plan
from bench.measure.plan import PlannedExperiment, sample_seconds
from bench.measure.profiles import PROFILES
from bench.results import stats
from bench.spec import BASELINE, Case, Input, LargestBatch, Load, Machine, Place, input_title

MIB, make = 1 << 20, Make()
case_ids = st.lists(st.text("abcdefgh", min_size=1, max_size=3), unique=True, max_size=12)


def _order(cases: Any, seed: int, reach: int | None) -> tuple[str, ...]:
    return plan.order_round(cases, random.Random(seed), reach)


def _plan(*groups: Any, profile: str = "default", free_mib: int = 1024, **changes: Any) -> PlannedExperiment:
    experiment = make.experiment(groups=groups or (make.group(),), **changes)
    return plan.resolve(experiment, PROFILES[profile], Machine(cores=2), free_mib * MIB)


@given(others=case_ids, seed=st.integers(0, 1000), reach=st.integers(1, 5))
def test_every_case_is_within_reach_of_few_baselines(others: list[str], seed: int, reach: int) -> None:
    """Parts one shorter than could be reached leave the baseline a choice of places."""
    order = _order([BASELINE, *others], seed, reach)
    assert sorted(case for case in order if case != BASELINE) == sorted(others)
    for place in range(len(order)):
        assert BASELINE in order[max(0, place - reach) : place + reach + 1]
    beside = min(plan.MOST_BESIDE, max(2, 2 * reach - 1))
    assert order.count(BASELINE) == max(1, math.ceil(len(others) / beside))
    anywhere = _order([BASELINE, *others], seed, None)
    assert sorted({*anywhere}) == sorted([BASELINE, *others])
    assert anywhere.count(BASELINE) == max(1, math.ceil(len(others) / plan.MOST_BESIDE))
    assert sorted(_order(others, seed, reach)) == sorted(others)  # the baseline has failed


def test_order_follows_the_seed_and_the_baseline_stands_anywhere_within_reach() -> None:
    """A fixed place could be a fast or a slow one."""
    for count, reach, places in ((2, 2, 3), (3, 2, 2), (5, 3, 2), (6, 10, 7), (6, None, 7)):
        cases = (BASELINE, *"abcdef"[:count])
        orders = [_order(cases, seed, reach) for seed in range(200)]
        assert orders == [_order(cases, seed, reach) for seed in range(200)]
        assert len({order.index(BASELINE) for order in orders}) == places
        shuffled = [[case for case in order if case != BASELINE] for order in orders]
        assert {one[0] for one in shuffled} == {one[-1] for one in shuffled} == set(cases[1:])


@pytest.mark.parametrize(
    ("group", "measured", "profile", "reach"),
    [
        ({"seconds": 0.75}, {}, "default", 12), ({"seconds": 3.1}, {}, "default", 2), ({"seconds": 20}, {}, "default", 1),
        ({"seconds": 1}, {0: 4}, "default", 2), ({"timed": False}, {}, "default", None), ({}, {}, "smoke", None),
    ],
)  # fmt: skip
def test_reach_is_a_length_of_time(group: Any, measured: Any, profile: str, reach: int | None) -> None:
    """Groups that show memory alone need the baseline once, and so does a smoke test."""
    planned = replace(_plan(make.group(**group), profile=profile), measured=measured)
    assert plan.baseline_reach(planned, planned.groups[0]) == reach


def _large(**changes: Any) -> Any:
    large, small = (LargestBatch(item_shape=(3,), limit=n, bytes_per_item=100 * MIB) for n in (32, 4))
    return make.group(input=large, small=small, **changes)


@pytest.mark.parametrize(
    ("free_mib", "batch"),
    [(167, 1), (333, 1), (334, 2), (667, 4), (2000, 8), (5333, 16), (5334, 32), (1 << 20, 32)],
)
def test_largest_batch_is_a_power_of_two_in_sixty_percent_of_the_memory(free_mib: int, batch: int) -> None:
    """In 2000 MiB, twelve would fit: on another day eleven or thirteen, and no two days could be compared."""
    (group,) = _plan(_large(), free_mib=free_mib).groups
    assert group.input == Input(label=f"batch={batch}", shapes=((batch, 3),))
    assert group.memory_bytes == batch * 100 * MIB <= 0.6 * free_mib * MIB
    assert (group.note != "", "上限 32" in group.note) == (batch < 32, batch < 32)


@pytest.mark.parametrize(
    ("free_mib", "batches", "kept", "why"),
    [(166, [2, 1], [0, 2], "166 MiB"), (200, [2, 1], [0, 1], "batch=1，与另"), (350, [2, 1], [0, 2], "batch=2，与另"),
     (1 << 20, [2, 32, 1], [0, 1, 2], None)],
)  # fmt: skip
def test_group_without_room_or_like_another_goes(free_mib: int, batches: Any, kept: Any, why: Any) -> None:
    """Rows are found by model and input, and pyperf refuses two benchmarks of one name. Others keep their place."""
    groups = make.group(2), _large(timed=False), make.group(1)
    planned = _plan(*groups, free_mib=free_mib)
    assert [group.input.label for group in planned.groups] == [f"batch={batch}" for batch in batches]
    assert [group.index for group in planned.groups] == kept
    assert [why in text for text in planned.dropped if why] == [True] * (3 - len(kept))


@pytest.mark.parametrize(
    ("profile", "batch", "seconds", "largest"), [("smoke", 1, 2, 4), ("quick", 1, 2, 4), ("default", 2, 4, 32)]
)  # fmt: skip
def test_drafts_use_small_inputs(profile: str, batch: int, seconds: int, largest: int) -> None:
    """And are shorter where they are smaller."""
    groups = [make.group(2, seconds=4, small=make.group(small).input) for small in (1, 2)]
    same, large = _plan(groups[1], _large(), profile=profile, free_mib=1 << 20).groups
    planned = _plan(groups[0], profile=profile)
    labels = [one.input.label for one in (*planned.groups, same, large)]
    assert labels == [f"batch={n}" for n in (batch, 2, largest)]
    assert [sample_seconds(planned, one) for one in (*planned.groups, same)] == [seconds, 4]


def test_cases_are_made_for_the_machine_and_change_what_their_group_fixes() -> None:
    own = {"load": Load(callers=3), "variant": "optimised", "place": Place(cores=1, env={"B": "2"})}
    cases = Case(id=BASELINE, title=""), Case(id="own", title="", **own)
    group, asked = make.group(callers=2, cores=0.5, env={"A": "1", "B": "1"}), list[Machine]()
    experiment = make.experiment(groups=(make.group(3, cases=(BASELINE,)), group))
    experiment = replace(experiment, cases=lambda machine: asked.append(machine) or cases)
    planned = plan.resolve(experiment, PROFILES["default"], Machine(cores=2), 0)
    assert asked == [Machine(cores=2)]
    assert [one.cases for one in planned.groups] == [(BASELINE,), (BASELINE, "own")]
    assert planned.case("own") == cases[1]
    plain, changed = (planned.groups[1].settled(case) for case in cases)
    fixed = ("subject", "variant", "load", "place")
    assert [getattr(plain, name) for name in fixed] == [getattr(group, name) for name in fixed]
    assert (changed.variant, changed.load.callers, changed.subject) == ("optimised", 3, group.subject)
    assert changed.place == Place(cores=1, env={"A": "1", "B": "2"})
    assert [planned.cpus(share) for share in (None, 1, 0.5, 0.1)] == [None, None, 1, 1]


def test_profiles_keep_their_promises() -> None:
    """Six rounds for a verdict at the first look, two for a draft, one for a smoke test; six of each half suffice."""
    groups = (make.group(2), make.group(3, small=make.group(3).input, timed=False))
    for name, profile in PROFILES.items():
        for scenarios, looks in ((), profile.looks), ((make.scenario(),), profile.split_looks):
            planned = _plan(*groups, profile=name, scenarios=scenarios)
            assert [planned.looks(group) for group in planned.groups] == [looks, (1,)]
            assert planned.most_rounds == looks[-1]
        assert _plan(groups[1], profile=name).most_rounds == 1
    assert [PROFILES[name].looks for name in ("smoke", "quick")] == [(1,), (2,)]
    for profile in (PROFILES["default"], PROFILES["thorough"]):
        assert (profile.min_seconds, profile.min_calls, profile.small) == (0.2, 3, False)
        assert profile.looks[0] >= stats.MIN_ROUNDS
        assert profile.split_looks[0] >= 2 * stats.MIN_ROUNDS


def test_thread_counts_follow_rules_and_equal_ones_stand_once() -> None:
    rules = {
        1: {"single": 1, "double": 2},
        2: {"single": 1, "usable": 2, "double": 4},
        5: {"single": 1, "half": 2, "usable": 5, "double": 10},
        64: {"single": 1, "quarter": 16, "half": 32, "usable": 64, "double": 128},
    }
    assert {cores: threads(Machine(cores=cores)) for cores in rules} == rules


@pytest.mark.parametrize(
    ("place", "cores", "label"),
    [
        (Place(), None, ""), (Place(quota=1.5), 1.5, "，配额 1.5 核"), (Place(quota_share=0.5), 1.0, "，配额 50% 的核"),
    ],
)  # fmt: skip
def test_quota_is_so_many_cores_or_a_share_of_them(place: Place, cores: float | None, label: str) -> None:
    planned = _plan(make.group(place=place))  # two cores
    assert planned.quota(place) == cores
    assert input_title(planned.groups[0].input.label) == f"batch=2{label}"
