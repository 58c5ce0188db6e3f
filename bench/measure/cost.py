"""How long a plan takes, and what of it does not fit into a budget. What experiments share counts once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.measure.plan import baseline_reach, baselines, identities, identity, sample_seconds
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from bench.measure.plan import PlannedExperiment, PlannedGroup

OPEN_SHARE = 0.5
"""Of the rounds behind the first look, how many are usually made: cases that are settled leave."""

RESERVE = 0.25
"""Of a budget: for children that are observed, which take up to twice a sample, variants that are made for them, waiting
until the cores lie near each other, samples and rounds that are taken again, drafts. What is left of it buys further
looks."""

Part = tuple["PlannedExperiment", "PlannedGroup"]
"""A group of an experiment."""


def default_of(planned: PlannedExperiment, group: PlannedGroup) -> str:
    """Parts with the same default are measured together."""
    return identity(planned, group, planned.case(BASELINE))


def lengths(parts: Iterable[Part]) -> dict[str, float]:
    """Identity of a case of any of these parts -> seconds of its sample."""
    found: dict[str, float] = {}
    for planned, group in parts:
        for key, case in identities(planned, group).items():
            found.setdefault(key, sample_seconds(planned, group, case))
    return found


def round_seconds(seconds: Mapping[str, float], reach: int | None) -> float:
    """One round of cases with these lengths, the default beside them as often as it must be."""
    others = [one for key, one in seconds.items() if key != BASELINE]
    return sum(others) + baselines(len(others), reach) * seconds.get(BASELINE, 0.0)


def expected_seconds(planned: Sequence[PlannedExperiment]) -> float:
    """All of it, as far as the lengths of samples are known."""
    return checking_seconds(planned) + rounds_seconds(planned)


def least_seconds(planned: Sequence[PlannedExperiment]) -> float:
    """Checks, and every group up to its first look."""
    return checking_seconds(planned) + _rounds_up_to(planned, 0)


def rounds_seconds(planned: Sequence[PlannedExperiment]) -> float:
    """Up to the first looks, and of what lies behind them the share that is usually needed."""
    first = _rounds_up_to(planned, 0)
    return first + OPEN_SHARE * (_rounds_up_to(planned, -1) - first)


def _rounds_up_to(planned: Sequence[PlannedExperiment], look: int) -> float:
    blocks: dict[str, list[Part]] = {}
    for one in planned:
        for group in one.groups:
            blocks.setdefault(default_of(one, group), []).append((one, group))
    return sum(_block_seconds(parts, look) for parts in blocks.values())


def _block_seconds(parts: Sequence[Part], look: int) -> float:
    ends = [one.looks(group)[look] for one, group in parts]
    total, done = 0.0, 0
    for end in sorted(set(ends)):
        waiting = [part for part, last in zip(parts, ends, strict=True) if last >= end]
        total += (end - done) * round_seconds(lengths(waiting), baseline_reach(*parts[0]))
        done = end
    return total


def checking_seconds(planned: Sequence[PlannedExperiment]) -> float:
    """What comes before the first round: untimed children, equal ones once, and those that report."""
    children: dict[tuple[str, bool], float] = {}
    for one in planned:
        for group, case in _checked(one):
            key = identity(one, group, one.case(case)), one.watches_idle
            children.setdefault(key, sample_seconds(one, group, case))
    reports = sum(
        report.seconds or sample_seconds(one, one.hungriest, case)
        for one in planned
        if one.groups
        for report in one.experiment.reports
        for case in report.cases
    )
    return sum(children.values()) + reports


def _checked(one: PlannedExperiment) -> Iterator[tuple[PlannedGroup, str]]:
    """The default wherever its outputs are compared, each other case on one group, or on all where asked."""
    seen: set[str] = set()
    for group in one.groups:
        for case in group.cases:
            needed = group.timed if case == BASELINE else one.observes_each_group or case not in seen
            if needed and case != CONTROL:
                yield group, case
            seen.add(case)


def most_important_first(planned: Sequence[PlannedExperiment]) -> list[Part]:
    """The first groups of experiments, which say most, before the others."""
    parts = [(place, one, group) for one in planned for place, group in enumerate(one.groups)]
    return [(one, group) for _, one, group in sorted(parts, key=lambda part: _rank(part[1], part[0]))]


def _rank(one: PlannedExperiment, place: int) -> tuple[int, int]:
    return -one.experiment.importance, place


def surplus(planned: Sequence[PlannedExperiment], budget_s: float, begun: Collection[str]) -> list[Part]:
    """The least important groups, without which all others get to their first look in time.

    What has been begun (ids of experiments) is carried on, so that a build that was interrupted keeps its groups.
    """
    droppable = [part for part in most_important_first(planned) if part[0].experiment.id not in begun]
    gone: list[Part] = []
    while droppable and least_seconds(without(planned, gone)) > budget_s:
        gone.append(droppable.pop())
    return gone


def without(planned: Sequence[PlannedExperiment], gone: Sequence[Part]) -> tuple[PlannedExperiment, ...]:
    """The plan less these groups; experiments that have none left stay in it, and their pages say why."""
    places = {(one.experiment.id, group.index) for one, group in gone}
    return tuple(
        one.without([group for group in one.groups if (one.experiment.id, group.index) in places])
        for one in planned
    )
