"""What will be measured, and in which order. Pure but for its arguments."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bench.spec import (
    BASELINE,
    CONTROL,
    Block,
    Case,
    Experiment,
    Group,
    Input,
    LargestBatch,
    Machine,
    Place,
    Settled,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

    from bench.measure.profiles import Profile

MEMORY_SHARE = 0.6
"""Share of the free memory that a memory-hungry case may take."""
IDLE_FACT = "idle_cpu_s"
MOST_BESIDE = 8
"""Cases that one baseline sample serves: if it was an unlucky one, not all of a large block are."""
NEAR_SECONDS = 9.0
"""Longest way, in time, from a case to the baseline sample that it is compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedGroup:
    """A group with its input resolved for this machine and profile."""

    index: int
    group: Group
    input: Input
    cases: tuple[str, ...]
    note: str
    memory_bytes: int
    """What its hungriest case may need."""

    @property
    def name(self) -> str:
        return f"{self.group.model} / {self.input.label}"

    def settled(self, case: Case) -> Settled:
        return self.group.settled(case)

    @property
    def timed(self) -> bool:
        return self.group.load.timed


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedExperiment:
    """An experiment resolved for this machine and profile."""

    experiment: Experiment
    profile: Profile
    cases: tuple[Case, ...]
    groups: tuple[PlannedGroup, ...]
    dropped: tuple[str, ...]
    """Groups that this machine cannot hold, with the reason."""
    machine: Machine
    measured: Mapping[int, float] = field(default_factory=dict)
    """Index of a group -> seconds of one of its samples, as far as this machine has shown them."""

    def case(self, case_id: str) -> Case:
        return next(case for case in self.cases if case.id == case_id)

    @property
    def watches_idle(self) -> bool:
        return watches_idle(self.experiment, self.cases)

    def cpus(self, share: float | None) -> int | None:
        """Cores that processes with such a share are limited to; None: they are not."""
        return None if share in (None, 1) else max(1, int(self.machine.cores * (share or 1)))

    def quota(self, place: Place) -> float | None:
        """Cores that a place grants by quota; None: it has none."""
        return place.quota_share * self.machine.cores if place.quota_share else place.quota

    def block(self, group: PlannedGroup) -> Block:
        """What takes as long as a sample of this group's default."""
        return Block(group.group.model, group.input.label, group.group.fixed.key)

    def looks(self, group: PlannedGroup) -> tuple[int, ...]:
        """Rounds after which its cases may be settled; the last one ends it."""
        return group.group.load.looks(self.timed_looks)

    @property
    def timed_looks(self) -> tuple[int, ...]:
        return self.profile.split_looks if self.experiment.scenarios else self.profile.looks

    def without(self, gone: Sequence[PlannedGroup]) -> PlannedExperiment:
        """Less these groups, for want of time."""
        reasons = tuple(f"{group.name}：时间预算不够" for group in gone)
        groups = tuple(group for group in self.groups if group not in gone)
        return replace(self, groups=groups, dropped=(*self.dropped, *reasons))

    @property
    def observes_each_group(self) -> bool:
        """A draft on small inputs has better things to do."""
        return self.experiment.observe_each_group and not self.profile.small

    @property
    def hungriest(self) -> PlannedGroup:
        """The group that takes most memory."""
        return max(self.groups, key=lambda group: group.memory_bytes)

    @property
    def most_rounds(self) -> int:
        return max((self.looks(group)[-1] for group in self.groups), default=1)


def resolve(experiment: Experiment, profile: Profile, machine: Machine, free_bytes: int) -> PlannedExperiment:
    """Fit an experiment to a machine with that much free memory."""
    cases = experiment.cases(machine)
    groups: list[PlannedGroup] = []
    dropped: list[str] = []
    for index, group in enumerate(experiment.groups):
        wanted = group.small if profile.small else group.input
        chosen, note, memory = _choose_input(wanted, free_bytes)
        if chosen is None:
            dropped.append(note)
            continue
        chosen = replace(chosen, label=group.label(chosen.label))
        if any((other.group.model, other.input.label) == (group.model, chosen.label) for other in groups):
            dropped.append(f"内存只放得下 {chosen.label}，与另一组相同")
            continue
        ids = group.cases or tuple(case.id for case in cases)
        groups.append(
            PlannedGroup(index=index, group=group, input=chosen, cases=ids, note=note, memory_bytes=memory)
        )
    return PlannedExperiment(
        experiment=experiment,
        profile=profile,
        cases=cases,
        groups=tuple(groups),
        dropped=tuple(dropped),
        machine=machine,
    )


