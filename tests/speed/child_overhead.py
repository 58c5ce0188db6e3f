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
SUBJECTS: dict[str, dict[str, Any]] = {
    "known_cost": {"subject": "known_cost", "options": {"sleep_ms": 0}, "verify": []},
    "session": {},
}


def overhead(outcome: Outcome) -> float:
    """Seconds of the whole process without those in calls."""
    assert outcome.figures, outcome.failure
    return outcome.wall_s - sum(outcome.figures.phases[name].run_ns for name in CALLED) / 1e9


def parts(outcome: Outcome) -> dict[str, float]:
    """Where they go: before our first line, in each phase, and in the rest."""
    assert outcome.figures
    phases = {
        name: phase.wall_ns / 1e9 for name, phase in outcome.figures.phases.items() if name not in CALLED
    }
    ours = outcome.figures.worker_ns / 1e9
    called = sum(outcome.figures.phases[name].wall_ns for name in CALLED) / 1e9
    return {"python": outcome.wall_s - ours, **phases, "rest": ours - called - sum(phases.values())}


def children_cpu_s() -> float:
    times = os.times()
    return times.children_user + times.children_system


def main() -> None:
    for name, changes in SUBJECTS.items():
        job = job_of(warm_up=0, **changes)
        before = children_cpu_s()
        outcomes = [run(job) for _ in range(RUNS)]
        cpu = (children_cpu_s() - before) / RUNS
        found = [overhead(outcome) for outcome in outcomes]
        print(
            f"{name}: median {median(found):.3f} s, least {min(found):.3f} s, worst {max(found):.3f} s of {RUNS}"
        )
        each = [parts(outcome) for outcome in outcomes]
        print(
            f"  CPU of a child, its calls included: {cpu:.3f} s"
        )  # on a busy machine, the figure to look at
        print("  " + ", ".join(f"{part} {median(one[part] for one in each):.3f}" for part in each[0]))


if __name__ == "__main__":
    main()
