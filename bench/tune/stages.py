"""The three stages as plans: check every setting, screen those that took effect, confirm what was combined."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from bench.measure.child import run_worker
from bench.measure.header import first_line
from bench.measure.plan import PlannedExperiment, PlannedGroup
from bench.measure.profiles import Profile
from bench.measure.task import Task
from bench.models import MODELS
from bench.models.prepared import Prepared
from bench.results.tuned import COLUMNS
from bench.spec import Case, Experiment, Group, Input, Load, Machine, Model
from bench.tune.own import TOLERANCE, label

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.measure.campaign import Here
    from bench.results import store
    from bench.results.records import Header
    from bench.tune.own import Own

MODEL = "own"
"""Id of the reader's model among the site's."""
CHECKS, SCREENING, CONFIRMATION = "tune_checks", "tune_screening", "tune_confirmation"
SCREEN = Profile(
    name="tune", title="筛选", looks=(3, 4, 5, 6), split_looks=(3, 4, 5, 6), budget_s=300, repeats=1
)
_LOOKS = tuple(range(7, 48, 4))
CONFIRM = Profile(name="tune", title="确认", looks=_LOOKS, split_looks=_LOOKS, budget_s=300, repeats=2)
"""At these looks the interval cuts off 0, 1, 2, ... values: whoever is truly as slow as a margin is taken for faster in
1.40 % of all cases, one of three combinations in 4.2 %. A quiet machine is done after two or three; on a restless one,
where now and then a process takes twice as long, the later ones cut those off."""
LEAST_CALLS, MOST_CALLS = 3, 17
"""In one process, with gaps; 17 make a hundred in all rounds, from which a 95th percentile is told."""
GAPS_S = 3.0
"""So long may the gaps of one process take."""
MOST_FINALISTS = 3
WARM_UP_S, MOST_WARM_UP = 0.1, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """How the model is called, and how long a process of it takes."""

    load: Load
    warm_up: int
    seconds: float
    """Of one sample, start to end."""


def called(call_s: float, wall_s: float, *, gap_ms: int, callers: int) -> Called:
    """From the length of a call and of a process with four of them."""
    gap_s = gap_ms / 1000
    calls = min(MOST_CALLS, max(LEAST_CALLS, int(GAPS_S / (gap_s + call_s)))) if gap_ms else 0
    warm_up = min(MOST_WARM_UP, max(1, int(WARM_UP_S / call_s)))
    timed = (calls + 1) * (gap_s + call_s) if gap_ms else max(CONFIRM.min_seconds, CONFIRM.min_calls * call_s)
    load = Load(callers=callers, gap_ms=gap_ms, calls=calls)
    return Called(load=load, warm_up=warm_up, seconds=wall_s + warm_up * call_s + timed)


def register(own: Own, warm_up: int, tolerance: float = TOLERANCE) -> None:
    """The reader's model among the site's, for this process."""
    MODELS[MODEL] = Model(
        id=MODEL,
        title=own.facts.name,
        about="读者自己的模型。",
        build=own.path.read_bytes,
        inputs={one.name: lambda shapes: shapes for one in own.inputs},
        packages=(),
        warm_up=warm_up,
        tolerance=tolerance,
    )


def named(own: Own, load: Load) -> str:
    """Label of the only input, the gap between calls in it."""
    group = Group(model=MODEL, input=_fed(own), small=_fed(own), seconds=1, load=load)
    return group.label(label(own.shapes))


def _fed(own: Own) -> Input:
    return Input(label=label(own.shapes), shapes=tuple(dict(feed) for feed in own.shapes))


def prepared(own: Own, load: Load) -> Prepared:
    """Its files, where they are."""
    return Prepared(
        model_path=own.path,
        sha256=own.facts.sha256,
        parameters=own.facts.parameters,
        denormals=own.facts.denormals,
        flops={named(own, load): None},
        input_paths={named(own, load): own.files},
    )


def plan(
    stage: str, cases: Sequence[Case], own: Own, machine: Machine, profile: Profile, how: Called
) -> PlannedExperiment:
    """All cases on the one group that there is."""
    fed = _fed(own)
    group = Group(model=MODEL, input=fed, small=fed, seconds=how.seconds, load=how.load)
    planned = PlannedGroup(
        index=0,
        group=group,
        input=replace(fed, label=named(own, how.load)),
        cases=tuple(case.id for case in cases),
        note="",
        memory_bytes=0,
    )
    return PlannedExperiment(
        experiment=experiment(stage, cases, group),
        profile=profile,
        cases=tuple(cases),
        groups=(planned,),
        dropped=(),
        machine=machine,
        measured={0: how.seconds},
    )


def expected_seconds(combinations: int, sample_s: float) -> float:
    """Of confirmation up to its first look, the default beside them twice a round and once for the A/A row."""
    return CONFIRM.looks[0] * (combinations + 3) * sample_s


def experiment(stage: str, cases: Sequence[Case], *groups: Group) -> Experiment:
    """A stage in the words of the site."""
    titles = {CHECKS: "设置是否生效", SCREENING: "逐项筛选", CONFIRMATION: "组合后的确认"}
    return Experiment(
        id=stage,
        title=titles[stage],
        question="哪些设置对这个模型有用？",
        cases=lambda _: tuple(cases),
        groups=groups,
        columns=COLUMNS,
    )


def task(planned: PlannedExperiment, writer: store.Writer, own: Own, work: Path, python: str) -> Task:
    """A stage under way, in processes of that interpreter."""
    models = {MODEL: prepared(own, planned.groups[0].group.load)}
    worker = partial(run_worker, python=python)
    return Task(planned=planned, writer=writer, models=models, work=work, worker=worker)


def header(planned: PlannedExperiment, own: Own, here: Here, key: str, build: str, seed: int) -> Header:
    """First line of a stage's journal."""
    models = {MODEL: prepared(own, planned.groups[0].group.load)}
    return first_line(planned, here.facts(), key, build, seed, models)
