"""From the names of experiments to a runner: models made, keys computed, an interrupted build found again."""

from __future__ import annotations

import math
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bench import variants
from bench.experiments import EXPERIMENTS
from bench.measure import cost
from bench.measure.earlier import find_unfinished
from bench.measure.header import Facts, first_line, result_key
from bench.measure.hindrances import runtime
from bench.measure.machine import MachineFacts, free_memory, read_machine, software
from bench.measure.plan import PlannedExperiment, PlannedGroup, resolve
from bench.measure.task import Task
from bench.measure.tryout import try_out
from bench.models import MODELS
from bench.models.prepared import Prepared, content_key, prepare
from bench.results import store
from bench.spec import Experiment, Input, LargestBatch, Machine
from bench.system import harmless
from bench.system.environment import NotInstalled

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from bench.measure.profiles import Profile
    from bench.results.records import Header
    from bench.system.folders import Folders


class CannotMeasure(Exception):
    """Nothing was started; the message is one sentence for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """This machine and its software, read once."""

    machine: MachineFacts
    software: Mapping[str, str]

    @classmethod
    def read(cls) -> Here:
        return cls(machine=read_machine(), software=software())

    def facts(self) -> Facts:
        """Plain data for a result; what a system says of itself is cut to what a result may hold."""
        return Facts(_bounded(asdict(self.machine)), _bounded(self.software))

    def asked(self) -> Machine:
        """What cases may ask."""
        return Machine.of(asdict(self.machine), self.software)

    def key(self, experiment: Experiment, profile: Profile) -> str:
        models = {group.model: content_key(MODELS[group.model]) for group in experiment.groups}
        return result_key(experiment, profile, self.machine, self.software, models)


def _bounded(facts: Mapping[str, Any]) -> dict[str, Any]:
    texts = {name: harmless.text(value) for name, value in facts.items() if isinstance(value, str)}
    lists = {name: [harmless.text(one) for one in v] for name, v in facts.items() if isinstance(v, tuple)}
    return {**facts, **texts, **lists}


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A build about to be measured."""

    build: str
    tasks: tuple[Task, ...]
    seed: int
    resumed_samples: int
    resumed_checks: int
    """Settings that were seen to take effect before the build was interrupted."""


def plan(ids: Sequence[str], profile: Profile, here: Here) -> tuple[PlannedExperiment, ...]:
    """Resolve experiments for this machine. Raises CannotMeasure when one cannot run here at all."""
    planned = tuple(resolve(EXPERIMENTS[name], profile, here.asked(), free_memory()) for name in ids)
    for one in planned:
        if not one.groups:
            raise CannotMeasure(
                f"{one.experiment.id}：本机内存放不下它的任何一组输入（{'；'.join(one.dropped)}）"
            )
    return planned


def check_budget(planned: Sequence[PlannedExperiment], budget_s: float) -> None:
    """Refuse a budget in which not even the most important group gets to its first look, and say which one would do."""
    most, *others = cost.most_important_first(planned)
    one, group = most
    least = cost.least_seconds(cost.without(planned, others))
    if budget_s < least:
        enough = f"{math.ceil(least)}s" if least < 60 else f"{math.ceil(least / 60)}m"
        only = f"只测最要紧的一组（{one.experiment.id} / {group.name}）也" if others else ""
        raise CannotMeasure(
            f"预算 {budget_s:.0f} 秒太小：这台机器上{only}约需 {least:.0f} 秒。请改成 --budget {enough} 或更多"
        )


def memory_needed(planned: Sequence[PlannedExperiment]) -> int:
    """Bytes that the hungriest case may take."""
    return max((group.memory_bytes for one in planned for group in one.groups), default=0)


