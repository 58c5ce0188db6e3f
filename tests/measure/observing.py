"""Experiments to observe, and traces that a fake worker leaves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traces import write_trace

from bench.measure import observer
from bench.spec import BASELINE, Case, Proof

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conftest import Make
    from lab import Lab

    from bench.measure.child import Outcome
    from bench.measure.task import Task
    from bench.results import store
    from bench.spec import Experiment

CASES = (BASELINE, "one", "two")
"""What is observed of the usual four: the default's second name shows nothing new."""


def observe(lab: Lab, task: Task) -> store.Journal:
    observer.observe(task, lambda _: None)
    return task.writer.journal


def each_group(make: Make, **changes: Any) -> Experiment:
    groups = [make.group(2), make.group(3, cases=(BASELINE, "two"))]
    return make.experiment(**{"groups": groups, "observe_each_group": True} | changes)


def proven_by(make: Make, *proofs: Proof, **changes: Any) -> Experiment:
    """`one` promises something."""
    cases = [Case(id=case, title=case, settings={"case": case}) for case in (BASELINE, "two")]
    one = Case(id="one", title="one", settings={"case": "one"}, proofs=proofs)
    return make.experiment(cases=(*cases, one), **changes)


def writes_traces(task: Task, lines: Mapping[str, Sequence[str]]) -> None:
    """Let the fake worker leave a trace where the real one would: case -> lines."""
    answer = task.worker

    def work(job: Mapping[str, Any], env: Mapping[str, str], timeout_s: float) -> Outcome:
        if job["observe"] and job["settings"]["case"] in lines:
            write_trace(Path(job["trace_prefix"]), lines[job["settings"]["case"]])
        return answer(job, env, timeout_s)

    task.worker = work


def reads_arenas(task: Task) -> None:
    """Let the log of every observed child tell of one region, as the real one does."""
    answer = task.worker

    def work(job: Mapping[str, Any], env: Mapping[str, str], timeout_s: float) -> Outcome:
        outcome = answer(job, env, timeout_s)
        return replace(outcome, log="Extended allocation by 1048576 bytes.\n") if job["observe"] else outcome

    task.worker = work
