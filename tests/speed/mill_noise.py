"""Noise for made-up samples: resampled from identical settings of a real build, and a host that has slow spells."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from bench.measure.plan import PlannedGroup

REAL: dict[str, dict[str, list[float]]] = json.loads(
    Path(__file__).with_name("aa_noise.json").read_text(encoding="utf-8")
)
USUAL = "ocr_rec"
SPELL_S = (10.0, 60.0)
QUIET_S = 160.0
"""Mean length of what lies between two spells."""
SLOWER = (1.2, 1.5)
"""How much longer everything takes in a spell: of many samples, the 90th percentile is 1.3 times the median."""


@dataclass(frozen=True, slots=True)
class Host:
    """The machine below ours: at which seconds it is slow, and how slow."""

    spells: Sequence[tuple[float, float, float]] = ()

    @classmethod
    def with_spells(cls, rng: random.Random, seconds: float) -> Host:
        now, spells = 0.0, []
        while now < seconds:
            start = now + rng.expovariate(1 / QUIET_S)
            now = start + rng.uniform(*SPELL_S)
            spells.append((start, now, rng.uniform(*SLOWER)))
        assert all(one[1] < other[0] for one, other in pairwise(spells))
        return cls(tuple(spells))

    def slower(self, start: float, seconds: float) -> float:
        """Mean factor over a while."""
        lost = 0.0
        for begun, ended, factor in self.spells:
            if begun >= start + seconds:
                break
            lost += max(0.0, min(ended, start + seconds) - max(begun, start)) * (factor - 1)
        return 1 + lost / seconds


def time(rng: random.Random, group: PlannedGroup) -> float:
    """What one process takes, over what it should."""
    return math.exp(rng.choice(REAL["latency"][_kind(group)]))


def memory(rng: random.Random, group: PlannedGroup) -> float:
    """What one process holds, over what it should."""
    kind = _kind(group)
    shapes = f"{kind} many shapes" if len(group.input.shapes) > 1 else kind
    return math.exp(rng.choice(REAL["memory"].get(shapes, REAL["memory"][kind])))


def _kind(group: PlannedGroup) -> str:
    """A network that was not there then is as noisy as one of a usual service."""
    kind = "two_processes" if group.group.load.processes > 1 else group.group.model
    return kind if kind in REAL["latency"] else USUAL
