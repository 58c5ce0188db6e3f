"""A model that is optimised beforehand: saved once, loaded afterwards, whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from bench.measure.sampler import Task
from jobs import ONE, failure_of

from bench.measure import records, trace
from bench.measure.child import Outcome, run_worker
from bench.measure.plan import resolve
from bench.measure.trace import read_runs
from bench.results import store
from bench.spec import BASELINE, Case

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conftest import Make

    from bench.models.prepared import Prepared

    Job = Callable[..., dict[str, Any]]


@dataclass
class Saving:
    """A task on the tiny model with a case that loads a saved model; its jobs are kept, and its children are real."""

    task: Task
    jobs: list[Mapping[str, Any]]
    spoil: Callable[[Path], Outcome | None] = lambda _: None
    """What happens instead of saving."""

    @classmethod
    def below(cls, folder: Path, make: Make, tiny: Prepared) -> Saving:
        cases = (
            Case(id=BASELINE, title="默认"),
            Case(
                id="offline",
                title="事先优化",
                settings={"graph_optimization_level": "ORT_DISABLE_ALL"},
                saved_by={"graph_optimization_level": "ORT_ENABLE_ALL"},
            ),
        )
        experiment = make.experiment(cases=cases, groups=[make.group(model="tiny", input=ONE)])
        planned = resolve(experiment, make.profile(min_seconds=0), 2, 1 << 40)
        models = {"tiny": tiny}
        facts = records.Facts(machine={}, software={})
        writer = store.Writer.create(
            folder / "results", records.header(planned, facts, "0" * 16, "20260102-030405-abcd", 7, models)
        )
        task = Task(planned=planned, writer=writer, models=models, work=folder / "work")
        saving = cls(task, [])
        task.worker = saving.work
        return saving

    def work(self, job: Mapping[str, Any], env: Mapping[str, str], timeout_s: float) -> Outcome:
        self.jobs.append(job)
        if (target := job["settings"].get("optimized_model_filepath")) and (
            outcome := self.spoil(Path(target))
        ):
            return outcome
        return run_worker(job, env, timeout_s)

    def sample(self) -> Outcome:
        return self.task.sample(self.task.planned.groups[0], "offline")

    def operators(self, case: str) -> dict[str, int]:
        """What one run of a case executes."""
        group = self.task.planned.groups[0]
        outcome = self.task.start(group, self.task.planned.case(case), {"observe": True, "verbose": True})
        assert outcome.failure is None
        return trace.operators(read_runs(self.task.trace_path))

    def saves(self) -> list[bool]:
        """Of each job, whether it was to save the model."""
        return ["optimized_model_filepath" in job["settings"] for job in self.jobs]


@pytest.fixture
def saving(tmp_path: Path, make: Make, tiny: Prepared) -> Saving:
    return Saving.below(tmp_path, make, tiny)


def test_optimised_model_is_saved_once_and_then_loaded(saving: Saving, tiny: Prepared) -> None:
    for _ in range(2):
        assert saving.sample().failure is None
    assert saving.saves() == [True, False, False]
    saved = Path(saving.jobs[1]["model"])
    assert (saved.parent, saved.suffix) == (saving.task.work, ".onnx")
    assert [job["model"] for job in saving.jobs] == [str(tiny.model_path), str(saved), str(saved)]
    assert saving.jobs[0]["settings"]["graph_optimization_level"] == "ORT_ENABLE_ALL"
    assert saving.jobs[1]["settings"] == {"graph_optimization_level": "ORT_DISABLE_ALL"}
    assert list(saving.task.work.iterdir()) == [saved]


def test_saved_model_runs_the_nodes_of_the_optimised_one(saving: Saving) -> None:
    found = saving.operators("offline")
    assert found == saving.operators(BASELINE)
    assert sum(found.values()) == 3  # eight without optimisation


def test_model_that_could_not_be_saved_is_the_failure_of_the_case(saving: Saving, make: Make) -> None:
    spoilt = Outcome(0.0, "", failure=make.failure("timeout", "太慢"))
    saving.spoil = lambda _: spoilt
    assert failure_of(saving.sample()) == ("timeout", "太慢")
    assert saving.saves() == [True]


def test_half_a_saved_model_is_not_loaded(saving: Saving, make: Make) -> None:
    """Ended from outside while saving, the child is tried again, and so is the saving."""

    def spoil(target: Path) -> Outcome | None:
        if len(saving.jobs) > 1:
            return None
        target.write_bytes(b"half a model")
        return Outcome(0.0, "", failure=make.failure("out_of_memory"))

    saving.spoil = spoil
    assert saving.sample().failure is None
    assert saving.saves() == [True, True, False]


def test_interrupted_saving_is_done_again_by_the_resumed_build(saving: Saving) -> None:
    def interrupt(target: Path) -> None:
        target.write_bytes(b"half a model")
        raise KeyboardInterrupt

    saving.spoil = interrupt
    with pytest.raises(KeyboardInterrupt):
        saving.sample()
    saving.spoil = lambda _: None
    assert saving.sample().failure is None
