"""A world that the mill knows everything of: what each setting does, whether it is in effect, where it fails.

And what its untimed children observe: proofs that hold, that show nothing, that cannot be seen.
"""

from __future__ import annotations

import json
import math
import random
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

from samples import MIB

from bench.experiments import EXPERIMENTS, OF_A_BUILD
from bench.measure import proof
from bench.measure.evidence import ARENA_FACTS, RECEIVED, RECEIVED_SWITCHES, as_listed
from bench.measure.plan import PlannedExperiment, PlannedGroup, identity, resolve
from bench.measure.profiles import PROFILES
from bench.results import stats
from bench.results.records import Outcome, Told, Untimed
from bench.spec import BASELINE, CONTROL, Machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.measure.proof import Facts
    from bench.spec import Block, Case, Proof

TIMES = (
    *(1.0,) * 6,
    *(0.99, 1.01, 0.98, 1.02, 0.96, 1.04),  # a half, one, two times the 2 % of faster and slower
    *(0.975, 1.025, 0.95, 1.05, 0.90, 1.10),  # the same of the 5 % of no difference, and of the limits
    *(0.92, 1.08, 1.13, 0.5, 2.0),
)
CLAIMED = (1.13, 1.13, 1.105, 1.155, 1.08, 1.18, 1.03, 1.23)
"""Around the 13 % ± 5 % of the article."""
MARGINS, FACTORS = (*(0.0,) * 6, -0.5, 0.5, -1.0, 1.0, -2.0, 2.0), (2.0, 0.33)
"""Of memory."""
CORES_USED = (1.0, 1.1, 1.2, 1.4, 2.0)
GROWTH = (0.0, 0.0, 8.0, 16.0, 32.0, 100.0)
"""MiB in a thousand runs."""
UNMEASURED = ("id", "title", "proofs", "lacking")
"""What a case is besides the process that it asks for."""

