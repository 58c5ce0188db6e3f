"""Seconds that a measuring child costs beside what is measured. Aim: at most 0.25. Run by hand, machine idle."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from real_children import job_of, run

from bench.results.process import CALLED

if TYPE_CHECKING:
    from bench.measure.child import Outcome

RUNS = 15
KNOWN: dict[str, Any] = {"subject": "known_cost", "options": {"sleep_ms": 0}, "verify": []}


def parts(outcome: Outcome) -> dict[str, float]:
    """Where the seconds go that are not in calls: before our first line, in each phase, and in the rest."""
    assert outcome.figures, outcome.failure
    phases, ours = outcome.figures.phases, outcome.figures.worker_ns / 1e9
    quiet = {name: phase.wall_ns / 1e9 for name, phase in phases.items() if name not in CALLED}
    rest = ours - sum(phases[name].run_ns for name in CALLED) / 1e9 - sum(quiet.values())
    return {"python": outcome.wall_s - ours, **quiet, "rest": rest}


def main() -> None:
    for name, changes in (("known_cost", KNOWN), ("session", {})):
        job, before = job_of(warm_up=0, **changes), os.times()
        each = [parts(run(job)) for _ in range(RUNS)]
        cpu = sum(after - earlier for after, earlier in zip(os.times()[2:4], before[2:4], strict=True)) / RUNS
        found = [sum(one.values()) for one in each]
        print(f"{name}: median {median(found):.3f} s, {min(found):.3f}-{max(found):.3f} s of {RUNS}")
        print(f"  CPU of a child, its calls included, the figure of a busy machine: {cpu:.3f} s")
        print("  " + ", ".join(f"{part} {median(one[part] for one in each):.3f}" for part in each[0]))


if __name__ == "__main__":
    main()
