"""What is tried on a model: settings one step away from the default, and what is put together of the best.

The settings are those of the site's own experiments, with their proofs. Settings of one family exclude each other;
families hardly interact, so the best of each may be combined, and every combination is measured again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from bench.experiments import EXPERIMENTS
from bench.results import race
from bench.results.race import CHEAP
from bench.spec import BASELINE, CONTROL, SINGLE, Case, Place, Proof

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from bench.results.tuned import Goal
    from bench.spec import Machine, Scalar

Family = Literal["threads", "spinning", "memory", "graph", "blocks", "denormals", "fusion"]

OWN: tuple[tuple[Family, str, tuple[str, ...]], ...] = (
    ("threads", "gaps", ("usable", SINGLE, "usable_pinned")),
    ("threads", "intra_op_num_threads", ("half",)),
    ("memory", "arena", ("pattern_off", "pattern_off_shrink", "arena_off", "arena_off_hugetlb")),
    ("memory", "recommended", ("arena_off_pattern_off",)),
    ("spinning", "gaps", ("spinning_stop", "no_spinning")),
    ("graph", "graph_optimization", ("extended",)),
    ("blocks", "dynamic_block_base", ("base_4",)),
    ("denormals", "denormals", ("zeroed",)),
)
"""Family, experiment, and those of its cases that are tried; the most promising first."""
CORES_FOR_BLOCKS = 4
FUSIONS = {
    "SkipLayerNormalization": "SkipLayerNormFusion",
    "SkipSimplifiedLayerNormalization": "SkipLayerNormFusion",
}
"""Operator of the optimised graph -> the optimiser that makes it, where doing without was seen to be faster."""
DISABLED = "optimization.disable_specified_optimizers"
TIE = 0.02
"""Nearer to the default than this, a faster setting is not worth its line."""


@dataclass(frozen=True, slots=True)
class Arm:
    """A setting to try, and what it is a variety of."""

    family: Family
    case: Case


@dataclass(frozen=True, slots=True)
class Combination:
    """Settings of several families together, and the needs that it is meant for."""

    case: Case
    goals: tuple[Goal, ...]
    arms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """Of a setting in screening: medians over the rounds; None where it was not told."""

    ratio: float
    costs: Mapping[Goal, float | None]
    """Need -> MiB, or seconds."""


def arms(
    machine: Machine,
    *,
    denormals: int,
    operators: Collection[str],
    optimised: bool,
    every_fusion: bool = False,
) -> list[Arm]:
    """What may help on such a machine. `operators`: of the graph as the default runs it; `optimised`: it comes so.

    `every_fusion`: to do without each one, as the experiment does.
    """
    found = [
        Arm(family, case)
        for family, experiment, wanted in OWN
        for case in _of(experiment, wanted, machine)
        if not case.lacking(machine)
    ]
    found += [
        Arm("fusion", _without(fusion))
        for fusion in sorted({FUSIONS[one] for one in operators if one in FUSIONS})
    ]
    if every_fusion:
        found += [Arm("fusion", one) for one in EXPERIMENTS["fusions"].cases(machine) if one.settings]
    left_out = {
        "denormals": not denormals,
        "graph": optimised,
        "fusion": optimised,
        "blocks": machine.cores < CORES_FOR_BLOCKS,
        "spinning": machine.cores < 2,
    }
    different: dict[str, Arm] = {}
    for one in found:
        if not left_out.get(one.family):
            different.setdefault(_key(one.case), one)  # one usable core: `single` is `usable`
    return list(different.values())


def _of(experiment: str, wanted: Iterable[str], machine: Machine) -> list[Case]:
    known = {case.id: case for case in EXPERIMENTS[experiment].cases(machine)}
    return [known[name] for name in wanted if name in known]


def _without(fusion: str) -> Case:
    """Not in `Case.settings` of any experiment: which fusion is in question shows in the reader's model."""
    return Case(
        id=f"no_{fusion.lower()}",
        title=f"不做 {fusion}",
        settings={DISABLED: fusion},
        proofs=(Proof(fact="operators", relation="!=", expected=1, than=BASELINE),),
    )


