"""Carry out a plan: children one after another, every sample on disk before the next one starts.

The groups of all experiments take turns within each round, so that a spell of noise touches every
question a little instead of one completely, and so that a budget drops rounds evenly.
"""

from __future__ import annotations

import itertools
import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Protocol

from bench.measure import noise, observer
from bench.measure.machine import usable_cpus
from bench.measure.plan import (
    baseline_reach,
    checking_seconds,
    order_round,
    round_seconds,
)
from bench.results.records import Footer, RoundEnd, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.measure.plan import PlannedGroup
    from bench.measure.task import Task
    from bench.spec import Block


@dataclass(slots=True, eq=False)
class Turn:
    """A group of a task, measured once a round."""

    task: Task
    group: PlannedGroup
    seconds: float | None = None
    """Length of its last round."""

    def expected_s(self) -> float:
        return round_seconds(self.task.planned, self.group) if self.seconds is None else self.seconds

    def rounds(self) -> list[int]:
        """Those that are planned and not on disk."""
        done = {end.round for end in self.task.writer.journal.final_rounds(self.group.index)}
        return [number for number in range(self.task.planned.rounds(self.group)) if number not in done]


class Reporter(Protocol):
    """Who is told how it goes."""

    def step(self, text: str, remaining_s: float) -> None: ...

    def note(self, text: str) -> None: ...


@dataclass(slots=True)
class Runner:
    """Carries out the tasks of one build. Clock and noise are replaced in tests."""

    tasks: Sequence[Task]
    seed: int
    budget_s: float
    reporter: Reporter
    observes: bool = True
    """Look first whether the settings of each case take effect."""
    clock: Callable[[], float] = time.monotonic
    read_noise: Callable[[Sequence[int]], noise.Reading | None] = noise.read
    _turns: Sequence[Turn] = ()
    _repeats: Counter[str] = field(default_factory=Counter)
    """Repeated rounds by experiment."""
    _start: float | None = None

    def __post_init__(self) -> None:
        self._turns = [Turn(task, group) for task in self.tasks for group in task.planned.groups]

    def run(self) -> int:
        """Measure until the plan or the budget is exhausted; close the journals. Returns the rounds done."""
        self._start = self.clock()
        earlier = [sample for task in self.tasks for sample in task.writer.journal.samples]
        for task in self.tasks if self.observes else ():
            observer.observe(task, self._tell_before_rounds)
            observer.run_reports(task, self._tell_before_rounds)
        rounds = self._rounds()
        finished = datetime.now(UTC).isoformat(timespec="seconds")
        measured = round(self._spent_s() + sum(sample.wall_s for sample in earlier), 1)
        for task in self.tasks:
            done = min(rounds, task.planned.most_rounds)
            task.writer.append(
                Footer(finished_at=finished, measured_s=measured, rounds=done, resumed=len(earlier))
            )
        return rounds

    def _tell_before_rounds(self, text: str) -> None:
        checks = sum(checking_seconds(task.planned) for task in self.tasks)
        self.reporter.step(text, self.remaining_s(0, checks=max(0.0, checks - self._spent_s())))

    def _rounds(self) -> int:
        planned = max(task.planned.most_rounds for task in self.tasks)
        for number in range(planned):
            waiting = [turn for turn in self._turns if number in turn.rounds()]
            expected = sum(turn.expected_s() for turn in waiting)  # as long as the last one
            if number and self._spent_s() + expected > self.budget_s:
                self.reporter.note(f"时间预算用完：计划 {planned} 轮，完成 {number} 轮")
                return number
            random.Random(f"{self.seed}/{number}").shuffle(waiting)
            for turn in waiting:
                self._round(turn, number)
        return planned

    def remaining_s(self, number: int, *, checks: float = 0.0) -> float:
        """Expected seconds from the start of round `number` to the end, which the budget does not put off."""
        rest = sum(turn.expected_s() for turn in self._turns for later in turn.rounds() if later >= number)
        return max(0.0, min(checks + rest, self.budget_s - self._spent_s()))

    def _spent_s(self) -> float:
        return 0.0 if self._start is None else self.clock() - self._start

    def _round(self, turn: Turn, number: int) -> None:
        """One round of one group, again while the machine was busy and repeats are left."""
        task, group = turn.task, turn.group
        name, samples = task.planned.experiment.id, task.writer.journal.samples
        begun = [s.attempt for s in samples if (s.group, s.round) == (group.index, number)]
        for attempt in itertools.count(1 + max(begun, default=-1)):
            before, start = self.read_noise(usable_cpus()), self.clock()
            self._samples(turn, number, attempt)
            seen = noise.between(before, self.read_noise(usable_cpus()))
            turn.seconds = self.clock() - start
            repeat = seen.dirty and group.timed and self._repeats[name] < task.planned.profile.repeats
            task.writer.append(
                RoundEnd(group=group.index, round=number, attempt=attempt, noise=seen, final=not repeat)
            )
            if not repeat:
                return
            self._repeats[name] += 1
            self.reporter.note(f"{name} / {group.group.model}：这一轮机器繁忙，重测")

    def _samples(self, turn: Turn, number: int, attempt: int) -> None:
        """The samples of one round in their random order."""
        task, group = turn.task, turn.group
        rng = random.Random(f"{self.seed}/{task.planned.experiment.id}/{group.index}/{number}/{attempt}")
        cases = [case for case in group.cases if (group.index, case) not in task.failed]
        order = order_round(cases, rng, baseline_reach(task.planned, group))
        begun = self.clock()
        for position, case_id in enumerate(order):
            if (group.index, case_id) in task.failed:
                continue  # it failed earlier in this very round
            self.reporter.step(f"{task.name(group, case_id)} 第 {number + 1} 轮", self.remaining_s(number))
            started = self.clock() - begun
            outcome = task.sample(group, case_id)
            task.writer.append(
                Sample(
                    group=group.index,
                    round=number,
                    attempt=attempt,
                    position=position,
                    case=case_id,
                    started_s=round(started, 4),
                    wall_s=round(outcome.wall_s, 4),
                    figures=outcome.figures,
                    failure=outcome.failure,
                )
            )
            if outcome.failure and outcome.failure.kind != "expected":
                self.reporter.note(f"{task.name(group, case_id)} 失败：{outcome.failure.reason}")


def try_out(tasks: Sequence[Task]) -> None:
    """Give every plan the lengths of its samples: those on disk, those of earlier builds, else those of a trial.

    The lengths in the experiments are those of one machine; another one may need twice as long, and a plan that
    says so only after an hour is of no use. So the default runs once on each input.
    """
    lengths: dict[Block, float | None] = {}
    slower: dict[str, list[float]] = defaultdict(list)
    for task in tasks:
        for group in _unknown(task):
            block = task.planned.block(group)
            if block not in lengths:
                lengths[block] = task.length(group)
            if found := lengths[block]:
                slower[group.group.model].append(found / group.group.seconds)
    for task in tasks:
        shown = {g.index: found for g in _unknown(task) if (found := lengths.get(task.planned.block(g)))}
        hungry = {
            group.index: group.group.seconds * median(slower[group.group.model])
            for group in task.planned.groups
            if not group.timed and slower[group.group.model]
        }
        task.planned = replace(task.planned, measured={**hungry, **shown, **task.planned.measured})


def _unknown(task: Task) -> list[PlannedGroup]:
    known = task.planned.measured
    return [g for g in task.planned.groups if g.timed and g.index not in known]
