"""A world that the mill knows everything of: what each setting does, whether it is in effect, where it fails."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from bench.experiments import EXPERIMENTS
from bench.measure.plan import PlannedExperiment, PlannedGroup, resolve
from bench.measure.profiles import PROFILES
from bench.results import stats
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.results.schema import Outcome
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
"""In margins; twice, and a third, of the default's come on top."""
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

    def group(self, experiment: str, index: int) -> PlannedGroup:
        return next(group for group in self.planned[experiment].groups if group.index == index)


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
        busy=rng.choice((0.0, 0.05, 0.05, 0.5)),
        rounds=rng.choice((99, 99, 99, 99, 99, 7, 5)),
        foreign_log=rng.random() < 0.1,
        hides_errors=rng.random() < 0.5,
        selftest=rng.choice(("passed", "passed", "failed", "missing", "elsewhere")),
    )
    for name, experiment in EXPERIMENTS.items():
        planned = resolve(experiment, PROFILES["default"], cores, FREE_BYTES)
        seconds = {group.index: group.group.seconds * world.slow for group in planned.groups}
        world.planned[name] = replace(planned, measured=seconds)
        world.effects |= _effects(name, planned, rng)
    return world


def _effects(name: str, planned: PlannedExperiment, rng: random.Random) -> Mapping[Place, Effect]:
    found: dict[Place, Effect] = {}
    everywhere = {case.id: (_outcome(rng), rng.random() < 0.3, rng.random() < 0.04) for case in planned.cases}
    for group in planned.groups:
        default = _default(group, planned.cores, rng)
        for case in (planned.case(one) for one in group.cases):
            outcome, idle, dead = everywhere[case.id]
            if planned.observes_each_group:
                outcome = _outcome(rng)
            fails = "always" if dead else "once" if rng.random() < 0.04 else ""
            effect = _effect(name, case, default, rng) if not idle else default
            if outcome == "nothing":
                effect = default
            if case.id not in (BASELINE, CONTROL):
                found[name, group.index, case.id] = replace(effect, outcome=outcome, fails=fails)
            else:
                once = "once" if case.id == BASELINE and rng.random() < 0.02 else ""
                found[name, group.index, case.id] = replace(default, fails=once)
    return found


def _outcome(rng: random.Random) -> Outcome:
    return rng.choice(("effect",) * 6 + ("nothing", "unseen"))


def _default(group: PlannedGroup, cores: int, rng: random.Random) -> Effect:
    peak = rng.choice((90.0, 300.0, 1200.0)) * (4 if group.group.memory_only else 1)
    usable = max(1.0, cores * group.group.cpu_share / group.group.processes)
    return Effect(peak=peak, kept=peak * rng.choice((0.4, 0.6, 0.9)), cores=usable)


def _effect(name: str, case: Case, default: Effect, rng: random.Random) -> Effect:
    times = TIMES + CLAIMED if (name, case.id) == ("arena", "arena_off") else TIMES
    peak, kept = _memory(default.peak, rng), _memory(default.kept, rng)
    return replace(
        default,
        time=rng.choice(times),
        peak=max(peak, kept),
        kept=kept,
        cores=default.cores * rng.choice(CORES_USED),
        grown=rng.choice(GROWTH) if name == "profiling" else 0.0,
    )


def _memory(default: float, rng: random.Random) -> float:
    if rng.random() < 0.2:
        return default * rng.choice((2.0, 0.33))
    return default + rng.choice(MEMORIES) * stats.notable_mib(default)
