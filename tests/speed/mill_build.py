"""Journals of a whole build, sample by sample, on a clock of their own: what the runner would have written.

Noise is resampled from identical settings of a real build; a host may have slow spells besides.
"""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samples import MIB, Make
from speed import mill_truth

from bench.measure import header
from bench.measure.plan import baseline_reach, order_round, sample_seconds
from bench.results.store import Journal
from bench.results.trust import ALLOCATED, ALLOCATED_MIB, HELD, MORE, SELFTEST, SLEEP, SLEEP_MS
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from speed.mill_truth import Effect, World

    from bench.measure.plan import PlannedExperiment, PlannedGroup

REAL = json.loads(Path(__file__).with_name("aa_noise.json").read_text(encoding="utf-8"))
USUAL = "ocr_rec"
"""A network that was not there then is as noisy as this one."""
SPELL_S, QUIET_S, SLOWER = (10.0, 60.0), 160.0, (1.2, 1.5)
"""Length of a spell, mean length of what lies between two, how much longer everything takes in one: of many
samples, the 90th percentile is 1.3 times the median."""
MAKE, STARTED = Make(), "2026-01-02T03:04:05+00:00"
BUILD, LATER = "20260102-030405-abcd", "20260103-030405-abcd"
PASSES, NOISY = 100, ("latency", "memory", "memory")
TRIMMED = 0.97
"""Of what is kept, what a trim leaves."""


def slow_spells(rng: random.Random, seconds: float) -> list[tuple[float, float, float]]:
    """When the machine below ours is slow: from, to, by which factor."""
    now, found = 0.0, []
    while now < seconds:
        start = now + rng.expovariate(1 / QUIET_S)
        now = start + rng.uniform(*SPELL_S)
        found.append((start, now, rng.uniform(*SLOWER)))
    return found


def slower(spells: Iterable[tuple[float, float, float]], start: float, seconds: float) -> float:
    """Mean factor over a while."""
    shared = ((min(end, start + seconds) - max(begun, start), factor) for begun, end, factor in spells)
    return 1 + sum(max(0.0, length) * (factor - 1) for length, factor in shared) / seconds


class Build:
    """Complete results of every experiment, measured in turns as the runner does."""

    def __init__(self, world: World) -> None:
        self.world, self.rng, self.now = world, random.Random(f"samples {world.seed}"), 0.0
        self.spells = slow_spells(self.rng, seconds=10_000.0) if world.spells else []
        self.journals = {name: self._begun(planned) for name, planned in world.planned.items()}
        turns = [(planned, group) for planned in world.planned.values() for group in planned.groups]
        for number in range(min(world.rounds, max(one.most_rounds for one in world.planned.values()))):
            waiting = [turn for turn in turns if number < turn[0].rounds(turn[1])]
            self.rng.shuffle(waiting)
            for planned, group in waiting:
                self._round(planned, group, number)
        for name, planned in world.planned.items():
            self.journals[name].add(MAKE.footer(min(world.rounds, planned.most_rounds)))

    def _begun(self, planned: PlannedExperiment) -> Journal:
        world, prepared = self.world, MAKE.prepared([group.input.label for group in planned.groups])
        cores = {"cores": world.cores, "logical_cores": world.logical, "physical_cores": world.physical}
        facts = header.Facts({"cpu": "某处理器", **cores}, {"onnxruntime": "1.31.1", "python": "3.11.7"})
        models = dict.fromkeys((group.group.model for group in planned.groups), prepared)
        first = header.first_line(planned, facts, "0123456789abcdef", BUILD, world.seed, models)
        path = Path(planned.experiment.id) / f"{BUILD}.jsonl"
        journal = Journal(path, first.model_copy(update={"started_at": STARTED}))
        for record in (*mill_truth.untimed(world, planned, self.rng), *mill_truth.reports(world, planned)):
            journal.add(record)
        return journal

    def _round(self, planned: PlannedExperiment, group: PlannedGroup, number: int) -> None:
        begun, journal = self.now, self.journals[planned.experiment.id]
        order = order_round(group.cases, self.rng, baseline_reach(planned, group))
        for position, case in enumerate(order):
            effect = self.world.effects[planned.experiment.id, group.index, case]
            failed = effect.fails == "always" or (effect.fails == "once" and number == 2)
            usual = sample_seconds(planned, group)
            found = MAKE.failure() if failed else self._figures(group, effect, usual)
            sample = MAKE.sample(case, found, group=group.index, round=number, position=position)
            wall = max(usual, sample.figures.worker_ns / 1e9 + 0.05) if sample.figures else 0.5
            journal.add(sample.model_copy(update={"started_s": self.now - begun, "wall_s": wall}))
            self.now += wall + 0.02
        journal.add(MAKE.end(number, group=group.index, dirty=self.rng.random() < self.world.busy))

    def _figures(self, group: PlannedGroup, effect: Effect, usual: float) -> dict[str, Any]:
        """What a process reports that has this effect."""
        calls = PASSES * len(group.input.shapes)
        noise = [math.exp(self.rng.choice(_noise(one, group))) for one in NOISY]
        latency = 0.3e9 * usual / calls * effect.time * noise[0] * slower(self.spells, self.now, usual)
        kept, peak = int(effect.kept * noise[1] * MIB), int(effect.peak * noise[2] * MIB)
        return _memories(min(50 * MIB, kept), kept, max(kept, peak)) | {
            "feeds": len(group.input.shapes),
            "calls": calls,
            "latency_ns": int(latency),
            "cores": min(effect.cores, self.world.cores),
            "before_steady_bytes": max(MIB, kept - int(effect.grown * calls / 1000 * MIB)),
            "threads_created": self.world.threads - 1,
        }


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