def watches_idle(experiment: Experiment, cases: Sequence[Case]) -> bool:
    """Whether CPU time burned while idle is shown, or proves something."""
    shown = IDLE_FACT in experiment.columns
    return shown or any(proof.fact == IDLE_FACT for case in cases for proof in case.proofs)


def _choose_input(wanted: Input | LargestBatch, free_bytes: int) -> tuple[Input | None, str, int]:
    """(input or None, note, bytes it may need)."""
    if isinstance(wanted, Input):
        return wanted, "", 0
    fits = int(free_bytes * MEMORY_SHARE // wanted.bytes_per_item)
    if fits < 1:
        return None, f"空闲内存 {free_bytes >> 20} MiB，连 batch=1 也放不下", 0
    batch = 1 << (min(wanted.limit, fits).bit_length() - 1)  # a power of two: the same batch on another day
    chosen = Input(label=f"batch={batch}", shapes=((batch, *wanted.item_shape),))
    note = (
        f"空闲内存 {free_bytes / (1 << 30):.1f} GiB 的六成放得下的最大 batch（取 2 的幂），上限 {wanted.limit}"
        if batch < wanted.limit
        else ""
    )
    return chosen, note, batch * wanted.bytes_per_item


def order_round(cases: Sequence[str], rng: random.Random, reach: int | None) -> tuple[str, ...]:
    """One round in random order, every case at most `reach` samples from a baseline; None: a baseline anywhere.

    Slow spells last seconds, so only what is measured next to each other can be compared. Where the baseline
    stands among them is drawn, too: a fixed place could be a fast or a slow one.
    """
    others = [case for case in cases if case != BASELINE]
    rng.shuffle(others)
    if BASELINE not in cases:
        return tuple(others)
    reach = len(others) if reach is None else reach
    order: list[str] = []
    for start, end in _even_parts(len(others), baselines(len(others), reach)):
        place = rng.randint(max(start, end - reach), min(end, start + reach))
        order += [*others[start:place], BASELINE, *others[place:end]]
    return tuple(order or [BASELINE])


def baselines(others: int, reach: int | None) -> int:
    """Baseline samples of a round that are needed beside so many cases."""
    most = MOST_BESIDE if reach is None else min(MOST_BESIDE, max(2, 2 * reach - 1))
    return max(1, -(-others // most))


def _even_parts(count: int, parts: int) -> list[tuple[int, int]]:
    """Bounds of parts that are all about as long."""
    return [(count * i // parts, count * (i + 1) // parts) for i in range(parts)]


def baseline_reach(planned: PlannedExperiment, group: PlannedGroup) -> int | None:
    """Most samples between a case of this group and its baseline; None: once a round is enough."""
    if not group.timed or not planned.profile.bracket:
        return None
    return max(1, int(NEAR_SECONDS / sample_seconds(planned, group)))


def sample_seconds(planned: PlannedExperiment, group: PlannedGroup, case_id: str = BASELINE) -> float:
    """Length of one sample: as measured here, else as it is on a usual machine."""
    smaller = planned.profile.small and group.group.small != group.group.input
    usual = planned.measured.get(group.index, group.group.seconds * (0.5 if smaller else 1.0))
    return usual * group.group.slower.get(case_id, 1.0)


def identities(planned: PlannedExperiment, group: PlannedGroup) -> dict[str, str]:
    """Identity -> case; the default and its second name, alike wherever they are shared, go by their own names."""
    found: dict[str, str] = {}
    for case in group.cases:
        key = case if case in (BASELINE, CONTROL) else identity(planned, group, planned.case(case))
        found[f"{key} {case}" if key in found else key] = case  # on this machine two cases may be the same
    return found


def identity(planned: PlannedExperiment, group: PlannedGroup, case: Case) -> str:
    """What decides a process of a case: equal texts, equal processes."""
    settled = group.settled(case)
    place = replace(settled.place, cores=planned.cpus(settled.place.cores))  # shares may come to the same
    return json.dumps(
        [
            group.group.model,
            group.input.label,
            [list(feed.items()) if isinstance(feed, dict) else feed for feed in group.input.shapes],
            case.run_settings,
            settled._replace(place=place).key,
            case.expected,
            case.lacking(planned.machine),
        ],
        sort_keys=True,
        default=dict,
    )