def open_campaign(
    planned: Sequence[PlannedExperiment],
    here: Here,
    folders: Folders,
    *,
    budget_s: float = math.inf,
    fresh: bool,
    tell: Callable[[str], None],
) -> Campaign:
    """Make the models, see what fits into the budget, then start journals or take up those of an interrupted build."""
    unfinished = {} if fresh else find_unfinished(planned, here, folders.results, tell)
    build = max((journal.header.build for journal in unfinished.values()), default=None) or new_build_id()
    resumed = {name: journal for name, journal in unfinished.items() if journal.header.build == build}
    seed = next((journal.header.seed for journal in resumed.values()), secrets.randbelow(1 << 31))
    planned = [as_started(one, resumed.get(one.experiment.id)) for one in planned]
    models, work = _prepare_models(planned, folders.models, tell), folders.work / build
    _prepare_runtimes(planned, tell)

    def header(one: PlannedExperiment) -> Header:
        taken = store.journal_path(folders.results, one.experiment.id, build).exists()
        key, own = here.key(one.experiment, one.profile), new_build_id() if taken else build
        return first_line(one, here.facts(), key, own, seed, models)

    def task(one: PlannedExperiment, start: Callable[[Header], store.Writer]) -> Task:
        journal = resumed.get(one.experiment.id)
        writer = store.Writer(journal) if journal else start(header(one))
        return Task(planned=one, writer=writer, models=models, work=work)

    if budget_s < math.inf:
        trial = [task(one, lambda header: store.Writer(store.Journal(work, header))) for one in planned]
        planned = _within(_tried(trial, tell), budget_s, resumed, tell)
    return Campaign(
        build=build,
        tasks=tuple(
            task(one, lambda header: store.Writer.create(folders.results, header)) for one in planned
        ),
        seed=seed,
        resumed_samples=sum(len(journal.samples) for journal in resumed.values()),
        resumed_checks=sum(len(journal.untimed) for journal in resumed.values()),
    )


def _tried(tasks: Sequence[Task], tell: Callable[[str], None]) -> tuple[PlannedExperiment, ...]:
    """The plan with the lengths that samples have here; no journal is on disk yet."""
    if any(task.planned.profile.min_seconds for task in tasks):
        tell("试跑：每种输入各跑一次默认设置，慢得出奇的再跑一次，估要多久")
        try_out(tasks)
    return tuple(task.planned for task in tasks)


def _within(
    planned: Sequence[PlannedExperiment],
    budget_s: float,
    resumed: Collection[str],
    tell: Callable[[str], None],
) -> tuple[PlannedExperiment, ...]:
    """What of the plan gets to its first look in time. Raises CannotMeasure where that is nothing."""
    check_budget(planned, budget_s)
    gone = cost.surplus(planned, (1 - cost.RESERVE) * budget_s, resumed)
    # The most important group was just seen to have its time, whatever is kept for mishaps.
    gone = gone if resumed else gone[: len(cost.most_important_first(planned)) - 1]
    if gone:
        names = "；".join(f"{one.experiment.id} / {group.name}" for one, group in reversed(gone))
        tell(f"时间预算不够，有 {len(gone)} 组不测：{names}")
    return cost.without(planned, gone)


def as_started(one: PlannedExperiment, journal: store.Journal | None) -> PlannedExperiment:
    """The plan with the inputs that an interrupted build had chosen: free memory may differ by now."""
    if journal is None:
        return one
    groups = []
    for record in journal.header.groups:
        group = one.experiment.groups[record.index]
        wanted = group.small if one.profile.small else group.input
        shapes = tuple({name: tuple(shape) for name, shape in feed.items()} for feed in record.shapes)
        memory = 0
        if isinstance(wanted, LargestBatch):  # of a model with one input
            ((batch, *_),) = shapes[0].values()
            memory = batch * wanted.bytes_per_item
        chosen = Input(label=record.input, shapes=shapes)
        groups.append(
            PlannedGroup(
                index=record.index,
                group=group,
                input=chosen,
                cases=tuple(record.cases),
                note=record.note,
                memory_bytes=memory,
            )
        )
    return replace(one, groups=tuple(groups))


def new_build_id() -> str:
    """Sorts by time; the tail keeps two builds of one second apart."""
    return datetime.now(UTC).strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(2)


def _prepare_runtimes(planned: Sequence[PlannedExperiment], tell: Callable[[str], None]) -> None:
    """Environments that cases ask for, before a clock runs; why one cannot be had is told by its cases."""
    places = {
        (place.packages, place.python): place
        for one in planned
        for group in one.groups
        for case in group.cases
        if (place := group.settled(one.case(case)).place).packages
    }
    for (packages, _), place in places.items():
        tell(f"准备环境 {packages[0]}")
        with suppress(NotInstalled):
            runtime(place)


def _prepare_models(
    planned: Sequence[PlannedExperiment], folder: Path, tell: Callable[[str], None]
) -> dict[str, Prepared]:
    inputs: dict[str, dict[str, Input]] = {}
    for one in planned:
        for group in one.groups:
            wanted = inputs.setdefault(group.group.model, {})
            wanted[group.input.label] = group.input
            made = {group.settled(one.case(case)).variant for case in group.cases}
            if made & variants.CALIBRATED and (feed := MODELS[group.group.model].calibration):
                wanted[variants.CALIBRATION] = Input(label=variants.CALIBRATION, shapes=(feed,))
    prepared = {}
    for name, entries in inputs.items():
        tell(f"准备模型 {name}")
        prepared[name] = prepare(MODELS[name], tuple(entries.values()), folder)
    return prepared
