"""Tuning a model, from the file to the result: look, check, screen, combine, confirm. What is done stays on disk."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from bench.measure import observer
from bench.measure.runner import Runner
from bench.results import race, store
from bench.results.tuned import Conditions, Tuned
from bench.tune import arms, outcome, stages
from bench.tune.own import SEED, CannotTune, changed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.measure.campaign import Here
    from bench.measure.plan import PlannedExperiment
    from bench.measure.profiles import Profile
    from bench.measure.runner import Reporter
    from bench.measure.task import Leaves, Task
    from bench.results.tuned import Goal
    from bench.results.view import GroupView
    from bench.spec import Case
    from bench.tune.own import Own, Wanted
    from bench.tune.unfinished import Begun

CONFIRM_SHARE = 0.5
"""Of the budget, what screening leaves."""


@dataclass(slots=True, kw_only=True)
class Tuning:
    """One model on one machine. `folder` holds its journals, and in the end its result."""

    wanted: Wanted
    own: Own
    here: Here
    folder: Path
    begun: Begun
    python: str
    reporter: Reporter
    _started: datetime = field(default_factory=lambda: datetime.now(UTC))

    def run(self) -> Tuned:
        """Raises CannotTune where the file changes meanwhile."""
        goals = self.wanted.goals
        tried = arms.arms(
            self.here.asked(),
            denormals=self.own.facts.denormals,
            operators=self.begun.operators,
            optimised=self.own.optimised,
            every_fusion=self.wanted.every_fusion,
        )
        checks = self._check(tried)
        screened = self._screen(tried, checks, goals)
        told = outcome.Screened(checks.journal, outcome.view(screened), goals)
        left = told.left(tried)
        combined = arms.combinations(tried, told.seen(left), goals)[: stages.MOST_FINALISTS]
        confirmed = self._confirm(combined) if combined else None
        rounds = outcome.view(confirmed) if confirmed else None
        found = outcome.finalists(rounds, combined) if rounds else []
        if changed(self.own):
            raise CannotTune(f"{self.own.facts.name} 在测量中变了：等它写完，再运行一次")
        return Tuned(
            build=self.begun.build,
            key=self.begun.key,
            started_at=self.begun.started_at,
            finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
            measured_s=round(
                sum(one.footer.measured_s for one in (screened, confirmed) if one and one.footer), 1
            ),
            model=self.own.facts,
            inputs=list(self.own.inputs),
            conditions=self._conditions(),
            noisy=(rounds or told.rounds).noisy,
            arms=left,
            finalists=found,
            advice=outcome.advice(rounds, found, goals, self.wanted.limits),
            checks=outcome.export(checks.journal),
            screening=outcome.export(screened),
            confirmation=outcome.export(confirmed) if confirmed else None,
        )

    def _spent_s(self) -> float:
        return (datetime.now(UTC) - self._started).total_seconds()

    def journals(self) -> list[store.Journal]:
        """Those on disk, for what failed."""
        names = (stages.CHECKS, stages.SCREENING, stages.CONFIRMATION)
        paths = (store.journal_path(self.folder / "journals", name, self.begun.build) for name in names)
        return [store.read(path) for path in paths if path.exists()]

    def _conditions(self) -> Conditions:
        wanted = self.wanted
        return Conditions(
            goal=wanted.goal,
            budget_s=wanted.budget_s,
            gap_ms=wanted.gap_ms,
            callers=wanted.callers,
            cores=self.here.machine.cores,
            quota=wanted.quota,
            limits=dict(wanted.limits),
            seed=SEED,
        )

    def _check(self, tried: Sequence[arms.Arm]) -> store.Writer:
        """An untimed child for every setting: does it take effect?"""
        cases = (arms.defaults()[0], *(one.case for one in tried))
        task = self._task(stages.CHECKS, cases, stages.SCREEN)
        reporter = Staged("看设置是否生效", self.reporter, self.wanted.budget_s)
        observer.observe(task, partial(reporter.step, remaining_s=0), {})
        return task.writer

    def _screen(
        self, tried: Sequence[arms.Arm], checks: store.Writer, goals: Sequence[Goal]
    ) -> store.Journal:
        """The default, and every setting that took effect, until another one is faster in every round."""
        seen = {one.case for one in checks.journal.untimed if one.outcome == "effect"}
        default, _ = arms.defaults()
        cases = (default, *(one.case for one in tried if one.case.id in seen))

        def leaves(view: GroupView, case: str, _: object) -> bool:
            return bool(race.beaten_by(view, case, goals))

        task = self._task(stages.SCREENING, cases, stages.SCREEN, leaves)
        known = {one.case for one in task.writer.journal.untimed}
        for record in checks.journal.untimed:
            if record.case not in known and record.case in {case.id for case in cases}:
                task.writer.append(record)
        later = stages.expected_seconds(stages.MOST_FINALISTS, self.begun.how.seconds)
        return self._measured(task, "筛选", 1 - CONFIRM_SHARE, later)

    def _confirm(self, combined: Sequence[arms.Combination]) -> store.Journal:
        """Fresh rounds of the combinations, until each is proved or has failed."""
        goals = {one.case.id: one.goals for one in combined}

        def leaves(view: GroupView, case: str, _: object) -> bool:
            return race.standing(view, case, goals[case]) != "open"

        cases = (*arms.defaults(), *(one.case for one in combined))
        task = self._task(stages.CONFIRMATION, cases, stages.CONFIRM, leaves)
        return self._measured(task, "确认", 1.0, 0)

    def _measured(self, task: Task, title: str, until: float, later_s: float) -> store.Journal:
        """Up to that share of the budget, all that came before counted; the first look is made in any case."""
        journal = task.writer.journal
        budget_s = max(0.0, until * self.wanted.budget_s - self._spent_s())
        if not journal.complete:
            reporter = Staged(title, self.reporter, later_s)
            Runner(tasks=(task,), seed=journal.header.seed, budget_s=budget_s, reporter=reporter).run()
        return journal

    def _task(
        self, stage: str, cases: Sequence[Case], profile: Profile, leaves: Leaves | None = None
    ) -> Task:
        """The stage as it was begun, or begun now."""
        planned = stages.plan(stage, cases, self.own, self.here.asked(), profile, self.begun.how)
        path = store.journal_path(self.folder / "journals", stage, self.begun.build)
        writer = store.Writer(store.read(path)) if path.exists() else self._writer(planned)
        made = stages.task(planned, writer, self.own, self.folder / "work", self.python)
        return replace(made, leaves=leaves) if leaves else made

    def _writer(self, planned: PlannedExperiment) -> store.Writer:
        begun = self.begun
        first = stages.header(planned, self.own, self.here, begun.key, begun.build, begun.seed)
        return store.Writer.create(self.folder / "journals", first)


@dataclass(frozen=True, slots=True)
class Staged:
    """A reporter that says which stage it is, and counts the stages to come."""

    title: str
    reporter: Reporter
    later_s: float

    def step(self, text: str, remaining_s: float) -> None:
        self.reporter.step(f"{self.title}：{_case(text)}", remaining_s + self.later_s)

    def note(self, text: str) -> None:
        self.reporter.note(f"{self.title}：{_case(text)}")


def _case(text: str) -> str:
    """Without experiment, model and input: there is one of each."""
    return re.sub(r"tune_\w+ ", "", text.rpartition(" / ")[2])
