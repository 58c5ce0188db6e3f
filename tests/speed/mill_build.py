"""Whole builds that the real runner measures, on a clock of their own: only the processes are made up.

Noise is resampled from identical settings of a real build; a host may have slow spells besides.
"""

from __future__ import annotations

import json
import math
import os
import random
import tempfile
from bisect import bisect
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice, takewhile
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock, patch

from samples import MIB, FakeClock, Make
from speed import mill_truth

from bench.measure import cost, header, hindrances
from bench.measure.child import Outcome
from bench.measure.cores import Cores
from bench.measure.noise import Reading
from bench.measure.plan import identity, sample_seconds
from bench.measure.runner import Runner
from bench.measure.task import Task
from bench.results import store
from bench.results.trust import ALLOCATED, ALLOCATED_MIB, HELD, MORE, SELFTEST, SLEEP, SLEEP_MS
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from speed.mill_truth import Effect, World

    from bench.measure.plan import PlannedExperiment, PlannedGroup
    from bench.results.records import Failure
    from bench.results.store import Journal
    from bench.spec import Case

REAL = json.loads(Path(__file__).with_name("aa_noise.json").read_text(encoding="utf-8"))
USUAL = "ocr_rec"
"""A network that was not there then is as noisy as this one."""
SPELL_S, QUIET_S, SLOWER = (10.0, 60.0), 160.0, (1.2, 1.5)
LONGEST_S = 40_000.0
"""Length of a spell, mean length of what lies between two, how much longer everything takes in one: of many
samples, the 90th percentile is 1.3 times the median."""
MAKE, STARTED = Make(), "2026-01-02T03:04:05+00:00"
BUILD, LATER = "20260102-030405-abcd", "20260103-030405-abcd"
MEMORY = Path("/dev/shm")  # noqa: S108  only the mill reads what it leaves there
PASSES, NOISY = 100, ("latency", "memory", "memory")
TRIMMED = 0.97
"""Of what is kept, what a trim leaves."""
STARTING_S, FAILING_S = 0.02, 0.5
"""Between two processes; until one has crashed."""


def slow_spells(rng: random.Random, seconds: float) -> list[tuple[float, float, float]]:
    """When the machine below ours is slow: from, to, by which factor."""
    now, found = 0.0, []
    while now < seconds:
        start = now + rng.expovariate(1 / QUIET_S)
        now = start + rng.uniform(*SPELL_S)
        found.append((start, now, rng.uniform(*SLOWER)))
    return found


def slower(spells: Sequence[tuple[float, float, float]], start: float, seconds: float) -> float:
    """Mean factor over a while."""
    first = bisect(spells, start, key=itemgetter(1))  # the first one that ends after it
    met = takewhile(lambda spell: spell[0] < start + seconds, islice(spells, first, None))
    shared = ((min(end, start + seconds) - max(begun, start), factor) for begun, end, factor in met)
    return 1 + sum(max(0.0, length) * (factor - 1) for length, factor in shared) / seconds


class Known(Task):
    """An experiment whose worker is told what is asked of it instead of how to do it."""

    def hindrance(self, group: PlannedGroup, case: Case) -> Failure | None:
        """Room and files are this machine's, not those of the one that is made up."""
        return hindrances.lacking(self.planned, group, case)

    def job(self, group: PlannedGroup, case: Case, **_: object) -> dict[str, Any]:
        return {"planned": self.planned, "group": group, "case": case}


class AtOnce(Runner):
    """Tells nobody how long it will take: that would cost most of the time."""

    def remaining_s(self, *, checks: float = 0.0) -> float:  # noqa: ARG002
        return 0.0


@dataclass(slots=True)
class Host:
    """The made-up machine: it answers for every process, lets its clock go on, and is disturbed now and then."""

    world: World
    rng: random.Random
    spells: Sequence[tuple[float, float, float]]
    clock: FakeClock = field(default_factory=FakeClock)
    begun: Counter[str] = field(default_factory=Counter)
    """By what decides a process: how many there were."""
    ticks: int = 0
    stolen: int = 0
    identities: dict[tuple[str, int, str], str] = field(default_factory=dict)

    def __call__(self, job: Mapping[str, Any], env: object, timeout_s: float) -> Outcome:  # noqa: ARG002
        planned, group, case = job["planned"], job["group"], job["case"]
        asked = planned.experiment.id, group.index, case.id
        if asked not in self.identities:
            self.identities[asked] = identity(planned, group, case)
        same, effect = self.identities[asked], self.world.effects[asked]
        self.begun[same] += 1
        # A process that crashed is started again at once, and so is the round in which both did.
        if effect.fails == "always" or (effect.fails == "once" and self.begun[same] in (3, 4)):
            self.clock.advance(FAILING_S)
            return Outcome(FAILING_S, "", failure=MAKE.failure())
        usual = sample_seconds(planned, group)
        figures = MAKE.figures(**self._figures(group, effect, usual))
        wall = max(usual, figures.worker_ns / 1e9 + 0.05)
        self.clock.advance(wall + STARTING_S)
        return Outcome(wall, "", figures=figures)

    def noise(self, _: Sequence[int]) -> Reading:
        """Between any two readings, the share `busy` of them, the host took a half."""
        self.ticks += 1000
        self.stolen += 500 if self.rng.random() < self.world.busy else 0
        counts = {"total_ticks": self.ticks, "busy_ticks": 0, "steal_ticks": self.stolen, "own_seconds": 0.0}
        unread = dict.fromkeys(("pressure_us", "held_back_us", "throttled", "frequency_mhz"))
        return Reading(**counts, **unread, available_bytes=8 << 30, at=self.clock())

    def _figures(self, group: PlannedGroup, effect: Effect, usual: float) -> dict[str, Any]:
        """What a process reports that has this effect."""
        calls = PASSES * len(group.input.shapes)
        noise = [math.exp(self.rng.choice(_noise(one, group))) for one in NOISY]
        latency = 0.3e9 * usual / calls * effect.time * noise[0] * slower(self.spells, self.clock(), usual)
        kept, peak = int(effect.kept * noise[1] * MIB), int(effect.peak * noise[2] * MIB)
        return _memories(min(50 * MIB, kept), kept, max(kept, peak)) | {
            "feeds": len(group.input.shapes),
            "calls": calls,
            "latency_ns": int(latency),
            "cores": min(effect.cores, self.world.cores),
            "before_steady_bytes": max(MIB, kept - int(effect.grown * calls / 1000 * MIB)),
            "threads_created": self.world.threads - 1,
        }