QUIET = {"session_info_lines": 0.0, "session_verbose_lines": 0.0, "warning_lines": 2.0, "trace_bytes": 0.0}
"""What the default shows when nobody looks into its log."""
DEFAULT = {
    "arena_regions": 5.0, "arena_mib": 5.0, "second_run_regions": 3.0, "exact_regions_share": 0.0, "arena_shrinks": 0.0,
    "callers": 1.0, "processes": 1.0, "block_sizes": 1.0, "file": 1.0, "huge_page_mib": 0.0, "minor_faults": 400.0, "idle_cpu_s": 0.08,
    "nodes": 100.0, "operators": 123.0, "node_threads": 1.0, "overlapping_nodes": 0.0,
    RECEIVED + "enable_mem_pattern": 1.0, RECEIVED + "enable_mem_reuse": 1.0, RECEIVED + "enable_cpu_mem_arena": 1.0,
    RECEIVED + "execution_mode": 0.0, RECEIVED + "graph_optimization_level": 4.0,
    RECEIVED + "intra_op_num_threads": 0.0, RECEIVED + "inter_op_num_threads": 0.0,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What one setting really does in one group: latency over the default's, MiB, cores kept busy by a call."""

    time: float = 1.0
    peak: float
    kept: float
    cores: float
    grown: float = 0.0
    outcome: Outcome | None = None
    """Whether it can be seen to be in effect; None: the default."""
    fails: Literal["", "once", "always"] = ""

    def memory(self, metric: str) -> float:
        return self.peak if metric == "peak_mib" else self.kept


class World:
    """One machine on one day."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(f"world {seed}")
        self.seed, self.cores = seed, rng.choice((2, 2, 64))
        self.logical = self.cores * rng.choice((1, 2))
        self.physical = rng.choice((self.logical, self.logical // 2))
        self.threads = rng.choice((self.logical, max(2, self.logical // 2)))  # that the default has
        self.slow = rng.choice((1.0, 1.0, 1.0, 5.0))  # times longer than usual, whatever it does
        self.spells = rng.random() < 0.5
        self.busy = rng.choice((*(0.0, 0.05) * 4, 0.5))  # share of the rounds that others disturb
        self.profile = PROFILES[rng.choice(("default", "default", "thorough"))]
        self.budget = rng.choice((9.0, 9.0, 1.1, 0.9))  # share of the plan that there is time for
        self.foreign_log = rng.random() < 0.1  # in another wording of ORT's than we know
        self.hides_errors = rng.random() < 0.5  # at the highest log level
        # elsewhere: failed, and another build's passed later
        self.selftest = rng.choice(("passed", "passed", "failed", "missing", "elsewhere"))
        self.planned: dict[str, PlannedExperiment] = {}
        self.effects: dict[tuple[str, int, str], Effect] = {}
        seconds: dict[Block, float] = {}
        for name, experiment in ((one, EXPERIMENTS[one]) for one in OF_A_BUILD):
            planned = resolve(experiment, self.profile, self._machine, free_bytes=24 << 30)
            for group in planned.groups:
                seconds.setdefault(planned.block(group), group.group.seconds * self.slow)
            found = {group.index: seconds[planned.block(group)] for group in planned.groups}
            self.planned[name] = replace(planned, measured=found)
        known: dict[str, Effect] = {}
        # What is observed on one group is in effect on all: that decides, where another experiment asks for the same.
        for planned in sorted(self.planned.values(), key=lambda one: one.observes_each_group):
            for group in planned.groups:
                self._draw(planned, group, known)

    @property
    def _machine(self) -> Machine:
        return Machine(cores=self.cores, libc="glibc 2.36", software={"onnxruntime": "1.31.1"})

    def _draw(self, planned: PlannedExperiment, group: PlannedGroup, known: dict[str, Effect]) -> None:
        """Equal processes do the same in every experiment."""
        name, default = planned.experiment.id, identity(planned, group, planned.case(BASELINE))
        usual = known.setdefault(
            default, _default(group, self.cores, random.Random(f"{self.seed} {default}"))
        )
        for case in map(planned.case, group.cases):
            if case.id == CONTROL:
                effect = replace(usual, fails="")
            else:
                same = identity(planned, group, case)
                drawn = known.get(same) or _effect(self.seed, same, planned, case, usual)
                effect = known[same] = drawn
            self.effects[name, group.index, case.id] = effect


def _default(group: PlannedGroup, cores: int, rng: random.Random) -> Effect:
    peak = rng.choice((90.0, 300.0, 1200.0)) * (1 if group.timed else 4)
    place = group.group.place
    usable = max(1.0, cores * (place.cores or place.quota_share or 1) / group.group.load.processes)
    kept, fails = peak * rng.choice((0.4, 0.6, 0.8)), "once" if rng.random() < 0.02 else ""
    return Effect(peak=peak, kept=kept, cores=usable, fails=fails)


def _effect(seed: int, same: str, planned: PlannedExperiment, case: Case, default: Effect) -> Effect:
    """A case does nothing on any input, the same on each, or something else on each."""
    changed = {name: value for name, value in asdict(case).items() if name not in UNMEASURED}
    asked = json.dumps(changed, sort_keys=True)
    everywhere, here = (random.Random(f"{seed} {asked}{place}") for place in ("", f" {same}"))
    kind, dead = everywhere.choice(("idle", "alike", "free")), everywhere.random() < 0.04
    fails = "always" if dead else "once" if here.random() < 0.04 else ""
    seen = here if planned.observes_each_group else everywhere
    outcome = seen.choice(("effect",) * 6 + ("nothing", "unseen"))
    drawn = _changed(default, case, everywhere if kind == "alike" else here)
    return replace(default if kind == "idle" or outcome == "nothing" else drawn, outcome=outcome, fails=fails)


def _changed(default: Effect, case: Case, rng: random.Random) -> Effect:
    margins, claimed = rng.random() < 0.8, dict(case.settings) == {"enable_cpu_mem_arena": False}

    def memory(usual: float) -> float:
        added = rng.choice(MARGINS) * stats.notable_mib(usual)
        return usual + added if margins else usual * rng.choice(FACTORS)

    peak, kept = memory(default.peak), memory(default.kept)
    cores = default.cores * rng.choice(CORES_USED)
    grown = rng.choice(GROWTH) if "enable_profiling" in case.settings else 0.0
    time = rng.choice(TIMES + CLAIMED if claimed else TIMES)
    return Effect(time=time, peak=max(peak, kept), kept=kept, cores=cores, grown=grown)


def untimed(world: World, planned: PlannedExperiment, rng: random.Random) -> Iterator[Untimed]:
    """A child a case: on every group where the experiment asks for it, else on the first that has it."""
    seen: set[str] = set()
    for group in planned.groups:
        facts: dict[str, Facts] = {}
        for case in map(planned.case, group.cases):
            if case.id in seen and case.id != BASELINE and not planned.observes_each_group:
                continue
            effect = world.effects[planned.experiment.id, group.index, case.id]
            facts[case.id] = told = _facts(world, case, effect.outcome, facts, rng)
            usual = {name: facts.get(BASELINE, {}).get(RECEIVED + name) for name in RECEIVED_SWITCHES}
            # Settings written out with the value that the default has anyway, as the worker reports them.
            same = [n for n, v in case.settings.items() if n in usual and as_listed(n, v) == usual[n]]
            outcome, text = proof.judge(case, facts, same)
            regions = [MIB] * int(told.get("arena_regions", 0))
            operators = {"Conv": int(told["nodes"])} if told.get("nodes") else {}
            seen_as = {"outcome": outcome, "evidence": text, "regions": regions, "operators": operators}
            yield Untimed(group=group.index, case=case.id, facts=told, **seen_as)
        seen |= set(group.cases)


def _facts(
    world: World, case: Case, outcome: Outcome | None, facts: dict[str, Facts], rng: random.Random
) -> Facts:
    hidden = dict.fromkeys(ARENA_FACTS, 0.0) if world.foreign_log else {}
    if case.id == BASELINE:
        threads = dict.fromkeys(("threads_created", "threads_pinned"), world.threads - 1.0)
        return DEFAULT | threads | hidden
    if case.id == CONTROL:
        return dict(QUIET)
    logs = {"log_severity_level", "enable_profiling"} & set(case.settings)
    base = facts[BASELINE] | (QUIET if logs else {})
    if outcome == "nothing":
        return base
    # The strictest last, where several proofs speak of the same fact.
    proofs = sorted(case.proofs, key=lambda one: _bound(one, base, facts))
    shown = base | {look.fact: _shown(look, _bound(look, base, facts)) for look in proofs}
    switches = {RECEIVED + n: as_listed(n, v) for n, v in case.settings.items() if n in RECEIVED_SWITCHES}
    shown |= switches | hidden
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


def _bound(look: Proof, base: Facts, facts: dict[str, Facts]) -> float:
    other = base if look.than in (None, BASELINE) else facts.get(look.than or "", {})
    return look.expected if look.than is None else other.get(look.fact, 0.0) * look.expected


def _shown(look: Proof, bound: float) -> float:
    """A value for which a proof holds, as far from its bound as a real one would be."""
    less = bound * 0.4 if look.fact == "idle_cpu_s" else float(math.floor(bound * 0.4))
    return {"==": bound, "!=": bound + 40, "<": less, ">": math.ceil(bound * 1.5) + 20}[look.relation]


def reports(world: World, planned: PlannedExperiment) -> Iterator[Told]:
    """What each log level printed of an error."""
    group = planned.groups[0]
    place = {"model": group.group.model, "input": group.input.label}
    for report in planned.experiment.reports:
        for case in report.cases if report.subject == "log_lines" else ():
            errors = [] if world.hides_errors and case == "level_4" else ["[E:onnxruntime:, x.cc:1] failed"]
            lines = {"error": errors, "warning": [], "misspelt_key": []}
            yield Told(subject=report.subject, case=case, **place, lines=lines)