def _key(case: Case) -> str:
    return repr((dict(case.settings), dict(case.run_settings), dict(case.place.env)))


def combinations(arms: Iterable[Arm], seen: Mapping[str, Seen], goals: Iterable[Goal]) -> list[Combination]:
    """For each need, the best of every family together; equal ones stand once, the default is none.

    `seen`: by id, those that stayed to the end of screening, the default among them.
    """
    left = [one for one in arms if one.case.id in seen]
    found: dict[str, Combination] = {}
    for goal in goals:
        chosen = _best_of_each(left, seen, goal)
        if not chosen:
            continue
        made = together(chosen, goal)
        known = found.get(_key(made))
        combination = Combination(made, (goal,), tuple(one.case.id for one in chosen))
        found[_key(made)] = replace(known, goals=(*known.goals, goal)) if known else combination
    return list(found.values())


def _best_of_each(arms: list[Arm], seen: Mapping[str, Seen], goal: Goal) -> list[Arm]:
    families = dict.fromkeys(one.family for one in arms)
    best = {
        family: _best([one for one in arms if one.family == family], seen, _looked_for(family, goal))
        for family in families
    }
    chosen = [one for one in best.values() if one]
    single = any(one.case.id == SINGLE for one in chosen)
    return [one for one in chosen if not (single and one.family == "spinning")]  # nobody is there to spin


def _looked_for(family: Family, goal: Goal) -> Goal:
    """Memory is decided by its own settings, processor time by threads and what they do between calls."""
    if goal in ("peak", "kept"):
        return goal if family == "memory" else "latency"
    return goal if goal == "cpu" and family != "memory" else "latency"


def _best(arms: list[Arm], seen: Mapping[str, Seen], goal: Goal) -> Arm | None:
    """None: the default is as good."""
    if goal == "latency":
        first = min(arms, key=lambda one: seen[one.case.id].ratio)
        return first if seen[first.case.id].ratio < 1 - TIE else None
    base, notable = seen[BASELINE].costs[goal], race.notable(goal)
    costs = {
        one.case.id: cost
        for one in arms
        if seen[one.case.id].ratio <= CHEAP and (cost := seen[one.case.id].costs[goal]) is not None
    }
    if base is None or not costs:
        return None
    least = min(costs, key=costs.__getitem__)
    return next(one for one in arms if one.case.id == least) if base - costs[least] > notable(base) else None


def together(chosen: list[Arm], goal: Goal) -> Case:
    settings: dict[str, Scalar] = {}
    run_settings: dict[str, str] = {}
    env: dict[str, str] = {}
    for one in chosen:
        settings |= one.case.settings
        run_settings |= one.case.run_settings
        env |= one.case.place.env
    return Case(
        id=f"for_{goal}",
        title="，".join(one.case.title for one in chosen),
        settings=settings,
        run_settings=run_settings,
        place=Place(env=env),
        proofs=tuple(proof for one in chosen for proof in _alone(one.case)),
    )


def _alone(case: Case) -> tuple[Proof, ...]:
    """Proofs that need no other case than the default: only that one is measured beside a combination."""
    if "session.intra_op_thread_affinities" in case.settings:
        count = int(case.settings["intra_op_num_threads"])
        keys = ("intra_op_num_threads", "session.intra_op_thread_affinities")
        return (Proof(fact="threads_pinned", relation="==", expected=count - 1, keys=keys),)
    return tuple(proof for proof in case.proofs if proof.than in (None, BASELINE))


def defaults() -> tuple[Case, Case]:
    """What all is compared with, and that again under another name."""
    return Case(id=BASELINE, title="默认"), Case(id=CONTROL, title="默认（再测一次）")
