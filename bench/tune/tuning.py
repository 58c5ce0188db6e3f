"""Tuning a model, from the file to the result: look, check, screen, combine, confirm. What is done stays on disk."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from bench.measure import observer
from bench.measure.campaign import new_build_id
from bench.measure.child import run_worker
from bench.measure.header import MAKERS, first_line
from bench.measure.runner import Runner
from bench.measure.task import Task
from bench.models.prepared import hash_of
from bench.results import race, store
from bench.results.tuned import Conditions, Tuned
from bench.tune import arms, outcome, stages, unfinished
from bench.tune.own import SEED, CannotTune, changed
from bench.tune.trial import try_default

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.measure.campaign import Here
    from bench.measure.plan import PlannedExperiment
    from bench.measure.profiles import Profile
    from bench.measure.runner import Reporter
    from bench.measure.task import Leaves
    from bench.results.records import Header
    from bench.results.tuned import Goal
    from bench.results.view import GroupView
    from bench.spec import Case
    from bench.tune.own import Own, Wanted
    from bench.tune.unfinished import Begun

GUESS_S = 2.0
"""Of a process with a model that nobody has run yet."""
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
            measured_s=round(self._spent_s(), 1),
            model=self.own.facts,
            inputs=list(self.own.inputs),
            conditions=self._conditions(),
            noisy=bool(rounds and rounds.noisy),
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
        made = task(planned, writer, self.own, self.folder / "work", self.python)
        return replace(made, leaves=leaves) if leaves else made

    def _writer(self, planned: PlannedExperiment) -> store.Writer:
        return store.Writer.create(self.folder / "journals", header(planned, self.own, self.here, self.begun))


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


def task(planned: PlannedExperiment, writer: store.Writer, own: Own, work: Path, python: str) -> Task:
    """A stage under way, in processes of that interpreter."""
    models = {stages.MODEL: stages.prepared(own, planned.groups[0].group.load)}
    worker = partial(run_worker, python=python)
    return Task(planned=planned, writer=writer, models=models, work=work, worker=worker)


def header(planned: PlannedExperiment, own: Own, here: Here, begun: Begun) -> Header:
    prepared = {stages.MODEL: stages.prepared(own, planned.groups[0].group.load)}
    return first_line(planned, here.facts(), begun.key, begun.build, begun.seed, prepared)


def begin(
    wanted: Wanted, own: Own, here: Here, root: Path, python: str, *, fresh: bool, reporter: Reporter
) -> Tuning:
    """The model's interrupted tuning of the same kind, or a new one. Raises CannotTune where the default will not do.

    `own` was read into a scratch folder; its arrays are moved to where they stay.
    """
    key = _key(wanted, own, here)
    stages_known = None if fresh else unfinished.find(root, own, key, reporter.note)
    if stages_known:
        folder, begun = stages_known
        reporter.note(f"接着做中断的 {folder.name}")
    else:
        build = new_build_id()
        folder = root / f"{unfinished.stem(own)}-{build}"
        begun = _tried(wanted, own, here, folder / "work", python, key, build, reporter)
    kept = own.moved(folder / "inputs")
    unfinished.write(folder, begun)
    stages.register(kept, begun.how.warm_up, wanted.tolerance)
    return Tuning(
        wanted=wanted, own=kept, here=here, folder=folder, begun=begun, python=python, reporter=reporter
    )


def _tried(
    wanted: Wanted, own: Own, here: Here, work: Path, python: str, key: str, build: str, reporter: Reporter
) -> Begun:
    """What two processes with the default show."""
    guess = stages.called(0.1, GUESS_S, gap_ms=0, callers=wanted.callers)
    stages.register(own, guess.warm_up, wanted.tolerance)
    default, _ = arms.defaults()
    seed = secrets.randbelow(1 << 31)
    begun = unfinished.Begun.now(key=key, build=build, seed=seed, how=guess, operators=())
    planned = stages.plan(stages.CHECKS, (default,), own, here.asked(), stages.SCREEN, guess)
    reporter.step("试跑默认设置", wanted.budget_s)
    try:
        trial = try_default(
            task(
                planned,
                store.Writer(store.Journal(work, header(planned, own, here, begun))),
                own,
                work,
                python,
            ),
            gap_ms=wanted.gap_ms,
            callers=wanted.callers,
            budget_s=wanted.budget_s,
            compare=wanted.compare,
        )
    except CannotTune:
        shutil.rmtree(work.parent)
        raise
    return replace(begun, how=trial.how, operators=tuple(sorted(trial.operators)))


def _key(wanted: Wanted, own: Own, here: Here) -> str:
    """Equal where an interrupted tuning may be gone on with."""
    content: dict[str, Any] = {
        "model": own.facts.sha256,
        "inputs": [{name: hash_of(path) for name, path in files.items()} for files in own.files],
        "shapes": [dict(feed) for feed in own.shapes],
        "asked": wanted.decides(),
        "sources": [hashlib.sha256(path.read_bytes()).hexdigest() for path in MAKERS],
        "software": dict(here.software),
        "machine": here.machine.fingerprint(),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]
