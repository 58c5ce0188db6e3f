"""What is measured, in which order, and what fits into this machine."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.experiments import intra_op_num_threads
from bench.measure.plan import (
    baseline_reach,
    estimate_seconds,
    order_groups,
    order_round,
    resolve,
    round_seconds,
    sample_seconds,
)
from bench.measure.profiles import PROFILES
from bench.results import stats
from bench.spec import BASELINE, CONTROL, Case, Input, LargestBatch, Proof, Script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conftest import Make

    from bench.measure.plan import PlannedExperiment

MIB = 1 << 20
GIB = 1 << 30
CASES = (BASELINE, CONTROL, "a", "b", "c", "d")

case_ids = st.lists(st.text("abcdefgh", min_size=1, max_size=3), unique=True, max_size=12).map(
    lambda others: (BASELINE, *others)
)


def _order(cases: Sequence[str], seed: int, reach: int | None = 2) -> tuple[str, ...]:
    return order_round(cases, random.Random(seed), reach)


@given(cases=case_ids, seed=st.integers(0, 1000), reach=st.integers(1, 5))
def test_every_case_comes_once_and_within_reach_of_a_baseline(
    cases: tuple[str, ...], seed: int, reach: int
) -> None:
    order = _order(cases, seed, reach)
    assert sorted(case for case in order if case != BASELINE) == sorted(cases[1:])
    assert BASELINE in order
    for place, case in enumerate(order):
        if case != BASELINE:
            assert BASELINE in order[max(0, place - reach) : place + reach + 1]


@given(cases=case_ids, seed=st.integers(0, 1000), reach=st.integers(1, 5))
def test_no_more_baseline_samples_are_taken_than_the_reach_asks_for(
    cases: tuple[str, ...], seed: int, reach: int
) -> None:
    """Parts one shorter than could be reached leave the baseline a choice of places."""
    order = _order(cases, seed, reach)
    assert order.count(BASELINE) == max(1, math.ceil((len(cases) - 1) / max(2, 2 * reach - 1)))


@pytest.mark.parametrize(
    ("others", "reach", "places"), [(2, 2, 3), (3, 2, 2), (5, 3, 2), (6, 10, 7), (6, None, 7)]
)
def test_baseline_stands_anywhere_within_reach(others: int, reach: int | None, places: int) -> None:
    """A fixed place could be a fast or a slow one."""
    cases = (BASELINE, *"abcdef"[:others])
    assert len({_order(cases, seed, reach).index(BASELINE) for seed in range(200)}) == places


@given(cases=case_ids, seed=st.integers(0, 1000))
def test_without_reach_every_case_comes_exactly_once(cases: tuple[str, ...], seed: int) -> None:
    assert sorted(_order(cases, seed, None)) == sorted(cases)


@pytest.mark.parametrize(("seconds", "reach"), [(0.75, 12), (2.9, 3), (3.1, 2), (4.6, 1), (20.0, 1)])
def test_reach_is_a_length_of_time(make: Make, seconds: float, reach: int) -> None:
    planned = resolve(make.experiment(groups=(make.group(seconds=seconds),)), PROFILES["default"], 2, GIB)
    assert baseline_reach(planned, planned.groups[0]) == reach


@pytest.mark.parametrize(
    ("profile", "batch", "seconds"), [("quick", 1, 2), ("quick", 2, 4), ("default", 1, 4)]
)
def test_draft_is_shorter_where_its_input_is_smaller(
    make: Make, profile: str, batch: int, seconds: float
) -> None:
    group = make.group(2, seconds=4, small=make.group(batch).input)
    planned = resolve(make.experiment(groups=(group,)), PROFILES[profile], 2, GIB)
    assert sample_seconds(planned, planned.groups[0]) == seconds


def test_reach_follows_what_samples_were_seen_to_take(make: Make) -> None:
    planned = resolve(make.experiment(groups=(make.group(seconds=1),)), PROFILES["default"], 2, GIB)
    slow = replace(planned, measured={0: 4.0})
    assert [baseline_reach(one, one.groups[0]) for one in (planned, slow)] == [9, 2]


def test_groups_that_show_memory_alone_need_the_baseline_once(make: Make) -> None:
    groups = (make.group(memory_only=True),)
    planned = resolve(make.experiment(groups=groups), PROFILES["default"], 2, GIB)
    assert baseline_reach(planned, planned.groups[0]) is None


def test_order_follows_the_seed() -> None:
    assert _order(CASES, 1) == _order(CASES, 1)
    assert len({_order(CASES, seed) for seed in range(30)}) > 10


def test_every_case_comes_first_and_last_among_the_others_in_some_round() -> None:
    others = [[case for case in _order(CASES, seed) if case != BASELINE] for seed in range(100)]
    assert {one[0] for one in others} == {one[-1] for one in others} == set(CASES) - {BASELINE}


def test_round_goes_on_without_a_baseline_that_failed() -> None:
    assert sorted(_order(("a", "b"), 0)) == ["a", "b"]
    assert _order((), 0) == ()


def test_groups_take_their_turns_in_an_order_that_follows_the_seed() -> None:
    orders = {order_groups(4, random.Random(seed)) for seed in range(50)}
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders)
    assert len(orders) > 10
    assert order_groups(4, random.Random(3)) == order_groups(4, random.Random(3))


def _largest(make: Make, free_bytes: int, *, limit: int = 32, profile: str = "default") -> PlannedExperiment:
    group = make.group(
        input=LargestBatch(item_shape=(3,), limit=limit, bytes_per_item=100 * MIB),
        small=LargestBatch(item_shape=(3,), limit=4, bytes_per_item=100 * MIB),
    )
    return resolve(make.experiment(groups=(group,)), PROFILES[profile], 2, free_bytes)


def test_largest_batch_is_the_last_power_of_two_in_sixty_percent_of_the_free_memory(make: Make) -> None:
    """Twelve would fit: on another day eleven or thirteen, and no two days could be compared."""
    (group,) = _largest(make, 2000 * MIB).groups
    assert group.input == Input(label="batch=8", shapes=((8, 3),))
    assert group.memory_bytes == 800 * MIB
    assert "上限 32" in group.note


@pytest.mark.parametrize(
    ("free_mib", "batch"),
    [(167, 1), (333, 1), (334, 2), (666, 2), (667, 4), (5333, 16), (5334, 32), (1 << 20, 32)],
)
def test_largest_batch_is_the_last_that_fits(make: Make, free_mib: int, batch: int) -> None:
    (group,) = _largest(make, free_mib * MIB).groups
    assert group.input.shapes == ((batch, 3),)
    assert group.memory_bytes <= 0.6 * free_mib * MIB


def test_largest_batch_never_exceeds_its_limit_and_needs_no_note_then(make: Make) -> None:
    (group,) = _largest(make, 1000 * GIB).groups
    assert (group.input.label, group.note) == ("batch=32", "")
    (small,) = _largest(make, 1000 * GIB, profile="quick").groups
    assert small.input.label == "batch=4"


def test_group_that_does_not_fit_is_dropped_with_its_reason(make: Make) -> None:
    planned = _largest(make, 166 * MIB)
    assert planned.groups == ()
    assert "166 MiB" in planned.dropped[0]


def test_groups_that_fit_keep_their_place_when_another_is_dropped(make: Make) -> None:
    hungry = make.group(input=LargestBatch(item_shape=(3,), limit=32, bytes_per_item=GIB))
    planned = resolve(make.experiment(groups=(hungry, make.group())), PROFILES["default"], 2, GIB)
    assert [group.index for group in planned.groups] == [1]
    assert len(planned.dropped) == 1


@pytest.mark.parametrize("free_mib", [350, 200, 1 << 20])
def test_no_two_groups_have_the_same_model_and_input(make: Make, free_mib: int) -> None:
    """Rows are found by them, and pyperf refuses two benchmarks of one name."""
    largest = LargestBatch(item_shape=(3,), limit=32, bytes_per_item=100 * MIB)
    groups = (make.group(2), make.group(1), make.group(input=largest, memory_only=True))
    planned = resolve(make.experiment(groups=groups), PROFILES["default"], 2, free_mib * MIB)
    labels = [(group.group.model, group.input.label) for group in planned.groups]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize(
    ("profile", "label"),
    [("smoke", "batch=1"), ("quick", "batch=1"), ("default", "batch=2"), ("thorough", "batch=2")],
)
def test_drafts_use_the_small_input(make: Make, profile: str, label: str) -> None:
    planned = resolve(make.experiment(), PROFILES[profile], 2, GIB)
    assert [group.input.label for group in planned.groups] == [label]


def test_cases_are_made_for_the_usable_cores() -> None:
    planned = resolve(intra_op_num_threads.EXPERIMENT, PROFILES["default"], 3, GIB)
    assert [case.id for case in planned.cases] == [BASELINE, CONTROL, "1", "2", "3", "4"]
    assert all(group.cases == tuple(case.id for case in planned.cases) for group in planned.groups)


def test_group_may_measure_some_of_the_cases_only(make: Make) -> None:
    groups = (make.group(2, cases=(BASELINE, "two")), make.group(3))
    planned = resolve(make.experiment(groups=groups), PROFILES["default"], 2, GIB)
    assert planned.groups[0].cases == (BASELINE, "two")
    assert planned.groups[1].cases == (BASELINE, CONTROL, "one", "two")
    assert planned.case("two").settings == {"case": "two"}


def test_memory_only_group_takes_one_round(make: Make) -> None:
    groups = (make.group(2, memory_only=True), make.group(3))
    planned = resolve(make.experiment(groups=groups), PROFILES["default"], 2, GIB)
    assert [planned.rounds(group) for group in planned.groups] == [1, 9]


def test_profiles_keep_their_promises() -> None:
    """Nine rounds for a latency verdict, three for a draft, seconds for a smoke test."""
    assert PROFILES["default"].rounds >= 9
    assert PROFILES["quick"].rounds == 3
    assert PROFILES["smoke"].rounds == 1
    assert PROFILES["thorough"].rounds > PROFILES["default"].rounds
    for name in ("default", "thorough"):
        profile = PROFILES[name]
        assert (profile.min_seconds, profile.min_calls, profile.small) == (0.2, 3, False)


def test_estimate_grows_with_rounds_and_samples(make: Make) -> None:
    planned = resolve(make.experiment(groups=(make.group(seconds=3),)), PROFILES["default"], 2, GIB)
    (group,) = planned.groups
    one_round = round_seconds(planned, group)
    assert one_round == pytest.approx(4 * 3)  # one, control, two and a baseline sample
    assert estimate_seconds(planned) >= 9 * one_round


def _estimate(make: Make, profile: str = "default", **experiment: Any) -> float:
    """Of a group of four cases, each taking 3 seconds, and one of two cases that take 1."""
    groups = (make.group(2, seconds=3), make.group(3, seconds=1, cases=(BASELINE, "two")))
    planned = resolve(make.experiment(**{"groups": groups} | experiment), PROFILES[profile], 2, GIB)
    return estimate_seconds(planned)


def test_estimate_counts_each_case_observed_once_and_each_baseline(make: Make) -> None:
    rounds = 9 * (4 * 3 + 2 * 1)
    assert _estimate(make) == pytest.approx(rounds + 4 * 3 + 1)


def test_estimate_counts_each_case_on_each_group_where_that_is_asked_for(make: Make) -> None:
    rounds = 9 * (4 * 3 + 2 * 1)
    assert _estimate(make, observe_each_group=True) == pytest.approx(rounds + 4 * 3 + 2 * 1)


def test_estimate_of_a_draft_counts_each_case_observed_once(make: Make) -> None:
    assert _estimate(make, "quick", observe_each_group=True) == _estimate(make, "quick")


def test_estimate_counts_scripts(make: Make) -> None:
    script = Script(name="log_lines", cases=(BASELINE, "one"))
    assert _estimate(make, scripts=(script,)) == pytest.approx(_estimate(make) + 2 * 3)


def test_estimate_rests_on_what_samples_were_seen_to_take(make: Make) -> None:
    groups = (make.group(2, seconds=3), make.group(3, seconds=1, cases=(BASELINE, "two")))
    planned = resolve(make.experiment(groups=groups), PROFILES["default"], 2, GIB)
    seen = replace(planned, measured={0: 0.5})
    assert estimate_seconds(seen) == pytest.approx(9 * (4 * 0.5 + 2 * 1) + 4 * 0.5 + 1)


def test_estimate_counts_the_rounds_that_choose(make: Make) -> None:
    more = _estimate(make, scenarios=(make.scenario(),)) - _estimate(make)
    assert more == pytest.approx((PROFILES["default"].split_rounds - 9) * (4 * 3 + 2 * 1))


@pytest.mark.parametrize("name", ["smoke", "quick", "default", "thorough"])
def test_experiment_that_chooses_settings_has_rounds_of_its_own(make: Make, name: str) -> None:
    memory = make.group(3, small=make.group(3).input, memory_only=True)
    profile, groups = PROFILES[name], (make.group(2), memory)
    plain = resolve(make.experiment(groups=groups), profile, 2, GIB)
    split = resolve(make.experiment(groups=groups, scenarios=(make.scenario(),)), profile, 2, GIB)
    assert [plain.rounds(group) for group in plain.groups] == [profile.rounds, 1]
    assert [split.rounds(group) for group in split.groups] == [profile.split_rounds, 1]
    assert (plain.most_rounds, split.most_rounds) == (profile.rounds, profile.split_rounds)


@pytest.mark.parametrize("name", ["default", "thorough"])
def test_each_half_of_the_rounds_suffices_for_a_verdict(name: str) -> None:
    rounds = PROFILES[name].split_rounds
    assert rounds % 2 == 0
    assert rounds // 2 >= stats.MIN_ROUNDS


def test_experiment_that_shows_memory_alone_has_one_round(make: Make) -> None:
    groups = (make.group(2, memory_only=True), make.group(3, memory_only=True))
    assert resolve(make.experiment(groups=groups), PROFILES["default"], 2, GIB).most_rounds == 1


def test_idle_while_is_watched_where_it_is_shown_or_proves_something(make: Make) -> None:
    proven = Case(id="one", title="", proofs=(Proof(fact="idle_cpu_s", relation="<", than=BASELINE),))
    shown = make.experiment(columns=("latency_ms", "idle_cpu_s"))
    proving = make.experiment(cases=(BASELINE, proven))
    plans = [resolve(one, PROFILES["default"], 2, GIB) for one in (make.experiment(), shown, proving)]
    assert [one.watches_idle for one in plans] == [False, True, True]


@pytest.mark.parametrize(
    ("cores", "expected"),
    [
        (1, (1, 2)),
        (2, (1, 2, 4)),
        (3, (1, 2, 3, 4)),
        (4, (1, 2, 4, 8)),
        (6, (1, 2, 4, 6, 8)),
        (8, (1, 2, 4, 8, 16)),
        (64, (1, 2, 4, 8, 16, 32, 64, 128)),
        (128, (1, 2, 4, 8, 16, 32, 64, 128, 256)),
    ],
)
def test_thread_counts_are_powers_of_two_up_to_twice_the_cores_and_the_cores(
    cores: int, expected: tuple[int, ...]
) -> None:
    assert intra_op_num_threads.counts(cores) == expected


def test_thread_cases_promise_one_worker_less_than_threads_and_none_bound_to_a_core() -> None:
    for case in intra_op_num_threads.cases(4)[2:]:
        assert case.settings == {"intra_op_num_threads": int(case.id)}
        promised = {proof.fact: proof.expected for proof in case.proofs}
        assert promised == {"threads_created": int(case.id) - 1, "threads_pinned": 0}
