"""Carry out a plan: children one after another, every sample on disk before the next one starts.

Blocks take turns within each round, so that a spell of noise touches every question a little instead of one
completely. They end at looks: cases that are settled leave, and the budget buys further looks where most is open.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from bench.measure import noise, observer
from bench.measure.blocks import Block, Member, Place, blocks
from bench.measure.cores import Cores, ask
from bench.measure.cost import OPEN_SHARE, checking_seconds
from bench.measure.machine import usable_cpus
from bench.measure.plan import baseline_reach, order_round
from bench.results.records import Footer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.measure.observer import Seen
    from bench.measure.task import Task


class Reporter(Protocol):
    """Who is told how it goes."""

    def step(self, text: str, remaining_s: float) -> None: ...

    def note(self, text: str) -> None: ...


def nobody() -> None:
    """Nobody wants to see how far it is."""


@dataclass(slots=True)
class Runner:
    """Carries out the tasks of one build. Clock and noise are replaced in tests."""

    tasks: Sequence[Task]
    seed: int
    budget_s: float
    reporter: Reporter
    observes: bool = True
    """Look first whether the settings of each case take effect."""
    headlines: frozenset[str] = frozenset()
    """Experiments whose first timed round comes before all else."""
    at_look: Callable[[], None] = nobody
    """Called when there is something new to show: after the first round of the headlines, and after looks."""
    clock: Callable[[], float] = time.monotonic
    read_noise: Callable[[Sequence[int]], noise.Reading | None] = noise.read
    cores: Cores = field(default_factory=lambda: Cores(ask(usable_cpus())))
    _blocks: Sequence[Block] = ()
    _seen: dict[str, Seen] = field(default_factory=dict)
    """What was observed of processes that several experiments ask for."""
    _start: float | None = None
    _checks_s: float | None = None
    """Length of all that comes before rounds, as planned."""

    def __post_init__(self) -> None:
        self._blocks = blocks(self.tasks)

    def run(self) -> None:
        """Measure until all is settled, or the plan or the budget is exhausted; close the journals."""
        self._start = self.clock()
        earlier = [seconds for block in self._blocks for seconds in block.samples().values()]
        first = [task for task in self.tasks if task.planned.experiment.id in self.headlines]
        if first and len(first) < len(self.tasks):
            self._observe(first)
            self._round_of_all(0, [one for one in self._members if one.task in first and one.group.timed])
            self.at_look()
            self._observe([task for task in self.tasks if task not in first])
        else:
            self._observe(self.tasks)
        for task in self.tasks if self.observes else ():
            observer.run_reports(task, self._tell_before_rounds)
        self._to_looks()
        self._close(earlier=len(earlier), spent_s=sum(earlier))

    def _observe(self, tasks: Sequence[Task]) -> None:
        for task in tasks if self.observes else ():
            observer.observe(task, self._tell_before_rounds, self._seen)

    def _close(self, *, earlier: int, spent_s: float) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        measured = round(self._spent_s() + spent_s, 1)
        for task in self.tasks:
            rounds = max(
                (len(task.writer.journal.final_rounds(group.index)) for group in task.planned.groups),
                default=1,
            )
            finished = max(now, task.writer.journal.header.started_at, key=datetime.fromisoformat)  # set back
            task.writer.append(
                Footer(finished_at=finished, measured_s=measured, rounds=rounds, resumed=earlier)
            )

    def _tell_before_rounds(self, text: str) -> None:
        if self._checks_s is None:
            self._checks_s = checking_seconds([task.planned for task in self.tasks])
        self.reporter.step(text, self.remaining_s(checks=max(0.0, self._checks_s - self._spent_s())))

    def _to_looks(self) -> None:
        """Everything to its first look, what can be paid for at once to the next; then what the others have left over."""
        while self._run_up() or self._buy():
            pass

    def _run_up(self) -> bool:
        """The next round of all that have one to do; False: every group stands at the look that it was on its way to."""
        lacking = [number for one in self._members if (number := one.lacking) is not None]
        if not lacking:
            return False
        number = min(lacking)
        self._round_of_all(number, self._members)
        arrived = [one for one in self._members if one.done == one.target == number + 1]
        self._go_on(arrived)
        if arrived:
            self.at_look()
        return True

    def _buy(self) -> bool:
        """Further looks from what is left over."""
        waiting = [one for one in self._members if one.next_look]
        bought = self._go_on(waiting)
        if waiting and not bought:
            names = "、".join(dict.fromkeys(one.task.planned.experiment.id for one in waiting))
            self.reporter.note(f"时间预算用完：{names} 还有分不出的，没有再测")
        return bought

    def _go_on(self, members: Sequence[Member]) -> bool:
        """Set out for the next look, those first that tell most in a second, as far as the budget reaches.

        Returns whether anything did.
        """
        waiting = sorted(
            (one for one in members if one.next_look), key=lambda one: self._cost_s(one) / one.undecided
        )
        before = [one.target for one in waiting]
        for one in waiting:
            if self._spent_s() + self._outstanding_s() + self._cost_s(one) <= self.budget_s:
                one.target = one.next_look or one.target
        return [one.target for one in waiting] != before

    def _cost_s(self, one: Member) -> float:
        """What it adds that a group goes on to its next look."""
        block = self._block_of(one)
        return block.outstanding_s(one) - block.outstanding_s()

    @property
    def _members(self) -> list[Member]:
        return [one for block in self._blocks for one in block.members]

    def _block_of(self, member: Member) -> Block:
        return next(block for block in self._blocks if member in block.members)

    def _outstanding_s(self) -> float:
        """What the looks take that groups are on their way to."""
        return sum(block.outstanding_s() for block in self._blocks)

    def remaining_s(self, *, checks: float = 0.0) -> float:
        """Expected seconds to the end: to the looks that are certain, and half of what may follow."""
        later = sum(OPEN_SHARE * self._cost_s(one) for one in self._members if one.next_look)
        left = max(0.0, self.budget_s - self._spent_s())
        return min(checks + self._outstanding_s() + later, max(left, self._outstanding_s()))

    @property
    def _in_time(self) -> bool:
        """Whether all looks that are certain are still in reach: else nothing is waited for, nor taken again."""
        return self._spent_s() + self._outstanding_s() <= self.budget_s

    def _spent_s(self) -> float:
        return 0.0 if self._start is None else self.clock() - self._start

    def _round_of_all(self, number: int, members: Sequence[Member]) -> None:
        """One round of every block that lacks it."""
        waiting = [
            (block, found)
            for block in self._blocks
            if (found := [one for one in block.waiting(number) if one in members])
        ]
        random.Random(f"{self.seed}/{number}").shuffle(waiting)
        for block, found in waiting:
            self._round(block, found, number)

    def _round(self, block: Block, members: Sequence[Member], number: int) -> None:
        """One round of one block, again while the machine was busy and repeats are left."""
        planned, group = block.first.task.planned, block.first.group
        while True:
            places = {id(one): one.begin(number) for one in members}
            usual = block.usual_s(members)
            before, start = self._noise(), self.clock()
            self._samples(block, members, places, patient=group.timed and self._in_time)
            seen = noise.between(before, self._noise())
            block.pace = (self.clock() - start) / usual if usual else block.pace
            repeat = seen.dirty and group.timed and block.repeats < planned.profile.repeats and self._in_time
            for one in members:
                one.end(places[id(one)], seen, final=not repeat)
            if not repeat:
                return
            block.repeats += 1
            self.reporter.note(f"{group.group.model} / {group.input.label}：这一轮机器繁忙，重测")

    def _noise(self) -> noise.Reading | None:
        found = self.read_noise(usable_cpus())
        cores = (self.cores.retaken, self.cores.apart) if self.cores.asked else None
        return replace(found, cores=cores) if found else None

    def _samples(
        self, block: Block, members: Sequence[Member], places: Mapping[int, Place], *, patient: bool
    ) -> None:
        """The samples of one round in their random order, each for all that want it. `patient`: wait for near cores."""
        wanted: dict[str, list[Member]] = defaultdict(list)
        for one in members:
            for key in one.open:
                wanted[key].append(one)
        place = places[id(members[0])]
        rng = random.Random(f"{self.seed}/{block.name}/{place.number}/{place.attempt}")
        reach = baseline_reach(block.first.task.planned, block.first.group)
        begun, remaining_s = self.clock(), self.remaining_s()
        for key in order_round(list(wanted), rng, reach):
            left = [one for one in wanted[key] if key in one.open]  # it may have failed in this very round
            if left:
                started_s = self.clock() - begun
                name = left[0].task.name(left[0].group, left[0].ids[key])
                self.reporter.step(f"{name} 第 {place.number + 1} 轮", max(0.0, remaining_s - started_s))
                self._sample(left, key, places, started_s, patient=patient)

    def _sample(
        self,
        members: Sequence[Member],
        key: str,
        places: Mapping[int, Place],
        started_s: float,
        *,
        patient: bool,
    ) -> None:
        owner = members[0]
        case = owner.ids[key]
        compare = any(one.lacks_figures(key) for one in members)
        outcome = self.cores.take(
            lambda: owner.task.sample(owner.group, case, compare=compare), patient=patient
        )
        for one in members:
            one.take(one.ids[key], places[id(one)], started_s, outcome)
        if outcome.failure and outcome.failure.kind != "expected":
            name = owner.task.name(owner.group, case)
            self.reporter.note(f"{name} 失败：{outcome.failure.reason}")
