"""A world that the mill knows everything of: what each setting does, whether it is in effect, where it fails."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from bench.experiments import EXPERIMENTS
from bench.measure.plan import PlannedExperiment, PlannedGroup, resolve
from bench.measure.profiles import PROFILES
from bench.results import stats
from bench.spec import BASELINE, CONTROL, Machine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.results.records import Outcome
    from bench.spec import Case

Place = tuple[str, int, str]
"""Experiment, index of its group, case."""

TIMES = (
    *(1.0,) * 6,
    *(0.99, 1.01, 0.98, 1.02, 0.96, 1.04),  # a half, one, two times the 2 % of faster and slower
    *(0.975, 1.025, 0.95, 1.05, 0.90, 1.10),  # the same of the 5 % of no difference, and of the limits
    *(0.92, 1.08, 1.13, 0.5, 2.0),
)
CLAIMED = (1.13, 1.13, 1.105, 1.155, 1.08, 1.18, 1.03, 1.23)
"""Around the 13 % ± 5 % of the article."""
MEMORIES = (*(0.0,) * 6, -0.5, 0.5, -1.0, 1.0, -2.0, 2.0)
"""In margins."""
FACTORS = (2.0, 0.33)
CORES_USED = (1.0, 1.1, 1.2, 1.4, 2.0)
GROWTH = (0.0, 0.0, 8.0, 16.0, 32.0, 100.0)
"""MiB in a thousand runs."""
FREE_BYTES = 24 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What one setting really does in one group."""

    time: float = 1.0
    """Latency over the default's."""
    peak: float
    kept: float
    """MiB."""
    cores: float
    """Kept busy by a call."""
    grown: float = 0.0
    outcome: Outcome | None = None
    """Whether it can be seen to be in effect; None: the default."""
    fails: Literal["", "once", "always"] = ""

    def memory(self, metric: str) -> float:
        return self.peak if metric == "peak_mib" else self.kept


@dataclass(slots=True, kw_only=True)
class World:
    """One machine on one day."""

    seed: int
    cores: int
    threads: int
    """That the default has."""
    logical: int
    physical: int
    slow: float
    """How many times longer than usual everything takes."""
    spells: bool
    busy: float
    """Share of the rounds that others disturb."""
    rounds: int
    """At the most: the budget may end early."""
    foreign_log: bool
    """ORT words its log in another way than we know."""
    hides_errors: bool
    """Whether the highest log level shows no errors."""
    selftest: Literal["passed", "failed", "missing", "elsewhere"]
    """elsewhere: failed, and another build's passed later."""
    planned: dict[str, PlannedExperiment] = field(default_factory=dict)
    effects: dict[Place, Effect] = field(default_factory=dict)


def draw(seed: int) -> World:
    """The world of a seed."""
    rng = random.Random(f"world {seed}")
    cores = rng.choice((2, 2, 64))
    logical = cores * rng.choice((1, 2))
    world = World(
        seed=seed,
        cores=cores,
        threads=logical if rng.random() < 0.5 else max(2, logical // 2),
        logical=logical,
        physical=rng.choice((logical, logical // 2)),
        slow=rng.choice((1.0, 1.0, 1.0, 5.0)),
        spells=rng.random() < 0.5,
        busy=rng.choice((*(0.0, 0.05) * 4, 0.5)),
        rounds=rng.choice((*(99,) * 12, 7, 5)),
        foreign_log=rng.random() < 0.1,
        hides_errors=rng.random() < 0.5,
        selftest=rng.choice(("passed", "passed", "failed", "missing", "elsewhere")),
    )
    for name, experiment in EXPERIMENTS.items():
        planned = resolve(experiment, PROFILES["default"], Machine(cores=cores), FREE_BYTES)
        seconds = {group.index: group.group.seconds * world.slow for group in planned.groups}
        world.planned[name] = replace(planned, measured=seconds)
        world.effects |= _effects(name, planned, rng)
    return world


def _effects(name: str, planned: PlannedExperiment, rng: random.Random) -> Mapping[Place, Effect]:
    found: dict[Place, Effect] = {}
    everywhere = {case.id: _habits(name, case, rng) for case in planned.cases}
    for group in planned.groups:
        default = _default(group, planned.machine.cores, rng)
        for case_id in group.cases:
            habits = everywhere[case_id]
            if case_id in (BASELINE, CONTROL):
                once = "once" if case_id == BASELINE and rng.random() < 0.02 else ""
                found[name, group.index, case_id] = replace(default, fails=once)
                continue
            outcome = _outcome(rng) if planned.observes_each_group else habits.outcome
            drawn = habits.change or _change(name, planned.case(case_id), rng)
            effect = default if habits.idle or outcome == "nothing" else drawn.of(default)
            fails = "always" if habits.dead else "once" if rng.random() < 0.04 else ""
            found[name, group.index, case_id] = replace(effect, outcome=outcome, fails=fails)
    return found


@dataclass(frozen=True, slots=True)
class Change:
    """What a setting does to the default of any group; memories in margins, or as factors."""

    time: float
    peak: float
    kept: float
    in_margins: bool
    cores: float
    grown: float

    def of(self, default: Effect) -> Effect:
        peak, kept = self._memory(default.peak, self.peak), self._memory(default.kept, self.kept)
        return replace(
            default,
            time=self.time,
            peak=max(peak, kept),
            kept=kept,
            cores=default.cores * self.cores,
            grown=self.grown,
        )

    def _memory(self, default: float, change: float) -> float:
        return default + change * stats.notable_mib(default) if self.in_margins else default * change


@dataclass(frozen=True, slots=True)
class Habits:
    """What holds of a case in every group of an experiment."""

    outcome: Outcome
    idle: bool
    """It is in effect, and makes no difference."""
    dead: bool
    change: Change | None
    """None: another one in each group."""


def _habits(name: str, case: Case, rng: random.Random) -> Habits:
    kind = rng.choice(("idle", "alike", "free"))
    change = _change(name, case, rng) if kind == "alike" else None
    return Habits(_outcome(rng), kind == "idle", rng.random() < 0.04, change)


def _change(name: str, case: Case, rng: random.Random) -> Change:
    times = TIMES + CLAIMED if (name, case.id) == ("arena", "arena_off") else TIMES
    in_margins = rng.random() < 0.8
    memories = MEMORIES if in_margins else FACTORS
    return Change(
        time=rng.choice(times),
        peak=rng.choice(memories),
        kept=rng.choice(memories),
        in_margins=in_margins,
        cores=rng.choice(CORES_USED),
        grown=rng.choice(GROWTH) if name == "profiling" else 0.0,
    )


def _outcome(rng: random.Random) -> Outcome:
    return rng.choice(("effect",) * 6 + ("nothing", "unseen"))


def _default(group: PlannedGroup, cores: int, rng: random.Random) -> Effect:
    peak = rng.choice((90.0, 300.0, 1200.0)) * (1 if group.timed else 4)
    usable = max(1.0, cores * (group.group.place.cores or 1) / group.group.load.processes)
    return Effect(peak=peak, kept=peak * rng.choice((0.4, 0.6, 0.8)), cores=usable)
