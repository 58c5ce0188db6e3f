"""Simulate rows of ratios that stop at looks, and count what their verdicts and intervals are worth.

    python tests/speed/stopping.py --rows 3000 --seed 1 --write bench/pages/stopping.json

A block holds two cases of each truth, is ordered as a real one, and is settled and judged by the code that judges real
builds. A row that stopped early is judged by the A/A row of all rounds of its block, as there.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from math import comb
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent.parent))
from speed.mill_build import QUIET_S, SLOWER, SPELL_S, slow_spells, slower

from bench.measure.plan import NEAR_SECONDS, order_round
from bench.results import looks, stats
from bench.results.metrics import METRICS
from bench.results.view import GroupView
from bench.spec import BASELINE, CONTROL, Load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.results.metrics import Metric

TRUTHS = (1.0, 1.03, 1.05, 1.08, 1.15)
RULES = ((6,), (6, 10), (6, 10, 14, 18))
"""Rounds after which one looks; after the last all stop."""
SAMPLE_S, APART_S = 1.0, 120.0
"""Length of a sample; from one round of a block to the next."""
PROCESS_SD = {"quiet": 0.015, "noisy": 0.02}
"""Of the logarithm of what a process takes; a noisy host has slow spells besides."""
CASES = {f"{truth} {place}": truth for truth in TRUTHS for place in "ab"}
RATIO = METRICS["ratio"]
Ratios = dict[str, list[float]]


class Rows(GroupView):
    """A block so far: ratios by case, and how many of them were there when the case left."""

    def __init__(self, ratios: Mapping[str, Sequence[float]]) -> None:
        self.ratios = ratios
        self.record: Any = SimpleNamespace(shapes=[{}], load=Load())
        self.ends, self.draft = [], False

    def by_round(self, case: str, metric: Metric) -> list[float | None]:  # noqa: ARG002
        return list(self.ratios[case])

    def _control(self, metric: Metric) -> stats.Estimate:  # noqa: ARG002
        return stats.estimate(self.ratios[CONTROL])

    def failure(self, case: str) -> None:  # noqa: ARG002
        return None

    def outcome(self, case: str) -> str:  # noqa: ARG002
        return "effect"


@dataclass(slots=True)
class Cell:
    """What became of the rows of one noise, truth and rule."""

    rows: int = 0
    told: int = 0
    same: int = 0
    open: int = 0
    opposite: int = 0
    missed: int = 0
    rounds: int = 0

    def note(self, truth: float, verdict: str | None, found: stats.Estimate) -> None:
        assert found.low is not None
        assert found.high is not None
        self.rows += 1
        self.rounds += found.rounds
        self.told += verdict in ("faster", "slower")
        self.same += verdict == "same"
        self.open += verdict in ("unclear", None)
        self.opposite += truth > 1 and verdict == "faster"
        self.missed += not found.low <= truth <= found.high


def narrowest(count: int) -> tuple[int, int] | None:
    """Ranks that hold the median with 95 % at a count fixed beforehand: what must not be used by whoever looks."""
    allowed = 0.05 * 2**count
    cuts = [cut for cut in range(count // 2) if 2 * sum(comb(count, i) for i in range(cut + 1)) <= allowed]
    return (cuts[-1], count - 1 - cuts[-1]) if cuts else None


def measured(rng: random.Random, rounds: int, noise: str) -> Ratios:
    """Ratios of a block: of every sample to the nearest one of the default."""
    slow = slow_spells(rng, rounds * APART_S) if noise == "noisy" else []
    ratios: Ratios = defaultdict(list)
    for number in range(rounds):
        order = order_round([BASELINE, CONTROL, *CASES], rng, int(NEAR_SECONDS / SAMPLE_S))
        starts = [number * APART_S + place * SAMPLE_S for place in range(len(order))]
        took = [rng.lognormvariate(0, PROCESS_SD[noise]) * slower(slow, start, SAMPLE_S) for start in starts]
        baselines = [place for place, case in enumerate(order) if case == BASELINE]
        for place, case in enumerate(order):
            if case != BASELINE:
                near = took[min(baselines, key=lambda one: abs(one - place))]
                ratios[case].append(CASES.get(case, 1.0) * took[place] / near)
    return ratios


def stopped(ratios: Ratios, rule: Sequence[int]) -> Rows:
    """The block when nothing is open any more, or at the last look."""
    left: dict[str, int] = {}
    for look in rule:
        open_cases = [case for case in CASES if case not in left]
        view = Rows({case: ratios[case][:look] for case in (CONTROL, *open_cases)})
        gone = [case for case in open_cases if look == rule[-1] or looks.settled(view, case, (RATIO.id,))]
        left |= dict.fromkeys(gone, look)
        if len(left) == len(CASES):
            break
    return Rows({case: ratios[case][: left.get(case, look)] for case in (CONTROL, *CASES)})


def count(rows: int, seed: int) -> dict[tuple[str, float, tuple[int, ...]], Cell]:
    """(noise, truth, rule) -> at least so many rows."""
    cells: dict[tuple[str, float, tuple[int, ...]], Cell] = defaultdict(Cell)
    each = len(CASES) // len(TRUTHS)
    for noise in PROCESS_SD:
        rng = random.Random(f"{seed} {noise}")
        for _ in range(-(-rows // each)):
            ratios = measured(rng, RULES[-1][-1], noise)
            for rule in RULES:
                view = stopped(ratios, rule)
                floor = view.floor(RATIO, 2)
                for case, truth in CASES.items():
                    found = stats.estimate(view.values(case, RATIO))
                    verdict = None if view.noisy else stats.verdict(found, floor, tolerance=RATIO.floor)
                    cells[noise, truth, rule].note(truth, verdict, found)
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, value in (("--rows", 3000), ("--seed", 1)):
        parser.add_argument(name, type=int, default=value)
    parser.add_argument("--write", type=Path, help="file for the method page, as JSON")
    asked = parser.parse_args()
    cells = [
        {"noise": noise, "truth": truth, "looks": rule, **asdict(cell)}
        for (noise, truth, rule), cell in count(asked.rows, asked.seed).items()
    ]
    for cell in cells:
        print(*cell.values(), sep=" | ")
    if asked.write:
        command = f"python tests/speed/stopping.py --rows {asked.rows} --seed {asked.seed}"
        of_noise = {"process_sd": PROCESS_SD, "spell_s": SPELL_S, "quiet_s": QUIET_S, "slower": SLOWER}
        told = {"date": datetime.now(UTC).date().isoformat(), "command": command, "rows": asked.rows}
        lines = ",\n  ".join(json.dumps(cell) for cell in cells)
        head = json.dumps({**told, **of_noise}, indent=1).removesuffix("\n}")
        asked.write.write_text(f'{head},\n "cells": [\n  {lines}\n ]\n}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
