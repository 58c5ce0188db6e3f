"""Carry out a plan: children one after another, every sample on disk before the next one starts.

The groups of all experiments take turns within each round, so that a spell of noise touches every
question a little instead of one completely, and so that a budget drops rounds evenly.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from bench.measure import noise, observer
from bench.measure.machine import usable_cpus
from bench.measure.plan import (
    PlannedGroup,
    baseline_reach,
    checking_seconds,
    order_groups,
    order_round,
    round_seconds,
)
from bench.results.records import Footer, RoundEnd, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.measure.task import Task

Turn = tuple[int, PlannedGroup]
"""Number of a task, and one of its groups."""


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
    _durations: dict[tuple[int, int], float] = field(default_factory=dict)
    _repeats: Counter[int] = field(default_factory=Counter)
    """Repeated rounds by number of the task."""
    _start: float | None = None

    def run(self) -> int:
        """Measure until the plan or the budget is exhausted; close the journals. Returns the rounds done."""
        start = self._start = self.clock()
        earlier = [sample for task in self.tasks for sample in task.writer.journal.samples]
        for task in self.tasks if self.observes else ():
            observer.observe(task, self._tell_before_rounds)
            observer.run_reports(task, self._tell_before_rounds)
        rounds = self._rounds(start)
        finished = datetime.now(UTC).isoformat(timespec="seconds")
        measured = self.clock() - start + sum(sample.wall_s for sample in earlier)
        for task in self.tasks:
            task.writer.append(
                Footer(
                    finished_at=finished,
                    measured_s=round(measured, 1),
                    rounds=min(rounds, task.planned.most_rounds),
                    resumed=len(earlier),
                )
            )
        return rounds

    def _tell_before_rounds(self, text: str) -> None:
        checks = sum(checking_seconds(task.planned) for task in self.tasks)
        self.reporter.step(text, self._within_budget(max(0.0, checks - self._spent_s()) + self._rest_s(0)))

    def _rounds(self, start: float) -> int:
        planned = max(task.planned.most_rounds for task in self.tasks)
        turns: list[Turn] = [(n, group) for n, task in enumerate(self.tasks) for group in task.planned.groups]
        for number in range(planned):
            waiting = [turn for turn in turns if number < self.tasks[turn[0]].planned.rounds(turn[1])]
            if number and self.clock() - start + self._cost(waiting, number) > self.budget_s:
                self.reporter.note(f"时间预算用完：计划 {planned} 轮，完成 {number} 轮")
                return number
            for place in order_groups(len(waiting), random.Random(f"{self.seed}/{number}")):
                self._round(waiting[place], number)
        return planned

    def _cost(self, waiting: Sequence[Turn], number: int) -> float:
        """Expected length of a round: as long as the last one, without what is on disk already."""
        return sum(self._duration(turn) for turn in waiting if not self._is_done(turn, number))

    def _duration(self, turn: Turn) -> float:
        task_number, group = turn
        measured = self._durations.get((task_number, group.index))
        return round_seconds(self.tasks[task_number].planned, group) if measured is None else measured

    def remaining_s(self, number: int) -> float:
        """Expected seconds from the start of round `number` to the end, which the budget does not put off."""
        return self._within_budget(self._rest_s(number))

    def _within_budget(self, seconds: float) -> float:
        return max(0.0, min(seconds, self.budget_s - self._spent_s()))

    def _spent_s(self) -> float:
        return 0.0 if self._start is None else self.clock() - self._start

    def _rest_s(self, number: int) -> float:
        return sum(
            self._duration((n, group))
            for n, task in enumerate(self.tasks)
            for group in task.planned.groups
            for later in range(number, task.planned.rounds(group))
            if not self._is_done((n, group), later)
        )

    def _is_done(self, turn: Turn, number: int) -> bool:
        journal = self.tasks[turn[0]].writer.journal
        return any(end.round == number for end in journal.final_rounds(turn[1].index))

    def _round(self, turn: Turn, number: int) -> None:
        """One round of one group, again while the machine was busy and repeats are left."""
        task, group = self.tasks[turn[0]], turn[1]
        if self._is_done(turn, number):
            return
        place = (turn[0], group.index)
        attempt = 1 + max(
            (s.attempt for s in task.writer.journal.samples if (s.group, s.round) == (group.index, number)),
            default=-1,
        )
        while True:
            before, start = self.read_noise(usable_cpus()), self.clock()
            self._samples(turn, number, attempt)
            seen = noise.between(before, self.read_noise(usable_cpus()))
            self._durations[place] = self.clock() - start
            left = task.planned.profile.repeats - self._repeats[turn[0]]
            repeat = seen.dirty and group.timed and left > 0
            task.writer.append(
                RoundEnd(group=group.index, round=number, attempt=attempt, noise=seen, final=not repeat)
            )
            if not repeat:
                return
            self._repeats[turn[0]] += 1
            attempt += 1
            self.reporter.note(f"{task.planned.experiment.id} / {group.group.model}：这一轮机器繁忙，重测")

    def _samples(self, turn: Turn, number: int, attempt: int) -> None:
        """The samples of one round in their random order."""
        task, group = self.tasks[turn[0]], turn[1]
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
