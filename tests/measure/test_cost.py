"""How long a plan takes, what is left out for want of time, and what minutes the experiments may take."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from samples import Make

from bench.experiments import EXPERIMENTS, OF_A_BUILD
from bench.measure import cost
from bench.measure.plan import PlannedExperiment, resolve
from bench.measure.profiles import DEFAULT, PROFILES
from bench.spec import BASELINE, CONTROL, Importance, Machine, Report

make = Make()
EVERYTHING = 1 << 40
ARTICLE = (
    "arena", "container", "execution_mode", "graph_optimization", "inter_op_num_threads", "intra_op_num_threads",
    "log_severity", "memory_pattern", "profiling", "recommended",
)  # fmt: skip
VOCABULARY = ("dynamic_block_base", "formats")
MEMORY = ("allocators", "batch_split", "changing_shapes", "loading", "many_sessions", "unload")
SERVING = (
    "after_run",
    "callers",
    "forks",
    "fusions",
    "io_binding",
    "limits",
    "quantization",
    "quota",
    "traps",
)
SERVICES = ("denormals", "gaps", "rapidocr", "sessions_in_turn")
MINUTES = {ARTICLE: 22, VOCABULARY: 2, SERVICES: 10, MEMORY: 9, SERVING: 9}
"""What experiments may take together, in the default profile on two cores."""


def _plan(name: str = "toys", *groups: Any, profile: str = "default", **changes: Any) -> PlannedExperiment:
    """Looks at 6 and 10, or 12 and 16; whatever the default profile comes to be."""
    one = replace(PROFILES[profile], looks=(6, 10), split_looks=(12, 16))
    experiment = make.experiment(name, groups=groups or (make.group(),), **changes)
    return resolve(experiment, one, Machine(cores=2), EVERYTHING)


FEW = make.group(3, seconds=1, cases=(BASELINE, "two"), small=make.group(5).input)
SLOWER = make.group(2, seconds=3, slower={"two": 2.0})
REPORTS = {"reports": (Report(subject="log_lines", cases=(BASELINE, "two")),)}
CHOOSES, EACH = {"scenarios": (make.scenario(),)}, {"observe_each_group": True}


@pytest.mark.parametrize(
    ("group", "changes", "measured", "checks", "one_round", "rounds"),
    [
        (make.group(2, seconds=3), {}, {}, 3 * 3 + 1, 4 * 3 + 2, 8), (make.group(2, seconds=3), EACH, {}, 3 * 3 + 2, 14, 8),
        (make.group(2, seconds=3), REPORTS, {}, 10 + 2 * 3, 14, 8), (make.group(2, seconds=3), CHOOSES, {}, 10, 14, 14),
        (SLOWER, REPORTS, {}, 2 * 3 + 6 + 1 + 3 + 6, 3 * 3 + 6 + 2, 8), (SLOWER, {}, {0: 0.5}, 2 * 0.5 + 1 + 1, 3 * 0.5 + 1 + 2, 8),
    ],
)  # fmt: skip
def test_estimate_counts_checks_and_the_rounds_that_are_usually_made(
    group: Any, changes: Any, measured: Any, checks: float, one_round: float, rounds: float
) -> None:
    """Four cases, each taking 3 seconds, and two that take 1. Half of what lies behind the first look is needed."""
    planned = [replace(_plan("toys", group, FEW, **changes), measured=measured)]
    assert cost.checking_seconds(planned) == pytest.approx(checks)
    assert cost.expected_seconds(planned) == pytest.approx(checks + rounds * one_round)
    assert cost.least_seconds(planned) == pytest.approx(checks + (rounds - 2) * one_round)


def test_what_experiments_share_counts_once() -> None:
    """Default, A/A row and equal cases, as far as both need the rounds; another input shares nothing."""
    whole = _plan("toys")
    again, fewer = (
        replace(whole, experiment=make.experiment("again")),
        _plan("fewer", cases=(BASELINE, CONTROL, "one")),
    )
    one_more = _plan("more", cases=(BASELINE, CONTROL, "other"))
    alone, sample = cost.expected_seconds([whole]), 0.4
    assert (
        cost.expected_seconds([whole, again]) == cost.expected_seconds([whole, fewer]) == pytest.approx(alone)
    )
    assert cost.expected_seconds([whole, one_more]) == pytest.approx(alone + (1 + 8) * sample)
    elsewhere = _plan("else", make.group(3))
    assert cost.expected_seconds([whole, elsewhere]) == pytest.approx(2 * alone)
    longer = _plan("chooses", **CHOOSES, cases=(BASELINE, "one"))  # 14 rounds, of which 8 are made for both
    assert cost.expected_seconds([whole, longer]) == pytest.approx(alone + 6 * 2 * sample)
    crowd = _plan("crowd", cases=(BASELINE, *(f"c{n}" for n in range(9))))  # a second baseline is needed
    assert cost.rounds_seconds([crowd]) == pytest.approx(8 * (9 + 2) * sample)


def test_least_important_groups_go_until_the_first_looks_of_all_others_fit() -> None:
    """First groups say most; what was begun stays, whatever it takes."""
    groups = make.group(2), make.group(3)
    ranks = {"beside": Importance.BESIDE, "head": Importance.HEADLINE, "article": Importance.ARTICLE}
    planned = [
        _plan(name, *(replace(g, model=name) for g in groups), importance=rank)
        for name, rank in ranks.items()
    ]
    order = ["head/0", "head/1", "article/0", "article/1", "beside/0", "beside/1"]
    kept = [cost.without(planned, cost.most_important_first(planned)[n:]) for n in range(1, 7)]
    needed = [cost.least_seconds(one) for one in kept]
    assert all(fewer < more for fewer, more in pairwise(needed))
    for number, enough in enumerate(needed, 1):
        for budget, left in ((enough + 0.01, number), (enough - 0.01, number - 1)):
            gone = cost.surplus(planned, budget, ())
            assert [f"{one.experiment.id}/{group.index}" for one, group in reversed(gone)] == order[left:]
    assert cost.surplus(planned, 0, ("beside", "article")) == cost.most_important_first(planned[1:2])[::-1]
    none, all_of_it, some = kept[2]
    assert [one.experiment.id for one in kept[2]] == ["beside", "head", "article"]
    assert [len(one.dropped) for one in kept[2]] == [2, 0, 1]
    assert some.dropped == ("article / batch=3：时间预算不够",)
    assert [[group.index for group in one.groups] for one in (none, all_of_it, some)] == [[], [0, 1], [0]]


def test_experiments_keep_to_their_minutes() -> None:
    """The lengths of samples are those of a usual machine; what is shared counts once, where it first stands."""
    machine = Machine(cores=2, libc="glibc 2.36", software={"onnxruntime": "1.99"})
    named = Counter(name for names in MINUTES for name in names)
    assert named == Counter(OF_A_BUILD), "every experiment belongs to one quota"
    planned, before = list[PlannedExperiment](), 0.0
    for names, minutes in MINUTES.items():
        planned += [resolve(EXPERIMENTS[name], DEFAULT, machine, EVERYTHING) for name in names]
        together = cost.expected_seconds(planned)
        others = {name: [one for one in planned if one.experiment.id != name] for name in names}
        share = {name: round(together - cost.expected_seconds(rest)) for name, rest in others.items()}
        most = sorted(share.items(), key=lambda one: -one[1])
        added, before = together - before, together
        assert added <= minutes * 60, f"{added / 60:.1f} > {minutes} minutes; seconds of each: {most}"


@pytest.mark.parametrize("profile", PROFILES)
def test_no_group_is_lost_to_another_with_the_same_name(profile: str) -> None:
    """Of one experiment, model and label name a group; a machine with enough memory has them all."""
    for one in EXPERIMENTS.values():
        resolved = resolve(one, PROFILES[profile], Machine(cores=2), EVERYTHING)
        lost = len(one.groups) - len(resolved.groups)
        assert not lost, (one.id, resolved.dropped)


def test_lengths_are_those_of_cases_that_are_there() -> None:
    machine = Machine(cores=2)
    for one in EXPERIMENTS.values():
        for group in one.groups:
            ids = group.cases or tuple(case.id for case in one.cases(machine))
            assert group.slower.keys() <= {*ids} - {BASELINE, CONTROL}
