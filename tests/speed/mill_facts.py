"""What untimed children of a made-up build observed: proofs that hold, that show nothing, that cannot be seen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bench.measure import proof
from bench.measure.evidence import ARENA_FACTS, RECEIVED, RECEIVED_SWITCHES, as_listed
from bench.results.records import Told, Untimed
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from speed.mill_truth import World

    from bench.measure.plan import PlannedExperiment, PlannedGroup
    from bench.measure.proof import Facts
    from bench.spec import Case, Proof

REGION = 1 << 20
QUIET = {"session_info_lines": 0.0, "session_verbose_lines": 0.0, "warning_lines": 2.0, "trace_bytes": 0.0}
"""What the default shows when nobody looks into its log."""
ENOUGH = 20
ERROR = "[E:onnxruntime:, x.cc:1] failed"


def untimed(world: World, planned: PlannedExperiment, rng: random.Random) -> Iterator[Untimed]:
    """A child a case: on every group where the experiment asks for it, else on the first that has it."""
    seen: set[str] = set()
    for group in planned.groups:
        facts: dict[str, Facts] = {}
        for case_id in group.cases:
            if case_id in seen and case_id != BASELINE and not planned.observes_each_group:
                continue
            case = planned.case(case_id)
            facts[case_id] = _facts(world, planned, group, case, facts, rng)
            usual = {name: facts.get(BASELINE, {}).get(RECEIVED + name) for name in RECEIVED_SWITCHES}
            # Settings written out with the value that the default has anyway, as the worker reports them.
            same = [n for n, v in case.settings.items() if n in usual and as_listed(n, v) == usual[n]]
            outcome, text = proof.judge(case, facts, same)
            told = facts[case_id]
            yield Untimed(
                group=group.index,
                case=case_id,
                facts=told,
                regions=[REGION] * int(told.get("arena_regions", 0)),
                operators={"Conv": int(told["nodes"])} if told.get("nodes") else {},
                outcome=outcome,
                evidence=text,
            )
        seen |= set(group.cases)


def _facts(
    world: World,
    planned: PlannedExperiment,
    group: PlannedGroup,
    case: Case,
    facts: dict[str, Facts],
    rng: random.Random,
) -> Facts:
    if case.id == BASELINE:
        return _of_default(world)
    if case.id == CONTROL:
        return dict(QUIET)
    base = {**facts[BASELINE], **(QUIET if _says_lines(case) else {})}
    outcome = world.effects[planned.experiment.id, group.index, case.id].outcome
    if outcome == "nothing":
        return base
    shown = base | {proof.fact: _shown(proof, base, facts) for proof in _by_fact(case, base, facts)}
    shown |= {
        RECEIVED + name: as_listed(name, v) for name, v in case.settings.items() if name in RECEIVED_SWITCHES
    }
    if world.foreign_log:
        shown |= {name: base[name] for name in ARENA_FACTS}
    return shown if outcome == "effect" else _unseen(base, shown, rng)


def _unseen(base: Facts, shown: Facts, rng: random.Random) -> Facts:
    """Nothing could be read; something else happened; all happened but the session was given another value."""
    switches = [name for name in shown if name.startswith(RECEIVED) and shown[name] != base.get(name)]
    match rng.choice(("empty", "other", "wrong")):
        case "wrong" if switches:
            return shown | {name: base.get(name, 0.0) for name in switches}
        case "other":
            return base | {"minor_faults": base["minor_faults"] * 3 + 1000}
    return {}


def _of_default(world: World) -> Facts:
    regions = 0.0 if world.foreign_log else 5.0
    received = dict.fromkeys(("enable_mem_pattern", "enable_mem_reuse", "enable_cpu_mem_arena"), 1.0)
    received |= dict.fromkeys(("execution_mode", "intra_op_num_threads", "inter_op_num_threads"), 0.0)
    received["graph_optimization_level"] = 4.0
    return {
        "arena_regions": regions,
        "arena_mib": regions,
        "exact_regions_share": 0.0,
        "second_run_regions": 0.0 if world.foreign_log else 3.0,
        "arena_shrinks": 0.0,
        "huge_page_mib": 0.0,
        "minor_faults": 400.0,
        "idle_cpu_s": 0.08,
        "nodes": 100.0,
        "operators": 123.0,
        "node_threads": 1.0,
        "overlapping_nodes": 0.0,
        "threads_created": world.threads - 1.0,
        "threads_pinned": world.threads - 1.0,
        **{RECEIVED + name: value for name, value in received.items()},
    }


def _says_lines(case: Case) -> bool:
    return bool({"log_severity_level", "enable_profiling"} & set(case.settings))


def _by_fact(case: Case, base: Facts, facts: dict[str, Facts]) -> list[Proof]:
    """The strictest last, where several speak of the same fact."""
    return sorted(case.proofs, key=lambda one: _bound(one, base, facts))


def _bound(look: Proof, base: Facts, facts: dict[str, Facts]) -> float:
    other = base if look.than in (None, BASELINE) else facts.get(look.than or "", {})
    return look.expected if look.than is None else other.get(look.fact, 0.0) * look.expected


def _shown(look: Proof, base: Facts, facts: dict[str, Facts]) -> float:
    """A value for which a proof holds, as far from its bound as a real one would be."""
    bound = _bound(look, base, facts)
    match look.relation:
        case "==":
            return bound
        case "!=":
            return bound + 40
        case "<":
            return bound * 0.4 if look.fact == "idle_cpu_s" else float(math.floor(bound * 0.4))
        case ">":
            return math.ceil(bound * 1.5) + ENOUGH


def reports(world: World, planned: PlannedExperiment) -> Iterator[Told]:
    """What each log level printed of an error."""
    for report in planned.experiment.reports:
        for case in report.cases if report.subject == "log_lines" else ():
            hidden = world.hides_errors and case == "level_4"
            group = planned.groups[0]
            lines = {"error": [] if hidden else [ERROR], "warning": [], "misspelt_key": []}
            yield Told(
                subject=report.subject,
                case=case,
                model=group.group.model,
                input=group.input.label,
                lines=lines,
            )