def measured(world: World) -> dict[str, Journal]:
    """Results of every experiment as they stand on disk when the runner is done with them."""
    rng = random.Random(f"samples {world.seed}")
    host = Host(world, rng, slow_spells(rng, seconds=LONGEST_S) if world.spells else ())
    budget = world.budget * cost.expected_seconds(tuple(world.planned.values()))
    folder = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=folder) as kept, patch.object(os, "fsync", Mock()):
        tasks = [_begun(world, planned, rng, Path(kept), host) for planned in world.planned.values()]
        fakes: Any = {"clock": host.clock, "read_noise": host.noise, "cores": Cores(iter(()))}
        runner = AtOnce(tasks, world.seed, budget, Mock(), observes=False, **fakes)
        runner.run()
        paths = [task.writer.journal.path for task in tasks]
        return {path.parent.name: store.read(path) for path in paths}


def _begun(world: World, planned: PlannedExperiment, rng: random.Random, folder: Path, host: Host) -> Task:
    """A journal in which all stands that comes before the first round."""
    prepared = MAKE.prepared([group.input.label for group in planned.groups])
    cores = {"cores": world.cores, "logical_cores": world.logical, "physical_cores": world.physical}
    facts = header.Facts({"cpu": "某处理器", **cores}, {"onnxruntime": "1.31.1", "python": "3.11.7"})
    models = dict.fromkeys((group.group.model for group in planned.groups), prepared)
    first = header.first_line(planned, facts, "0123456789abcdef", BUILD, world.seed, models)
    writer = store.Writer.create(folder, first.model_copy(update={"started_at": STARTED}))
    for record in (*mill_truth.untimed(world, planned, rng), *mill_truth.reports(world, planned)):
        writer.append(record)
    return Known(planned, writer, models, folder / "work", host)


def _memories(opened: int, kept: int, peak: int) -> dict[str, Any]:
    later = dict.fromkeys(("after_second_bytes", "before_steady_bytes", "kept_bytes"), kept)
    trimmed = {"kept_trimmed_bytes": int(kept * TRIMMED), "peak_bytes": peak, "rss_bytes": [kept]}
    return {"base_bytes": opened, "open_peak_bytes": opened, "after_first_bytes": opened, **later, **trimmed}


def _noise(metric: str, group: PlannedGroup) -> list[float]:
    """Logarithms of what one process shows over what it should."""
    kind = "two_processes" if group.group.load.processes > 1 else group.group.model
    kind = kind if kind in REAL["latency"] else USUAL
    shapes = f"{kind} many shapes" if len(group.input.shapes) > 1 else kind
    return REAL[metric].get(shapes, REAL[metric][kind])


def self_tests(world: World) -> dict[str, Journal]:
    """Build -> its self-test: of the build that is shown, and of a later one that must not vouch for it."""
    builds = {"passed": {BUILD: True}, "failed": {BUILD: False}, "elsewhere": {BUILD: False, LATER: True}}
    found = {}
    for build, sees in builds.get(world.selftest, {}).items():
        names = {"path": Path(SELFTEST) / f"{build}.jsonl", "build": build, "experiment": SELFTEST}
        found[build] = MAKE.journal([list(_known(sees).items())] * 9, **names)
    return found


def _known(sees: bool) -> dict[str, dict[str, Any]]:  # noqa: FBT001
    """Things of known cost: with `sees`, the tenth more that is there; else none of it."""
    base, more = 50 * MIB, (50 + ALLOCATED_MIB) * MIB
    usual = {"cores": 1.0, **_memories(base, base, base)}
    changes = {
        MORE: {"latency_ns": 11_000_000 if sees else 10_000_000},
        SLEEP: {"latency_ns": SLEEP_MS * 1_000_000, "cores": 0.0},
        ALLOCATED: _memories(base, base, more),
        HELD: _memories(base, more, more),
    }
    return {case: usual | changes.get(case, {}) for case in (BASELINE, CONTROL, *changes)}
